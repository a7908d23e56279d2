// SPDX-License-Identifier: Apache-2.0

package account

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkCreateAmongTwoThousand measures a durable create and delete in an account with 2,000 roles.
func BenchmarkCreateAmongTwoThousand(b *testing.B) {
	a, err := Open(Options{Dir: b.TempDir()})
	require.NoError(b, err)
	role := func(name string) Props { return Props{"name": name, "assumeRolePolicy": trust("ec2.amazonaws.com")} }
	for i := range 2000 {
		_, err := a.Create(b.Context(), Caller{}, KindRole, role(fmt.Sprintf("role-%d", i)))
		require.NoError(b, err)
	}
	for b.Loop() {
		_, err := a.Create(b.Context(), Caller{}, KindRole, role("one-more"))
		require.NoError(b, err)
		require.NoError(b, a.Delete(b.Context(), Caller{}, KindRole, "one-more"))
	}
	require.NoError(b, a.Close())
}
