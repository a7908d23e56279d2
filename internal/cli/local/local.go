// SPDX-License-Identifier: Apache-2.0

// Package local holds the commands that control the local target: the simulated AWS account and its Kubernetes control
// planes.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/flinkhome"
	"emrflink/internal/iostreams"
	"emrflink/internal/localtarget"
	"emrflink/internal/plans"
)

// Target is the local target of the state folder.
type Target interface {
	Looks

	// Paths names the folder with the target's state and its log file.
	Paths() (dir, log string)
	// Stop ends the target, its state stays; localtarget.ErrNotRunning when there is none.
	Stop(ctx context.Context) error
	// Reset stops the target and forgets the simulated account.
	Reset(ctx context.Context) error
}

// Looks tell of the local target.
type Looks interface {
	// Status asks the running target. With localtarget.ErrNotRunning it describes the stopped one.
	Status(ctx context.Context) (localtarget.Status, error)
	// Inventory lists the simulated account, starting the target when it has state and is stopped.
	Inventory(ctx context.Context) (localtarget.Inventory, error)
	// Deployed lists the stacks that are deployed on the target, which nobody else changes from then on. It fails while
	// another command does.
	Deployed(ctx context.Context) ([]localtarget.Deployed, error)
}

// Operations are what the commands ask of the local target.
type Operations struct {
	Open func() (Target, error)
	// Serve is the target: it returns when ctx ends or a client stops it.
	Serve func(ctx context.Context, o localtarget.ServeOptions) error
	// Flink knows the Flink of the state folder.
	Flink func() (flinkhome.Homes, error)
	// Faults break the target of a stack on purpose; another target than the local one refuses.
	Faults func() (Faults, error)
	// Change changes a deployed resource out of band and returns it as it is recorded; another target refuses.
	Change func(ctx context.Context, c localtarget.Change) (plans.StateResource, error)
	// Dashboards collects the metrics of a stack and shows them on l, which it takes over; another target refuses.
	Dashboards func(ctx context.Context, l net.Listener, since time.Duration) (Board, error)
}

// Options are the dependencies and the flags of the commands.
type Options struct {
	IO *iostreams.IOStreams
	Operations

	Yes        bool
	Output     cmdutil.Format
	ServeFlags localtarget.ServeOptions
}

// NewCmd returns the command with its subcommands.
func NewCmd(f *cmdutil.Factory, o Operations) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "local COMMAND",
		Short: "Control the local target",
		Long: `Control the local target: a simulated AWS account and a real Kubernetes control plane with the real
Karpenter, on this machine. Commands start it when they need it; it then runs in the background and keeps its state in
the state folder.

Exit codes: 0 done; see the subcommands.`,
		Example: `  emrflink local status
  emrflink local inventory --output json`,
	}
	return cmdutil.Group(cmd, NewStatusCmd(f, o, nil), NewInventoryCmd(f, o, nil), NewStopCmd(f, o, nil), NewResetCmd(f, o, nil),
		NewDashboardsCmd(f, o, nil), NewFaultCmd(f, o), NewFlinkCmd(f, o), NewServeCmd(f, o, nil))
}

func runner(opts *Options, runF, run func(context.Context, *Options) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		if runF != nil {
			return runF(cmd.Context(), opts)
		}
		return run(cmd.Context(), opts)
	}
}

// NewStatusCmd returns the command that shows the running target.
func NewStatusCmd(f *cmdutil.Factory, o Operations, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO, Operations: o}
	cmd := &cobra.Command{
		Use:   "status [flags]",
		Short: "Show whether the local target runs",
		Long: `Show whether the local target runs. If it does, also show its process, its address, its control planes
and the faults that are set. A control plane that does not run is shown with the reason. In any case, show whether
Flink runs jobs or they are simulated. Nothing is started.

Cost: none.

Exit codes: 0 it runs, or it is stopped; 1 it does not answer; 2 flags.`,
		Example: `  emrflink local status
  emrflink local status --output json`,
		Args: cmdutil.NoArgs,
		RunE: runner(opts, runF, status),
	}
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

