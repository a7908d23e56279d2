// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"slices"

	"emrflink/internal/iam"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/localtarget"
	"emrflink/internal/untyped"
	"emrflink/stacks/nearest"
)

// takeAway takes running instances away that match by their id or the name of their node.
func (d *Daemon) takeAway(ctx context.Context, f localtarget.Fault) error {
	var known []string
	for _, one := range localtarget.InstanceFaults() {
		known = append(known, one.Action)
	}
	if !slices.Contains(known, f.Action) {
		return refusef("no fault %q%s", f.Action, nearest.Suggest(f.Action, known))
	}
	spot := f.Action == localtarget.SpotInterruption
	found := d.account.Find(account.KindInstance, func(r account.Resource) bool {
		matches := f.Match == "" || iam.Match(f.Match, r.ID) || iam.Match(f.Match, untyped.First(r.Attrs, "privateDns"))
		return matches && r.State == "running" && (!spot || untyped.First(r.Attrs, "instanceLifecycle") == "spot")
	})
	if len(found) == 0 {
		return refusef("%s: no instance of the kind runs, or none matches %q", f.Action, f.Match)
	}
	for _, r := range found {
		var err error
		if spot {
			err = d.account.InterruptSpot(r.ID)
		} else {
			_, err = d.account.TerminateInstances(ctx, account.Caller{Via: account.ByUser, Region: r.Region}, r.ID)
		}
		if err != nil {
			return asRefusal(err)
		}
	}
	return nil
}
