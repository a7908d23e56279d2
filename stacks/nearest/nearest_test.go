// SPDX-License-Identifier: Apache-2.0

package nearest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheNearestIsWhatWasMeant(t *testing.T) {
	t.Parallel()
	commands := []string{"deploy", "state", "status", "cost"}
	for word, want := range map[string]string{
		"stauts": "status", "sttaus": "status", "stat": "state", "DEPLOY": "deploy", "deplyo": "deploy", "cots": "cost",
		"zzz": "", "": "",
	} {
		got, ok := Of(word, commands)
		require.Equal(t, want, got, word)
		require.Equal(t, want != "", ok)
	}
	require.Equal(t, `; the nearest is "cost"`, Suggest("costs", commands))
	require.Empty(t, Suggest("zzz", commands))
}
