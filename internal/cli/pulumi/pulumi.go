// SPDX-License-Identifier: Apache-2.0

// Package pulumi runs Pulumi's own commands on the state of emrflink, for tasks that emrflink has no command for.
package pulumi

import (
	"context"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
)

// Main runs one of Pulumi's own commands and returns its exit code. The error says why it was not run.
type Main func(ctx context.Context, args []string) (int, error)

// NewCmd returns the command.
func NewCmd(run Main, runF func(context.Context, []string) error) *cobra.Command {
	return &cobra.Command{
		Use:   "pulumi [arguments]",
		Short: "Run one of Pulumi's own commands on the recorded state",
		Long: `Run one of Pulumi's own commands (stack, state, import, cancel, config, preview, up, destroy, refresh)
with the engine that is linked into emrflink, on the same state, with the same passphrase. Use it for tasks that
emrflink has no command for. All arguments after "pulumi" are passed to Pulumi, and the exit code is Pulumi's.

preview, up, destroy, refresh and import work on the target of the stack with its providers and settings, as "preview"
and "deploy" do. They show no losses and check nothing first: prefer "deploy", "drift" and "cleanup".

Exit codes: Pulumi's own.`,
		Example: `  emrflink pulumi stack export --stack local
  emrflink pulumi cancel --yes --stack local
  emrflink pulumi state delete URN --stack local`,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if runF != nil {
				return runF(cmd.Context(), args)
			}
			code, err := run(cmd.Context(), args)
			if err == nil && code != cmdutil.ExitOK {
				return cmdutil.ExitStatus(code)
			}
			return err
		},
	}
}
