// SPDX-License-Identifier: Apache-2.0

package job

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
	"emrflink/internal/jobfile"
	"emrflink/internal/jobinit"
)

func TestInitMakesAJobThatTheStackTakes(t *testing.T) {
	t.Parallel()
	for _, lang := range jobinit.Languages() {
		dir := filepath.Join(t.TempDir(), "my-"+lang)
		ios, _, out, _ := iostreams.Test()
		o := InitOptions{
			IO: ios, Globals: &cmdutil.Globals{StackNamed: true}, Dir: dir, Language: lang, Output: cmdutil.JSON,
			Open: func(context.Context) (Stack, error) { return deployed{}, nil },
		}
		require.NoError(t, initJob(t.Context(), &o))
		var doc initDocument
		require.NoError(t, json.Unmarshal(out.Bytes(), &doc))
		require.Equal(t, "my-"+lang, doc.Job)
		for _, name := range doc.Files {
			text, err := os.ReadFile(filepath.Join(dir, name))
			require.NoError(t, err)
			require.NotRegexp(t, `\$\{(name|flinkRelease|emrReleaseLabel|flinkVersion|what|mainClass)\}`, string(text), name)
			require.NotRegexp(t, `\$\{(args|checkArgs|dependencies|program|entryClass)\}`, string(text), name)
		}
		text, err := os.ReadFile(filepath.Join(dir, jobinit.JobFile))
		require.NoError(t, err)
		r := jobfile.Check(jobfile.File{Name: "job.yaml", Text: text})
		require.Empty(t, r.Problems)
		require.Contains(t, string(text), "s3p://bucket/flink-team-a/checkpoints/my-"+lang)
		require.ErrorContains(t, initJob(t.Context(), &o), "has files in it")
	}
	ios, _, out, _ := iostreams.Test()
	dir := filepath.Join(t.TempDir(), "one")
	o := InitOptions{IO: ios, Globals: &cmdutil.Globals{}, Dir: dir, Language: "java"}
	require.NoError(t, initJob(t.Context(), &o))
	require.Contains(t, out.String(), filepath.Join(dir, "src/main/java/job/Job.java")+"\n")
	text, err := os.ReadFile(filepath.Join(dir, jobinit.JobFile))
	require.NoError(t, err)
	filled, err := jobfile.Fill(jobfile.File{Name: "job.yaml", Text: text}, Values("us-west-2", team(t)))
	require.NoError(t, err)
	require.Zero(t, filled.Left.Errors, "without a stack, a run fills in the rest: %v", filled.Left.Problems)
	for want, o := range map[string]InitOptions{
		`not in "rust"`:     {Language: "rust", Dir: dir + "2"},
		`job name "My Job"`: {Language: "sql", Dir: dir + "2", Name: "My Job"},
	} {
		o.IO, o.Globals = ios, &cmdutil.Globals{}
		err := initJob(t.Context(), &o)
		require.ErrorContains(t, err, want)
		require.Equal(t, cmdutil.ExitUsage, cmdutil.ExitCode(t.Context(), err))
		require.NoDirExists(t, strings.TrimSuffix(o.Dir, "/"))
	}
}
