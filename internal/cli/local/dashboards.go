// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/dashboards"
	"emrflink/internal/iostreams"
)

// Board collects metrics and shows them.
type Board interface {
	Info() dashboards.Info
	Page(ctx context.Context, v dashboards.View) ([]byte, error)
	// Wait returns when ctx ends, or with the reason why nothing is collected any more.
	Wait(ctx context.Context) error
	Close() error
}

// DashboardsOptions are the dependencies and the flags of the command.
type DashboardsOptions struct {
	IO        *iostreams.IOStreams
	Interrupt *cmdutil.Interrupt
	Operations

	Port    int
	Browser bool
	Since   time.Duration
	File    string
	Collect time.Duration
	Output  cmdutil.Format
}

// dashboardsPort is Grafana's own.
const dashboardsPort = 3000

// NewDashboardsCmd returns the command that shows the dashboards without Grafana.
func NewDashboardsCmd(
	f *cmdutil.Factory, o Operations, runF func(context.Context, *DashboardsOptions) error,
) *cobra.Command {
	opts := &DashboardsOptions{IO: f.IO, Interrupt: f.Interrupt, Operations: o}
	cmd := &cobra.Command{
		Use:   "dashboards [flags]",
		Short: "Show dashboards and alerts of the local target, without Grafana",
		Long: `Show the panels of the dashboards in observability/dashboards and the alerts as one page at http://127.0.0.1:3000/,
until Ctrl-C. A Prometheus of this machine, which has to be on the PATH, collects the metrics of jobs and of Karpenter
every five seconds while the command runs. The pods are asked through the API server, as a port-forward does. Data of
the last day are kept in the state folder.

With --file, metrics are collected for a while (--collect), the page is written to a file, and the command ends. The
file needs no server and no network.

Simulated jobs offer no metrics: only jobs in real Flink have pictures (emrflink local flink install).

Cost: none.

Exit codes: 0 it was ended by Ctrl-C, or the file is written; 1 failed, such as no Prometheus or a port that is in use;
2 flags, or the stack is not on the local target; 4 the stack was never deployed.`,
		Example: `  emrflink local dashboards
  emrflink local dashboards --open --since 1h
  emrflink local dashboards --file dashboards.html --collect 2m`,
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case opts.Since < time.Minute || opts.Since > 24*time.Hour:
				return cmdutil.Usagef("--since %s: the page shows a minute to a day", opts.Since)
			case opts.Collect < 0:
				return cmdutil.Usagef("--collect %s: it is no time to wait", opts.Collect)
			case opts.File == "" && cmd.Flags().Changed("collect"):
				return cmdutil.Usagef("--collect says when the file is written: it needs --file")
			case opts.File != "" && (opts.Browser || cmd.Flags().Changed("port")):
				return cmdutil.Usagef("--file writes a page and serves none: it takes neither --port nor --open")
			}
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return board(cmd.Context(), opts)
		},
	}
	cmd.Flags().IntVar(&opts.Port, "port", dashboardsPort, "port on 127.0.0.1; 0 is a free one")
	cmd.Flags().BoolVar(&opts.Browser, "open", false, "open it in the browser")
	cmd.Flags().DurationVar(&opts.Since, "since", 15*time.Minute, "how long back the page goes at first")
	cmd.Flags().StringVar(&opts.File, "file", "", "write the page to this file and end; - is standard output")
	cmd.Flags().DurationVar(&opts.Collect, "collect", time.Minute, "collect for this long before the file is written")
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

// dashboardsDocument is the JSON of the command.
type dashboardsDocument struct {
	SchemaVersion int `json:"schemaVersion"`
	dashboards.Info
	File string `json:"file,omitempty"`
}

func board(ctx context.Context, opts *DashboardsOptions) (err error) {
	port := opts.Port
	if opts.File != "" {
		port = 0
	}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return &cmdutil.Error{
			What: "serve the dashboards", Cause: err, ID: "dashboards-port",
			Next: cmdutil.Command("local", "dashboards", "--port", "0"),
		}
	}
	b, err := opts.Dashboards(ctx, l, opts.Since)
	if err != nil {
		_ = l.Close() // it may be closed
		if errors.Is(err, dashboards.ErrNoPrometheus) {
			return &cmdutil.Error{
				What: "collect metrics", Cause: err, ID: "no-prometheus",
				Next: "apt-get install prometheus   # or: brew install prometheus",
			}
		}
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if opts.File != "" {
		return toFile(ctx, opts, b)
	}
	info := b.Info()
	if opts.Output == cmdutil.JSON {
		if err := cmdutil.WriteJSON(opts.IO.Out, dashboardsDocument{cmdutil.SchemaVersion, info, ""}); err != nil {
			return err
		}
	} else {
		_, _ = fmt.Fprintln(opts.IO.Out, info.URL)
		opts.IO.Say("it is served, and metrics are collected, until Ctrl-C")
		cmdutil.PrintSimulated(opts.IO, info.Simulated)
	}
	if opts.Browser {
		cmdutil.OpenBrowser(opts.IO, info.URL)
	}
	opts.Interrupt.Say("stopping to collect metrics")
	defer opts.Interrupt.Say("")
	return b.Wait(ctx)
}

// toFile collects for a while and writes the page.
func toFile(ctx context.Context, opts *DashboardsOptions, b Board) error {
	opts.IO.Say(fmt.Sprintf("collecting metrics for %s", opts.Collect))
	collect, cancel := context.WithTimeout(ctx, opts.Collect)
	defer cancel()
	if err := b.Wait(collect); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	raw, err := b.Page(ctx, dashboards.View{Since: opts.Since})
	if err != nil {
		return err
	}
	const mode = 0o644
	if err := opts.IO.To(opts.File)(raw, mode); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	if iostreams.IsStdout(opts.File) {
		return nil
	}
	info := b.Info()
	info.URL, info.Prometheus = "", ""
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, dashboardsDocument{cmdutil.SchemaVersion, info, opts.File})
	}
	_, err = fmt.Fprintln(opts.IO.Out, "wrote "+opts.File)
	cmdutil.PrintSimulated(opts.IO, info.Simulated)
	return err
}
