// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"emrflink/internal/localcloud/ledger"
)

// Resume brings an account back to life after Open: the control planes of its clusters are started again
// (their endpoints may have changed), and whatever was under way when the state was left is completed
// without AWS's waiting times, for on AWS it would have gone on meanwhile. Open calls it when there is no
// Runtime; with one, the caller does, once the Runtime can work.
func (a *Account) Resume(ctx context.Context) error {
	var errs []error
	for _, r := range a.List(KindCluster) {
		if r.State == stateACTIVE && a.opts.Runtime != nil {
			errs = append(errs, a.restart(ctx, r))
		}
	}
	errs = append(errs, a.resumeInstances(ctx))
	// Creations first, in the order in which they began, then deletions: dependants are younger than what
	// they depend on.
	pending, dying := a.unfinished()
	for _, r := range pending {
		if err := a.finishCreate(a.kinds[r.Kind], r, 0); err != nil && !errors.Is(err, ledger.ErrClosed) {
			a.log.Warn("complete an interrupted creation", "kind", r.Kind, "id", r.ID, "error", err)
		}
	}
	for i := len(dying) - 1; i >= 0; i-- {
		if err := a.finishDelete(a.kinds[dying[i].Kind], dying[i], 0); err != nil {
			errs = append(errs, fmt.Errorf("complete an interrupted deletion: %w", err))
		}
	}
	for _, r := range a.List(KindNodeGroup) {
		if r.State == stateACTIVE { // its instances are as many as its last change asked for, or this completes it
			errs = append(errs, changeNodeGroup(ctx, a, r, r))
		}
	}
	a.ledger.Lock()
	if !a.ledger.Stopped() {
		for _, f := range a.flushes {
			a.flushLater(f)
		}
	}
	a.ledger.Unlock()
	return errors.Join(errs...)
}

func (a *Account) resumeInstances(ctx context.Context) error {
	var errs []error
	for _, r := range a.List(KindInstance) {
		switch {
		case r.State == statePending:
			errs = append(errs, a.finishStart(r.ID, 0))
		case r.State == stateShuttingDown:
			errs = append(errs, a.finishTerminate(r.ID, 0))
		case r.State == stateRunning && str(r.Attrs, "interrupted") != "":
			errs = append(errs, a.terminateAll(ctx, []string{r.ID}))
		}
	}
	return errors.Join(errs...)
}

func (a *Account) restart(ctx context.Context, r Resource) error {
	outcome, err := startCluster(ctx, a, r)
	if err != nil {
		return err
	}
	return a.do(Caller{Region: r.Region}, func(t *tx) error {
		t.edit(KindCluster, r.ID, func(n *Resource) { outcome(t, n) })
		return nil
	})
}

// unfinished lists what is in a transitional state, oldest first.
func (a *Account) unfinished() (pending, dying []Resource) {
	a.ledger.Lock()
	defer a.ledger.Unlock()
	t := &tx{a: a}
	for k, s := range a.kinds {
		if k == KindInstance {
			continue
		}
		for _, r := range t.where(k, nil) {
			switch {
			case a.inflight[resKey{k, r.ID}] != nil:
			case s.pending != "" && r.State == s.pending:
				pending = append(pending, *r.clone())
			case r.dying():
				dying = append(dying, *r.clone())
			}
		}
	}
	sortBySeq(pending)
	sortBySeq(dying)
	return pending, dying
}

// MoveCluster records where the control plane of a cluster serves now: one that died may come back on another port. A
// cluster that is still made, or is gone, is left as it is.
func (a *Account) MoveCluster(name string, e ClusterEndpoint) error {
	return a.do(Caller{}, func(t *tx) error {
		r := t.get(KindCluster, name)
		if r != nil && str(r.Attrs, "endpoint") != "" && str(r.Attrs, "endpoint") != e.URL {
			t.edit(KindCluster, name, func(n *Resource) { setEndpoint(n, e) })
		}
		return nil
	})
}

// ClusterByCA finds the cluster whose certificates this CA, in PEM, signs.
func (a *Account) ClusterByCA(ca []byte) (Resource, bool) {
	encoded := base64.StdEncoding.EncodeToString(ca)
	found := a.Find(KindCluster, func(r Resource) bool {
		return len(ca) > 0 && str(r.Attrs, "certificateAuthority.data") == encoded
	})
	if len(found) == 0 {
		return Resource{}, false
	}
	return found[0], true
}
