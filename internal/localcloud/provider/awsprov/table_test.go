// SPDX-License-Identifier: Apache-2.0

package awsprov

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awskind"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/replacement"
)

// Every row of the table must fit the SDK's types: what it names has to exist.
func TestEveryTypeHasASchemaThatFitsItsRow(t *testing.T) {
	t.Parallel()
	token := regexp.MustCompile(`^aws:[a-z0-9]+/[a-zA-Z0-9]+:[A-Z][a-zA-Z0-9]+$`)
	for name, k := range table() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Regexp(t, token, name)
			require.NoError(t, k.load())
			require.True(t, replacement.Known(name))
			require.NotEmpty(t, k.in.Fields)
			for _, field := range k.in.Names() {
				require.Truef(t, k.out.Has(field), "input %q is no output", field)
			}
			for _, s := range []string{k.api.service, k.api.noun, k.api.create, k.api.update, k.api.delete} {
				require.NotEmpty(t, s)
			}
		})
	}
}

func TestEveryKindThatAProgramCanMakeHasAType(t *testing.T) {
	t.Parallel()
	types := Types()
	for _, row := range awskind.All() {
		if row.Made == awskind.ByProgram {
			require.Equal(t, account.Kind(row.Simulated), types[row.Type], row.Type)
			delete(types, row.Type)
		}
	}
	require.Empty(t, types, "a type without a row in the catalogue, or one that only controllers make")
}
