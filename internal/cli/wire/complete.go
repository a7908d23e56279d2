// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"maps"
	"os"
	"slices"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/preflight"
	"emrflink/internal/stack"
	"emrflink/internal/stackconfig"
)

func (a *app) completions() cmdutil.Complete {
	return cmdutil.Complete{
		Stacks: func() []string {
			dir, err := os.Getwd()
			if err != nil {
				return nil
			}
			return stackconfig.Known(dir)
		},
		Checks:  func() []string { return preflight.IDs(stack.NeedsOf(stack.AWS).Programs) },
		Outputs: a.outputNames, Jobs: a.jobNames,
	}
}

// outputNames are those that the last deploy recorded.
func (a *app) outputNames(ctx context.Context) []string {
	s, err := a.openStack()
	if err != nil {
		return nil
	}
	st, err := s.State(ctx)
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(st.Outputs))
}

// jobNames are those of the jobs in the cluster. A local target that is stopped is not started to be asked.
func (a *app) jobNames(ctx context.Context) []string {
	s, err := a.openStack()
	if err != nil {
		return nil
	}
	if s.settings.info.Needs.Daemon {
		l, err := a.local()
		if err != nil {
			return nil
		}
		if _, err := l.Status(ctx); err != nil {
			return nil
		}
	}
	defer s.Close() // it only reads
	jobs, err := s.Jobs(ctx)
	if err != nil {
		return nil
	}
	list, err := jobs.List(ctx, "")
	if err != nil {
		return nil
	}
	var names []string
	for _, j := range list {
		names = append(names, j.Job)
	}
	return names
}
