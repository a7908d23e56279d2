// SPDX-License-Identifier: Apache-2.0

package internal_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryTrapHasATestOrAReason: docs/traps.md names only tests that exist, in the package that it says, and where it
// names none it points at a row of docs/verified.md that exists.
func TestEveryTrapHasATestOrAReason(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../docs/traps.md")
	require.NoError(t, err)
	verified, err := os.ReadFile("../docs/verified.md")
	require.NoError(t, err)
	test := regexp.MustCompile("`([a-z0-9/]+)\\.(Test[A-Za-z0-9]+)`")
	reason := regexp.MustCompile(`not proved: \[([^\]]+)\]\(verified\.md\)`)
	rows := 0
	for line := range strings.Lines(string(raw)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "| ") || len(cells) != 2 || strings.HasPrefix(line, "| trap ") {
			continue
		}
		rows++
		tests, reasons := test.FindAllStringSubmatch(cells[1], -1), reason.FindAllStringSubmatch(cells[1], -1)
		if len(tests)+len(reasons) == 0 {
			t.Errorf("neither a test nor a row of verified.md: %s", cells[0])
		}
		for _, m := range tests {
			if !hasTest(t, filepath.Join("..", m[1]), m[2]) {
				t.Errorf("%s has no %s (trap: %s)", m[1], m[2], strings.TrimSpace(cells[0]))
			}
		}
		for _, m := range reasons {
			if !strings.Contains(string(verified), "| "+m[1]+" |") {
				t.Errorf("docs/verified.md has no row %q (trap: %s)", m[1], strings.TrimSpace(cells[0]))
			}
		}
	}
	require.Greater(t, rows, 80)
}

// hasTest says whether a file of the package's folder declares the test.
func hasTest(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	require.NoError(t, err)
	for _, f := range files {
		source, err := os.ReadFile(f)
		require.NoError(t, err)
		if strings.Contains(string(source), "\nfunc "+name+"(t *testing.T) {") {
			return true
		}
	}
	return false
}
