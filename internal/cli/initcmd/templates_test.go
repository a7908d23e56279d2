// SPDX-License-Identifier: Apache-2.0

package initcmd

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/stackconfig"
	"emrflink/stacks"
)

// commented are the settings of a template that are comments, each with its further lines: what somebody uncomments.
func commented(text string) map[string][]int {
	first := regexp.MustCompile(`^ +# ([a-z]+:[A-Za-z]+):`)
	out, key := map[string][]int{}, ""
	for i, line := range strings.Split(text, "\n") {
		if m := first.FindStringSubmatch(line); m != nil {
			key = m[1]
		} else if !strings.HasPrefix(line, "  #   ") {
			key = ""
		}
		if key != "" {
			out[key] = append(out[key], i)
		}
	}
	return out
}

func uncomment(text string, lines ...int) string {
	all := strings.Split(text, "\n")
	for _, i := range lines {
		all[i] = strings.Replace(all[i], "# ", "", 1)
	}
	return strings.Join(all, "\n")
}

// TestEveryCommentedLineOfATemplateCanBeUncommented takes the comment of one setting away, and of all at once.
func TestEveryCommentedLineOfATemplateCanBeUncommented(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile(filepath.Join("..", "..", "..", "Pulumi.dev.example.yaml"))
	require.NoError(t, err)
	templates := map[string]string{"Pulumi.dev.example.yaml": string(example)}
	for name, values := range map[string]map[string]any{"of nothing": {}, "of a list": {"teams": []any{"a", "b"}}} {
		templates["init, "+name], err = Render("dev", stacks.Keys(), values)
		require.NoError(t, err)
	}
	for name, text := range templates {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := commented(text)
			require.Greater(t, len(settings), 8)
			var all []int
			for key, lines := range settings {
				all = append(all, lines...)
				requireSettings(t, key, uncomment(text, lines...), strings.HasPrefix(key, stacks.Namespace))
			}
			requireSettings(t, "all at once", uncomment(text, all...), true)
		})
	}
}

// requireSettings reads a file and validates it. No value is one that another tool would take for something else than text.
func requireSettings(t *testing.T, what, text string, ours bool) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.dev.yaml"), []byte(text), 0o600))
	file, err := stackconfig.ReadFile(dir, "dev", "")
	require.NoError(t, err, "%s:\n%s", what, text)
	require.Empty(t, file.Hints, what)
	if _, key, ok := strings.Cut(what, ":"); ok && ours {
		require.Contains(t, fmt.Sprint(file.Values), key)
	}
	_, err = stackconfig.Parse("f", file.Values)
	require.NoError(t, err, "%s:\n%s", what, text)
}
