// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is shown before anything is compiled is what the program says once it is.
func TestTheFirstLookIsThePreview(t *testing.T) {
	t.Parallel()
	bin := os.Getenv("EMRFLINK_BIN")
	if bin == "" {
		bin = "../../../bin"
	}
	bin, err := filepath.Abs(bin)
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(bin, "emrflink"), "this test needs the program: make build")
	dir := t.TempDir()
	var shown bytes.Buffer
	picture := filepath.Join(dir, "blueprint.svg")
	require.NoError(t, run(&shown, picture))
	text, rest, found := strings.Cut(shown.String(), "\nThe picture of it: ")
	require.True(t, found)
	require.Equal(t, picture+"\n", rest)

	emrflink := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "emrflink"), args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "EMRFLINK_HOME="+filepath.Join(dir, "home"))
		out, err := cmd.Output()
		require.NoError(t, err)
		return string(out)
	}
	require.Equal(t, emrflink("preview", "--offline", "--stack", "local"), text)
	svg, err := os.ReadFile(picture)
	require.NoError(t, err)
	require.Equal(t, emrflink("graph", "--stack", "local"), string(svg))
}
