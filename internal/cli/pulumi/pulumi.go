// SPDX-License-Identifier: Apache-2.0

// Package pulumi runs Pulumi's own commands on the state of emrflink, for tasks that emrflink has no command for.
package pulumi

import (
	"context"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
)

// Main runs one of Pulumi's own commands and returns its exit code.
type Main func(args []string) int

// NewCmd returns the command.
func NewCmd(run Main, runF func(context.Context, []string) error) *cobra.Command {
	return &cobra.Command{
		Use:   "pulumi [arguments]",
		Short: "Run one of Pulumi's own commands on the recorded state",
		Long: `Run one of Pulumi's own commands (stack, state, import, cancel, config, preview, up, destroy, refresh)
with the engine that is linked into emrflink, on the same state, with the same passphrase. Use it for tasks that
emrflink has no command for. All arguments after "pulumi" are passed to Pulumi, and the exit code is Pulumi's.

Exit codes: Pulumi's own.`,
		Example: `  emrflink pulumi stack export --stack local
  emrflink pulumi cancel --yes --stack local
  emrflink pulumi state delete URN --stack local`,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if runF != nil {
				return runF(cmd.Context(), args)
			}
			if code := run(args); code != cmdutil.ExitOK {
				return cmdutil.ExitStatus(code)
			}
			return nil
		},
	}
}
