// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"
	"errors"

	"emrflink/internal/localcloud/daemon"
	"emrflink/internal/localtarget"
	"emrflink/internal/outofband"
	"emrflink/internal/proppath"
)

// Faults lists the faults that are in force; none when the target does not run: they end with it.
func (l *LocalTarget) Faults(ctx context.Context) (localtarget.Faults, error) {
	s, err := l.Status(ctx)
	if errors.Is(err, localtarget.ErrNotRunning) {
		err = nil
	}
	return localtarget.Faults{SchemaVersion: localtarget.SchemaVersion, Faults: s.Faults}, err
}

// SetFault adds a fault, starting the local target when it is stopped: faults are in its memory.
func (l *LocalTarget) SetFault(ctx context.Context, f localtarget.Fault) error {
	c, err := start(ctx, l.o)
	if err != nil {
		return err
	}
	return c.SetFault(ctx, f)
}

// ClearFaults forgets the faults of an action, "" = all, and returns how many there were; none when the target does not
// run.
func (l *LocalTarget) ClearFaults(ctx context.Context, action string) (int, error) {
	c, _, err := daemon.Connect(ctx, l.Dir())
	if errors.Is(err, localtarget.ErrNotRunning) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return c.ClearFaults(ctx, action)
}

var _ outofband.Account = (*LocalTarget)(nil)

// Edit changes or deletes a resource of the account out of band, starting the local target when it is stopped.
func (l *LocalTarget) Edit(ctx context.Context, typ, id string, changes []proppath.Change, remove bool) error {
	c, err := start(ctx, l.o)
	if err != nil {
		return err
	}
	return c.Edit(ctx, daemon.Edit{Type: typ, ID: id, Changes: changes, Delete: remove})
}
