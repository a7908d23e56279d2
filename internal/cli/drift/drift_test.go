// SPDX-License-Identifier: Apache-2.0

package drift

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/session"
	"emrflink/internal/stack"
)

type fake struct {
	drifted bool
	err     error
}

func (f fake) Info() stack.Info { return cmdtest.Info() }
func (f fake) Close() error     { return nil }
func (f fake) Drift(context.Context) (session.Drift, error) {
	return session.Drift{
		Drifted: f.drifted, Document: map[string]any{"schemaVersion": 1},
		Text: func(w io.Writer) error { _, err := fmt.Fprintln(w, "report"); return err },
	}, f.err
}

func TestDrift(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fake fake
		args []string
		code int
		out  string
	}{
		"no drift":                      {fake{}, nil, 0, "report\n"},
		"drift has the command to undo": {fake{drifted: true}, nil, 5, "report\nput it back with: emrflink deploy --refresh --stack local\n"},
		"json is the document alone":    {fake{drifted: true}, []string{"-o", "json"}, 5, "{\n  \"schemaVersion\": 1\n}\n"},
		"a failure prints nothing":      {fake{err: errors.New("no account")}, nil, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := cmdtest.New(t)
			r.Factory.Drift = func(context.Context) (session.Drifter, error) { return c.fake, nil }
			err := r.Exec(t, NewCmd(r.Factory, nil), c.args...)
			require.Equal(t, c.code, cmdtest.Code(err), err)
			require.Equal(t, c.out, r.Out.String())
		})
	}
}
