// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
	"emrflink/internal/exitcode"
	"emrflink/internal/kube"
)

// UnreachableError says that the cluster exists and does not answer. Nothing has
// been deleted: without its controllers nodes, volumes and load balancers would
// stay and bill.
type UnreachableError struct {
	Cluster, Stack string
	Cause          error
}

// Error implements error.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("cluster %q exists but its API cannot be used: %v", e.Cluster, e.Cause)
}

// Unwrap gives the cause.
func (e *UnreachableError) Unwrap() error { return e.Cause }

// Code is a stable id of the failure.
func (e *UnreachableError) Code() string { return "cleanup.unreachable" }

// ExitCode is 3 when the identity was refused, else 1.
func (e *UnreachableError) ExitCode() int {
	var k *kube.Error
	if errors.As(e.Cause, &k) {
		return k.ExitCode()
	}
	return exitcode.Failed
}

// Hint says how to get in, and how to go on without.
func (e *UnreachableError) Hint() string {
	return "emrflink doctor --stack " + e.Stack +
		"   # checks endpoint, allow-list and access entries; then run cleanup again\n" +
		"emrflink cleanup --stack " + e.Stack + " --without-cluster   # when its API is gone for good"
}

// check is the gate before anything is deleted: the right account, a state that
// the engine can use, the cluster as AWS gives it, and the inventory to compare
// with at the end.
func (r *run) check(ctx context.Context) error {
	if err := r.rightAccount(ctx); err != nil {
		return err
	}
	if err := r.Engine.Ready(ctx); err != nil {
		return fmt.Errorf("the state cannot be used, so nothing was touched: %w", err)
	}
	if err := r.unprotected(false); err != nil {
		return err
	}
	return r.look(ctx)
}

func (r *run) rightAccount(ctx context.Context) error {
	id, err := r.Account.Identity(ctx)
	if err != nil {
		return fmt.Errorf("ask who the caller is: %w", err)
	}
	if id.Account != r.Scope.Account {
		return &RefusedError{
			Cause: fmt.Errorf("the credentials belong to account %s, the deployment to %s", id.Account, r.Scope.Account),
		}
	}
	return nil
}

// inventory is what exists of the deployment. The parts that AWS did not answer for are kept: nothing is known of them.
func (r *run) inventory(ctx context.Context) ([]awsapi.Resource, error) {
	list, err := r.Inventory.DeploymentResources(ctx, r.Scope.Deployment)
	r.unknown = nil
	var unknown *awsapi.InventoryError
	if !errors.As(err, &unknown) {
		return list, err
	}
	for _, p := range unknown.Parts {
		r.unknown = append(r.unknown, Unknown{What: p.What, Why: p.Err.Error()})
	}
	return list, nil
}

// look finds out what exists. What AWS does not answer is not known, and said; only who asks and whether the cluster exists
// must be known before anything is deleted.
func (r *run) look(ctx context.Context) (err error) {
	if r.before, err = r.inventory(ctx); err != nil {
		return fmt.Errorf("list the deployment's resources: %w", err)
	}
	cl, err := r.Account.DescribeCluster(ctx, r.Scope.Deployment.Cluster)
	switch {
	case awsapi.IsNotFound(err):
		r.gone, r.noCluster = true, fmt.Sprintf("cluster %q does not exist (AWS says so)", r.Scope.Deployment.Cluster)
		return nil
	case err != nil:
		return fmt.Errorf("describe cluster %q: %w", r.Scope.Deployment.Cluster, err)
	case cl.DeletionProtection:
		return r.unprotected(true)
	case cl.Status == "DELETING" || cl.Status == "CREATING" || cl.Status == "FAILED":
		r.noCluster = fmt.Sprintf("cluster %q is %s", cl.Name, cl.Status)
		return nil
	}
	r.cluster, err = r.Connect(ctx, cl)
	if err == nil {
		return nil
	}
	r.cluster = nil
	if !r.Scope.WithoutCluster {
		return &UnreachableError{Cluster: cl.Name, Stack: r.Scope.Stack, Cause: err}
	}
	r.noCluster = "the cluster's API cannot be used, and the cleanup was asked to continue without it: " + err.Error()
	r.warn(errors.New(r.noCluster))
	return nil
}

// batch is a set of objects that are deleted together and waited for.
type batch struct {
	kind kube.Kind
	mine func(*unstructured.Unstructured) bool // nil: all of them
	also []kube.Kind                           // kinds whose objects explain a wait better
	// keep is what an object is made to say before it goes, so that retained data does not go with it; nil changes nothing.
	keep func(*unstructured.Unstructured) map[string]any
	// users deletes what keeps objects that are being deleted.
	users func(r *run, ctx context.Context, objs []unstructured.Unstructured) error
}

// deleteBatches deletes what a phase names, one batch after the other. The controller that would let an object go may be gone,
// or may never be able to: see step.releases.
func (r *run) deleteBatches(ctx context.Context, s step) error {
	if !s.releases {
		return r.deleteInTurn(ctx, s)
	}
	end, _ := ctx.Deadline()
	limited, cancel := context.WithDeadline(ctx, end.Add(-time.Until(end)/5))
	defer cancel()
	err := r.deleteInTurn(limited, s)
	if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		return err
	}
	for _, b := range s.batches {
		if rerr := r.release(ctx, b.kind); rerr != nil {
			return errors.Join(err, rerr)
		}
	}
	return r.deleteInTurn(ctx, s)
}

