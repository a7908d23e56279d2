// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/cost"
	"emrflink/internal/kube"
)

// prices are those of the region, and the instance types of the nodes by name. unpriced is why they are not known.
func (r Runner) prices(ctx context.Context) (prices cost.Prices, types map[string]string, unpriced string) {
	if r.Region == "" {
		return cost.Prices{}, nil, ""
	}
	prices, err := cost.Table(r.Region)
	if err != nil {
		return cost.Prices{}, nil, "the price: " + err.Error()
	}
	if prices.AsOf == "" {
		return cost.Prices{}, nil, "the price: there is no table for " + r.Region
	}
	nodes, err := r.Kube.Nodes(ctx)
	if err != nil {
		return cost.Prices{}, nil, "the price: " + err.Error()
	}
	types = map[string]string{}
	for _, n := range nodes {
		types[n.Name] = n.InstanceType
	}
	return prices, types, ""
}

// costs are what the pods of each cluster (by namespace and name) take of the on-demand prices of their nodes, per hour. A
// cluster with a pod on a node without a price is left out. unpriced is why nothing is known.
func (r Runner) costs(ctx context.Context, pods []kube.Pod) (usd map[[2]string]float64, unpriced string) {
	prices, kinds, unpriced := r.prices(ctx)
	if kinds == nil {
		return nil, unpriced
	}
	usd = map[[2]string]float64{}
	unknown := map[[2]string]bool{}
	for _, p := range pods {
		key := [2]string{p.Namespace, p.Labels["app"]}
		if p.Node == "" {
			continue
		}
		share, known := cost.Share(prices, kinds[p.Node], p.MilliCPU, p.MiB)
		unknown[key] = unknown[key] || !known
		usd[key] += share
	}
	for key := range unknown {
		if unknown[key] {
			delete(usd, key)
		} else {
			usd[key] = cost.Round(usd[key], 4)
		}
	}
	return usd, ""
}

// specCosts are what the pods that each spec of a job asks for take of the on-demand prices of nodes of the types that the job
// has now, per hour; nil when a role has no node, or one without a price.
func (r Runner) specCosts(ctx context.Context, d deployment, specs ...map[string]any) []*float64 {
	out := make([]*float64, len(specs))
	prices, kinds, _ := r.prices(ctx)
	pods, err := r.Kube.Pods(ctx, d.Namespace, podSelector(d.cluster()))
	if kinds == nil || err != nil || d.Cluster != "" {
		return out
	}
	types := map[string]string{} // by role
	for _, p := range pods {
		types[roleOfPod(p)] = orElse(kinds[p.Node], types[roleOfPod(p)])
	}
	for i, spec := range specs {
		usd, known := 0.0, true
		job := Job{Object: &unstructured.Unstructured{Object: map[string]any{"spec": spec}}}
		for _, role := range []string{RoleJobManager, RoleTaskManager} {
			amounts, err := job.amounts(role, nil)
			need := sum(amounts)
			share, priced := cost.Share(prices, types[role], int64(need.MilliCPU), int64(need.MemoryMiB))
			usd, known = usd+share*float64(job.podCount(role)), known && priced && err == nil
		}
		if usd = cost.Round(usd, 4); known {
			out[i] = &usd
		}
	}
	return out
}

// idle is how much of their time the subtasks of a job have waited for records since they began, in percent.
func (r Runner) idle(ctx context.Context, d deployment) (*float64, error) {
	ctx, cancel := context.WithTimeout(ctx, sourceTakes)
	defer cancel()
	c, done := r.rest(d.Namespace, d.cluster())
	defer done()
	doc, err := c.Job(ctx, d.JobID)
	if err != nil {
		return nil, err
	}
	var idle, whole float64
	for _, v := range doc.Vertices {
		idle += float64(v.Metrics.Idle)
		whole += float64(v.Duration) * float64(v.Parallelism)
	}
	if whole <= 0 {
		return nil, errors.New("no task has run yet")
	}
	percent := cost.Round(100*min(1, idle/whole), 1)
	return &percent, nil
}

// The times of what is followed.
const (
	followTick = time.Second
	followIdle = 30 * time.Second // what no event tells of: checkpoints
)

// Follow calls look when Kubernetes says that a job or a pod of a namespace ("" = all) changed, but at most once a second, and
// every half minute; and show once a second. It ends with ctx, without an error, or with the first error of show.
func (r Runner) Follow(ctx context.Context, namespace string, look, show func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r = r.withDefaults()
	changed := r.changes(ctx, namespace)
	var looked time.Time
	for {
		now := r.Clock.Now()
		fresh := now.Sub(looked) >= followIdle
		select {
		case <-changed:
			fresh = true
		default:
		}
		if fresh {
			looked = now
			if err := look(); err != nil && ctx.Err() == nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		if err := show(); err != nil {
			return fmt.Errorf("show the jobs: %w", err)
		}
		if r.Clock.Sleep(ctx, followTick) != nil {
			return nil
		}
	}
}

// watcher tells of changes; one that cannot is asked again and again.
type watcher interface {
	Watch(ctx context.Context, k kube.Kind, o kube.ListOptions, changed func()) error
}

var _ watcher = (*kube.Client)(nil)

// changes has a token when something may have changed since it was taken.
func (r Runner) changes(ctx context.Context, namespace string) <-chan struct{} {
	changed := make(chan struct{}, 1)
	tell := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	w, ok := r.Kube.(watcher)
	if !ok {
		always := make(chan struct{})
		close(always)
		return always
	}
	for k, labels := range map[kube.Kind]string{
		kube.KindFlinkDeployment: "", kube.KindFlinkSessionJob: "", kube.KindPod: flinkPods,
	} {
		go func() {
			// A kind that is not served, or may not be watched, is looked at every half minute.
			_ = w.Watch(ctx, k, kube.ListOptions{Namespace: namespace, Labels: labels}, tell)
		}()
	}
	return changed
}
