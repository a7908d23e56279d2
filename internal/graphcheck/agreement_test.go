// SPDX-License-Identifier: Apache-2.0

package graphcheck_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/findings"
	"emrflink/internal/flinkjob"
	"emrflink/internal/iam"
	"emrflink/internal/localcloud/account"
)

// TestOneStrictness: whoever reads a trust policy takes it or refuses it as Parse does: the findings of a preview, the
// check of a job's role and the simulated account. Each document here was once taken by one of them and refused by another.
func TestOneStrictness(t *testing.T) {
	t.Parallel()
	const subject = "system:serviceaccount:a:b"
	const who = `"Action":"sts:AssumeRoleWithWebIdentity","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/o"}`
	const condition = `"Condition":{"StringEquals":{"o:sub":"` + subject + `"}}`
	for name, c := range map[string]struct {
		document string
		taken    bool
	}{
		"a statement that is not in a list": {`{"Statement":{"Effect":"Allow",` + who + `,` + condition + `}}`, true},
		"an operator of addresses": {`{"Statement":[{"Effect":"Allow",` + who + `,` + condition + `},{"Effect":"Deny",` + who +
			`,"Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]}`, true},
		"a number that is no text": {`{"Statement":[{"Effect":"Allow",` + who + `,` + condition + `},{"Effect":"Deny",` + who +
			`,"Condition":{"NumericGreaterThan":{"sts:DurationSeconds":3600}}}]}`, true},
		"an effect in lower case": {`{"Statement":[{"Effect":"allow",` + who + `,` + condition + `}]}`, false},
		"a misspelt element":      {`{"Statement":[{"Effect":"Allow",` + who + `,"Conditions":{}}]}`, false},
		"a misspelt operator": {`{"Statement":[{"Effect":"Allow",` + who + `,` + condition + `},{"Effect":"Deny",` + who +
			`,"Condition":{"StringIs":{"o:sub":"x"}}}]}`, false},
		"a Sid that is used twice": {`{"Statement":[{"Sid":"A","Effect":"Allow",` + who + `,` + condition +
			`},{"Sid":"A","Effect":"Allow",` +
			who + `,` + condition + `}]}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := iam.Parse([]byte(c.document))
			require.Equal(t, c.taken, err == nil, "Parse: %v", err)

			trusted, _, err := flinkjob.TrustAllows(c.document, subject)
			require.Equal(t, c.taken, err == nil, "the check of a job's role: %v", err)
			require.Equal(t, c.taken, trusted)

			found := findings.Check([]findings.Resource{{
				URN: "urn:pulumi:s::p::aws:iam/role:Role::r", Type: "aws:iam/role:Role", Name: "r",
				Inputs: map[string]any{"assumeRolePolicy": c.document},
			}})
			refused := slices.ContainsFunc(found, func(f findings.Finding) bool { return f.Rule == "iam-refused-document" })
			require.Equal(t, c.taken, !refused, "the findings: %v", found)

			a, err := account.Open(account.Options{})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, a.Close()) })
			_, err = a.Create(t.Context(), account.Caller{}, account.KindRole,
				account.Props{"name": "r", "assumeRolePolicy": c.document})
			require.Equal(t, c.taken, err == nil, "the account: %v", err)
		})
	}
}