func status(ctx context.Context, opts *Options) error {
	l, err := opts.Open()
	if err != nil {
		return err
	}
	s, err := l.Status(ctx)
	if err != nil && !errors.Is(err, localtarget.ErrNotRunning) {
		return &cmdutil.Error{What: "ask the local target", Cause: err, Next: cmdutil.Command("local", "stop")}
	}
	homes, err := opts.Flink()
	if err != nil {
		return err
	}
	s.Flink = homes.Status(ctx, opts.IO.Getenv).String()
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, s)
	}
	w := opts.IO.Out
	if s.State == localtarget.Stopped {
		_, err := fmt.Fprintln(w, "the local target is stopped; a command that needs it starts it")
		return errors.Join(err, paths(w, s))
	}
	what := "runs"
	if s.State != localtarget.Running {
		what = fmt.Sprintf("is %s (%s)", s.State, s.Doing)
	}
	_, _ = fmt.Fprintf(w, "the local target %s: process %d, since %s, version %s\n", what, s.PID, s.StartedAt, s.Version)
	_, _ = fmt.Fprintf(w, "AWS API:   %s (account %s, region %s, AWS's durations divided by %g)\n", s.URL, s.AccountID,
		s.Region, s.Speed)
	_, _ = fmt.Fprintf(w, "resources: %d\n", s.Resources)
	_ = paths(w, s)
	t := opts.IO.NewTable("CLUSTER", "ENDPOINT", "PROCESS")
	for _, c := range s.Clusters {
		process := strconv.Itoa(c.PID)
		if c.State != localtarget.Running {
			process = c.State
		}
		t.Row(c.Name, c.Endpoint, process)
	}
	if err := t.Render(); err != nil {
		return err
	}
	for _, c := range s.Clusters {
		if c.State == localtarget.Failed {
			_, _ = fmt.Fprintf(w, "cluster %s: %s\nit is tried again from time to time; look for the cause: %s\n",
				c.Name, c.Reason, cmdutil.Command("doctor"))
		}
	}
	return faultTable(opts.IO, s.Faults)
}

// paths prints where the target keeps its state and its log, and what runs its jobs.
func paths(w io.Writer, s localtarget.Status) error {
	_, err := fmt.Fprintf(w, "state:     %s\nlog:       %s\nflink:     %s\n", s.Dir, s.Log, s.Flink)
	return err
}

// NewInventoryCmd returns the command that lists the simulated account.
func NewInventoryCmd(f *cmdutil.Factory, o Operations, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO, Operations: o}
	cmd := &cobra.Command{
		Use:   "inventory [flags]",
		Short: "List everything in the simulated AWS account",
		Long: `List every resource of the simulated account, who made it, and what AWS would bill for it per hour. The
list includes resources that controllers and AWS itself made. The local target is started if it is stopped and has
state.

Cost: none: the prices are AWS's list prices, nothing is billed.

Exit codes: 0 listed, also when the account is empty; 1 failed; 2 flags.`,
		Example: `  emrflink local inventory
  emrflink local inventory --output json`,
		Args: cmdutil.NoArgs,
		RunE: runner(opts, runF, inventory),
	}
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

func inventory(ctx context.Context, opts *Options) error {
	l, err := opts.Open()
	if err != nil {
		return err
	}
	inv, err := l.Inventory(ctx)
	if err != nil {
		return fmt.Errorf("list the simulated account: %w", err)
	}
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, inv)
	}
	t := opts.IO.NewTable("SERVICE", "TYPE", "ID", "MADE BY", "USD/HOUR")
	for _, r := range inv.Resources {
		price := ""
		if r.HourlyUSD > 0 {
			price = cmdutil.PerHour(r.HourlyUSD)
		}
		t.Row(r.Service, r.Type, r.ID, r.CreatedBy, price)
	}
	if err := t.Render(); err != nil {
		return err
	}
	summary := "the simulated account is empty"
	if n := len(inv.Resources); n > 0 {
		summary = fmt.Sprintf("%s in the simulated account; AWS would bill %s per hour, %s per month, use not included",
			cmdutil.Count(n, "resource", "resources"), cmdutil.PerHour(inv.HourlyUSD), cmdutil.PerMonth(inv.HourlyUSD))
	}
	_, err = fmt.Fprintln(opts.IO.ErrOut, summary)
	return err
}
