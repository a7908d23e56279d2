// SPDX-License-Identifier: Apache-2.0

package flinkhome

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The mvn of the tests copies the jars of a folder, $FROM, to where the POM puts them, as it is told by -Dhome.
const mvnScript = `#!/bin/sh
for w; do case $w in -Dhome=*) home=${w#*=} ;; esac; done
cp -r FROM/. "$home"
for j in $(cd FROM && find . -name '*.jar'); do
  echo "[INFO] Downloaded from central: https://repo.example/org/${j##*/} (1 kB at 1 kB/s)"
done
END
`

// maven is a mvn whose repository has three jars, of which the second return value is the list. end is what it does last.
func maven(t *testing.T, end string) (Program, []jar) {
	t.Helper()
	from := t.TempDir()
	var list []jar
	for _, path := range []string{
		"lib/flink-runtime-1.20.1.jar", "plugins/s3-fs-hadoop/flink-s3-fs-hadoop-1.20.1.jar",
		"examples/streaming/flink-examples-streaming-1.20.0.jar",
	} {
		file := filepath.Join(from, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
		writeJar(t, file)
		info, err := os.Stat(file)
		require.NoError(t, err)
		sum, err := digest(file)
		require.NoError(t, err)
		list = append(list, jar{path: path, bytes: info.Size(), sha256: sum})
	}
	mvn := filepath.Join(t.TempDir(), "mvn")
	script := strings.NewReplacer("FROM", from, "END", end).Replace(mvnScript)
	require.NoError(t, os.WriteFile(mvn, []byte(script), 0o700))
	return Program{Path: mvn, Version: "3.9.9"}, list
}

func writeJar(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	w := zip.NewWriter(f)
	for _, name := range []string{"META-INF/MANIFEST.MF", "org/", "org/apache/A.class"} {
		e, err := w.Create(name)
		require.NoError(t, err)
		if !strings.HasSuffix(name, "/") {
			_, err = e.Write([]byte(filepath.Base(path)))
			require.NoError(t, err)
		}
	}
	require.NoError(t, errors.Join(w.Close(), f.Close()))
}

func quiet(Progress) {}

func TestAFetchedFlinkIsCheckedAndFound(t *testing.T) {
	t.Parallel()
	mvn, list := maven(t, "")
	h := Homes{Folder: t.TempDir(), list: list}
	_, err := h.Find()
	require.ErrorIs(t, err, ErrNotInstalled)
	var told []Progress
	home, changed, err := h.Install(t.Context(), mvn, func(p Progress) { told = append(told, p) })
	require.NoError(t, err)
	require.True(t, changed)
	require.Equal(t, Home{Dir: filepath.Join(h.Folder, "flink", Version), Version: Version, Fetched: true}, home)
	require.Equal(t, Progress{Of: 3, Doing: "fetching"}, told[0])
	require.Equal(t, Progress{Jars: 3, Of: 3, Bytes: sum(list), Doing: "checking"}, told[len(told)-1])
	found, err := h.Find()
	require.NoError(t, err)
	require.Equal(t, home, found)
	for name, class := range examples {
		r, err := zip.OpenReader(filepath.Join(home.Dir, "examples", "streaming", name+".jar"))
		require.NoError(t, err)
		m, err := r.Open("META-INF/MANIFEST.MF")
		require.NoError(t, err)
		text := make([]byte, 200)
		n, _ := m.Read(text)
		require.Contains(t, string(text[:n]), "Main-Class: "+examplesPackage+class)
		require.NoError(t, r.Close())
	}
	require.NoFileExists(t, filepath.Join(home.Dir, "pom.xml"))

	_, changed, err = h.Install(t.Context(), Program{Problem: "mvn is not on the PATH"}, quiet)
	require.NoError(t, err, "what is there needs no Maven")
	require.False(t, changed)
	freed, err := h.Remove()
	require.NoError(t, err)
	require.GreaterOrEqual(t, freed, sum(list))
	_, err = h.Find()
	require.ErrorIs(t, err, ErrNotInstalled)
}

func TestABrokenJarIsNamedAndFetchedAgain(t *testing.T) {
	t.Parallel()
	mvn, list := maven(t, "")
	h := Homes{Folder: t.TempDir(), list: list}
	home, _, err := h.Install(t.Context(), mvn, quiet)
	require.NoError(t, err)
	broken := filepath.Join(home.Dir, list[0].path)
	require.NoError(t, os.Truncate(broken, 3))
	_, err = h.Find()
	require.ErrorContains(t, err, fmt.Sprintf("lib/flink-runtime-1.20.1.jar has 3 bytes, not %d", list[0].bytes))
	_, changed, err := h.Install(t.Context(), mvn, quiet)
	require.NoError(t, err)
	require.True(t, changed)

	wrong := slices.Clone(list)
	other := sha256.Sum256(nil)
	wrong[1].sha256 = hex.EncodeToString(other[:])
	h = Homes{Folder: t.TempDir(), list: wrong}
	_, _, err = h.Install(t.Context(), mvn, quiet)
	require.ErrorContains(t, err, "flink-s3-fs-hadoop-1.20.1.jar has the SHA-256 "+list[1].sha256)
	require.Contains(t, hint(err), "~/.m2/repository")
	_, err = h.Find()
	require.ErrorIs(t, err, ErrNotInstalled, "what is not right is never found")
}

// hint is what an error says to do next.
func hint(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return ""
	}
	return e.Hint()
}

func TestAFetchThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ end, why, next string }{
		"Maven cannot reach its repository": {
			"echo '[ERROR] Could not transfer artifact a:b:jar:1 from central: Connection refused'; exit 1",
			"Could not transfer artifact a:b:jar:1", "make Maven reach Maven Central or a mirror",
		},
		"Maven does not like something": {
			"echo '[ERROR] Unknown lifecycle phase'; exit 1", "Unknown lifecycle phase", "maven.log",
		},
		"Maven ends without a word": {"exit 7", "exit status 7", "maven.log"},
		"Maven is done without all of the jars": {
			`rm "$home"/lib/*`, "lib/flink-runtime-1.20.1.jar is missing", "~/.m2/repository",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mvn, list := maven(t, c.end)
			h := Homes{Folder: t.TempDir(), list: list}
			_, _, err := h.Install(t.Context(), mvn, quiet)
			require.ErrorContains(t, err, c.why)
			require.Contains(t, hint(err), c.next)
			_, err = h.Find()
			require.ErrorIs(t, err, ErrNotInstalled)
		})
	}
	_, _, err := Homes{Folder: t.TempDir()}.Install(t.Context(), Program{Problem: "mvn is not on the PATH"}, quiet)
	require.ErrorContains(t, err, "mvn is not on the PATH")
	require.Contains(t, hint(err), "emrflink local flink install --home DIR")
}

func TestAFetchThatIsBrokenOffGoesOn(t *testing.T) {
	t.Parallel()
	mvn, list := maven(t, "exec sleep 600")
	h := Homes{Folder: t.TempDir(), list: list}
	ctx, cancel := context.WithCancel(t.Context())
	began := time.Now()
	_, _, err := h.Install(ctx, mvn, func(p Progress) {
		if p.Jars == 3 {
			cancel()
		}
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, time.Since(began), time.Minute)
	_, err = h.Find()
	require.ErrorIs(t, err, ErrNotInstalled)
	require.NoError(t, os.WriteFile(mvn.Path, []byte(strings.ReplaceAll(read(t, mvn.Path), "exec sleep 600", "")), 0o700))
	_, _, err = h.Install(t.Context(), mvn, quiet)
	require.NoError(t, err)
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(raw)
}

// distribution is a folder that looks like an official one.
func distributionOf(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), nil, 0o600))
	}
	return dir
}

