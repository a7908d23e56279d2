// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"emrflink/internal/awsapi"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/session"
	"emrflink/internal/cost"
	"emrflink/internal/engine"
	"emrflink/internal/flinkjob"
	"emrflink/internal/preview"
	"emrflink/internal/target"
)

// askedAtOnce is how many questions the Price List gets at the same time; it answers about ten a second.
const askedAtOnce = 4

// costs prices the desired graph of a stack.
type costs struct{ alone }

var _ session.Coster = (*costs)(nil)

// coster opens the providers in this process: the desired graph needs no target.
func (a *app) coster(ctx context.Context) (session.Coster, error) {
	s, err := a.settings()
	if err != nil {
		return nil, err
	}
	t, err := target.Offline(ctx, target.Options{Region: s.config.Region, Version: a.version, Logger: a.log().Logger})
	if err != nil {
		return nil, err
	}
	s.info.Simulated = t.Simulated()
	return &costs{alone{app: a, settings: s, target: t}}, nil
}

// Cost prices what the settings describe, and the nodes of the sample job on the first node pool.
func (c *costs) Cost(ctx context.Context, o session.CostOptions) (session.CostReport, error) {
	if o.Live && target.NeedsOf(c.settings.config.Target).Daemon {
		return session.CostReport{}, noPriceList(c.settings.info)
	}
	opts := c.app.engineOptions(c.settings, c.target.Env())
	opts.Ephemeral = true
	e, err := engine.Open(ctx, opts)
	if err != nil {
		return session.CostReport{}, classify(err)
	}
	plan, err := e.Preview(ctx)
	if err != nil {
		c.app.logFailure(err)
		return session.CostReport{}, classify(err)
	}
	resources, pods := preview.Resources(plan), samplePods(c.settings)
	prices, why, err := c.prices(ctx, o.Live, resources, pods)
	if err != nil {
		return session.CostReport{}, err
	}
	return costReport(prices, why, o.Live, resources, pods)
}

// noPriceList refuses --live where there is no AWS to ask.
func noPriceList(i session.Info) error {
	return &cmdutil.Error{
		What:  "ask the AWS Price List",
		Cause: fmt.Errorf("the target %q has no AWS behind it: --live needs a stack whose target is aws", i.Target),
		Next:  cmdutil.Command("cost", "--stack", i.Stack), ID: "not-simulated", Exit: cmdutil.ExitUsage,
	}
}

// samplePods are the pods of the sample job with its defaults.
func samplePods(s settings) []cost.Pods {
	if len(s.config.NodePools) == 0 {
		return nil
	}
	p := s.config.NodePools[0]
	var out []cost.Pods
	for _, f := range flinkjob.Footprints(p.NodeGroupType, p.Arch, flinkjob.DefaultParallelism) {
		out = append(out, cost.Pods{Role: f.Role, Count: f.Pods, MilliCPU: f.MilliCPU, MemoryMiB: f.MemoryMiB, Selector: f.Selector})
	}
	return out
}

// prices reads the tables, or asks AWS for what the estimate will look up. why says, for each price that AWS does not
// have, what it answered.
func (c *costs) prices(ctx context.Context, live bool, resources []cost.Resource, pods []cost.Pods) (p cost.Prices, why []string, err error) {
	region := c.settings.config.Region
	if !live {
		p, err = cost.Table(region)
		return p, nil, err
	}
	want, err := cost.Want(resources, pods)
	if err != nil {
		return p, nil, err
	}
	// The graph is the offline one; the prices are AWS's, with the user's own credentials.
	client, err := awsapi.New(ctx, awsapi.Options{Region: region})
	if err != nil {
		return p, nil, classify(err)
	}
	return livePrices(ctx, client, want, c.app.now())
}

// priceList is what is asked of the AWS Price List.
type priceList interface {
	Region() string
	InstancePrice(ctx context.Context, instanceType string) (awsapi.Price, error)
	RatePrice(ctx context.Context, rate string) (awsapi.Price, error)
}

