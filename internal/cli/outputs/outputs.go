// SPDX-License-Identifier: Apache-2.0

// Package outputs is the command that prints the outputs of a stack.
package outputs

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
	"emrflink/internal/mask"
	"emrflink/internal/stack"
)

// masked is shown in place of a secret.
const masked = mask.Secret

// Stack is what the command needs of a stack.
type Stack interface {
	Info() stack.Info
	State(ctx context.Context) (stack.State, error)
	Close() error
}

// Options are the dependencies and the flags of the command.
type Options struct {
	IO   *iostreams.IOStreams
	Open func(context.Context) (Stack, error)

	Name        string
	ShowSecrets bool
	Output      cmdutil.Format
}

// NewCmd returns the command.
func NewCmd(
	f *cmdutil.Factory, open func(context.Context) (Stack, error), runF func(context.Context, *Options) error,
) *cobra.Command {
	opts := &Options{IO: f.IO, Open: open}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "outputs [name] [flags]",
		Short: "Print the outputs of a stack",
		Long: `Print what a deploy returned: cluster, bucket, roles, namespaces, log groups. With a name, only that
output is printed, without decoration, for use in scripts. The values come from the recorded state; nothing is
contacted.

Cost: none.

Exit codes: 0 printed; 1 failed; 2 settings, flags or no such output; 4 the stack was never deployed.`,
		Example: `  emrflink outputs
  emrflink outputs clusterName
  emrflink outputs --output json --show-secrets`,
		Args:              cmdutil.AtMost("NAME"),
		ValidArgsFunction: cmdutil.CompleteArgument(f, f.Complete.Outputs),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				opts.Name = args[0]
			}
			if asJSON {
				opts.Output = cmdutil.JSON
			}
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return run(cmd.Context(), opts)
		},
	}
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	cmd.Flags().BoolVar(&asJSON, "json", false, "short for --output json")
	cmd.Flags().BoolVar(&opts.ShowSecrets, "show-secrets", false, "print secret values instead of "+masked)
	return cmd
}

// document is the JSON contract of the command.
type document struct {
	SchemaVersion int            `json:"schemaVersion"`
	Stack         string         `json:"stack"`
	Outputs       map[string]any `json:"outputs"`
	Secrets       []string       `json:"secrets"` // names of the secret ones
	Simulated     []string       `json:"simulated"`
}

func run(ctx context.Context, opts *Options) error {
	s, err := opts.Open(ctx)
	if err != nil {
		return fmt.Errorf("read outputs: %w", err)
	}
	defer s.Close() // nothing was changed
	info := s.Info()
	st, err := s.State(ctx)
	if err != nil {
		return fmt.Errorf("read outputs of stack %q: %w", info.Stack, err)
	}
	values, secrets := map[string]any{}, []string{}
	for _, name := range slices.Sorted(maps.Keys(st.Outputs)) {
		o := st.Outputs[name]
		values[name] = o.Value
		if o.Secret {
			secrets = append(secrets, name)
			if !opts.ShowSecrets {
				values[name] = masked
			}
		}
	}
	if opts.Name != "" {
		return one(opts, info.Stack, values)
	}
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, document{
			SchemaVersion: cmdutil.SchemaVersion, Stack: info.Stack, Outputs: values, Secrets: secrets,
			Simulated: cmdutil.List(info.Simulated),
		})
	}
	t := opts.IO.NewTable("OUTPUT", "VALUE")
	for _, name := range slices.Sorted(maps.Keys(values)) {
		t.Row(name, text(values[name]))
	}
	if err := t.Render(); err != nil {
		return err
	}
	cmdutil.PrintSimulated(opts.IO, info.Simulated)
	return nil
}

func one(opts *Options, stack string, values map[string]any) error {
	v, ok := values[opts.Name]
	if !ok {
		return &cmdutil.UsageError{
			Err:  fmt.Errorf("stack %q has no output %q", stack, opts.Name),
			Next: cmdutil.Command("outputs", "--stack", stack),
		}
	}
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, v)
	}
	_, err := fmt.Fprintln(opts.IO.Out, text(v))
	return err
}

// text prints a value in one line: strings as they are, the rest as JSON.
func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
