// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/disk"
	"emrflink/internal/plans"
	"emrflink/internal/preview"
	"emrflink/internal/stack"
)

type fake struct {
	plan    preview.Report
	err     error
	saveErr error
}

func (f fake) Info() stack.Info                                            { return cmdtest.Info() }
func (f fake) Plan(context.Context) (preview.Report, error)                { return f.plan, f.err }
func (f fake) SavePlan(context.Context, preview.Report, disk.Writer) error { return f.saveErr }
func (f fake) Close() error                                                { return nil }

// planOf is a plan that creates so many log groups.
func planOf(t *testing.T, create int) preview.Report {
	t.Helper()
	p := plans.Plan{Stack: "local"}
	for i := range create {
		p.Steps = append(p.Steps, plans.Step{
			URN: fmt.Sprintf("urn:pulumi:local::emrflink::aws:cloudwatch/logGroup:LogGroup::%d", i), Name: strconv.Itoa(i),
			Type: "aws:cloudwatch/logGroup:LogGroup", Op: plans.OpCreate, New: map[string]any{},
		})
	}
	p.Summary = plans.Summarize(p.Steps)
	r, err := preview.Desired(p, nil, "us-west-2")
	require.NoError(t, err)
	return r
}

func page(t *testing.T, create int) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, planOf(t, create).HTML(&b))
	return b.String()
}

// text is a plan as it is printed into a pipe: without colours, lines whole.
func text(t *testing.T, create int) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, planOf(t, create).Text(&b, preview.TextOptions{}))
	return b.String()
}

// printed is a plan in another format.
func printed(t *testing.T, create int, format func(io.Writer, preview.Document) error) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, format(&b, planOf(t, create).Document))
	return b.String()
}

func TestFlagsThatGoTogether(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want any
		err  string
	}{
		"short and long": {
			[]string{"--offline", "--exit-code", "-o", "json"}, Options{Offline: true, ExitCode: true, Output: cmdutil.JSON}, "",
		},
		"a baseline is offline":   {[]string{"--baseline", "b.json"}, Options{Offline: true, Baseline: "b.json"}, ""},
		"so is the making of one": {[]string{"--save-baseline", "b.json"}, Options{Offline: true, SaveBaseline: "b.json"}, ""},
		"both": {
			[]string{"--baseline", "b.json", "--save-baseline", "c.json"},
			Options{Offline: true, Baseline: "b.json", SaveBaseline: "c.json"}, "",
		},
		"a plan is of the deployed stack": {[]string{"--save-plan", "p.json"}, Options{SavePlan: "p.json"}, ""},
		"a plan of an offline preview":    {[]string{"--save-plan", "p.json", "--offline"}, nil, "needs the deployed stack"},
		"a plan of a preview with a baseline": {
			[]string{"--save-plan", "p.json", "--baseline", "b.json"}, nil, "needs the deployed stack",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := cmdtest.New(t)
			var got any
			err := r.Exec(t, NewCmd(r.Factory, Operations{}, cmdtest.Keep[Options](&got)), c.args...)
			require.Equal(t, c.want, got)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				require.Equal(t, 2, cmdtest.Code(err))
				return
			}
			require.NoError(t, err)
		})
	}
}

func TestFilesAreWrittenBeforeThePlanIsShown(t *testing.T) {
	t.Parallel()
	r := cmdtest.New(t)
	file := filepath.Join(t.TempDir(), "b.json")
	against := ""
	opts := &Options{
		IO: r.Factory.IO, Globals: r.Factory.Globals, Info: r.Factory.Info, Offline: true, Baseline: "main.json",
		SaveBaseline: file, ExitCode: true,
		Operations: Operations{OpenBaseline: func(_ context.Context, path string) (Planner, error) {
			against = path
			return fake{plan: planOf(t, 1)}, nil
		}},
	}
	require.Equal(t, 5, cmdtest.Code(run(t.Context(), opts)))
	require.Equal(t, "main.json", against)
	saved, err := preview.ReadBaseline(file, stack.Project, "local", nil)
	require.NoError(t, err)
	require.Len(t, saved.Resources, 1)
	require.Contains(t, r.Err.String(), "wrote "+file+"\n")
	require.Equal(t, text(t, 1), r.Out.String())

	opts = &Options{
		IO: r.Factory.IO, Globals: r.Factory.Globals, Info: r.Factory.Info, SavePlan: "p.json",
		Operations: Operations{OpenStack: func(context.Context) (Stack, error) {
			return fake{plan: planOf(t, 1), saveErr: errors.New("read-only file system")}, nil
		}},
	}
	r.Out.Reset()
	require.ErrorContains(t, run(t.Context(), opts), "read-only")
	require.Empty(t, r.Out.String(), "no plan is shown that was not saved")
}

