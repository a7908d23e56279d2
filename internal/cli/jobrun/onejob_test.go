// SPDX-License-Identifier: Apache-2.0

package jobrun

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/flinkjob"
	"emrflink/internal/stack"
)

func TestACommandAboutOneJobTakesItsName(t *testing.T) {
	t.Parallel()
	type options struct {
		Job, Team, Rest string
		Output          cmdutil.Format
	}
	for line, c := range map[string]struct {
		optional bool
		rest     int
		want     string // "" is refused
	}{
		"do a":                       {want: "a"},
		"do a --team t":              {want: "a"},
		"do":                         {},
		"do a b":                     {},
		"do " + "--team t":           {optional: true, want: "*"},
		"do a --output json":         {optional: true, want: "a"},
		"do a b --output json":       {optional: true},
		"do a b c --team t":          {rest: 1},
		"do a b --team t -o text":    {rest: 1, want: "a[b]"},
		"do a --team t --output tex": {rest: 1},
	} {
		ran := ""
		_, err := cmdtest.ExecOf(t, "job", line, func(f *cmdutil.Factory) []*cobra.Command {
			var o options
			one := OneJob{Job: &o.Job, Team: &o.Team, Output: &o.Output, Optional: c.optional, MostRest: c.rest}
			one.Rest = func(args []string) error { o.Rest = fmt.Sprint(args); return nil }
			return []*cobra.Command{Bind(f, one, &o, nil, func(_ context.Context, o *options) error {
				ran = o.Job + o.Rest
				if o.Job == "" {
					ran = "*"
				}
				return nil
			}, &cobra.Command{Use: "do"})}
		})
		require.Equal(t, c.want, ran, line)
		if c.want == "" {
			require.Equal(t, cmdutil.ExitUsage, cmdtest.Code(err), line)
		}
	}
}

type session struct{ closed bool }

func (*session) Info() stack.Info          { return cmdtest.Info() }
func (*session) Explained(err error) error { return fmt.Errorf("explained: %w", err) }
func (s *session) Close() error            { s.closed = true; return nil }

func TestAnOperationHasItsJobAndItsErrorsAreExplained(t *testing.T) {
	t.Parallel()
	for says, c := range map[string]struct{ open, find, do error }{
		"":                           {},
		"do it: no stack":            {open: errors.New("no stack")},
		"do it: explained: denied":   {find: errors.New("denied")},
		"do it: explained: it fails": {do: errors.New("it fails")},
		`there is no Flink job "a"`:  {find: fmt.Errorf(`job "a": %w`, flinkjob.ErrNoJob)},
	} {
		s := &session{}
		err := With(t.Context(), "do it", func(context.Context) (*session, error) { return s, c.open },
			func(*session) (int, error) { return 7, c.find },
			func(_ *session, n int) error { require.Equal(t, 7, n); return c.do })
		require.Equal(t, c.open == nil, s.closed, says)
		if says == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, says)
	}
}
