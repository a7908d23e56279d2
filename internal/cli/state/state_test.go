// SPDX-License-Identifier: Apache-2.0

package state

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/plans"
	"emrflink/internal/stack"
)

var copies = []plans.StateCopy{
	{Path: "/b/2.json", Saved: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Resources: 129},
	{Path: "/b/1.json", Saved: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC), Resources: 1},
}

// fake is a stack whose state is whole, or lost.
type fake struct {
	whole bool
	err   error
	asked []string // the files that were to be restored
}

func (*fake) Info() stack.Info { return cmdtest.Info() }
func (*fake) Close() error     { return nil }

func (*fake) Copies(context.Context) ([]plans.StateCopy, error) { return copies, nil }

func (f *fake) Restore(_ context.Context, from string) (plans.StateCopy, error) {
	f.asked = append(f.asked, from)
	if f.whole || f.err != nil {
		return plans.StateCopy{}, f.err
	}
	return copies[0], nil
}

func TestRestore(t *testing.T) {
	t.Parallel()
	const table = "SAVED\tRESOURCES\tFILE\n2026-01-02T03:04:05Z\t129\t/b/2.json\n2026-01-02T03:04:00Z\t1\t/b/1.json\n"
	for name, c := range map[string]struct {
		stack fake
		args  []string
		asked []string
		code  int
		out   string
	}{
		"the newest copy": {fake{}, nil, []string{""}, 0,
			"the state of stack local is that of 2026-01-02T03:04:05Z again: 129 resources, from /b/2.json\n" +
				"what was made or deleted after that is not in it; compare it with the account: emrflink drift --stack local\n"},
		"a copy by name": {fake{}, []string{"--from", "x.json"}, []string{"x.json"}, 0,
			"the state of stack local is that of 2026-01-02T03:04:05Z again: 129 resources, from /b/2.json\n" +
				"what was made or deleted after that is not in it; compare it with the account: emrflink drift --stack local\n"},
		"nothing was lost": {fake{whole: true}, nil, []string{""}, 0,
			"the state of stack local can be read and has resources: there is nothing to restore\n" +
				"to replace it by a copy, name one with --from; list them: emrflink state restore --dry-run --stack local\n"},
		"the list":  {fake{}, []string{"--dry-run"}, nil, 0, table + "dry run: 2 copies can be read, nothing was restored\n"},
		"a failure": {fake{err: errors.New("locked")}, nil, []string{""}, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := cmdtest.New(t)
			s := c.stack
			open := func(context.Context) (Stack, error) { return &s, nil }
			err := r.Exec(t, NewRestoreCmd(r.Factory, open, nil), c.args...)
			require.Equal(t, c.code, cmdtest.Code(err), err)
			require.Equal(t, c.asked, s.asked)
			require.Equal(t, c.out, r.Out.String())
		})
	}
}

func TestJSONHasTheCopiesAndTheOneThatWasTaken(t *testing.T) {
	t.Parallel()
	r := cmdtest.New(t)
	open := func(context.Context) (Stack, error) { return &fake{}, nil }
	require.NoError(t, r.Exec(t, NewRestoreCmd(r.Factory, open, nil), "--output", "json"))
	cmdtest.Fields(t, r.Out.Bytes(), "schemaVersion", "stack", "dryRun", "restored", "copies", "copies[].path", "copies[].saved",
		"copies[].resources")
	require.Contains(t, r.Out.String(), `"restored": "/b/2.json"`)
}
