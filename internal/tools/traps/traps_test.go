// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../../.."

// TestEveryTrapHasATestOrAReason: the pages name only tests that exist, in the package that it says, and where it
// names none it points at a row of docs/verified.md that exists.
func TestEveryTrapHasATestOrAReason(t *testing.T) {
	t.Parallel()
	var traps []trap
	for _, page := range pages() {
		text, err := os.ReadFile(filepath.Join(root, page))
		require.NoError(t, err)
		traps = append(traps, parse(string(text))...)
	}
	verified, err := os.ReadFile(filepath.Join(root, "docs/verified.md"))
	require.NoError(t, err)
	for _, row := range traps {
		if len(row.tests)+len(row.reasons) == 0 {
			t.Errorf("neither a test nor a row of verified.md: %s", row.text)
		}
		for _, named := range row.tests {
			if !exists(t, named) {
				t.Errorf("there is no %s (trap: %s)", named, row.text)
			}
		}
		for _, r := range row.reasons {
			if !strings.Contains(string(verified), "| "+r+" |") {
				t.Errorf("docs/verified.md has no row %q (trap: %s)", r, row.text)
			}
		}
	}
	require.Greater(t, len(traps), 100)
}

// exists says whether a file of the package's folder declares the test.
func exists(t *testing.T, named test) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, named.dir, "*_test.go"))
	require.NoError(t, err)
	for _, f := range files {
		source, err := os.ReadFile(f)
		require.NoError(t, err)
		if strings.Contains(string(source), "\nfunc "+named.name+"(t *testing.T) {") {
			return true
		}
	}
	return false
}

func TestATestThatDidNotRunIsNoSuccess(t *testing.T) {
	t.Parallel()
	traps := parse("| trap | test |\n|---|---|\n| a | `x/y.TestA`, `z.TestB` |\n| b | not proved: [why](verified.md) |\n")
	var out strings.Builder
	require.NoError(t, report(&out, traps, map[test]string{{"x/y", "TestA"}: "pass", {"z", "TestB"}: "pass"}))
	require.Equal(t, "a\n  pass     x/y.TestA\n  pass     z.TestB\nb\n  -        docs/verified.md: why\n\n"+
		"2 traps; tests named: 2 passed, 0 failed, 0 skipped, 0 not run; 1 rows without a proof\n", out.String())
	require.Error(t, report(&out, traps, map[test]string{{"x/y", "TestA"}: "pass"}))
	require.Error(t, report(&out, traps, map[test]string{{"x/y", "TestA"}: "pass", {"z", "TestB"}: "skip"}))
}
