// SPDX-License-Identifier: Apache-2.0

// Package cost is the command that says what a deployment costs, part by part, idle and with the sample job.
package cost

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/session"
	"emrflink/internal/iostreams"
)

// Options are the dependencies and the flags of the command.
type Options struct {
	IO   *iostreams.IOStreams
	Info func() (session.Info, error)
	Open func(context.Context) (session.Coster, error)

	Live   bool
	Output cmdutil.Format
}

// NewCmd returns the command.
func NewCmd(f *cmdutil.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO, Info: f.Info, Open: f.Cost}
	cmd := &cobra.Command{
		Use:   "cost [flags]",
		Short: "Show what a deployment costs, per hour and month",
		Long: `Show what the settings of the stack cost at AWS's list prices, component by component, per hour and per month of 730
hours: idle, and while the sample job runs.

Steps:
  1. read and validate the settings of the stack
  2. compute the desired graph of the settings in this process: no credentials, no state, no daemon
  3. read the prices: from the dated tables in this binary, or with --live from the AWS Price List
  4. add up what is billed by the hour, and bound what the nodes of the sample job add

Karpenter chooses the nodes of a job when the job is there, so their price is a range: from the fewest nodes of the
cheapest instance type that the node pool allows to a node of the dearest for every pod. It is at on-demand prices. Spot
nodes are cheaper; no price of theirs is listed, so none is given.

What is billed by use, and what has no price, is named and is in no sum. Taxes, discounts, free tiers and data transfer
are left out.

Cost: none. With --live the credentials need pricing:GetProducts, which is free.

Exit codes: 0 priced, also when something has no price; 1 failed; 2 settings or flags, or --live on the local target;
3 credentials.`,
		Example: `  emrflink cost
  emrflink cost --output json
  emrflink cost --stack dev --live`,
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return run(cmd.Context(), opts)
		},
	}
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	cmd.Flags().BoolVar(&opts.Live, "live", false, "ask the AWS Price List instead of the tables in this binary")
	return cmd
}

// usdPair is a price per hour and per month.
type usdPair struct {
	HourlyUSD  float64 `json:"hourlyUSD"`
	MonthlyUSD float64 `json:"monthlyUSD"`
}

// usdRanges are bounds of a price per hour and per month.
type usdRanges struct {
	HourlyUSD  session.USDRange `json:"hourlyUSD"`
	MonthlyUSD session.USDRange `json:"monthlyUSD"`
}

// prices says whose prices they are, and of when.
type prices struct {
	Source string `json:"source"`
	AsOf   string `json:"asOf"`
	Live   bool   `json:"live"`
}

// document is the JSON contract of the command.
type document struct {
	SchemaVersion int                     `json:"schemaVersion"`
	Stack         string                  `json:"stack"`
	Target        string                  `json:"target"`
	Region        string                  `json:"region"`
	Prices        prices                  `json:"prices"`
	Components    []session.CostComponent `json:"components"`
	Idle          usdPair                 `json:"idle"`
	SampleJob     session.CostJob         `json:"sampleJob"`
	WithSampleJob usdRanges               `json:"withSampleJob"`
	NotIncluded   []string                `json:"notIncluded"`
	Unpriced      []string                `json:"unpriced"`
	Simulated     []string                `json:"simulated"`
}

func run(ctx context.Context, opts *Options) error {
	info, err := opts.Info()
	if err != nil {
		return err
	}
	c, err := opts.Open(ctx)
	if err != nil {
		return fmt.Errorf("price stack %q: %w", info.Stack, err)
	}
	defer c.Close() // nothing was changed that could be lost
	r, err := c.Cost(ctx, session.CostOptions{Live: opts.Live})
	if err != nil {
		return fmt.Errorf("price stack %q: %w", info.Stack, err)
	}
	with := usdRanges{
		HourlyUSD:  session.USDRange{From: r.HourlyUSD + r.Job.HourlyUSD.From, To: r.HourlyUSD + r.Job.HourlyUSD.To},
		MonthlyUSD: session.USDRange{From: r.MonthlyUSD + r.Job.MonthlyUSD.From, To: r.MonthlyUSD + r.Job.MonthlyUSD.To},
	}
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, documentOf(c.Info(), r, with))
	}
	return show(opts.IO, c.Info(), r, with)
}

func documentOf(info session.Info, r session.CostReport, with usdRanges) document {
	r.Job.Nodes = cmdutil.List(r.Job.Nodes)
	for i := range r.Job.Nodes {
		n := &r.Job.Nodes[i]
		n.CapacityTypes, n.Types = cmdutil.List(n.CapacityTypes), cmdutil.List(n.Types)
	}
	with.HourlyUSD = session.USDRange{From: micro(with.HourlyUSD.From), To: micro(with.HourlyUSD.To)}
	with.MonthlyUSD = session.USDRange{From: cent(with.MonthlyUSD.From), To: cent(with.MonthlyUSD.To)}
	return document{
		SchemaVersion: cmdutil.SchemaVersion, Stack: info.Stack, Target: info.Target, Region: r.Region,
		Prices:     prices{Source: r.Source, AsOf: r.AsOf, Live: r.Live},
		Components: cmdutil.List(r.Components), Idle: usdPair{HourlyUSD: r.HourlyUSD, MonthlyUSD: r.MonthlyUSD},
		SampleJob: r.Job, WithSampleJob: with,
		NotIncluded: cmdutil.List(r.NotIncluded), Unpriced: cmdutil.List(r.Unpriced), Simulated: cmdutil.List(info.Simulated),
	}
}
