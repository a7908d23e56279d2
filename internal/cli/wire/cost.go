// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"fmt"

	"emrflink/internal/awsapi"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cost"
	"emrflink/internal/cost/live"
	"emrflink/internal/engine"
	"emrflink/internal/flinkjob"
	"emrflink/internal/preview"
	"emrflink/internal/stack"
)

// cost prices what the settings describe, and the nodes of the sample job on the first node pool. The providers run in
// this process: the desired graph needs no target.
func (a *app) cost(ctx context.Context, fromAWS bool) (cost.Report, error) {
	s, err := a.settings()
	if err != nil {
		return cost.Report{}, err
	}
	if fromAWS && stack.NeedsOf(s.config.Target).Daemon {
		return cost.Report{}, noPriceList(s.info)
	}
	o, err := a.openOffline(ctx, s)
	if err != nil {
		return cost.Report{}, err
	}
	defer o.Close() // nothing was changed that could be lost
	opts := a.engineOptions(s, o.target.Env())
	opts.Ephemeral = true
	e, err := engine.Open(ctx, opts)
	if err != nil {
		return cost.Report{}, classify(err)
	}
	plan, err := a.compute(ctx, e)
	if err != nil {
		return cost.Report{}, err
	}
	subject := cost.Subject{
		Info: o.Info(), Resources: preview.Resources(plan), Job: flinkjob.List()[0].Name,
	}
	if pools := s.config.NodePools; len(pools) > 0 {
		subject.Pods = flinkjob.SamplePods(pools[0].NodeGroupType, pools[0].Arch, flinkjob.DefaultParallelism)
	}
	prices, err := a.prices(ctx, fromAWS, s.config.Region, subject)
	if err != nil {
		return cost.Report{}, classify(err)
	}
	return cost.NewReport(subject, prices)
}

// noPriceList refuses --live where there is no AWS to ask.
func noPriceList(i stack.Info) error {
	return &cmdutil.Error{
		What:  "ask the AWS Price List",
		Cause: fmt.Errorf("the target %q has no AWS behind it: --live needs a stack whose target is aws", i.Target),
		Next:  cmdutil.Command("cost", "--stack", i.Stack), ID: "not-simulated", Exit: cmdutil.ExitUsage,
	}
}

// prices reads the tables, or asks AWS for what the estimate will look up.
func (a *app) prices(ctx context.Context, fromAWS bool, region string, s cost.Subject) (cost.Prices, error) {
	if !fromAWS {
		return cost.Table(region)
	}
	want, err := cost.NeededPrices(s.Resources, s.Pods)
	if err != nil {
		return cost.Prices{}, err
	}
	// The graph is the offline one; the prices are AWS's, with the user's own credentials.
	client, err := awsapi.New(ctx, awsapi.Options{Region: region})
	if err != nil {
		return cost.Prices{}, err
	}
	return live.Prices(ctx, client, want, a.now())
}
