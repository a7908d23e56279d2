// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/drift"
	"emrflink/internal/drift/detect"
	"emrflink/internal/engine"
)

// drift compares what the stack recorded with the account.
func (a *app) drift(ctx context.Context) (drift.Document, error) {
	s, err := a.openStack()
	if err != nil {
		return drift.Document{}, err
	}
	defer s.Close() // nothing was changed that could be lost
	d, err := s.detector(ctx)
	if err != nil {
		return drift.Document{}, err
	}
	report, err := d.Run(ctx)
	if err != nil {
		a.logFailure(err)
		return drift.Document{}, s.noStack(err)
	}
	i := s.settings.info
	return report.Of(drift.Subject{
		Stack: i.Stack, Target: i.Target, Region: i.Region, Simulated: i.Simulated,
		Repair: cmdutil.Command("deploy", "--refresh", "--stack", i.Stack),
	}), nil
}

// detector opens the target; of a stack that was never deployed none is started.
func (s *stack) detector(ctx context.Context) (detect.Detector, error) {
	reader, err := s.engine(ctx, nil)
	if err != nil {
		return detect.Detector{}, err
	}
	resources, outputs, exists, err := recorded(ctx, reader)
	if err != nil {
		return detect.Detector{}, classify(err)
	}
	if !exists {
		return detect.Detector{}, s.noStack(engine.ErrNoStack)
	}
	sc, _, err := readScope(s.settings, resources, outputs)
	if err != nil {
		return detect.Detector{}, err
	}
	client, err := s.client(ctx)
	if err != nil {
		return detect.Detector{}, err
	}
	env, err := s.open(ctx)
	if err != nil {
		return detect.Detector{}, err
	}
	e, err := s.engine(ctx, env)
	return detect.Detector{Engine: e, Account: client, Deployment: sc.Deployment}, err
}

// RefreshFirst makes Plan and Deploy read the account before they compare.
func (s *stack) RefreshFirst() { s.refresh = true }
