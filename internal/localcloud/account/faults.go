// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"

	"emrflink/internal/localcloud/policy"
)

type activeFault struct {
	Fault
	left int // -1 is without end
}

// SetFaults replaces the fault plan. The first fault that matches a call applies.
func (a *Account) SetFaults(faults []Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = nil
	for _, f := range faults {
		left := f.Times
		if left == 0 {
			left = -1
		}
		a.faults = append(a.faults, &activeFault{Fault: f, left: left})
	}
}

// fault waits and fails as the plan says. name is the id of the resource, or its name before it has one.
func (a *Account) fault(ctx context.Context, op string, k Kind, name string) error {
	a.mu.Lock()
	var hit *Fault
	for _, f := range a.faults {
		if f.left == 0 || !policy.Match(f.Op, op) || f.Kind != "" && f.Kind != k || f.Match != "" && !policy.Match(f.Match, name) {
			continue
		}
		if f.left > 0 {
			f.left--
		}
		hit = &f.Fault
		break
	}
	a.mu.Unlock()
	if hit == nil {
		return nil
	}
	if err := a.clock.Sleep(ctx, hit.Delay); err != nil {
		return err
	}
	if hit.Error != nil {
		return hit.Error
	}
	return nil
}
