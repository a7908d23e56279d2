// SPDX-License-Identifier: Apache-2.0

package job

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
	"emrflink/internal/jobfile"
)

const wrong = "apiVersion: flink.apache.org/v1beta1\nkind: FlinkSessionJob\nmetadata: {name: j}\n" +
	"spec: {deploymentName: c, job: {jarURI: \"https://x.example.org/j.jar\", parallelism: 1}}\n"

func TestValidate(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "job.yaml")
	require.NoError(t, os.WriteFile(file, []byte(wrong), 0o600))
	run := func(o ValidateOptions) (string, error) {
		ios, in, out, _ := iostreams.Test()
		in.WriteString(wrong)
		o.IO = ios
		err := validate(&o)
		return out.String(), err
	}
	text, err := run(ValidateOptions{Files: []string{file}})
	require.NoError(t, err)
	require.Contains(t, text,
		file+":4: warning: the jar is fetched by https [jar]\n    at   spec.job.jarURI\n    then it needs a way out")
	require.Contains(t, text,
		"1 object of Flink, by the rules of operator 1.10.0 and Flink 1.20: 0 errors, 1 warning, 0 notes.\n")
	_, err = run(ValidateOptions{Files: []string{file}, Strict: true})
	require.Equal(t, cmdutil.ExitStatus(cmdutil.ExitUsage), err)

	text, err = run(ValidateOptions{Files: []string{"-"}, Output: cmdutil.JSON})
	require.NoError(t, err)
	var r jobfile.Result
	require.NoError(t, json.Unmarshal([]byte(text), &r))
	require.Equal(t, 1, r.Warnings)
	require.Equal(t, "-", r.Problems[0].File)
	text, err = run(ValidateOptions{Files: []string{"-"}, Output: cmdutil.SARIF})
	require.NoError(t, err)
	require.Contains(t, text, `"version": "2.1.0"`)

	var e *cmdutil.Error
	_, err = run(ValidateOptions{Files: []string{"nowhere.yaml"}})
	require.ErrorAs(t, err, &e)
	require.Equal(t, cmdutil.ExitNotFound, e.ExitCode())
	require.Contains(t, e.Error(), `read "nowhere.yaml": no such file or directory`)
	_, err = run(ValidateOptions{Files: []string{t.TempDir()}})
	require.ErrorAs(t, err, &e)
	require.Equal(t, cmdutil.ExitFailed, e.ExitCode())
}
