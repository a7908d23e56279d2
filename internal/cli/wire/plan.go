// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"io"
	"strconv"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/session"
	"emrflink/internal/engine"
	"emrflink/internal/preview"
	"emrflink/internal/target"
)

// alone computes plans over providers in this process.
type alone struct {
	app      *app
	settings settings
	target   *target.Target
}

var _ session.Planner = (*alone)(nil)

func (a *app) openOffline(ctx context.Context, s settings) (session.Planner, error) {
	t, err := target.Offline(ctx, target.Options{Region: s.config.Region, Version: a.version, Logger: a.log().Logger})
	if err != nil {
		return nil, err
	}
	s.info.Simulated = t.Simulated()
	return &alone{app: a, settings: s, target: t}, nil
}

// Info names what is planned.
func (o *alone) Info() session.Info { return o.settings.info }

// Close ends the providers.
func (o *alone) Close() error { return o.target.Close() }

// Plan computes the desired graph.
func (o *alone) Plan(ctx context.Context) (session.Plan, error) {
	opts := o.app.engineOptions(o.settings, o.target.Env())
	opts.Ephemeral = true
	e, err := engine.Open(ctx, opts)
	if err != nil {
		return session.Plan{}, classify(err)
	}
	return o.app.plan(ctx, e, o.settings.info)
}

// Plan computes what a deploy would do.
func (s *stack) Plan(ctx context.Context) (session.Plan, error) {
	e, err := s.acting(ctx)
	if err != nil {
		return session.Plan{}, err
	}
	return s.app.plan(ctx, e, s.settings.info)
}

// document is the JSON contract of a preview with what was simulated.
type document struct {
	preview.Document
	Simulated []string `json:"simulated"`
}

// plan computes a plan and its cost.
func (a *app) plan(ctx context.Context, e *engine.Engine, info session.Info) (session.Plan, error) {
	p, err := e.Preview(ctx)
	if err != nil {
		a.logFailure(err)
		return session.Plan{}, classify(err)
	}
	r, err := preview.New(p, info.Region)
	if err != nil {
		return session.Plan{}, err
	}
	out := session.Plan{
		Summary: session.Summary(p.Summary), HourlyUSD: r.After.HourlyUSD,
		UsageNotes: append(append([]string{}, r.After.NotIncluded...), r.After.Unpriced...),
		Document:   document{Document: r.Document, Simulated: cmdutil.List(info.Simulated)},
		Text: func(w io.Writer, color bool, width int) error {
			return r.Text(w, preview.TextOptions{Color: color, Width: width})
		},
	}
	for _, s := range p.Steps {
		out.Steps = append(out.Steps, session.Step{URN: s.URN, Type: s.Type, Name: s.Name, Op: session.Op(s.Op)})
	}
	for _, i := range r.After.Items {
		out.Costs = append(out.Costs, session.CostLine{
			Name: i.Name, Type: strconv.FormatFloat(i.Quantity, 'g', -1, 64) + " x " + i.What, HourlyUSD: i.HourlyUSD, Note: i.Note,
		})
	}
	return out, nil
}