func TestADistributionOfTheRightLineIsUsed(t *testing.T) {
	t.Parallel()
	good := distributionOf(t, "lib/flink-dist-1.20.3.jar", "opt/flink-s3-fs-hadoop-1.20.3.jar")
	h := Homes{Folder: t.TempDir()}
	home, err := h.Use(good)
	require.NoError(t, err)
	require.Equal(t, Home{Dir: good, Version: "1.20.3"}, home)
	found, err := h.Find()
	require.NoError(t, err)
	require.Equal(t, home, found)
	env := distributionOf(t, "lib/flink-dist-1.20.0.jar", "plugins/s3/flink-s3-fs-hadoop-1.20.0.jar")
	found, err = Homes{Folder: h.Folder, Env: env}.Find()
	require.NoError(t, err)
	require.Equal(t, env, found.Dir, "the variable goes first")
	require.NoError(t, os.RemoveAll(good))
	_, err = h.Find()
	require.ErrorContains(t, err, "use the Flink that was given with --home")
	require.NotErrorIs(t, err, ErrNotInstalled)
	for why, files := range map[string][]string{
		"it is Flink 1.19.1, while EMR's releases have Flink 1.20":  {"lib/flink-dist-1.19.1.jar"},
		"has no flink-dist-1.20.x.jar":                              {"lib/other.jar"},
		"has no flink-s3-fs-hadoop-1.20.x.jar below plugins or opt": {"lib/flink-dist-1.20.1.jar"},
		"it is no Flink: open":                                      {"bin/flink"},
	} {
		_, err := Homes{Folder: t.TempDir()}.Use(distributionOf(t, files...))
		require.ErrorContains(t, err, why)
		_, err = Homes{Folder: t.TempDir(), Env: distributionOf(t, files...)}.Find()
		require.ErrorContains(t, err, why)
		require.Contains(t, hint(err), "unset "+EnvVar)
	}
}

func TestTheListOfJarsIsThatOfThePOM(t *testing.T) {
	t.Parallel()
	require.Len(t, jars(), 60)
	require.True(t, slices.IsSortedFunc(jars(), func(a, b jar) int { return strings.Compare(a.path, b.path) }))
	for _, j := range jars() {
		if strings.HasPrefix(filepath.Base(j.path), "flink-runtime-"+Version) {
			require.Contains(t, string(pom), "<flink.version>"+Version+"<")
		}
	}
}

func TestTheJavaAndTheMavenOfTheUser(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]Program{
		`openjdk version "17.0.15" 2025-04-15`: {Version: "17.0.15"},
		`openjdk version "11.0.2" 2019-01-15`:  {Version: "11.0.2"},
		`java version "1.8.0_402"`: {
			Version: "1.8.0_402", Problem: "Flink 1.20 runs on Java 11 or 17, not on 1.8.0_402",
		},
		`openjdk version "21" 2023-09-19`: {Version: "21", Problem: "Flink 1.20 runs on Java 11 or 17, not on 21"},
	} {
		home := t.TempDir()
		want.Path = filepath.Join(home, "bin", "java")
		require.NoError(t, os.Mkdir(filepath.Dir(want.Path), 0o700))
		require.NoError(t, os.WriteFile(want.Path, []byte("#!/bin/sh\necho '"+said+"' >&2\n"), 0o700))
		require.Equal(t, want, Java(t.Context(), func(string) string { return home }))
	}
	none := Java(t.Context(), func(string) string { return "/nowhere" })
	require.Contains(t, none.Problem, "/nowhere/bin/java")
	s := Homes{Folder: t.TempDir()}.Status(t.Context(), func(string) string { return "/nowhere" })
	require.Equal(t, "jobs are simulated: no Flink is installed for the local target", s.String())
	good := distributionOf(t, "lib/flink-dist-1.20.3.jar", "opt/flink-s3-fs-hadoop-1.20.3.jar")
	s = Homes{Env: good}.Status(t.Context(), func(string) string { return "/nowhere" })
	require.Equal(t, Installed, s.State)
	require.False(t, s.Runs)
	require.Contains(t, s.String(), "jobs are simulated: ")
}

func TestTheTableOfJarsIsWellFormed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, j := range jars() {
		require.True(t, filepath.IsLocal(j.path), j.path)
		require.False(t, seen[j.path], j.path)
		require.Positive(t, j.bytes, j.path)
		require.Regexp(t, "^[0-9a-f]{64}$", j.sha256, j.path)
		seen[j.path] = true
	}
	require.Len(t, seen, 60)
}