func TestPreview(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		offline, exitCode bool
		output            cmdutil.Format
		changes           int
		err               error
		code              int
		stdout, stderr    string
	}{
		"the plan goes to stdout": {
			changes: 2, stdout: text(t, 2),
			stderr: "preview: started\npreview: done in 0s\nsimulated: the AWS account is simulated\n",
		},
		"offline asks nobody": {
			offline: true, changes: 3, stdout: text(t, 3),
			stderr: "preview: started\npreview: done in 0s\nsimulated: the AWS account is simulated\n",
		},
		"changes are told by the exit code when asked for": {
			exitCode: true, changes: 1, code: 5, stdout: text(t, 1),
			stderr: "preview: started\npreview: done in 0s\nsimulated: the AWS account is simulated\n",
		},
		"no change is no exit code": {
			exitCode: true, stdout: text(t, 0),
			stderr: "preview: started\npreview: done in 0s\nsimulated: the AWS account is simulated\n",
		},
		"json is the document alone": {
			output: cmdutil.JSON, changes: 1,
			stdout: printed(t, 1, func(w io.Writer, d preview.Document) error { return cmdutil.WriteJSON(w, d) }),
			stderr: `{"schemaVersion":1,"progress":"preview: started"}` + "\n" +
				`{"schemaVersion":1,"progress":"preview: done in 0s"}` + "\n",
		},
		"markdown is the comment alone": {
			output: cmdutil.Markdown, changes: 1, stdout: printed(t, 1, preview.Markdown),
			stderr: "preview: started\npreview: done in 0s\nsimulated: the AWS account is simulated\n",
		},
		"html is the page alone": {
			output: cmdutil.HTML, changes: 1, stdout: page(t, 1), exitCode: true, code: 5,
			stderr: "preview: started\npreview: done in 0s\nsimulated: the AWS account is simulated\n",
		},
		"a failure prints no plan": {
			err: errors.New("no such zone"), code: 1, stderr: "preview: started\npreview: failed in 0s\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := cmdtest.New(t)
			r.Factory.IO.SetQuiet(c.output == cmdutil.JSON)
			opened := []string{}
			f := fake{plan: planOf(t, c.changes), err: c.err}
			opts := &Options{
				IO: r.Factory.IO, Globals: r.Factory.Globals, Info: r.Factory.Info, Offline: c.offline, ExitCode: c.exitCode,
				Output: c.output,
				Operations: Operations{
					OpenStack:   func(context.Context) (Stack, error) { opened = append(opened, "online"); return f, nil },
					OpenOffline: func(context.Context) (Planner, error) { opened = append(opened, "offline"); return f, nil },
				},
			}
			err := run(t.Context(), opts)
			require.Equal(t, []string{map[bool]string{false: "online", true: "offline"}[c.offline]}, opened)
			require.Equal(t, c.code, cmdtest.Code(err), err)
			require.Equal(t, c.stdout, r.Out.String())
			require.Equal(t, c.stderr, r.Err.String())
		})
	}
}

func TestAFileCanBeStandardOutput(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"-", "/dev/stdout"} {
		r := cmdtest.New(t)
		opts := &Options{
			IO: r.Factory.IO, Globals: r.Factory.Globals, Info: r.Factory.Info, Offline: true, SaveBaseline: path,
			Operations: Operations{OpenOffline: func(context.Context) (Planner, error) { return fake{plan: planOf(t, 1)}, nil }},
		}
		require.NoError(t, run(t.Context(), opts))
		saved, err := preview.ParseBaseline(r.Out.Bytes(), nil)
		require.NoError(t, err, "nothing else is there")
		require.Len(t, saved.Resources, 1)
		require.Contains(t, r.Err.String(), text(t, 1))
		require.NoFileExists(t, "-")

		cmd := NewCmd(r.Factory, opts.Operations, nil)
		require.Equal(t, 2, cmdtest.Code(r.Exec(t, cmd, "--save-baseline", path, "--output", "json")))
	}
}
