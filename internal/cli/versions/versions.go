// SPDX-License-Identifier: Apache-2.0

// Package versions is the command that shows which versions a stack has, and what the account offers beside them.
package versions

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
	"emrflink/internal/stack"
	"emrflink/internal/upgrade"
)

// Reader compares the versions of a stack with what the account offers.
type Reader func(ctx context.Context) (upgrade.Document, error)

// Options are the dependencies and the flags of the command.
type Options struct {
	IO   *iostreams.IOStreams
	Info func() (stack.Info, error)
	// Read compares.
	Read Reader

	Output cmdutil.Format
}

// NewCmd returns the command.
func NewCmd(f *cmdutil.Factory, read Reader, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO, Info: f.Info, Read: read}
	cmd := &cobra.Command{
		Use:   "versions [flags]",
		Short: "Show versions, what the account offers, and what an upgrade would do",
		Long: `Show the version of every part of a stack: that of the settings, that of the recorded state, and what
the account offers. For each part it says which setting chooses the version, what another version does to a
deployment, and what holds the newest one back. Nothing is changed.

Steps:
  1. read and validate the settings of the stack, and the recorded state
  2. open the target (the local target is started if it is stopped)
  3. ask EKS for its Kubernetes versions, and for the versions of addons for that of the settings
  4. print a line for each part

An addon without a version in emrflink:addonVersions is installed in EKS's default version, and stays in it. Chart
registries are not asked: charts come with a build of emrflink, which is tested with them.

The order of an upgrade is: emrRelease, then addons and node image, then kubernetesVersion, one deploy for each, each
with its preview.

Cost: none.

Exit codes: 0 printed; 1 failed; 2 settings or flags; 3 credentials.`,
		Example: `  emrflink versions
  emrflink versions --stack dev --output json`,
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return run(cmd.Context(), opts)
		},
	}
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

func run(ctx context.Context, opts *Options) error {
	info, err := opts.Info()
	if err != nil {
		return err
	}
	d, err := opts.Read(ctx)
	if err != nil {
		return fmt.Errorf("read the versions of stack %q: %w", info.Stack, err)
	}
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, d)
	}
	t := opts.IO.NewTable("PART", "SETTINGS", "DEPLOYED", "NEWEST", "SETTING", "HELD BACK BY")
	for _, p := range d.Parts {
		newest := ""
		if len(p.Offered) > 0 {
			newest = p.Offered[0]
		}
		t.Row(p.Name, p.Pinned, p.Deployed, newest, p.Key, p.HeldBack)
	}
	if err := t.Render(); err != nil {
		return err
	}
	said := map[string]bool{}
	_, _ = fmt.Fprintln(opts.IO.Out, "\nwhat another version does:")
	for _, p := range d.Parts {
		if key := p.Key + p.Upgrade; !said[key] {
			said[key] = true
			name := "emrflink:" + p.Key
			if p.Key == "" {
				name = "charts"
			}
			_, _ = fmt.Fprintf(opts.IO.Out, "  %s: %s\n", name, p.Upgrade)
		}
	}
	for _, what := range d.NotKnown {
		_, _ = fmt.Fprintf(opts.IO.ErrOut, "not known: %s\n", what)
	}
	cmdutil.PrintSimulated(opts.IO, d.Simulated)
	return nil
}
