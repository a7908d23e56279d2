// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/session"
)

type fake struct {
	plan session.Plan
	err  error
}

func (f fake) Info() session.Info                         { return cmdtest.Info() }
func (f fake) Plan(context.Context) (session.Plan, error) { return f.plan, f.err }
func (f fake) Close() error                               { return nil }

func planOf(create int) session.Plan {
	return session.Plan{
		Summary:  session.Summary{Create: create},
		Document: map[string]any{"schemaVersion": 1},
		Markdown: func(w io.Writer) error { _, err := io.WriteString(w, "comment\n"); return err },
		HTML:     func(w io.Writer) error { _, err := io.WriteString(w, "page\n"); return err },
		Text: func(w io.Writer, color bool, width int) error {
			_, err := fmt.Fprintf(w, "plan: %d to create (color %t, width %d)\n", create, color, width)
			return err
		},
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	r := cmdtest.New(t)
	var got Options
	err := r.Exec(t, NewCmd(r.Factory, func(_ context.Context, o *Options) error { got = *o; return nil }),
		"--offline", "--exit-code", "-o", "json")
	require.NoError(t, err)
	require.True(t, got.Offline)
	require.True(t, got.ExitCode)
	require.Equal(t, cmdutil.JSON, got.Output)
}

func TestFlagsThatGoTogether(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args    []string
		offline bool
		err     string
	}{
		"a baseline is offline":               {[]string{"--baseline", "b.json"}, true, ""},
		"so is the making of one":             {[]string{"--save-baseline", "b.json"}, true, ""},
		"both":                                {[]string{"--baseline", "b.json", "--save-baseline", "c.json"}, true, ""},
		"a plan is of the deployed stack":     {[]string{"--save-plan", "p.json"}, false, ""},
		"a plan of an offline preview":        {[]string{"--save-plan", "p.json", "--offline"}, false, "needs the deployed stack"},
		"a plan of a preview with a baseline": {[]string{"--save-plan", "p.json", "--baseline", "b.json"}, false, "needs the deployed stack"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := cmdtest.New(t)
			var got Options
			err := r.Exec(t, NewCmd(r.Factory, func(_ context.Context, o *Options) error { got = *o; return nil }), c.args...)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				require.Equal(t, 2, cmdtest.Code(err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.offline, got.Offline)
		})
	}
}

func TestFilesAreWrittenBeforeThePlanIsShown(t *testing.T) {
	t.Parallel()
	r := cmdtest.New(t)
	plan := planOf(1)
	var wrote []string
	plan.SaveBaseline = func(path string) error { wrote = append(wrote, "baseline "+path); return nil }
	against := ""
	opts := &Options{
		IO: r.Factory.IO, Info: r.Factory.Info, Offline: true, Baseline: "main.json", SaveBaseline: "b.json", ExitCode: true,
		Against: func(_ context.Context, file string) (session.Planner, error) {
			against = file
			return fake{plan, nil}, nil
		},
	}
	require.Equal(t, 5, cmdtest.Code(run(t.Context(), opts)))
	require.Equal(t, "main.json", against)
	require.Equal(t, []string{"baseline b.json"}, wrote)
	require.Contains(t, r.Err.String(), "wrote b.json\n")
	require.Equal(t, "plan: 1 to create (color false, width 0)\n", r.Out.String())

	plan.Save = func(string) error { return errors.New("read-only file system") }
	opts = &Options{
		IO: r.Factory.IO, Info: r.Factory.Info, SavePlan: "p.json",
		Online: func(context.Context) (session.Planner, error) { return fake{plan, nil}, nil },
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
			changes: 2, stdout: "plan: 2 to create (color false, width 0)\n",
			stderr: "preview: started\npreview: done in 0s\nsimulated: the AWS account is simulated\n",
		},
		"offline asks nobody": {
			offline: true, changes: 3, stdout: "plan: 3 to create (color false, width 0)\n",
			stderr: "preview: started\npreview: done in 0s\nsimulated: the AWS account is simulated\n",
		},
		"changes are told by the exit code when asked for": {
			exitCode: true, changes: 1, code: 5, stdout: "plan: 1 to create (color false, width 0)\n",
			stderr: "preview: started\npreview: done in 0s\nsimulated: the AWS account is simulated\n",
		},
		"no change is no exit code": {
			exitCode: true, stdout: "plan: 0 to create (color false, width 0)\n",
			stderr: "preview: started\npreview: done in 0s\nsimulated: the AWS account is simulated\n",
		},
		"json is the document alone": {
			output: cmdutil.JSON, changes: 1, stdout: "{\n  \"schemaVersion\": 1\n}\n",
		},
		"markdown is the comment alone": {
			output: cmdutil.Markdown, changes: 1, stdout: "comment\n",
			stderr: "preview: started\npreview: done in 0s\nsimulated: the AWS account is simulated\n",
		},
		"html is the page alone": {
			output: cmdutil.HTML, changes: 1, stdout: "page\n", exitCode: true, code: 5,
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
			right := func(context.Context) (session.Planner, error) { return fake{planOf(c.changes), c.err}, nil }
			wrong := func(context.Context) (session.Planner, error) { return nil, errors.New("opened the wrong one") }
			opts := &Options{
				IO: r.Factory.IO, Info: r.Factory.Info, Online: right, Alone: wrong,
				Offline: c.offline, ExitCode: c.exitCode, Output: c.output,
			}
			if c.offline {
				opts.Online, opts.Alone = wrong, right
			}
			err := run(t.Context(), opts)
			require.Equal(t, c.code, cmdtest.Code(err), err)
			require.Equal(t, c.stdout, r.Out.String())
			require.Equal(t, c.stderr, r.Err.String())
		})
	}
}
