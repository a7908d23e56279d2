// SPDX-License-Identifier: Apache-2.0

package account

import (
	"encoding/json"
	"time"

	"emrflink/internal/localcloud/ledger"
)

// logFlush is a pending flush of a deleted cluster's control-plane logs.
type logFlush struct {
	Cluster string    `json:"cluster"`
	Region  string    `json:"region"`
	Due     time.Time `json:"due"`
}

func (a *Account) restoreFlush(raw json.RawMessage) error {
	var f logFlush
	if err := json.Unmarshal(raw, &f); err != nil {
		return err
	}
	a.flushes[f.Cluster] = &f
	return nil
}

// scheduleFlush makes EKS write a deleted cluster's last control-plane logs a while after the deletion. If
// the log group is gone by then, it comes back, this once.
func (t *tx) scheduleFlush(cluster, region string) {
	wait := t.a.scaled(flushClusterLogs)
	f := &logFlush{Cluster: cluster, Region: region, Due: t.Now.Add(wait)}
	if wait <= 0 {
		t.flush(f)
		return
	}
	t.Apply(func() { t.a.flushes[cluster] = f }, func() { delete(t.a.flushes, cluster) })
	t.Set(ledger.Flushes.Key(cluster), f)
	t.After(func() { t.a.flushLater(f) })
}

// flushLater runs a scheduled flush when it is due.
func (a *Account) flushLater(f *logFlush) {
	a.wg.Go(func() {
		if err := a.ledger.Clock.Sleep(a.ctx, f.Due.Sub(a.ledger.Clock.Now())); err != nil {
			return // kept in the state, and run after the next Open
		}
		err := a.do(Caller{Region: f.Region}, func(t *tx) error { t.flush(f); return nil })
		if err != nil {
			a.log.Error("flush control-plane logs", "cluster", f.Cluster, "error", err)
		}
	})
}

func (t *tx) flush(f *logFlush) {
	name := clusterLogGroup(f.Cluster)
	t.c.Region = f.Region
	// A new cluster of that name has a log group of its own, or is about to.
	if t.get(KindLogGroup, name) == nil && t.get(KindCluster, f.Cluster) == nil {
		t.makeLogGroup(name, ByEKS)
	}
	if t.a.flushes[f.Cluster] == f {
		t.Apply(func() { delete(t.a.flushes, f.Cluster) }, func() { t.a.flushes[f.Cluster] = f })
		t.Set(ledger.Flushes.Key(f.Cluster), nil)
	}
}
