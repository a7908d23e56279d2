// SPDX-License-Identifier: Apache-2.0

// Package pulumi is the escape hatch: Pulumi's own commands on the state of this tool.
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
		Long: `Run one of Pulumi's own commands (stack, state, import, cancel, config, preview, up, destroy, ` +
			`refresh) with the engine
that is linked into emrflink, on the same state, with the same passphrase. It is the way out when something has to be
done that emrflink has no command for; everything after "pulumi" is Pulumi's, so are its exit codes.

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
