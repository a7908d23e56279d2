// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"cmp"
	"context"

	"emrflink/internal/cleanup"
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
	return report.Of(s.Info(), cmdutil.Command("deploy", "--refresh", "--stack", s.Info().Stack)), nil
}

// detector opens the target; of a stack that was never deployed none is started.
func (s *onTarget) detector(ctx context.Context) (detect.Detector, error) {
	record, err := recorder{s}.Record(ctx)
	if err != nil {
		return detect.Detector{}, classify(err)
	}
	if !record.Exists {
		return detect.Detector{}, s.noStack(engine.ErrNoStack)
	}
	// What another command changes meanwhile would look like drift.
	if err := s.claim(ctx); err != nil {
		return detect.Detector{}, err
	}
	scope, _, err := cleanup.Known(s.scope(), record)
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
	if gone, err := s.clusterGone(ctx, record.Resources, scope.Deployment.Cluster); err != nil || gone {
		return detect.Detector{}, cmp.Or(err, s.cannotCompare(scope.Deployment.Cluster))
	}
	if err := s.serves(ctx); err != nil {
		return detect.Detector{}, err
	}
	e, err := s.engine(ctx, env)
	return detect.Detector{Engine: e, Account: client, Deployment: scope.Deployment}, err
}
