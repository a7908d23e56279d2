// SPDX-License-Identifier: Apache-2.0

package componenttest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/components/iamdoc"
)

func TestJSONIsStableAndUnescaped(t *testing.T) {
	t.Parallel()
	d := iamdoc.New(iamdoc.Allow("Read", iamdoc.Strings{"s3:GetObject"}, iamdoc.Strings{"a&b", "c"},
		iamdoc.Conditions{"StringLike": {"k2": {"x"}}}, iamdoc.Conditions{"StringLike": {"k1": {"y", "z"}}}))
	got, err := d.JSON()
	require.NoError(t, err)
	require.Equal(t, `{"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow","Action":"s3:GetObject",`+
		`"Resource":["a&b","c"],"Condition":{"StringLike":{"k1":["y","z"],"k2":"x"}}}]}`, got)
}

func TestWebIdentityTrustDropsTheScheme(t *testing.T) {
	t.Parallel()
	got, err := iamdoc.WebIdentityTrust("arn:p", "https://issuer/id", "a", "b").Trust()
	require.NoError(t, err)
	require.Equal(t, `{"Version":"2012-10-17","Statement":[{"Sid":"AssumeByServiceAccount","Effect":"Allow",`+
		`"Principal":{"Federated":"arn:p"},"Action":"sts:AssumeRoleWithWebIdentity",`+
		`"Condition":{"StringEquals":{"issuer/id:aud":"sts.amazonaws.com","issuer/id:sub":["a","b"]}}}]}`, got)
}

func TestDocumentsThatIAMWouldRefuse(t *testing.T) {
	t.Parallel()
	long := iamdoc.Strings{strings.Repeat("x", iamdoc.MaxManagedPolicy)}
	for name, d := range map[string]iamdoc.Document{
		"no statements":              iamdoc.New(),
		"no Sid":                     iamdoc.New(iamdoc.Allow("", iamdoc.Strings{"a:B"}, iamdoc.Strings{"*"})),
		"no action":                  iamdoc.New(iamdoc.Allow("S", nil, iamdoc.Strings{"*"})),
		"no resource, no principal":  iamdoc.New(iamdoc.Allow("S", iamdoc.Strings{"a:B"}, nil)),
		"longer than a quota allows": iamdoc.New(iamdoc.Allow("S", iamdoc.Strings{"a:B"}, long)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := d.Managed()
			require.Error(t, err)
		})
	}
}
