// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/diagnose"
	"emrflink/internal/flinkspec"
	"emrflink/internal/kube"
)

// Diagnosis is what is wrong with one job.
type Diagnosis struct {
	Job       string `json:"job"`
	Namespace string `json:"namespace"`
	Kind      string `json:"kind"`
	State     string `json:"state"`
	diagnose.Report
}

// Diagnose reads all that there is about a job, and says what is wrong with it. What cannot be read is part of the answer: the
// only error is that ctx ended.
func (j Running) Diagnose(ctx context.Context) (Diagnosis, error) {
	g := gatherer{Running: j, s: diagnose.Snapshot{Name: j.Ref.Name, Namespace: j.Ref.Namespace, Now: j.Runner.Clock.Now()}}
	g.gather(ctx)
	return Diagnosis{
		Job: j.Ref.Name, Namespace: j.Ref.Namespace, Kind: j.Ref.Kind.Kind, State: g.s.Job.Value.State,
		Report: diagnose.Run(g.s),
	}, ctx.Err()
}

// DiagnoseAll is Diagnose for all jobs of a namespace ("" = all), in their order.
func (r Runner) DiagnoseAll(ctx context.Context, namespace string) ([]Diagnosis, error) {
	r = r.withDefaults()
	all, err := r.deployments(ctx, namespace)
	if err != nil {
		return nil, err
	}
	out := make([]Diagnosis, len(all))
	looks, ctx := errgroup.WithContext(ctx)
	looks.SetLimit(mostAsked)
	for i, d := range all {
		looks.Go(func() (err error) {
			out[i], err = Running{Runner: r, Ref: d.ref()}.Diagnose(ctx)
			return err
		})
	}
	return out, looks.Wait()
}

// sourceTakes is the longest that one source is waited for.
const sourceTakes = 15 * time.Second

// gatherer fills in a snapshot.
type gatherer struct {
	Running
	s diagnose.Snapshot
	d deployment
	o *unstructured.Unstructured // of the cluster
}

