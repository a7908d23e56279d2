// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"

	"emrflink/internal/iam"
)

// ActiveFault is a fault that is in force. Left is how often it still applies, -1 without end.
type ActiveFault struct {
	Fault
	Left int
}

// SetFaults replaces the fault plan. The first fault that matches a call applies.
func (a *Account) SetFaults(faults []Fault) {
	a.ClearFaults("")
	for _, f := range faults {
		a.AddFault(f)
	}
}

// AddFault adds to the fault plan, in the place of one for the same calls when there is one.
func (a *Account) AddFault(f Fault) {
	a.ledger.Lock()
	defer a.ledger.Unlock()
	one := &ActiveFault{Fault: f, Left: f.Times}
	if f.Times == 0 {
		one.Left = -1
	}
	for i, old := range a.faults {
		if old.Op == f.Op && old.Kind == f.Kind && old.Match == f.Match {
			a.faults[i] = one
			return
		}
	}
	a.faults = append(a.faults, one)
}

// Faults are the faults that still apply, in their order.
func (a *Account) Faults() []ActiveFault {
	a.ledger.Lock()
	defer a.ledger.Unlock()
	out := []ActiveFault{}
	for _, f := range a.faults {
		if f.Left != 0 {
			out = append(out, *f)
		}
	}
	return out
}

// ClearFaults forgets the faults of an operation, "" = all, and returns how many there were.
func (a *Account) ClearFaults(op string) int {
	a.ledger.Lock()
	defer a.ledger.Unlock()
	var kept []*ActiveFault
	cleared := 0
	for _, f := range a.faults {
		switch {
		case op != "" && f.Op != op:
			kept = append(kept, f)
		case f.Left != 0:
			cleared++
		}
	}
	a.faults = kept
	return cleared
}

// Fault waits and fails as the plan says for a call: an AWS action on a resource, whose id is given, or its name before
// it has one. Who acts on the account without AWS's API, as the providers do, asks here.
func (a *Account) Fault(ctx context.Context, action string, k Kind, name string) error {
	return a.fault(ctx, action, k, name)
}

// fault waits and fails as the plan says. name is the id of the resource, or its name before it has one.
func (a *Account) fault(ctx context.Context, op string, k Kind, name string) error {
	a.ledger.Lock()
	var hit *Fault
	for _, f := range a.faults {
		if f.Left == 0 || !iam.Match(f.Op, op) || f.Kind != "" && f.Kind != k || f.Match != "" && !iam.Match(f.Match, name) {
			continue
		}
		if f.Left > 0 {
			f.Left--
		}
		hit = &f.Fault
		break
	}
	a.ledger.Unlock()
	if hit == nil {
		return nil
	}
	if err := a.ledger.Clock.Sleep(ctx, hit.Delay); err != nil {
		return err
	}
	if hit.Error != nil {
		return hit.Error
	}
	return nil
}
