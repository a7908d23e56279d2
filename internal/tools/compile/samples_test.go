// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// fakeMaven is a stand-in that says its goals into the jar; it fails for a POM that asks for it.
const fakeMaven = `#!/bin/sh
for a; do
  case "$prev" in --file) pom=$a;; esac
  case "$a" in -Dout=*) out=${a#-Dout=};; *:*) goals="$goals $a";; esac
  prev=$a
done
if grep -q unfetchable "$pom"; then echo "Could not find artifact x:y"; exit 1; fi
mkdir -p "$out" && echo "$goals" > "$out/$(basename "$(dirname "$pom")").jar"
`

// TestAJarThatCannotBeBuiltKeepsNoOtherFromIt, and a jar that is newer than its source and the common POM stays.
func TestAJarThatCannotBeBuiltKeepsNoOtherFromIt(t *testing.T) {
	programs, root, bin := t.TempDir(), t.TempDir(), t.TempDir()
	for name, script := range map[string]string{"mvn": fakeMaven, "javac": "#!/bin/sh\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(programs, name), []byte(script), 0o700)) // #nosec G306 -- it is run
	}
	t.Setenv("PATH", programs+":"+os.Getenv("PATH"))
	jobs := filepath.Join(root, "examples", "jobs")
	for name, text := range map[string]string{
		"pom.xml": "", "a/pom.xml": "", "b/pom.xml": "unfetchable", "c/pom.xml": "maven-shade-plugin", "d/README.md": "",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(jobs, name)), 0o750))
		require.NoError(t, os.WriteFile(filepath.Join(jobs, name), []byte(text), 0o600))
	}
	jar := func(name string) string { return filepath.Join(bin, "samples", name+".jar") }
	var said bytes.Buffer
	err := Samples(t.Context(), root, bin, &said)
	require.ErrorContains(t, err, `build sample job "b": exit status 1`)
	require.ErrorContains(t, err, "Could not find artifact x:y")
	require.Equal(t, "built "+jar("a")+"\nbuilt "+jar("c")+"\n", said.String())
	for name, goals := range map[string]string{
		"a": " resources:resources compiler:compile jar:jar\n",
		"c": " resources:resources compiler:compile jar:jar shade:shade\n",
	} {
		text, err := os.ReadFile(jar(name))
		require.NoError(t, err)
		require.Equal(t, goals, string(text))
	}

	said.Reset()
	require.NoError(t, Samples(t.Context(), root, bin, &said, "a"))
	require.Empty(t, said.String())
	info, err := os.Stat(jar("a"))
	require.NoError(t, err)
	later := info.ModTime().Add(1)
	require.NoError(t, os.Chtimes(filepath.Join(jobs, "pom.xml"), later, later))
	require.NoError(t, Samples(t.Context(), root, bin, &said, "a"))
	require.Equal(t, "built "+jar("a")+"\n", said.String(), "what all builds have in common has changed")
	require.ErrorContains(t, Samples(t.Context(), t.TempDir(), bin, &said), "has no sample job with a source")
}
