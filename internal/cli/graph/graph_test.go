// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/preview"
)

type fake struct {
	err    error
	closed *bool
}

func (f fake) Close() error                                 { *f.closed = true; return nil }
func (f fake) Plan(context.Context) (preview.Report, error) { return preview.Report{}, f.err }

// drawn is the picture of a stack without resources.
func drawn(t *testing.T, draw func(io.Writer, preview.Document) error) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, draw(&b, preview.Document{}))
	return b.String()
}

func TestGraph(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args   []string
		err    error
		code   int
		stdout string
	}{
		"a picture is the default":       {stdout: drawn(t, preview.SVG)},
		"mermaid is text":                {args: []string{"--output", "mermaid"}, stdout: drawn(t, preview.Mermaid)},
		"a failure prints no picture":    {err: errors.New("no such zone"), code: 1},
		"text is no format of a picture": {args: []string{"--output", "text"}, code: 2},
		"an argument is one too many":    {args: []string{"dev"}, code: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := cmdtest.New(t)
			closed := false
			open := func(context.Context) (Planner, error) { return fake{c.err, &closed}, nil }
			err := r.Exec(t, NewCmd(r.Factory, open, nil), c.args...)
			require.Equal(t, c.code, cmdtest.Code(err), err)
			require.Equal(t, c.stdout, r.Out.String())
			require.Equal(t, c.code != 2, closed, "what was opened is closed")
		})
	}
}

func TestAPlannerThatDoesNotOpenIsTold(t *testing.T) {
	t.Parallel()
	r := cmdtest.New(t)
	opts := &Options{
		IO: r.Factory.IO, Info: r.Factory.Info, Output: cmdutil.SVG,
		Plan: func(context.Context) (Planner, error) { return nil, errors.New("no room") },
	}
	require.ErrorContains(t, run(t.Context(), opts), "no room")
}