func (r *run) deleteInTurn(ctx context.Context, s step) error {
	var errs []error
	for _, b := range s.batches {
		errs = append(errs, r.deleteAll(ctx, s.Name, b))
	}
	return errors.Join(errs...)
}

// deleteAll deletes the objects of the batch and waits until none is left,
// naming the object and finalizer that blocks. New ones that appear meanwhile are
// deleted too. A kind that is not served has no objects.
func (r *run) deleteAll(ctx context.Context, phase string, b batch) error {
	asked, no := map[kube.Ref]bool{}, map[kube.Ref]bool{}
	var refused error
	for {
		objs, err := r.list(ctx, b.kind, b.mine)
		if err != nil {
			return err
		}
		if len(objs) == 0 {
			return refused
		}
		waits := false
		for i := range objs {
			ref := kube.RefOf(&objs[i])
			if asked[ref] {
				waits = waits || !no[ref]
				continue
			}
			asked[ref] = true
			switch err := r.ask(ctx, b, &objs[i]); {
			case err == nil:
				waits = true
				r.report.Deleted = append(r.report.Deleted, kubeItem(ref, phase))
			case r.unhook(ctx, err):
				waits, asked[ref] = true, false
			case !kube.IsNotFound(err):
				no[ref], refused = true, errors.Join(refused, err)
			}
		}
		if !waits {
			return refused // all that is left was refused: waiting does not help
		}
		if b.users != nil {
			if err := b.users(r, ctx, objs); err != nil {
				return errors.Join(refused, err)
			}
		}
		last := r.explain(ctx, objs, b.also)
		if err := r.sleep(ctx, r.Poll); err != nil {
			if errors.Is(err, context.DeadlineExceeded) {
				return errors.Join(refused, err, &kube.StillThereError{Blocker: last})
			}
			return err
		}
	}
}

// ask has an object deleted.
func (r *run) ask(ctx context.Context, b batch, o *unstructured.Unstructured) error {
	ref := kube.RefOf(o)
	if r.Scope.RetainData && b.keep != nil {
		if change := b.keep(o); change != nil {
			if _, err := r.cluster.Patch(ctx, ref, "", change); err != nil {
				return err // it would take the data along
			}
		}
	}
	return r.cluster.Delete(ctx, ref, kube.Background)
}

func (r *run) list(ctx context.Context, k kube.Kind,
	mine func(*unstructured.Unstructured) bool) ([]unstructured.Unstructured, error) {
	objs, err := r.cluster.List(ctx, k, kube.ListOptions{})
	if kube.IsNoKind(err) || kube.IsNotFound(err) {
		return nil, nil
	}
	if err != nil || mine == nil {
		return objs, err
	}
	var out []unstructured.Unstructured
	for i := range objs {
		if mine(&objs[i]) {
			out = append(out, objs[i])
		}
	}
	return out, nil
}

// explain says what the wait is for and returns the blocker that it names.
func (r *run) explain(ctx context.Context, objs []unstructured.Unstructured, also []kube.Kind) kube.Blocker {
	now := time.Now()
	blocker, n := kube.BlockerOf(&objs[0], now), len(objs)
	for _, k := range also {
		if more, err := r.list(ctx, k, nil); err == nil && len(more) > 0 {
			blocker, n = kube.BlockerOf(&more[0], now), len(more)
			break
		}
	}
	text := blocker.String()
	if n > 1 {
		text = fmt.Sprintf("%d %ss; %s", n, blocker.Ref.Kind.Kind, text)
	}
	r.say(text)
	return blocker
}

// release takes the finalizers of what is being deleted away.
func (r *run) release(ctx context.Context, k kube.Kind) error {
	objs, err := r.list(ctx, k, func(o *unstructured.Unstructured) bool { return o.GetDeletionTimestamp() != nil })
	if err != nil {
		return err
	}
	for i := range objs {
		ref := kube.RefOf(&objs[i])
		_, err := r.cluster.Patch(ctx, ref, "", map[string]any{"metadata": map[string]any{"finalizers": nil}})
		if err != nil && !kube.IsNotFound(err) {
			return fmt.Errorf("take the finalizers of %s away: %w", ref, err)
		}
		r.warn(fmt.Errorf("%s: nobody answered to %s, so it was taken away", ref, strings.Join(objs[i].GetFinalizers(), ", ")))
	}
	return nil
}

func isBalancer(o *unstructured.Unstructured) bool {
	t, _, _ := unstructured.NestedString(o.Object, "spec", "type")
	return t == "LoadBalancer"
}

