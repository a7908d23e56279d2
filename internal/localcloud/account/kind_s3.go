// SPDX-License-Identifier: Apache-2.0

package account

import (
	"net"
	"net/http"
	"strings"

	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/objects"
	"emrflink/internal/pattern"
)

var bucketName = pattern.Lazy(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// bucketKinds are S3 buckets and their settings, each of which has the bucket's name as its id.
func bucketKinds() map[Kind]*spec {
	out := map[Kind]*spec{
		KindBucket: {
			missing: objects.NoSuchBucket,
			usable:  stateAvailable,
			refused: []string{"websites", "replicationConfigurations", "objectLockEnabled", "acl", "grants", "corsRules",
				"loggings"},
			check: checkBucket,
			make: func(t *tx, r *Resource) error {
				r.ID, r.Name = str(r.Props, "bucket"), str(r.Props, "bucket")
				r.ARN = "arn:" + PartitionOf(t.region()) + ":s3:::" + r.Name
				r.Attrs = Props{
					"arn": r.ARN, "region": t.region(), "bucketDomainName": r.Name + ".s3.amazonaws.com",
					"bucketRegionalDomainName": r.Name + ".s3." + t.region() + ".amazonaws.com",
					"hostedZoneId":             hostedZone(t.region()), "requestPayer": "BucketOwner",
					"accelerationStatus": "", "websiteDomain": "", "websiteEndpoint": "",
				}
				defaults(r.Attrs, r.Props, Props{"forceDestroy": false, "objectLockEnabled": false})
				return nil
			},
			blocked: func(t *tx, r *Resource) error {
				if flag(r.Props, "forceDestroy") || !t.a.Objects.Holds(r.ID) {
					return nil
				}
				message := "The bucket you tried to delete is not empty"
				if t.versioning(r.ID) != "" {
					message += ". You must delete all versions in the bucket."
				}
				return awserror.Status(http.StatusConflict, "BucketNotEmpty", "%s", message)
			},
			gone: func(t *tx, r *Resource) {
				t.a.Objects.Empty(t.Tx, r.ID)
				for _, k := range bucketSettings() {
					t.remove(k, r.ID)
				}
			},
		},
	}
	for _, k := range bucketSettings() {
		out[k] = bucketSetting(k)
	}
	return out
}

func bucketSettings() []Kind {
	return []Kind{
		KindBucketVersioning, KindBucketPublicAccessBlock, KindBucketEncryption, KindBucketPolicy,
		KindBucketLifecycle, KindBucketOwnershipControls,
	}
}

// bucketSetting is the rule of one setting of a bucket. Setting it again replaces it, as on S3.
func bucketSetting(k Kind) *spec {
	absent := map[Kind]string{
		KindBucketVersioning:        "NoSuchVersioningConfiguration",
		KindBucketPublicAccessBlock: "NoSuchPublicAccessBlockConfiguration",
		KindBucketEncryption:        "ServerSideEncryptionConfigurationNotFoundError", KindBucketPolicy: "NoSuchBucketPolicy",
		KindBucketLifecycle: "NoSuchLifecycleConfiguration", KindBucketOwnershipControls: "OwnershipControlsNotFoundError",
	}[k]
	s := &spec{
		missing: func(id string) *awserror.Error {
			return awserror.Status(http.StatusNotFound, absent, "The configuration of bucket %s does not exist", id)
		},
		usable: stateAvailable,
		refs:   []ref{{path: "bucket", kind: KindBucket, required: true}},
		make: func(_ *tx, r *Resource) error {
			r.ID, r.Name = str(r.Props, "bucket"), str(r.Props, "bucket")
			return nil
		},
	}
	switch k {
	case KindBucketPolicy:
		s.check = checkBucketPolicy
	case KindBucketVersioning:
		s.check = func(_ *tx, p Props, _ string) error {
			if v := str(p, "versioningConfiguration.status"); v != "Enabled" && v != "Suspended" && v != "Disabled" {
				return awserror.Bad("MalformedXML", "The versioning status %q is not Enabled or Suspended", v)
			}
			return nil
		}
	}
	return s
}

func checkBucket(t *tx, p Props, self string) error {
	name := str(p, "bucket")
	if !bucketName().MatchString(name) || strings.Contains(name, "..") || net.ParseIP(name) != nil {
		return awserror.Bad("InvalidBucketName", "The specified bucket is not valid: %q", name)
	}
	if self == "" && t.get(KindBucket, name) != nil {
		return awserror.Status(http.StatusConflict, "BucketAlreadyOwnedByYou",
			"Your previous request to create the named bucket succeeded and you already own it.")
	}
	return nil
}

func checkBucketPolicy(t *tx, p Props, _ string) error {
	doc, err := parsePolicy(str(p, "policy"))
	if err != nil {
		return awserror.Bad("MalformedPolicy", "%v", err)
	}
	if err := doc.CheckResource(); err != nil {
		return awserror.Bad("MalformedPolicy", "%v", err)
	}
	bucket := t.get(KindBucket, str(p, "bucket"))
	for _, s := range doc.Statements {
		for _, res := range s.Resource {
			if res != bucket.ARN && !strings.HasPrefix(res, bucket.ARN+"/") {
				return awserror.Bad("MalformedPolicy", "Policy has invalid resource: %s", res)
			}
		}
	}
	return nil
}

// bucket is what the objects need to know of their bucket.
func (t *tx) bucket(name string) (objects.Bucket, bool) {
	r := t.get(KindBucket, name)
	if r == nil {
		return objects.Bucket{}, false
	}
	return objects.Bucket{Versioning: t.versioning(name), Dying: r.dying()}, true
}

// versioning is "Enabled", "Suspended" or empty.
func (t *tx) versioning(bucket string) string {
	r := t.get(KindBucketVersioning, bucket)
	if r == nil {
		return ""
	}
	if s := str(r.Props, "versioningConfiguration.status"); s != "Disabled" {
		return s
	}
	return ""
}

// hostedZone is the Route 53 zone of S3's regional endpoint, from the S3 endpoints page of AWS's general
// reference; empty for regions whose zone the account does not know.
func hostedZone(region string) string {
	return map[string]string{
		"us-east-1": "Z3AQBSTGFYJSTF", "us-east-2": "Z2O1EMRO9K5GLX", "us-west-1": "Z2F56UZL2M1ACD",
		"us-west-2": "Z3BJ6K6RIION7M",
		"eu-west-1": "Z1BKCTXD74EZPE", "eu-central-1": "Z21DNDUVLTQW6Q",
	}[region]
}
