// SPDX-License-Identifier: Apache-2.0

package pulumi

import (
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
)

func TestArgumentsAndExitCodeArePulumis(t *testing.T) {
	t.Parallel()
	r := cmdtest.New(t)
	var got []string
	run := func(args []string) int { got = args; return 255 }
	err := r.Exec(t, NewCmd(run, nil), "stack", "export", "--stack", "local", "--help")
	require.Equal(t, 255, cmdtest.Code(err))
	require.Equal(t, []string{"stack", "export", "--stack", "local", "--help"}, got)
	run = func([]string) int { return 0 }
	require.NoError(t, r.Exec(t, NewCmd(run, nil), "version"))
}
