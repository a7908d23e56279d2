// SPDX-License-Identifier: Apache-2.0

// Package config is the group of commands about the settings file of a stack. Nothing is contacted.
package config

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
)

// Options are the dependencies and the flags of the commands.
type Options struct {
	IO     *iostreams.IOStreams
	Read   func(file string) (cmdutil.SettingsFile, error)
	Schema func() map[string]any

	File   string
	Output cmdutil.Format
}

// NewCmd returns the group of commands.
func NewCmd(f *cmdutil.Factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config COMMAND",
		Short: "Check the settings file of a stack",
		Long: `Check the settings file of a stack, and print what an editor needs to complete and check it while you write.

Exit codes: 0 done; see the subcommands.`,
		Example: `  emrflink config validate
  emrflink config validate Pulumi.dev.yaml`,
	}
	return cmdutil.Group(cmd, NewValidateCmd(f, nil), NewSchemaCmd(f, nil))
}

// NewValidateCmd returns the command that checks a file.
func NewValidateCmd(f *cmdutil.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO, Read: f.Reference.Read}
	cmd := &cobra.Command{
		Use:        "validate [file] [flags]",
		SuggestFor: []string{"lint", "check"},
		Short:      "Check a settings file and list everything that is wrong",
		Long: `Check the settings of a file, by default those of the stack, as every command does before it begins, and list
everything that is wrong with its line or its key. What the Pulumi.yaml of the current folder sets for every stack
counts too, where the file does not set the key.

A text may be written without quotes: 1.35, no and 2026-01-01 are taken as they are written. Other tools that read the
file may take such a value for a number or a date, so it is shown as a hint.

Cost: none; nothing is contacted.

Exit codes: 0 the settings are valid; 1 failed; 2 they are not, there is no such file, or flags.`,
		Example: `  emrflink config validate
  emrflink config validate Pulumi.dev.yaml --output json`,
		Args: cmdutil.AtMost("FILE"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return []cobra.Completion{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				opts.File = args[0]
			}
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return validate(opts)
		},
	}
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

// document is the JSON contract of validate.
type document struct {
	SchemaVersion int      `json:"schemaVersion"`
	Stack         string   `json:"stack"`
	File          string   `json:"file"`
	Hints         []string `json:"hints"`
}

func validate(opts *Options) error {
	f, err := opts.Read(opts.File)
	if err != nil {
		return err
	}
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, document{
			SchemaVersion: cmdutil.SchemaVersion, Stack: f.Stack, File: f.Path, Hints: cmdutil.List(f.Hints),
		})
	}
	for _, hint := range f.Hints {
		_, _ = fmt.Fprintf(opts.IO.ErrOut, "hint: %s: %s\n", f.Path, hint)
	}
	what := f.Path
	if what == "" {
		what = "stack " + f.Stack + " has no file and takes the defaults"
	}
	_, err = fmt.Fprintf(opts.IO.Out, "%s: the settings are valid\n", what)
	return err
}

// NewSchemaCmd returns the command that prints the schema.
func NewSchemaCmd(f *cmdutil.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO, Schema: f.Reference.Schema}
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of a settings file, for editors",
		Long: `Print the JSON Schema of Pulumi.STACK.yaml. An editor with a YAML language server completes the keys, shows what
they mean and marks what is wrong, if the first line of the file names the schema:

  # yaml-language-server: $schema=docs/schema.json

"emrflink init" writes that line in a folder that has the schema.

Cost: none.

Exit codes: 0 printed; 2 flags.`,
		Example: `  emrflink config schema`,
		Args:    cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return cmdutil.WriteJSON(opts.IO.Out, opts.Schema())
		},
	}
}