// read reads one source.
func read[T any](ctx context.Context, into *diagnose.Read[T], get func(context.Context) (T, error)) {
	ctx, cancel := context.WithTimeout(ctx, sourceTakes)
	defer cancel()
	var err error
	if into.Value, err = get(ctx); err != nil {
		into.Why = oneLine(err.Error())
	}
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func (g *gatherer) gather(ctx context.Context) {
	read(ctx, &g.s.Job, g.job)
	var all sync.WaitGroup
	all.Go(func() { read(ctx, &g.s.Operator, g.operator) })
	all.Go(func() { read(ctx, &g.s.Webhooks, g.webhooks) })
	all.Go(func() { read(ctx, &g.s.Nodes, g.Runner.Kube.Nodes) })
	all.Go(func() { read(ctx, &g.s.Claims, g.Runner.Kube.NodeClaims) })
	all.Go(func() { read(ctx, &g.s.Quota, g.quota) })
	all.Go(func() { read(ctx, &g.s.Snapshots, g.savepoints) })
	all.Go(func() { read(ctx, &g.s.Bucket, g.bucket) })
	all.Go(func() { read(ctx, &g.s.Leader, g.leader) })
	all.Go(func() {
		read(ctx, &g.s.Pods, func(ctx context.Context) ([]kube.Pod, error) {
			return g.Runner.Kube.Pods(ctx, g.d.Namespace, podSelector(g.d.cluster()))
		})
		all.Go(func() { read(ctx, &g.s.Logs, g.logs) })
		g.flink(ctx)
	})
	all.Wait()
	read(ctx, &g.s.Events, g.events) // which belong to the job depends on its pods, nodes and claims
	read(ctx, &g.s.Autoscaler, g.autoscaler)
}

func (g *gatherer) job(ctx context.Context) (diagnose.Job, error) {
	g.d = deployment{Kind: g.Ref.Kind, Namespace: g.Ref.Namespace, Name: g.Ref.Name}
	o, err := g.Runner.Kube.Get(ctx, g.Ref)
	if err != nil {
		return diagnose.Job{}, err
	}
	d := deploymentOf(o)
	g.o = o
	conf := flinkspec.Flatten(field(o.Object, "spec", "flinkConfiguration"))
	if d.Cluster != "" {
		if g.o, err = g.Runner.Kube.Get(ctx, kube.KindFlinkDeployment.Ref(d.Namespace, d.Cluster)); err != nil {
			return diagnose.Job{}, err
		}
		own := conf
		conf = flinkspec.Flatten(field(g.o.Object, "spec", "flinkConfiguration"))
		maps.Copy(conf, own)
		d.JobManager, d.CheckpointDir = deploymentOf(g.o).JobManager, conf["state.checkpoints.dir"]
	}
	g.d = d
	refused, err := g.Runner.refusal(ctx, d.Namespace, d.cluster())
	if err != nil {
		return diagnose.Job{}, err
	}
	interval, _ := flinkspec.Duration(conf["execution.checkpointing.interval"])
	timeout, _ := flinkspec.Duration(conf["execution.checkpointing.timeout"])
	var deleting time.Time
	if t := o.GetDeletionTimestamp(); t != nil {
		deleting = t.Time
	}
	ha := conf["high-availability.type"]
	return diagnose.Job{
		Wanted: d.Wanted, Lifecycle: d.Lifecycle, State: d.State, JobManager: d.JobManager, Error: d.Error, Refused: refused,
		Generation: d.Generation, Observed: d.Observed, Changed: changed(o), Deleting: deleting, Finalizers: o.GetFinalizers(),
		SessionCluster: d.SessionCluster, HA: ha != "" && ha != "NONE", Autoscaler: conf["job.autoscaler.enabled"] == "true" ||
			conf["kubernetes.operator.job.autoscaler.enabled"] == "true",
		CheckpointDir: d.CheckpointDir, Interval: interval, Timeout: timeout, Parallelism: d.Parallelism, App: d.cluster(),
	}, nil
}

// changed is when the spec was written last, by whoever did: of the status, the operator is the one who writes.
func changed(o *unstructured.Unstructured) time.Time {
	last := o.GetCreationTimestamp().Time
	for _, m := range o.GetManagedFields() {
		if m.Subresource == "" && m.Time != nil && m.Time.After(last) && m.FieldsV1 != nil &&
			strings.Contains(string(m.FieldsV1.Raw), `"f:spec"`) {
			last = m.Time.Time
		}
	}
	return last
}

// operator looks for the operator's Deployment in all namespaces: where it is depends on who installed it.
func (g *gatherer) operator(ctx context.Context) (diagnose.Controller, error) {
	all, err := g.Runner.Kube.List(ctx, kube.KindDeployment, kube.ListOptions{})
	if err != nil {
		return diagnose.Controller{}, err
	}
	i := slices.IndexFunc(all, func(o unstructured.Unstructured) bool { return o.GetName() == operatorDeployment })
	if i < 0 {
		return diagnose.Controller{}, nil
	}
	c := kube.ConditionOf(kube.Conditions(&all[i]), "Available")
	if text(field(all[i].Object, "spec", "replicas")) == "0" { // which counts as available
		c = kube.Condition{Status: "False", Message: "spec.replicas is 0"}
	}
	return diagnose.Controller{
		Found: true, Available: c.Status == "True", Message: joinNonEmpty(": ", c.Reason, c.Message),
	}, nil
}

// webhooks are those that changes of Flink's kinds pass.
func (g *gatherer) webhooks(ctx context.Context) ([]diagnose.Webhook, error) {
	var out []diagnose.Webhook
	for _, kind := range []kube.Kind{kube.KindValidatingWebhook, kube.KindMutatingWebhook} {
		all, err := g.Runner.Kube.List(ctx, kind, kube.ListOptions{})
		if err != nil {
			return nil, err
		}
		for i := range all {
			var doc struct {
				Webhooks []struct {
					Name, FailurePolicy string
					ClientConfig        struct {
						Service *struct{ Namespace, Name string }
					}
					Rules []struct{ APIGroups []string }
				}
			}
			if err := convert(all[i].Object, &doc); err != nil {
				return nil, err
			}
			for _, w := range doc.Webhooks {
				if w.ClientConfig.Service == nil || !slices.ContainsFunc(w.Rules, func(r struct{ APIGroups []string }) bool {
					return slices.Contains(r.APIGroups, "flink.apache.org") || slices.Contains(r.APIGroups, "*")
				}) {
					continue
				}
				ready, err := g.served(ctx, w.ClientConfig.Service.Namespace, w.ClientConfig.Service.Name)
				if err != nil {
					return nil, err
				}
				out = append(out, diagnose.Webhook{
					Name: w.Name, Service: w.ClientConfig.Service.Namespace + "/" + w.ClientConfig.Service.Name, Ready: ready,
					Fails: w.FailurePolicy != "Ignore",
				})
			}
		}
	}
	return out, nil
}

func convert(from, into any) error {
	raw, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

// served says whether a Service has a ready endpoint.
func (g *gatherer) served(ctx context.Context, namespace, name string) (bool, error) {
	slicesOf, err := g.Runner.Kube.List(ctx, kube.KindEndpointSlice, kube.ListOptions{
		Namespace: namespace, Labels: "kubernetes.io/service-name=" + name,
	})
	if err != nil {
		return false, err
	}
	for i := range slicesOf {
		var doc struct {
			Endpoints []struct{ Conditions struct{ Ready *bool } }
		}
		if err := convert(slicesOf[i].Object, &doc); err != nil {
			return false, err
		}
		for _, e := range doc.Endpoints {
			if e.Conditions.Ready == nil || *e.Conditions.Ready {
				return true, nil
			}
		}
	}
	return false, nil
}

func (g *gatherer) quota(ctx context.Context) ([]diagnose.Hard, error) {
	all, err := g.Runner.Kube.List(ctx, kube.KindResourceQuota, kube.ListOptions{Namespace: g.d.Namespace})
	if err != nil {
		return nil, err
	}
	var out []diagnose.Hard
	for i := range all {
		hard, _, _ := unstructured.NestedMap(all[i].Object, "status", "hard")
		for _, what := range slices.Sorted(maps.Keys(hard)) {
			used, most := text(field(all[i].Object, "status", "used", what)), text(hard[what])
			u, m := quantityOf(used), quantityOf(most)
			out = append(out, diagnose.Hard{
				Quota: all[i].GetName(), Resource: what, Used: used, Hard: most, Full: !m.IsZero() && u.Cmp(m) >= 0,
			})
		}
	}
	return out, nil
}

func (g *gatherer) savepoints(ctx context.Context) ([]diagnose.Savepoint, error) {
	all, err := g.Runner.Kube.List(ctx, kube.KindFlinkStateSnapshot, kube.ListOptions{Namespace: g.d.Namespace})
	if kube.IsNoKind(err) {
		return nil, nil
	}
	var out []diagnose.Savepoint
	for i := range all {
		ref, _, _ := unstructured.NestedStringMap(all[i].Object, "spec", "jobReference")
		if ref["name"] != g.d.Name || ref["kind"] != g.d.Kind.Kind {
			continue
		}
		at := func(name string) string { return text(field(all[i].Object, "status", name)) }
		when, err := time.Parse(time.RFC3339, at("resultTimestamp"))
		if err != nil {
			when = all[i].GetCreationTimestamp().Time
		}
		out = append(out, diagnose.Savepoint{
			Name: all[i].GetName(), State: at("state"), Path: at("path"), Error: plainError(at("error")), At: when,
		})
	}
	return out, err
}

// bucket are the checkpoints in S3; a job that keeps none has none.
func (g *gatherer) bucket(ctx context.Context) ([]diagnose.Stored, error) {
	if g.Runner.Objects == nil || g.d.CheckpointDir == "" {
		return nil, nil
	}
	all, err := g.Runner.checkpoints(ctx, g.d.CheckpointDir)
	out := make([]diagnose.Stored, 0, len(all))
	for _, c := range g.d.own(all) {
		out = append(out, diagnose.Stored{URI: c.URI, At: c.At})
	}
	return out, err
}

// leaderAnnotation is client-go's and fabric8's record of a leader in a ConfigMap.
const leaderAnnotation = "control-plane.alpha.kubernetes.io/leader"

// leader reads the ConfigMap with which the JobManagers elect one of them.
func (g *gatherer) leader(ctx context.Context) (diagnose.Leader, error) {
	if !g.s.Job.Value.HA {
		return diagnose.Leader{}, nil
	}
	o, err := g.Runner.Kube.Get(ctx, kube.KindConfigMap.Ref(g.d.Namespace, g.d.cluster()+"-cluster-config-map"))
	if err != nil {
		return diagnose.Leader{}, notGone(err)
	}
	var record struct {
		LeaseDuration     float64
		RenewTime         string
		LeaderTransitions int
	}
	raw, said := o.GetAnnotations()[leaderAnnotation]
	if !said { // the simulated JobManager has no lease
		return diagnose.Leader{Found: true, Renewed: g.s.Now}, nil
	}
	if err := json.Unmarshal([]byte(raw), &record); err != nil {
		return diagnose.Leader{}, fmt.Errorf("read the leader of ConfigMap %q: %w", o.GetName(), err)
	}
	at, err := time.Parse(time.RFC3339Nano, record.RenewTime)
	if err != nil {
		return diagnose.Leader{}, fmt.Errorf("read the leader of ConfigMap %q: %w", o.GetName(), err)
	}
	return diagnose.Leader{
		Found: true, Renewed: at, Lease: time.Duration(record.LeaseDuration * float64(time.Second)),
		Transitions: record.LeaderTransitions,
	}, nil
}

// events are those of the job's own objects, and of the nodes and claims that carry its pods or were made for them.
func (g *gatherer) events(ctx context.Context) ([]kube.Event, error) {
	var all []kube.Event
	for _, ns := range []string{g.d.Namespace, "default"} { // cluster-wide objects have their events in default
		events, err := g.Runner.Kube.Events(ctx, ns)
		if err != nil {
			return nil, err
		}
		all = append(all, events...)
	}
	nodes := map[string]bool{}
	for _, p := range g.s.Pods.Value {
		nodes[p.Node] = true
	}
	for _, c := range g.s.Claims.Value { // those that carry nobody yet may be the job's
		nodes[c.Name] = nodes[c.Node] || c.Node == ""
	}
	gone := map[string]bool{} // nodes that are not there any more: whose they were is not known
	for _, n := range g.s.Nodes.Value {
		gone[n.Name] = true
	}
	all = slices.DeleteFunc(all, func(e kube.Event) bool {
		switch e.Object.Kind.Kind {
		case "Node":
			return !nodes[e.Object.Name] && gone[e.Object.Name]
		case "NodeClaim":
			return !nodes[e.Object.Name] && slices.ContainsFunc(g.s.Claims.Value, func(c kube.NodeClaim) bool {
				return c.Name == e.Object.Name
			})
		}
		return !g.d.has(e.Object)
	})
	for i := range all {
		all[i].Message = plainError(all[i].Message)
	}
	slices.SortStableFunc(all, func(a, b kube.Event) int { return a.Last.Compare(b.Last) })
	return all, nil
}

// has says whether an object is the job's own: itself, its pods, its Deployment, its snapshots.
func (d deployment) has(o kube.Ref) bool {
	kinds := []string{"Pod", "Deployment", "ReplicaSet", "Service", "ConfigMap", "FlinkStateSnapshot"}
	return o.Name == d.Name && o.Kind.Kind == d.Kind.Kind ||
		slices.Contains(kinds, o.Kind.Kind) && (o.Name == d.cluster() || strings.HasPrefix(o.Name, d.cluster()+"-"))
}
