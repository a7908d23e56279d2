// SPDX-License-Identifier: Apache-2.0

// Package completion is the command that prints shell completions.
package completion

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
)

// Options are the dependencies and the arguments of the command.
type Options struct {
	IO    *iostreams.IOStreams
	Root  *cobra.Command
	Shell string
}

// shells are those that cobra can write a script for.
func shells() []string { return []string{"bash", "zsh", "fish", "powershell"} }

// NewCmd returns the command.
func NewCmd(f *cmdutil.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print the completion script of a shell",
		Long: `Print a script that completes commands, flags and their values. The shell is one of bash, zsh, fish, powershell.

Exit codes: 0 printed; 2 no such shell.`,
		Example: `  emrflink completion bash
  emrflink completion zsh`,
		ValidArgs: shells(),
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cmdutil.ExactArgs("the name of a shell")(cmd, args); err != nil {
				return err
			}
			if !slices.Contains(shells(), args[0]) {
				return &cmdutil.UsageError{
					Err:   fmt.Errorf("no completion for shell %q: want one of %s", args[0], strings.Join(shells(), ", ")),
					Usage: cmd.UseLine(),
				}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.Root, opts.Shell = cmd.Root(), args[0]
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return run(opts)
		},
	}
}

func run(opts *Options) error {
	write := map[string]func(io.Writer) error{
		"bash":       func(w io.Writer) error { return opts.Root.GenBashCompletionV2(w, true) },
		"zsh":        opts.Root.GenZshCompletion,
		"fish":       func(w io.Writer) error { return opts.Root.GenFishCompletion(w, true) },
		"powershell": opts.Root.GenPowerShellCompletionWithDesc,
	}[opts.Shell]
	if err := write(opts.IO.Out); err != nil {
		return fmt.Errorf("print completion: %w", err)
	}
	return nil
}
