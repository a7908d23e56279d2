// SPDX-License-Identifier: Apache-2.0

package pulumi

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
)

func TestArgumentsAndExitCodeArePulumis(t *testing.T) {
	t.Parallel()
	r := cmdtest.New(t)
	var got []string
	run := func(_ context.Context, args []string) (int, error) { got = args; return 255, nil }
	err := r.Exec(t, NewCmd(run, nil), "stack", "export", "--stack", "local", "--help")
	require.Equal(t, 255, cmdtest.Code(err))
	require.Equal(t, []string{"stack", "export", "--stack", "local", "--help"}, got)
	run = func(context.Context, []string) (int, error) { return 0, nil }
	require.NoError(t, r.Exec(t, NewCmd(run, nil), "version"))
	run = func(context.Context, []string) (int, error) { return 0, errors.New("not run") }
	require.ErrorContains(t, r.Exec(t, NewCmd(run, nil), "up"), "not run")
}
