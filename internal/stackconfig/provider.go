// SPDX-License-Identifier: Apache-2.0

package stackconfig

import "strings"

// ofProvider refuses a setting that only the providers would honour.
func (d *document) ofProvider(e entry) {
	key, of := strings.CutPrefix(e.key, "aws:")
	if other := instead(key); of && other != "" {
		d.problem(e.line, "only the providers would honour %q, and the tool would call AWS otherwise; instead, %s", e.key, other)
	}
}

// instead says what to use instead of a setting of the AWS provider that says who calls AWS, or how: only the providers honour
// it. Everything that the tool calls itself (the checks, a cleanup, a state in S3, eks-token) would be somebody else, or would
// not reach AWS. "" is a setting that only the providers have a use for.
func instead(key string) string {
	const profile = "export AWS_PROFILE=NAME"
	name := key
	if i := strings.IndexAny(key, ".["); i >= 0 {
		name = key[:i]
	}
	return map[string]string{
		"profile":                        profile,
		"accessKey":                      "export AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN",
		"secretKey":                      "export AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN",
		"token":                          "export AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN",
		"assumeRole":                     "give a profile of ~/.aws/config role_arn and source_profile, and " + profile,
		"assumeRoleWithWebIdentity":      "export AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE",
		"sharedConfigFiles":              "export AWS_CONFIG_FILE",
		"sharedCredentialsFiles":         "export AWS_SHARED_CREDENTIALS_FILE",
		"endpoints":                      "export AWS_ENDPOINT_URL, or AWS_ENDPOINT_URL_S3 and so on",
		"useFipsEndpoint":                "export AWS_USE_FIPS_ENDPOINT=true",
		"useDualstackEndpoint":           "export AWS_USE_DUALSTACK_ENDPOINT=true",
		"httpProxy":                      "export HTTP_PROXY",
		"httpsProxy":                     "export HTTPS_PROXY",
		"noProxy":                        "export NO_PROXY",
		"customCaBundle":                 "export AWS_CA_BUNDLE",
		"insecure":                       "export AWS_CA_BUNDLE with the certificate to trust",
		"ec2MetadataServiceEndpoint":     "export AWS_EC2_METADATA_SERVICE_ENDPOINT",
		"ec2MetadataServiceEndpointMode": "export AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
	}[name]
}
