// SPDX-License-Identifier: Apache-2.0

// Package local holds the commands that control the local target: the simulated AWS account and the control planes
// beside it.
package local

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/session"
	"emrflink/internal/iostreams"
)

// Options are the dependencies and the flags of the commands.
type Options struct {
	IO    *iostreams.IOStreams
	Local func() (session.Local, error)

	Yes    bool
	Output cmdutil.Format
	Serve  session.ServeOptions
}

// NewCmd returns the command with its subcommands.
func NewCmd(f *cmdutil.Factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "local COMMAND",
		Short: "Control the local target",
		Long: `Control the local target: a simulated AWS account and a real Kubernetes control plane with the real Karpenter, on this
machine. Commands start it when they need it; it goes on in the background and keeps its state in the state folder.

Exit codes: 0 done; see the subcommands.`,
		Example: `  emrflink local status
  emrflink local inventory --output json`,
	}
	return cmdutil.Group(cmd, NewStatusCmd(f, nil), NewInventoryCmd(f, nil), NewStopCmd(f, nil), NewResetCmd(f, nil), NewFaultCmd(f), NewServeCmd(f, nil))
}

func newOptions(f *cmdutil.Factory) *Options { return &Options{IO: f.IO, Local: f.Local} }

func runner(opts *Options, runF, run func(context.Context, *Options) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		if runF != nil {
			return runF(cmd.Context(), opts)
		}
		return run(cmd.Context(), opts)
	}
}

// NewStatusCmd returns the command that shows the running target.
func NewStatusCmd(f *cmdutil.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f)
	cmd := &cobra.Command{
		Use:   "status [flags]",
		Short: "Show whether the local target runs",
		Long: `Show whether the local target runs, and when it does, its process, its address, the control planes that it runs and
the faults that are set. Nothing is started.

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

type statusDocument struct {
	SchemaVersion int                    `json:"schemaVersion"`
	State         string                 `json:"state"` // running, stopped: then only the paths are set
	PID           int                    `json:"pid"`
	URL           string                 `json:"url"`
	Dir           string                 `json:"dir"`
	Log           string                 `json:"log"`
	Region        string                 `json:"region"`
	AccountID     string                 `json:"accountId"`
	Speed         float64                `json:"speed"`
	Version       string                 `json:"version"`
	StartedAt     string                 `json:"startedAt"`
	Resources     int                    `json:"resources"`
	Clusters      []session.LocalCluster `json:"clusters"`
	Faults        []session.Fault        `json:"faults"`
}

func status(ctx context.Context, opts *Options) error {
	l, err := opts.Local()
	if err != nil {
		return err
	}
	dir, log := l.Paths()
	s, err := l.Status(ctx)
	if errors.Is(err, session.ErrNotRunning) {
		return stopped(opts, dir, log)
	}
	if err != nil {
		return &cmdutil.Error{What: "ask the local target", Cause: err, Next: cmdutil.Command("local", "stop")}
	}
	started := s.StartedAt.UTC().Format("2006-01-02T15:04:05Z")
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, statusDocument{
			SchemaVersion: cmdutil.SchemaVersion, State: "running", PID: s.PID, URL: s.URL, Dir: s.Dir, Log: log, Region: s.Region, AccountID: s.AccountID,
			Speed: s.Speed, Version: s.Version, StartedAt: started, Resources: s.Resources, Clusters: cmdutil.List(s.Clusters),
			Faults: cmdutil.List(s.Faults),
		})
	}
	w := opts.IO.Out
	_, _ = fmt.Fprintf(w, "the local target runs: process %d, since %s, version %s\n", s.PID, started, s.Version)
	_, _ = fmt.Fprintf(w, "AWS API:   %s (account %s, region %s, AWS's durations divided by %g)\n", s.URL, s.AccountID, s.Region, s.Speed)
	_, _ = fmt.Fprintf(w, "resources: %d\n", s.Resources)
	_, _ = fmt.Fprintf(w, "state:     %s\nlog:       %s\n", s.Dir, log)
	t := opts.IO.NewTable("CLUSTER", "ENDPOINT", "PROCESS")
	for _, c := range s.Clusters {
		t.Row(c.Name, c.Endpoint, strconv.Itoa(c.PID))
	}
	if err := t.Render(); err != nil {
		return err
	}
	return faultTable(opts.IO, s.Faults)
}

// stopped shows a target that does not run.
func stopped(opts *Options, dir, log string) error {
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, statusDocument{
			SchemaVersion: cmdutil.SchemaVersion, State: "stopped", Dir: dir, Log: log, Clusters: []session.LocalCluster{}, Faults: []session.Fault{},
		})
	}
	_, err := fmt.Fprintf(opts.IO.Out, "the local target is stopped; a command that needs it starts it\nstate:     %s\nlog:       %s\n", dir, log)
	return err
}

// NewInventoryCmd returns the command that lists the simulated account.
func NewInventoryCmd(f *cmdutil.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f)
	cmd := &cobra.Command{
		Use:   "inventory [flags]",
		Short: "List everything in the simulated AWS account",
		Long: `List every resource of the simulated account, who made it, and what AWS would bill for it per hour. Resources that
controllers and AWS itself made are there, too. The target is started when it is stopped and has state.

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

// inventoryDocument is the JSON contract of the command.
type inventoryDocument struct {
	SchemaVersion int                         `json:"schemaVersion"`
	Resources     []session.InventoryResource `json:"resources"`
	HourlyUSD     float64                     `json:"hourlyUSD"`
}

func inventory(ctx context.Context, opts *Options) error {
	l, err := opts.Local()
	if err != nil {
		return err
	}
	inv, err := l.Inventory(ctx)
	if err != nil {
		return fmt.Errorf("list the simulated account: %w", err)
	}
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, inventoryDocument{
			SchemaVersion: cmdutil.SchemaVersion, Resources: cmdutil.List(inv.Resources), HourlyUSD: inv.HourlyUSD,
		})
	}
	t := opts.IO.NewTable("SERVICE", "TYPE", "ID", "MADE BY", "USD/HOUR")
	for _, r := range inv.Resources {
		price := ""
		if r.HourlyUSD > 0 {
			price = cmdutil.USD(r.HourlyUSD)
		}
		t.Row(r.Service, r.Type, r.ID, r.CreatedBy, price)
	}
	if err := t.Render(); err != nil {
		return err
	}
	summary := "the simulated account is empty"
	if n := len(inv.Resources); n > 0 {
		summary = fmt.Sprintf("%s in the simulated account; AWS would bill %s per hour, use not included",
			cmdutil.Count(n, "resource", "resources"), cmdutil.USD(inv.HourlyUSD))
	}
	_, err = fmt.Fprintln(opts.IO.ErrOut, summary)
	return err
}
