// SPDX-License-Identifier: Apache-2.0

package leanstart

import (
	"math"
	"strings"
	"testing"

	highlight "github.com/alecthomas/chroma/quick"
	highlight2 "github.com/alecthomas/chroma/v2/quick"
	fork "github.com/ccojocar/zxcvbn-go"
	original "github.com/nbutton23/zxcvbn-go"
	"github.com/stretchr/testify/require"
)

func TestEntropyIsLengthTimesAlphabet(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]float64{
		"":         0,
		"aaaa":     4 * math.Log2(26),
		"aA":       2 * math.Log2(52),
		"aA0 ":     4 * math.Log2(95),
		"ü":        math.Log2(100),
		"hunter2!": 8 * math.Log2(69),
	} {
		require.InDelta(t, want, original.PasswordStrength(value, nil).Entropy, 1e-9, value)
		require.InDelta(t, want, fork.PasswordStrength(value, nil).Entropy, 1e-9, value)
	}
}

// Pulumi calls a value a secret from 73 bits, or from 36.5 when a character has 3.
func TestWhatPulumiDecidesByIt(t *testing.T) {
	t.Parallel()
	require.Greater(t, original.PasswordStrength("AKIAIOSFODNN7EXAMPLE", nil).Entropy, 73.0)
	require.Less(t, original.PasswordStrength("us-west-2", nil).Entropy, 73.0)
}

func TestCodeIsPrintedAsItIs(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, highlight.Highlight(&out, "- a\n", "diff", "terminal256", "esc"))
	require.NoError(t, highlight2.Highlight(&out, "+ b\n", "diff", "terminal256", "esc"))
	require.Equal(t, "- a\n+ b\n", out.String())
}
