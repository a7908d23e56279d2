// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/deploy"
	"emrflink/internal/engine"
	"emrflink/internal/plans"
	"emrflink/internal/preview"
	"emrflink/internal/stack"
	"emrflink/internal/stackconfig"
	"emrflink/internal/target"
)

// inProcess computes plans over providers in this process.
type inProcess struct {
	app      *app
	settings settings
	target   *target.Target
	baseline *preview.Baseline // nil = every resource is new
}

func (a *app) openOffline(ctx context.Context, s settings) (*inProcess, error) {
	t, err := target.Offline(ctx, target.Options{Region: s.config.Region, Version: a.version, Logger: a.log().Logger})
	if err != nil {
		return nil, err
	}
	s.info.Simulated = t.Simulated()
	return &inProcess{app: a, settings: s, target: t}, nil
}

// Info names what is planned.
func (o *inProcess) Info() stack.Info { return o.settings.info }

// Close ends the providers.
func (o *inProcess) Close() error { return o.target.Close() }

// Plan computes the desired graph.
func (o *inProcess) Plan(ctx context.Context) (preview.Report, error) {
	opts := o.app.engineOptions(o.settings, o.target.Env())
	opts.Ephemeral = true
	e, err := engine.Open(ctx, opts)
	if err != nil {
		return preview.Report{}, classify(err)
	}
	p, err := o.app.compute(ctx, e)
	if err != nil {
		return preview.Report{}, err
	}
	r, err := preview.Desired(p, o.baseline, o.settings.info.Region)
	return o.settings.complete(r), err
}

// Plan computes what a deploy would do.
func (s *onTarget) Plan(ctx context.Context) (preview.Report, error) {
	e, err := s.onAccount(ctx)
	if err != nil {
		return preview.Report{}, err
	}
	p, err := s.app.compute(ctx, e)
	if err != nil {
		return preview.Report{}, err
	}
	s.upgraded = deploy.Upgraded(p)
	r, err := preview.New(p, s.settings.info.Region)
	return s.settings.complete(r), err
}

// complete adds what the stack file accepts, and what the target simulates.
func (s settings) complete(r preview.Report) preview.Report {
	r.Accept(stackconfig.Accepted(s.config))
	r.Document.Simulated = cmdutil.List(s.info.Simulated)
	return r
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
