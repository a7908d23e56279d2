// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"io"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/session"
	"emrflink/internal/drift"
)

// drifter works on the stack on its target.
func (a *app) drifter(context.Context) (session.Drifter, error) { return a.stack() }

var _ session.Drifter = (*stack)(nil)

// driftDocument is the JSON contract of drift.
type driftDocument struct {
	SchemaVersion int    `json:"schemaVersion"`
	Stack         string `json:"stack"`
	Target        string `json:"target"`
	Region        string `json:"region"`
	Drifted       bool   `json:"drifted"`
	drift.Report
	// Repair is the command that puts back what differs, "" when nothing does.
	Repair    string   `json:"repair"`
	Simulated []string `json:"simulated"`
}

// Drift reads the account and compares.
func (s *stack) Drift(ctx context.Context) (session.Drift, error) {
	if _, err := s.State(ctx); err != nil {
		return session.Drift{}, err // a stack that was never deployed: no target is started for it
	}
	env, err := s.open(ctx)
	if err != nil {
		return session.Drift{}, err
	}
	e, err := s.engine(ctx, env)
	if err != nil {
		return session.Drift{}, err
	}
	observed, err := e.Observe(ctx)
	if err != nil {
		s.app.logFailure(err)
		return session.Drift{}, s.noStack(err)
	}
	report := drift.New(observed)
	if err := s.unmanaged(ctx, &report); err != nil {
		return session.Drift{}, err
	}
	i := s.settings.info
	doc := driftDocument{
		SchemaVersion: cmdutil.SchemaVersion, Stack: i.Stack, Target: i.Target, Region: i.Region, Drifted: report.Drifted(),
		Report: report, Simulated: cmdutil.List(i.Simulated),
	}
	if report.Drifted() {
		doc.Repair = cmdutil.Command("deploy", "--refresh", "--stack", i.Stack)
	}
	return session.Drift{
		Drifted: report.Drifted(), Document: doc,
		Text: func(w io.Writer) error { return report.Text(w, i.Stack) },
	}, nil
}

// unmanaged looks for what carries the deployment's tags and nobody recorded.
func (s *stack) unmanaged(ctx context.Context, report *drift.Report) error {
	e, err := s.engine(ctx, nil)
	if err != nil {
		return err
	}
	resources, err := e.Resources(ctx)
	if err != nil {
		return s.noStack(err)
	}
	outputs, err := e.Outputs(ctx)
	if err != nil {
		return s.noStack(err)
	}
	sc, _, err := readScope(s.settings, resources, outputs)
	if err != nil {
		return err
	}
	c, err := s.client(ctx)
	if err != nil {
		return err
	}
	found, err := c.DeploymentResources(ctx, sc.Deployment)
	if err != nil {
		return classify(err)
	}
	report.Compare(resources, found, sc.Deployment.Tags)
	return nil
}

// RefreshFirst makes Plan and Deploy read the account before they compare.
func (s *stack) RefreshFirst() { s.refresh = true }
