// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"

	"emrflink/internal/localcloud/daemon"
)

// Fault and Edit are what can be done to the simulated account on purpose.
type (
	Fault = daemon.Fault
	Edit  = daemon.Edit
)

// SetFault adds a fault, starting the local target when it is stopped: faults are in its memory.
func (l *LocalTarget) SetFault(ctx context.Context, f Fault) error {
	c, err := start(ctx, l.o)
	if err != nil {
		return err
	}
	return c.SetFault(ctx, f)
}

// ClearFaults forgets the faults of an action, "" = all, and returns how many there were; none when the target does not
// run.
func (l *LocalTarget) ClearFaults(ctx context.Context, action string) (int, error) {
	c, err := daemon.Connect(l.Dir())
	if err != nil {
		return 0, err
	}
	return c.ClearFaults(ctx, action)
}

// Edit changes a resource of the account behind the tool's back, starting the local target when it is stopped.
func (l *LocalTarget) Edit(ctx context.Context, e Edit) error {
	c, err := start(ctx, l.o)
	if err != nil {
		return err
	}
	return c.Edit(ctx, e)
}
