// SPDX-License-Identifier: Apache-2.0

// Package doctor is the command that checks everything that a deploy needs, and says how to fix each problem.
package doctor

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"emrflink/internal/check"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/disk"
	"emrflink/internal/flinkhome"
	"emrflink/internal/iostreams"
	"emrflink/internal/localtarget"
	"emrflink/internal/stack"
)

// LocalTarget is what can be known of the local target without starting it.
type LocalTarget interface {
	// Paths names the folder with its state and its log file.
	Paths() (dir, log string)
	// Binary finds the binary of the local control plane.
	Binary() (string, error)
	// Status asks the running target; localtarget.ErrNotRunning when there is none.
	Status(ctx context.Context) (localtarget.Status, error)
}

// Operations are what the command asks of the target.
type Operations struct {
	Local func() (LocalTarget, error)
	// State makes sure that the recorded state can be read and saved.
	State func(context.Context) error
	// Flink says whether jobs run on the local target.
	Flink func(context.Context) (flinkhome.Status, error)
	// Preflight makes the checks that a deploy begins with.
	Preflight func(context.Context) ([]check.Check, error)
	// FetchPlugins downloads the provider plugins that the target needs and that are missing.
	FetchPlugins func(context.Context) error
}

// Options are the dependencies and the flags of the command.
type Options struct {
	IO *iostreams.IOStreams
	Operations
	Info func() (stack.Info, error)
	Home func() (string, error)
	Free func(path string) (bytes uint64, err error)

	Fetch  bool
	Output cmdutil.Format
}

// NewCmd returns the command.
func NewCmd(f *cmdutil.Factory, o Operations, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{
		IO: f.IO, Operations: o, Info: f.Info, Free: disk.Free,
		Home: func() (string, error) { return cmdutil.Home(f.IO.Getenv) },
	}
	cmd := &cobra.Command{
		Use:   "doctor [flags]",
		Short: "Check for problems that would make a deploy fail",
		Long: `Check everything that a deploy of the stack needs, and print every problem with its cause and the
command that fixes it. Nothing is changed, and the local target is not started. A deploy begins with the same checks,
from step 4 on.

With --fetch, the provider plugins that are missing are downloaded first, into PULUMI_HOME or the state folder: some
hundred MB, which take about 2 GB. Without it, the first preview or deploy downloads them. The target local needs none.

Steps:
  1. settings of the stack
  2. state folder: writable, free space; a recorded state that was lost or cannot be read, a passphrase that does not
     read its secrets, another run that works on the stack
  3. target local: binary of the control plane, the running target and its control planes, the port, and whether
     Flink runs jobs or they are simulated, which is never an error
  4. target aws: the programs aws and kubectl, which pulumi-eks needs on the PATH; an expired login at the chart
     registry; provider plugins, the room that they take on the disk and in memory; whether the Kubernetes API is
     private
  5. the account: credentials and how long they are valid, the clock of this machine, account and region of the stack;
     zones, Kubernetes version and its support, instance types, the service-linked role for spot; quotas (VPCs,
     Elastic IPs, NAT gateways, clusters, on-demand and spot vCPUs) compared with usage; names that are taken,
     networks that overlap, leftover log groups; whether the identity administers the cluster

On the local target, step 5 asks the simulated account if the target runs. A check for which the credentials have no
permission is a warning that names the IAM action.

Cost: none.

Exit codes: 0 no problem, or warnings only; 2 problems were found and listed; 3 a problem with the credentials is
among them.`,
		Example: `  emrflink doctor
  emrflink doctor --stack dev --fetch
  emrflink doctor --stack dev --output json`,
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return run(cmd.Context(), opts)
		},
	}
	cmd.Flags().BoolVar(&opts.Fetch, "fetch", false, "first download the provider plugins that are missing")
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

// document is the JSON contract of the command.
type document struct {
	SchemaVersion int           `json:"schemaVersion"`
	Stack         string        `json:"stack"`
	Target        string        `json:"target"`
	OK            bool          `json:"ok"`
	Checks        []check.Check `json:"checks"`
}

func run(ctx context.Context, opts *Options) error {
	info, settings := opts.settings()
	if opts.Fetch && settings.Status == check.OK {
		if err := opts.FetchPlugins(ctx); err != nil {
			return fmt.Errorf("fetch the provider plugins: %w", err)
		}
	}
	checks := append([]check.Check{settings}, opts.folder(info.Home)...)
	if settings.Status == check.OK {
		reachable := true
		if info.Needs.Daemon {
			var local []check.Check
			local, reachable = opts.local(ctx)
			checks = append(append(checks, local...), opts.flink(ctx))
		}
		if info.Needs.Credentials {
			checks = append(checks, endpoint(info)...)
		}
		checks = append(checks, backend(info)...)
		checks = append(checks, opts.recorded(ctx, info, reachable)...)
	}
	verdict := cmdutil.Judge(checks)
	if opts.Output == cmdutil.JSON {
		if err := cmdutil.WriteJSON(opts.IO.Out, document{
			SchemaVersion: cmdutil.SchemaVersion, Stack: info.Stack, Target: info.Target, OK: verdict.Errors == 0, Checks: checks,
		}); err != nil {
			return err
		}
	} else {
		cmdutil.PrintChecks(opts.IO.Out, opts.IO.OutPalette(), opts.IO.Glyphs(), checks)
		_, _ = fmt.Fprintln(opts.IO.Out, verdict)
	}
	if verdict.Errors > 0 {
		return cmdutil.ExitStatus(verdict.Exit)
	}
	return nil
}
