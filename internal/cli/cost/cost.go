// SPDX-License-Identifier: Apache-2.0

// Package cost is the command that shows what a deployment costs, part by part, idle and with the sample job.
package cost

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cost"
	"emrflink/internal/iostreams"
	"emrflink/internal/stack"
)

// Pricer prices what the settings of a stack describe, at the prices of the tables or at those that AWS says now. Without
// live nothing is contacted.
type Pricer func(ctx context.Context, live bool) (cost.Report, error)

// Options are the dependencies and the flags of the command.
type Options struct {
	IO      *iostreams.IOStreams
	Globals *cmdutil.Globals
	Info    func() (stack.Info, error)
	Price   Pricer

	Live   bool
	Output cmdutil.Format
}

// NewCmd returns the command.
func NewCmd(f *cmdutil.Factory, price Pricer, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO, Globals: f.Globals, Info: f.Info, Price: price}
	cmd := &cobra.Command{
		Use:   "cost [flags]",
		Short: "Show what a deployment costs, per hour and month",
		Long: `Show what the settings of the stack cost at AWS's list prices, component by component, per hour and per
month of 730 hours: idle, and while the sample job runs.

Steps:
  1. read and validate the settings of the stack
  2. compute the desired graph of the settings in this process: no credentials, no state, no daemon
  3. read the prices: from the dated tables in this binary, or with --live from the AWS Price List
  4. add up everything that is billed by the hour, and give a range for the nodes of the sample job

Karpenter chooses the nodes of a job when the job starts, so their price is a range: from the fewest nodes of the
cheapest instance type that the node pool allows, to one node of the most expensive type for each pod. The range uses
on-demand prices. Spot nodes are cheaper, but the price lists contain no spot prices.

Charges by use, and resources without a price, are named and are part of no sum. Taxes, discounts, free tiers and data
transfer are left out.

Cost: none. With --live the credentials need the permission pricing:GetProducts; the call is free.

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

func run(ctx context.Context, opts *Options) error {
	info, err := opts.Info()
	if err != nil {
		return err
	}
	r, err := opts.Price(ctx, opts.Live)
	if err != nil {
		return fmt.Errorf("price stack %q: %w", info.Stack, err)
	}
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, r)
	}
	return show(opts.IO, r, opts.Globals.Verbose)
}
