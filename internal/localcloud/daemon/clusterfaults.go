// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"emrflink/internal/iam"
	"emrflink/internal/localcloud/kubefault"
	"emrflink/internal/localcloud/leftover"
	"emrflink/internal/localtarget"
	"emrflink/stacks/nearest"
)

// clusterFaultTimeout bounds what is done to one cluster.
const clusterFaultTimeout = 20 * time.Second

// order sets a fault: of the account, or of the clusters that run.
func (d *Daemon) order(ctx context.Context, f localtarget.Fault) error {
	if localtarget.IsAWS(f.Action) {
		return d.setFault(f)
	}
	if f.Error != "" || f.Message != "" || f.DelaySeconds != 0 || f.Times != 0 {
		return refusef("%s is no action of AWS: it takes a match only", f.Action)
	}
	if strings.HasPrefix(f.Action, localtarget.LeftoverPrefix) {
		return d.leave(ctx, f)
	}
	if strings.HasPrefix(f.Action, localtarget.InstancePrefix) {
		return d.takeAway(ctx, f)
	}
	if known := clusterActions(); !slices.Contains(known, f.Action) {
		return refusef("no fault %q%s", f.Action, nearest.Suggest(f.Action, known))
	}
	touched := 0
	for _, c := range d.running() {
		n, err := c.disturb(ctx, f)
		if err != nil {
			return fmt.Errorf("break cluster %q: %w", c.name, err)
		}
		touched += n
	}
	if touched == 0 {
		return refusef("%s: no cluster that runs has what the fault is about, or nothing matches %q", f.Action, f.Match)
	}
	f.Left = -1
	d.mu.Lock()
	defer d.mu.Unlock()
	d.broken = append(slices.DeleteFunc(d.broken, func(o localtarget.Fault) bool {
		return o.Action == f.Action && o.Match == f.Match
	}), f)
	return nil
}

// leave leaves something behind in the account.
func (d *Daemon) leave(ctx context.Context, f localtarget.Fault) error {
	n, known, err := leftover.Make(ctx, d.account, f.Action, f.Match)
	switch {
	case !known:
		var all []string
		for _, l := range localtarget.Leftovers() {
			all = append(all, l.Action)
		}
		return refusef("no fault %q%s", f.Action, nearest.Suggest(f.Action, all))
	case err == nil && n == 0:
		return refusef("%s: the account has no cluster or bucket of the kind, or nothing matches %q", f.Action, f.Match)
	}
	return err
}

// clear forgets the faults of an action, "" = all. What broke the clusters is taken away, also when another process did it.
func (d *Daemon) clear(ctx context.Context, action string) (int, error) {
	n := d.account.ClearFaults(action)
	meant := func(a string) bool { return action == "" || a == action }
	for _, c := range d.running() {
		for _, a := range clusterActions() {
			if !meant(a) {
				continue
			}
			if err := c.mend(ctx, a); err != nil {
				return n, fmt.Errorf("mend cluster %q: %w", c.name, err)
			}
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	before := len(d.broken)
	d.broken = slices.DeleteFunc(d.broken, func(f localtarget.Fault) bool { return meant(f.Action) })
	return n + before - len(d.broken), nil
}

// faults are all that are in force.
func (d *Daemon) faults() []localtarget.Fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append(faultsOf(d.account), d.broken...)
}

// clusterActions has the API server first: nothing is mended while it does not answer.
func clusterActions() []string {
	out := []string{localtarget.APIServerGone}
	for _, f := range localtarget.ClusterFaults() {
		if f.Action != localtarget.APIServerGone {
			out = append(out, f.Action)
		}
	}
	return out
}

func (d *Daemon) running() []*cluster {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]*cluster, 0, len(d.planes))
	for _, p := range d.planes {
		if p.current != nil {
			out = append(out, p.current)
		}
	}
	return out
}

// disturb breaks the cluster and tells at how many places.
func (c *cluster) disturb(ctx context.Context, f localtarget.Fault) (int, error) {
	if f.Action == localtarget.APIServerGone {
		if f.Match != "" && !iam.Match(f.Match, c.name) {
			return 0, nil
		}
		return 1, c.cmd.Process.Signal(syscall.SIGSTOP) // its connections are taken and not answered
	}
	ctx, cancel := context.WithTimeout(ctx, clusterFaultTimeout)
	defer cancel()
	n, _, err := kubefault.Set(ctx, c.apply, f.Action, f.Match)
	return n, err
}

// mend ends a fault.
func (c *cluster) mend(ctx context.Context, action string) error {
	if action == localtarget.APIServerGone {
		return c.cmd.Process.Signal(syscall.SIGCONT)
	}
	ctx, cancel := context.WithTimeout(ctx, clusterFaultTimeout)
	defer cancel()
	return kubefault.Clear(ctx, c.apply, action)
}