// livePrices asks the Price List for everything that is wanted.
func livePrices(ctx context.Context, l priceList, want cost.Wanted, now time.Time) (cost.Prices, []string, error) {
	type question struct {
		name string
		ask  func(context.Context, string) (awsapi.Price, error)
		into map[string]float64
	}
	p := cost.Prices{
		Region: l.Region(), AsOf: now.UTC().Format(time.DateOnly), Source: "the AWS Price List, asked now",
		EC2: map[string]float64{}, Rates: map[string]float64{},
	}
	var questions []question
	for _, t := range want.InstanceTypes {
		questions = append(questions, question{t, l.InstancePrice, p.EC2})
	}
	for _, r := range want.Rates {
		questions = append(questions, question{r, l.RatePrice, p.Rates})
	}
	answers := make([]awsapi.Price, len(questions))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(askedAtOnce)
	for i, q := range questions {
		g.Go(func() (err error) {
			answers[i], err = q.ask(gctx, q.name)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return p, nil, classify(err)
	}
	var why []string
	for i, a := range answers {
		if a.Found {
			questions[i].into[questions[i].name] = a.USD
			continue
		}
		why = append(why, a.Why)
	}
	return p, why, nil
}

// costReport estimates and translates.
func costReport(p cost.Prices, why []string, live bool, resources []cost.Resource, pods []cost.Pods) (session.CostReport, error) {
	e := cost.At(p, resources)
	nodes, unpriced, err := cost.NodesFor(p, resources, pods)
	if err != nil {
		return session.CostReport{}, err
	}
	out := session.CostReport{
		Region: e.Region, AsOf: e.AsOf, Source: p.Source, Live: live, HourlyUSD: e.HourlyUSD, MonthlyUSD: e.MonthlyUSD,
		NotIncluded: e.NotIncluded, Unpriced: append(e.Unpriced, why...), Job: session.CostJob{Name: flinkjob.List()[0].Name},
	}
	if e.AsOf == "" {
		nodes, unpriced = nil, nil // no table for the region: that is said once
	}
	out.Unpriced = append(out.Unpriced, unpriced...)
	if len(nodes) > 0 {
		out.NotIncluded = slices.DeleteFunc(out.NotIncluded, func(n string) bool { return n == cost.UsageKarpenter })
		out.NotIncluded = append(out.NotIncluded, "the nodes of other jobs than the sample job")
	}
	for _, part := range cost.ByComponent(resources, e.Items) {
		c := session.CostComponent{Name: part.Name, Type: part.Type, HourlyUSD: part.HourlyUSD, MonthlyUSD: cost.Monthly(part.HourlyUSD)}
		for _, i := range part.Items {
			c.Items = append(c.Items, session.CostItem{
				URN: i.URN, Name: i.Name, What: i.What, Quantity: i.Quantity, HourlyUSD: i.HourlyUSD,
				MonthlyUSD: cost.Monthly(i.HourlyUSD), Note: i.Note,
			})
		}
		out.Components = append(out.Components, c)
	}
	for _, n := range nodes {
		out.Job.Nodes = append(out.Job.Nodes, costNode(n))
		out.Job.HourlyUSD.From = cost.Round(out.Job.HourlyUSD.From+n.FromUSD, 6)
		out.Job.HourlyUSD.To = cost.Round(out.Job.HourlyUSD.To+n.ToUSD, 6)
	}
	out.Job.MonthlyUSD = session.USDRange{From: cost.Monthly(out.Job.HourlyUSD.From), To: cost.Monthly(out.Job.HourlyUSD.To)}
	return out, nil
}

func costNode(n cost.Nodes) session.CostNode {
	out := session.CostNode{
		Role: n.Role, NodePool: n.NodePool, Pods: n.Pods, Least: n.Least, Most: n.Pods, CapacityTypes: n.CapacityTypes,
		HourlyUSD: session.USDRange{From: n.FromUSD, To: n.ToUSD},
	}
	for _, c := range n.Choices {
		out.Types = append(out.Types, session.CostType(c))
	}
	return out
}
