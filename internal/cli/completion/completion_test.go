// SPDX-License-Identifier: Apache-2.0

package completion

import (
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
)

func TestCompletion(t *testing.T) {
	t.Parallel()
	for shell, says := range map[string]string{
		"bash": "__start_tool", "zsh": "#compdef tool", "fish": "complete -c tool", "powershell": "Register-ArgumentCompleter",
	} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			r := cmdtest.New(t)
			root := &cobra.Command{Use: "tool"}
			root.AddCommand(NewCmd(r.Factory, nil))
			require.NoError(t, r.Exec(t, root, "completion", shell))
			require.Contains(t, r.Out.String(), says)
			require.Empty(t, r.Err.String())
		})
	}
}

func TestAnUnknownShellIsRefused(t *testing.T) {
	t.Parallel()
	r := cmdtest.New(t)
	err := r.Exec(t, NewCmd(r.Factory, nil), "tcsh")
	require.Equal(t, 2, cmdtest.Code(err))
	require.ErrorContains(t, err, "bash, zsh, fish, powershell")
}