// balancers waits for the load balancers themselves: the object can be gone seconds before the balancer is. Somebody else's in
// the same VPC does not go.
func (r *run) balancers(ctx context.Context) error {
	if !slices.ContainsFunc(r.report.Deleted, func(i Item) bool { return i.Phase == PhaseBalancers }) {
		return nil // nobody was asked to delete one: what is there is an orphan, for the sweep
	}
	ours := func(res awsapi.Resource) bool { return res.IsLoadBalancer() && r.owned(res) }
	for left := r.before; slices.ContainsFunc(left, ours); {
		var err error
		if left, err = r.inventory(ctx); err != nil {
			return err
		}
		if i := slices.IndexFunc(left, ours); i >= 0 {
			r.say("load balancer " + left[i].ID + " is still there")
			if err := r.sleep(ctx, r.Poll); err != nil {
				return err
			}
		}
	}
	return nil
}

// retain keeps the data: the volumes outlive their claims, and the buckets are left as they are.
func (r *run) retain(ctx context.Context) error {
	if r.cluster == nil {
		return nil
	}
	volumes, err := r.list(ctx, kube.KindPV, isDeletedWithItsClaim)
	if err != nil {
		return err
	}
	keep := map[string]any{"spec": map[string]any{"persistentVolumeReclaimPolicy": "Retain"}}
	for i := range volumes {
		ref := kube.RefOf(&volumes[i])
		if _, err := r.cluster.Patch(ctx, ref, "", keep); err != nil && !kube.IsNotFound(err) {
			return fmt.Errorf("keep %s: %w", ref, err)
		}
	}
	return nil
}

func isDeletedWithItsClaim(o *unstructured.Unstructured) bool {
	p, _, _ := unstructured.NestedString(o.Object, "spec", "persistentVolumeReclaimPolicy")
	return p == "Delete"
}

// makersOf deletes the StatefulSets that would make the claims again as soon as they are gone, or what made these, such as
// a Prometheus, which would make them again in turn.
func (r *run) makersOf(ctx context.Context, claims []unstructured.Unstructured) error {
	sets, err := r.list(ctx, kube.KindStatefulSet, func(o *unstructured.Unstructured) bool {
		templates, _, _ := unstructured.NestedSlice(o.Object, "spec", "volumeClaimTemplates")
		return o.GetDeletionTimestamp() == nil && slices.ContainsFunc(templates, func(t any) bool {
			template, _ := t.(map[string]any)
			name, _, _ := unstructured.NestedString(template, "metadata", "name")
			return slices.ContainsFunc(claims, func(c unstructured.Unstructured) bool {
				return c.GetNamespace() == o.GetNamespace() && strings.HasPrefix(c.GetName(), name+"-"+o.GetName()+"-")
			})
		})
	})
	for i := range sets {
		ref := kube.RefOf(&sets[i])
		if owner := metav1.GetControllerOf(&sets[i]); owner != nil {
			ref = kube.Kind{APIVersion: owner.APIVersion, Kind: owner.Kind}.Ref(sets[i].GetNamespace(), owner.Name)
		}
		r.say(fmt.Sprintf("%s makes claims that are deleted, and goes with them", ref))
		if err := r.cluster.Delete(ctx, ref, kube.Background); err != nil && !kube.IsNotFound(err) {
			return fmt.Errorf("delete %s, which makes claims: %w", ref, err)
		}
	}
	return err
}

// usersOf deletes the pods that use claims which are being deleted: Kubernetes keeps a claim as long as a pod on a node uses it.
// What their owner makes again is not scheduled, since its claim is going.
func (r *run) usersOf(ctx context.Context, claims []unstructured.Unstructured) error {
	if err := r.makersOf(ctx, claims); err != nil {
		return err
	}
	going := map[kube.Ref]bool{}
	for i := range claims {
		going[kube.RefOf(&claims[i])] = true
	}
	pods, err := r.list(ctx, kube.KindPod, func(o *unstructured.Unstructured) bool {
		node, _, _ := unstructured.NestedString(o.Object, "spec", "nodeName")
		volumes, _, _ := unstructured.NestedSlice(o.Object, "spec", "volumes")
		return node != "" && o.GetDeletionTimestamp() == nil && slices.ContainsFunc(volumes, func(v any) bool {
			volume, _ := v.(map[string]any)
			claim, _, _ := unstructured.NestedString(volume, "persistentVolumeClaim", "claimName")
			return going[kube.KindPVC.Ref(o.GetNamespace(), claim)]
		})
	})
	if err != nil {
		return err
	}
	for i := range pods {
		ref := kube.RefOf(&pods[i])
		r.say(fmt.Sprintf("%s uses a claim that is deleted, and goes with it", ref))
		if err := r.cluster.Delete(ctx, ref, kube.Background); err != nil && !kube.IsNotFound(err) {
			return fmt.Errorf("delete %s, which uses a claim: %w", ref, err)
		}
	}
	return nil
}

// volumes waits for the volumes that go with their claims.
func (r *run) volumes(ctx context.Context) error {
	for {
		left, err := r.list(ctx, kube.KindPV, isDeletedWithItsClaim)
		if err != nil || len(left) == 0 {
			return err
		}
		r.explain(ctx, left, nil)
		if err := r.sleep(ctx, r.Poll); err != nil {
			return err
		}
	}
}
