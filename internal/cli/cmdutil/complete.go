// SPDX-License-Identifier: Apache-2.0

package cmdutil

import (
	"context"
	"time"

	"github.com/spf13/cobra"
)

// Complete is what completion offers. Nothing is started for it, and whatever cannot be read offers nothing.
type Complete struct {
	// Stacks are those of the current folder, Checks the checks that a deploy begins with.
	Stacks, Checks func() []string
	// Outputs are the names of the stack's outputs, Jobs those of the jobs in its cluster.
	Outputs, Jobs func(context.Context) []string
}

// patience is how long somebody at a prompt waits for a completion.
const patience = 3 * time.Second

// CompleteArgument completes the one argument of a command by names that are asked for with the global flags of the line.
func CompleteArgument(f *Factory, names func(context.Context) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 || names == nil || f.Globals.ApplyEnvironment(cmd.Flags(), f.IO.Getenv) != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), patience)
		defer cancel()
		f.IO.SetQuiet(true)
		return names(ctx), cobra.ShellCompDirectiveNoFileComp
	}
}

// CompleteFlagFrom completes a flag's value by names that are asked for when they are needed.
func CompleteFlagFrom(cmd *cobra.Command, flag string, names func() []string) {
	complete := func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if names == nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return names(), cobra.ShellCompDirectiveNoFileComp
	}
	_ = cmd.RegisterFlagCompletionFunc(flag, complete)
}
