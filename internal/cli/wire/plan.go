// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"io"
	"strconv"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/session"
	"emrflink/internal/engine"
	"emrflink/internal/plans"
	"emrflink/internal/preview"
	"emrflink/internal/stackconfig"
	"emrflink/internal/target"
)

// alone computes plans over providers in this process.
type alone struct {
	app      *app
	settings settings
	target   *target.Target
	baseline *preview.Baseline // nil = every resource is new
}

var _ session.Planner = (*alone)(nil)

func (a *app) openOffline(ctx context.Context, s settings) (*alone, error) {
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
	p, err := o.app.compute(ctx, e)
	if err != nil {
		return session.Plan{}, err
	}
	info, mode, desired, skipped := o.settings.info, preview.ModeOffline, p, 0
	if o.baseline != nil {
		mode = preview.ModeBaseline
		p, skipped = preview.Compare(p, *o.baseline, info.Region)
	}
	r, err := preview.New(p, info.Region)
	if err != nil {
		return session.Plan{}, err
	}
	r.Accept(stackconfig.Accepted(o.settings.config))
	r.Document.Mode, r.Document.NotCompared = mode, skipped
	out := shown(r, info)
	out.SaveBaseline = func(path string) error {
		return preview.NewBaseline(desired, cmdutil.Project, info.Region).Save(path)
	}
	return out, nil
}

// Plan computes what a deploy would do.
func (s *stack) Plan(ctx context.Context) (session.Plan, error) {
	e, err := s.acting(ctx)
	if err != nil {
		return session.Plan{}, err
	}
	p, err := s.app.compute(ctx, e)
	if err != nil {
		return session.Plan{}, err
	}
	r, err := preview.New(p, s.settings.info.Region)
	if err != nil {
		return session.Plan{}, err
	}
	r.Accept(stackconfig.Accepted(s.settings.config))
	out := shown(r, s.settings.info)
	out.Save = func(path string) error { return s.savePlan(ctx, e, r, path) }
	out.Matches = func(path string) error { return s.matchPlan(ctx, e, r, path) }
	return out, nil
}

// document is the JSON contract of a preview with what was simulated.
type document struct {
	preview.Document
	Simulated []string `json:"simulated"`
}

// compute asks the engine for a plan.
func (a *app) compute(ctx context.Context, e *engine.Engine) (plans.Plan, error) {
	p, err := e.Preview(ctx)
	if err != nil {
		a.logFailure(err)
		return plans.Plan{}, classify(err)
	}
	return p, nil
}

// shown is a report as the commands take it.
func shown(r preview.Report, info session.Info) session.Plan {
	out := session.Plan{
		Summary: session.Summary(r.Document.Summary), HourlyUSD: r.After.HourlyUSD,
		UsageNotes: append(append([]string{}, r.After.NotIncluded...), r.After.Unpriced...),
		Document:   document{Document: r.Document, Simulated: cmdutil.List(info.Simulated)},
		Text: func(w io.Writer, color bool, width int) error {
			return r.Text(w, preview.TextOptions{Color: color, Width: width})
		},
		Markdown: func(w io.Writer) error { return preview.Markdown(w, r.Document) },
		HTML:     func(w io.Writer) error { return preview.HTML(w, r.Document) },
		SVG:      func(w io.Writer) error { return preview.SVG(w, r.Document) },
		Mermaid:  func(w io.Writer) error { return preview.Mermaid(w, r.Document) },
	}
	for _, s := range r.Document.Steps {
		if s.MayReplace {
			out.MayReplace++
		}
		out.Steps = append(out.Steps, session.Step{URN: s.URN, Type: s.Type, Name: s.Name, Op: session.Op(s.Op)})
	}
	for _, i := range r.After.Items {
		out.Costs = append(out.Costs, session.CostLine{
			Name: i.Name, Type: strconv.FormatFloat(i.Quantity, 'g', -1, 64) + " x " + i.What, HourlyUSD: i.HourlyUSD, Note: i.Note,
		})
	}
	return out
}
