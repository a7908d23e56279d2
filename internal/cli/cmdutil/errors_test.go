// SPDX-License-Identifier: Apache-2.0

package cmdutil_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
)

// faceted is an error of a domain package with every facet.
type faceted struct{}

func (faceted) Error() string { return "AccessDenied: no" }
func (faceted) Hint() string  { return "aws sso login" }
func (faceted) Code() string  { return "aws.denied" }
func (faceted) ExitCode() int { return 3 }

// validation is an error that lists problems.
type validation struct{}

func (validation) Error() string          { return "2 problems: a; b" }
func (validation) ProblemLines() []string { return []string{"a", "b"} }
func (validation) ExitCode() int          { return 2 }

func TestDescribe(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want cmdutil.Report
	}{
		"a plain error is only what failed": {errors.New("boom"), cmdutil.Report{Error: "boom", Code: "failed", Exit: 1}},
		"wrapping separates what from why": {
			fmt.Errorf("create bucket %q: %w", "b", errors.New("taken")),
			cmdutil.Report{Error: `create bucket "b"`, Cause: "taken", Code: "failed", Exit: 1},
		},
		"facets are found below wrapping": {
			fmt.Errorf("deploy: %w", fmt.Errorf("create role: %w", faceted{})),
			cmdutil.Report{
				Error: "deploy: create role",
				Cause: "AccessDenied: no",
				Next:  []string{"aws sso login"},
				Code:  "aws.denied",
				Exit:  3,
			},
		},
		"an Error takes what it lacks from its cause": {
			&cmdutil.Error{What: "deploy", Cause: faceted{}},
			cmdutil.Report{
				Error: "deploy", Cause: "AccessDenied: no", Next: []string{"aws sso login"}, Code: "aws.denied", Exit: 3,
			},
		},
		"an Error's own facets win": {
			&cmdutil.Error{What: "deploy", Cause: faceted{}, Next: "a\nb", ID: "x", Exit: 7},
			cmdutil.Report{Error: "deploy", Cause: "AccessDenied: no", Next: []string{"a", "b"}, Code: "x", Exit: 7},
		},
		"problems stand in for the cause": {
			fmt.Errorf("read settings: %w", validation{}),
			cmdutil.Report{Error: "read settings", Code: "failed", Exit: 2, Problems: []string{"a", "b"}},
		},
		"a usage error shows the usage": {
			&cmdutil.UsageError{Err: errors.New("unknown flag: --x"), Usage: "emrflink deploy [flags]"},
			cmdutil.Report{Error: "unknown flag: --x", Next: []string{"usage: emrflink deploy [flags]"}, Code: "usage", Exit: 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.want.Next == nil {
				c.want.Next = []string{}
			}
			if c.want.Problems == nil {
				c.want.Problems = []string{}
			}
			require.Empty(t, cmp.Diff(c.want, cmdutil.Describe(c.err)))
		})
	}
}

func TestExitCode(t *testing.T) {
	t.Parallel()
	stopped, cancel := context.WithCancelCause(t.Context())
	cancel(&cmdutil.SignalError{})
	for name, c := range map[string]struct {
		ctx  context.Context
		err  error
		want int
	}{
		"success":                         {t.Context(), nil, 0},
		"success in spite of a signal":    {stopped, nil, 0},
		"an error without facets":         {t.Context(), errors.New("x"), 1},
		"a facet":                         {t.Context(), fmt.Errorf("x: %w", faceted{}), 3},
		"a signal wins over the failure":  {stopped, faceted{}, 130},
		"a deadline":                      {t.Context(), fmt.Errorf("wait: %w", context.DeadlineExceeded), 6},
		"a deadline inside an Error":      {t.Context(), &cmdutil.Error{What: "x", Cause: context.DeadlineExceeded}, 6},
		"a declined question":             {t.Context(), iostreams.ErrDeclined, 130},
		"a status without a message":      {t.Context(), cmdutil.ExitStatus(5), 5},
		"a question that cannot be asked": {t.Context(), &iostreams.NoPromptError{}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, cmdutil.ExitCode(c.ctx, c.err))
		})
	}
}

func TestTheTableOfExitCodesIsComplete(t *testing.T) {
	t.Parallel()
	var codes []int
	for _, e := range cmdutil.ExitCodes() {
		codes = append(codes, e.Code)
		require.NotEmpty(t, e.Meaning)
		require.Contains(t, cmdutil.ExitCodesHelp(), e.Meaning)
	}
	require.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 70, 130, 143}, codes)
}

func TestAnErrorIsPrintedInThreeParts(t *testing.T) {
	t.Parallel()
	ios, _, out, errOut := iostreams.Test()
	cmdutil.PrintError(ios, fmt.Errorf("create role: %w", faceted{}), 3, false, "/state/logs/x.jsonl")
	require.Empty(t, out.String())
	require.Equal(t, "error: create role\ncause: AccessDenied: no\nnext:  aws sso login\nlog:   /state/logs/x.jsonl\n",
		errOut.String())
}

func TestAValidationListsEveryProblem(t *testing.T) {
	t.Parallel()
	ios, _, _, errOut := iostreams.Test()
	cmdutil.PrintError(ios, fmt.Errorf("read settings: %w", validation{}), 2, false, "/log")
	require.Equal(t, "error: read settings\n   - a\n   - b\n", errOut.String())
}

func TestASilentStatusPrintsNothing(t *testing.T) {
	t.Parallel()
	ios, _, out, errOut := iostreams.Test()
	cmdutil.PrintError(ios, cmdutil.ExitStatus(5), 5, true, "/log")
	require.Empty(t, out.String()+errOut.String())
}

func TestCommandsCanBePasted(t *testing.T) {
	t.Parallel()
	require.Equal(t, "emrflink cleanup --stack local", cmdutil.Command("cleanup", "--stack", "local"))
	require.Equal(t, "emrflink init --set 'a b'", cmdutil.Command("init", "--set", "a b"))
}
