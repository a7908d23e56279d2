// SPDX-License-Identifier: Apache-2.0

package iam_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/iam"
)

func load(t *testing.T) *iam.ActionTable {
	t.Helper()
	table, err := iam.Actions()
	require.NoError(t, err)
	return table
}

func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

const object = "arn:aws:s3:::bucket/team/*"

func allow(action, resource string) string {
	return fmt.Sprintf(`{"Sid":"S","Effect":"Allow","Action":%q,"Resource":%q}`, action, resource)
}

// TestCheck: what it finds, in the words that it finds it with; "" is nothing.
func TestCheck(t *testing.T) {
	t.Parallel()
	const trust = `{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":{"Federated":"arn:aws:iam::1:` +
		`oidc-provider/x"},"Condition":{%s}}`
	const host = "oidc.eks.us-west-2.amazonaws.com/id/A"
	for name, c := range map[string]struct {
		kind iam.Kind
		text string
		want string
	}{
		"an action on its resource": {iam.KindManaged, document(allow("s3:GetObject", object)), ""},
		"a misspelt action": {iam.KindManaged, document(allow("s3:GetObjects", object)),
			`action "s3:GetObjects" is not in actions.csv`},
		"a bucket's action on an object": {iam.KindManaged, document(allow("s3:ListBucket", object)), "applies to none"},
		"an object's action on a bucket": {iam.KindManaged, document(allow("s3:GetObject", "arn:aws:s3:::bucket")),
			"applies to none"},
		"an image with an account": {iam.KindManaged,
			document(allow("ec2:RunInstances", "arn:aws:ec2:us-west-2:1:image/*")), "applies to none"},
		"log events on a group's streams": {iam.KindManaged,
			document(allow("logs:PutLogEvents", "arn:aws:logs:r:1:log-group:/a/b:*")), ""},
		"an action without resources on one": {iam.KindManaged,
			document(allow("ec2:DescribeSubnets", "arn:aws:ec2:r:1:subnet/*")), "applies to none"},
		"a write on everything": {iam.KindManaged, document(allow("s3:GetObject", "*")), "allowed on everything"},
		"a wildcard action":     {iam.KindManaged, document(allow("s3:*", object)), "allows more than is listed"},
		"a Sid with a dash": {iam.KindManaged,
			document(strings.Replace(allow("s3:GetObject", object), `"S"`, `"a-b"`, 1)), "letters and digits"},
		"an unknown operator": {iam.KindManaged,
			document(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"` + object +
				`","Condition":{"StringIs":{"a:b":"c"}}}`), `"StringIs"`},
		"a key that the action never has": {iam.KindManaged,
			document(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"` + object +
				`","Condition":{"StringLike":{"s3:prefix":"a/*"}}}`), "condition key s3:prefix"},
		"NotAction in an Allow": {
			iam.KindManaged, document(`{"Effect":"Allow","NotAction":"s3:GetObject","Resource":"` + object + `"}`), "NotAction",
		},
		"the old version": {
			iam.KindManaged, strings.Replace(document(allow("s3:GetObject", object)), "2012-10-17", "2008-10-17", 1), "Version",
		},
		"no version": {iam.KindManaged, `{"Statement":[` + allow("s3:GetObject", object) + `]}`, "Version"},
		"an identity policy with a principal": {
			iam.KindManaged,
			document(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"` + object + `","Principal":"*"}`),
			"Principal",
		},
		"a resource that nothing applies to": {
			iam.KindManaged,
			document(`{"Effect":"Allow","Action":"s3:GetObject","Resource":["` + object + `","arn:aws:s3:::bucket"]}`),
			"no action of the statement applies",
		},
		"too large a policy": {
			iam.KindManaged, document(allow("s3:GetObject", "arn:aws:s3:::"+strings.Repeat("b", 6100)+"/*")), "the quota is 6144",
		},
		"a letter that IAM refuses": {iam.KindManaged, document(allow("s3:GetObject", "arn:aws:s3:::b/ł/*")), "character"},
		"a trust with subject and audience": {
			iam.KindTrust,
			document(fmt.Sprintf(trust,
				`"StringEquals":{"`+host+`:sub":"system:serviceaccount:a:b","`+host+`:aud":"sts.amazonaws.com"}`)),
			"",
		},
		"a trust with a pattern for a subject": {
			iam.KindTrust,
			document(fmt.Sprintf(trust, `"StringLike":{"`+host+`:sub":"system:serviceaccount:a:*"}`)),
			"exact subject",
		},
		"a trust with a subject alone": {
			iam.KindTrust, document(fmt.Sprintf(trust, `"StringEquals":{"`+host+`:sub":"x"}`)), "exact subject and audience",
		},
		"a trust with an audience alone": {
			iam.KindTrust, document(fmt.Sprintf(trust, `"StringEquals":{"`+host+`:aud":"x"}`)), "exact subject and audience",
		},
		"a trust with patterns for both": {
			iam.KindTrust, document(fmt.Sprintf(trust, `"StringLike":{"`+host+`:sub":"x","`+host+`:aud":"x"}`)),
			"exact subject and audience",
		},
		"a trust with subject and audience of another issuer": {
			iam.KindTrust, document(fmt.Sprintf(trust, `"StringEquals":{"other:sub":"x","other:aud":"x"}`)),
			"condition key other:aud",
		},
		"a trust with another claim": {
			iam.KindTrust, document(fmt.Sprintf(trust, `"StringEquals":{"`+host+`:amr":"x"}`)), "condition key oidc",
		},
		"a trust with a key of something else": {
			iam.KindTrust, document(fmt.Sprintf(trust, `"StringEquals":{"s3:prefix":"x"}`)), "condition key s3:prefix",
		},
		"too large a trust": {
			iam.KindTrust,
			document(fmt.Sprintf(trust, `"StringEquals":{"`+host+`:sub":"`+strings.Repeat("s", 2048)+`","`+host+`:aud":"x"}`)),
			"the quota is 2048",
		},
		"a bucket for everyone": {
			iam.KindResource,
			document(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"` + object + `","Principal":"*"}`),
			"everyone is allowed",
		},
		"a bucket that denies everyone": {
			iam.KindResource, document(`{"Effect":"Deny","Action":"s3:*","Resource":"` + object + `","Principal":"*"}`), "",
		},
		"a bucket policy that names no one": {iam.KindResource, document(allow("s3:GetObject", object)), "Principal is missing"},
		"a key for its account": {
			iam.KindKey,
			document(`{"Effect":"Allow","Action":["kms:Encrypt*","kms:Decrypt"],"Resource":"*","Principal":{"AWS":"*"},` +
				`"Condition":{"StringEquals":{"kms:CallerAccount":"1"}}}`),
			"",
		},
		"a key for accounts by a pattern": {
			iam.KindKey,
			document(`{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*","Principal":{"AWS":"*"},` +
				`"Condition":{"StringLike":{"kms:CallerAccount":"*"}}}`),
			"everyone is allowed",
		},
		"a key for everyone by a service": {
			iam.KindKey,
			document(`{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*","Principal":{"AWS":"*"},` +
				`"Condition":{"StringEquals":{"kms:ViaService":"s3"}}}`),
			"everyone is allowed",
		},
		"a key's pattern of another service": {
			iam.KindKey, document(`{"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":{"AWS":"1"}}`),
			"allows more than is listed",
		},
		"a key for everyone": {
			iam.KindKey,
			document(`{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*","Principal":{"AWS":"*"}}`),
			"everyone is allowed",
		},
		"a Sid of the first and last letters and digits": {
			iam.KindManaged, document(strings.Replace(allow("s3:GetObject", object), `"S"`, `"09AZaz"`, 1)), "",
		},
		"spaces and line ends": {iam.KindManaged, " \t\r\n" + document(allow("s3:GetObject", object)), ""},
		"a control character": {
			iam.KindManaged, strings.Replace(document(allow("s3:GetObject", "arn:aws:s3:::~/*")), "~", "\x7f", 1),
			"character 0x7f",
		},
		"as large as a policy can be": {
			iam.KindManaged, sized(6144), "",
		},
		"a bucket's policy has no quota here": {
			iam.KindResource,
			document(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"` + object + `","Principal":{"AWS":"1"}}`), "",
		},
		"NotAction with NotResource": {
			iam.KindManaged, document(`{"Effect":"Allow","NotAction":"s3:GetObject","NotResource":"` + object + `"}`),
			"what nobody has listed",
		},
		"NotResource with NotPrincipal": {
			iam.KindResource,
			document(`{"Effect":"Allow","Action":"s3:GetObject","NotResource":"` + object + `","NotPrincipal":{"AWS":"1"}}`),
			"what nobody has listed",
		},
		"a Deny of all actions but some": {
			iam.KindManaged, document(`{"Effect":"Deny","NotAction":"iam:*","Resource":"` + object + `"}`), "",
		},
		"a Deny of all actions": {iam.KindManaged, document(`{"Effect":"Deny","Action":"*","Resource":"*"}`), ""},
		"a Deny of a service that is not listed": {
			iam.KindManaged, document(`{"Effect":"Deny","Action":"s4:*","Resource":"*"}`), `no service "s4" in actions.csv`,
		},
		"an action that can only be allowed on everything": {
			iam.KindManaged, document(allow("ec2:DescribeSubnets", "*")), "",
		},
		"something that is not a policy at all": {iam.KindManaged, `{"Statement":"x"}`, "parse policy"},
	} {
		got := strings.Join(load(t).Check(c.kind, c.text), "\n")
		if c.want == "" {
			require.Empty(t, got, name)
		}
		require.Contains(t, got, c.want, name)
	}
}

// sized is a policy of so many characters.
func sized(n int) string {
	rest := len(document(allow("s3:GetObject", "arn:aws:s3:::/*")))
	return document(allow("s3:GetObject", "arn:aws:s3:::"+strings.Repeat("b", n-rest)+"/*"))
}

func TestASidHasLettersAndDigitsOnly(t *testing.T) {
	t.Parallel()
	for _, c := range "/:@[`{" { // the neighbours of 0-9, A-Z and a-z
		text := document(strings.Replace(allow("s3:GetObject", object), `"S"`, `"A`+string(c)+`"`, 1))
		require.Contains(t, strings.Join(load(t).Check(iam.KindManaged, text), "\n"), "letters and digits", string(c))
	}
}

func TestWhatWorksOnEverythingAlone(t *testing.T) {
	t.Parallel()
	for action, want := range map[string]bool{
		"ec2:DescribeSubnets": true, "ec2:describeinstances": true, "ec2:DescribeWhatIsNew": true, "ec2:Describe*": true,
		"s3:GetObject": false, "ec2:TerminateInstances": false, "nothing:Describe": false,
	} {
		require.Equal(t, want, iam.Unscoped(action), action)
	}
}

func TestTheActionOfAnOperation(t *testing.T) {
	t.Parallel()
	require.Equal(t, "s3:ListBucket", iam.ActionOf("s3:HeadBucket"))
	require.Equal(t, "ec2:RunInstances", iam.ActionOf("ec2:RunInstances"))
}

func TestARolesPoliciesTogether(t *testing.T) {
	t.Parallel()
	big := document(allow("s3:GetObject", "arn:aws:s3:::"+strings.Repeat("b", 5200)+"/*"))
	require.Empty(t, iam.CheckRole([]string{big}, 10))
	require.Len(t, iam.CheckRole([]string{big, big}, 11), 2)
	require.Empty(t, iam.CheckRole([]string{sized(5120), sized(5120)}, 0))
	require.Len(t, iam.CheckRole([]string{sized(5120), sized(5121)}, 0), 1)
	require.Equal(t, iam.Size(document(allow("s3:GetObject", object))),
		iam.Size("{\n \"Version\": \"2012-10-17\",\n \"Statement\": ["+allow("s3:GetObject", object)+" ] }"),
		"white space does not count")
}
