// SPDX-License-Identifier: Apache-2.0

package jobinit

import (
	"archive/zip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// made makes the folder of a job.
func made(t *testing.T, language string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "my-"+language)
	_, err := Write(Options{
		Dir: dir, Name: filepath.Base(dir), Language: language, EmrReleaseLabel: "emr-7.13.0-flink-latest", FlinkVersion: "v1_20",
	}, func(text []byte) ([]byte, error) { return text, nil })
	require.NoError(t, err)
	return dir
}

// have leaves a test out where a program is missing.
func have(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip("the new job is not built: " + err.Error())
		}
	}
}

func run(t *testing.T, dir string, words ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
	cmd.Dir = dir
	// These JVMs live for seconds: half their processor time would go to code that is compiled a second time.
	cmd.Env = append(os.Environ(), "JAVA_TOOL_OPTIONS=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
	said, err := cmd.CombinedOutput()
	require.NoErrorf(t, err, "%v: %s", words, said)
}

// TestANewJobIsBuiltAndItsTestPasses: `make build` of the folder as it is written, with its test in a small Flink.
func TestANewJobIsBuiltAndItsTestPasses(t *testing.T) {
	for _, language := range []string{Java, SQL} { // one after the other: each is a JVM that starts another one
		t.Run(language, func(t *testing.T) {
			have(t, "make", "mvn", "javac")
			dir := made(t, language)
			run(t, dir, "make", "build")
			reports, err := filepath.Glob(filepath.Join(dir, "target", "surefire-reports", "*.txt"))
			require.NoError(t, err)
			require.Len(t, reports, 1)
			report, err := os.ReadFile(reports[0])
			require.NoError(t, err)
			require.Regexp(t, `Tests run: [1-9]\d*, Failures: 0, Errors: 0, Skipped: 0`, string(report))
			require.Contains(t, manifest(t, filepath.Join(dir, "target", filepath.Base(dir)+".jar")),
				"Main-Class: "+languages()[language].mainClass)
		})
	}
}

func manifest(t *testing.T, jar string) string {
	t.Helper()
	r, err := zip.OpenReader(jar)
	require.NoError(t, err)
	defer r.Close()
	f, err := r.Open("META-INF/MANIFEST.MF")
	require.NoError(t, err)
	text, err := io.ReadAll(f)
	require.NoError(t, err)
	return string(text)
}

// TestANewScriptIsPython: what it imports takes minutes to install, so it is only compiled here.
func TestANewScriptIsPython(t *testing.T) {
	t.Parallel()
	have(t, "python3")
	run(t, made(t, Python), "python3", "-m", "py_compile", "job.py", "test_job.py")
}
