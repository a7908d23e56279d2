// SPDX-License-Identifier: Apache-2.0

package account

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// keepLogEvents bounds what a log group keeps; older events are dropped.
const keepLogEvents = 20_000

// logBatch is what one call put into a stream.
type logBatch struct {
	Group  string     `json:"group"`
	Stream string     `json:"stream"`
	Events []LogEvent `json:"events"`
	Seq    uint64     `json:"seq"`
}

func (b *logBatch) storeKey() string { return fmt.Sprintf("%s%s/%020d", keyLog, b.Group, b.Seq) }

// logFlush is a pending flush of a deleted cluster's control-plane logs.
type logFlush struct {
	Cluster string    `json:"cluster"`
	Region  string    `json:"region"`
	Due     time.Time `json:"due"`
}

func (a *Account) restoreLog(raw json.RawMessage) error {
	var b logBatch
	if err := json.Unmarshal(raw, &b); err != nil {
		return err
	}
	a.logs[b.Group] = append(a.logs[b.Group], &b)
	a.seq = max(a.seq, b.Seq)
	return nil
}

func (a *Account) restoreFlush(raw json.RawMessage) error {
	var f logFlush
	if err := json.Unmarshal(raw, &f); err != nil {
		return err
	}
	a.flushes[f.Cluster] = &f
	return nil
}

// PutLogEvents appends events to a stream, which is made when it is new. The group must exist.
func (a *Account) PutLogEvents(group, stream string, events []LogEvent) error {
	if stream == "" || strings.ContainsAny(stream, ":*") {
		return errBad("InvalidParameterException", "Value %q at 'logStreamName' is not valid", stream)
	}
	if len(events) == 0 {
		return nil
	}
	return a.do(Caller{}, func(t *tx) error {
		if t.usable(KindLogGroup, group) == nil {
			return a.missing(KindLogGroup, group)
		}
		a.seq++
		b := &logBatch{Group: group, Stream: stream, Events: slices.Clone(events), Seq: a.seq}
		old := a.logs[group]
		kept := append(slices.Clone(old), b)
		for total := countEvents(kept); total > keepLogEvents && len(kept) > 1; kept = kept[1:] {
			total -= len(kept[0].Events)
			t.set(kept[0].storeKey(), nil)
		}
		t.apply(func() { a.logs[group] = kept }, func() { a.logs[group] = old })
		t.set(b.storeKey(), b)
		return nil
	})
}

func countEvents(batches []*logBatch) int {
	n := 0
	for _, b := range batches {
		n += len(b.Events)
	}
	return n
}

// LogEvents returns the events of the streams with a prefix, oldest first. At most the last 20,000 events
// of a group are kept.
func (a *Account) LogEvents(group, streamPrefix string) ([]LogEvent, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lookup(resKey{KindLogGroup, group}) == nil {
		return nil, a.missing(KindLogGroup, group)
	}
	out := []LogEvent{}
	for _, b := range a.logs[group] {
		if !strings.HasPrefix(b.Stream, streamPrefix) {
			continue
		}
		for _, e := range b.Events {
			e.Stream = b.Stream
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(x, y LogEvent) int { return x.Timestamp.Compare(y.Timestamp) })
	return out, nil
}

func (t *tx) dropLogs(group string) {
	a, old := t.a, t.a.logs[group]
	for _, b := range old {
		t.set(b.storeKey(), nil)
	}
	t.apply(func() { delete(a.logs, group) }, func() { a.logs[group] = old })
}

// scheduleFlush makes EKS write a deleted cluster's last control-plane logs a while after the deletion. If
// the log group is gone by then, it comes back, this once.
func (t *tx) scheduleFlush(cluster, region string) {
	wait := t.a.scaled(flushClusterLogs)
	f := &logFlush{Cluster: cluster, Region: region, Due: t.now.Add(wait)}
	if wait <= 0 {
		t.flush(f)
		return
	}
	t.apply(func() { t.a.flushes[cluster] = f }, func() { delete(t.a.flushes, cluster) })
	t.set(keyFlush+cluster, f)
	t.after = append(t.after, func() { t.a.flushLater(f) })
}

// flushLater runs a scheduled flush when it is due.
func (a *Account) flushLater(f *logFlush) {
	a.wg.Go(func() {
		if err := a.clock.Sleep(a.ctx, f.Due.Sub(a.clock.Now())); err != nil {
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
		t.apply(func() { delete(t.a.flushes, f.Cluster) }, func() { t.a.flushes[f.Cluster] = f })
		t.set(keyFlush+f.Cluster, nil)
	}
}

// sortRestored brings what was loaded into the order in which it was written.
func (a *Account) sortRestored() {
	for _, batches := range a.logs {
		slices.SortFunc(batches, func(x, y *logBatch) int { return cmp.Compare(x.Seq, y.Seq) })
	}
	for _, bucket := range a.buckets {
		for _, versions := range bucket {
			sortVersions(versions)
		}
	}
}
