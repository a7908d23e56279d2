// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"emrflink/internal/awsapi"
	"emrflink/internal/awskind"
)

// interfaces deletes the network interfaces that the VPC CNI lost: unattached,
// tagged with our cluster, of an instance that is gone. They would keep the
// cluster's security group and the subnets.
func (r *run) interfaces(ctx context.Context) error {
	inv, err := r.inventory(ctx)
	if err != nil {
		return err
	}
	if len(r.unknown) > 0 {
		return fmt.Errorf("which instances live is not known: %s", r.unknown[0].Why)
	}
	live := map[string]bool{}
	for _, res := range inv {
		if res.Type == awsapi.TypeInstance && leaving(res) == "" {
			live[res.ID] = true
		}
	}
	var errs []error
	for _, res := range inv {
		instance := res.Tags["node.k8s.amazonaws.com/instance_id"]
		if res.Type != awsapi.TypeNetworkInterface || res.State != "available" || instance == "" || live[instance] ||
			!r.owned(res) {
			continue
		}
		errs = append(errs, r.remove(ctx, res, PhaseInterfaces))
	}
	return errors.Join(errs...)
}

// emptyBuckets removes every version, so that a bucket that was used is deleted
// as well as one that was not. Its writers are gone by now.
func (r *run) emptyBuckets(ctx context.Context) error {
	if len(r.Scope.Deployment.Buckets) == 0 {
		return nil
	}
	inv, err := r.inventory(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, res := range inv {
		if res.Type != awsapi.TypeBucket || !r.owned(res) {
			continue
		}
		b := res.ID
		r.say("bucket " + b + " is being emptied")
		n, err := r.Inventory.EmptyBucket(ctx, b, func(e awsapi.Emptied) { r.say("bucket " + b + ": " + e.String()) })
		if err != nil {
			errs = append(errs, fmt.Errorf("empty bucket %q after %d versions: %w", b, n, err))
		}
	}
	return errors.Join(errs...)
}

// destroy runs the engine, and once more when what was in its way could be removed: leftovers of controllers of a cluster
// that is gone (an interface keeps a subnet), or objects that a cluster does not let go and that go with it.
func (r *run) destroy(ctx context.Context) error {
	if r.gone || r.cluster == nil && r.Scope.WithoutCluster {
		if err := r.forgetKubernetes(ctx); err != nil {
			return err
		}
	}
	if r.Scope.RetainData {
		if err := r.forgetData(ctx); err != nil {
			return err
		}
	}
	if r.cluster != nil {
		r.warn(r.dropDeadAPIs(ctx))
	} else {
		defer r.sweepBeside(ctx)()
	}
	r.rearrange(ctx)
	first := r.Engine.Destroy(ctx, r.engineEvent)
	if first == nil || ctx.Err() != nil {
		return first
	}
	removed, err := r.clearTheWay(ctx, first)
	if !removed {
		return errors.Join(first, err)
	}
	if second := r.Engine.Destroy(ctx, r.engineEvent); second != nil {
		return errors.Join(first, err, second)
	}
	r.warn(first)
	return nil
}

// clearTheWay removes what an engine that failed could not, and reports whether there was anything.
func (r *run) clearTheWay(ctx context.Context, failure error) (removed bool, err error) {
	gone, err := r.clusterGone(ctx)
	if err != nil {
		return false, err
	}
	if gone {
		swept, err := r.sweepLeftovers(ctx)
		if swept > 0 {
			r.say(fmt.Sprintf("%d leftovers of controllers blocked the deletion; the engine tries again", swept))
		}
		return swept > 0, err
	}
	var located Located
	if !errors.As(failure, &located) || !located.OnlyIn("kubernetes") {
		return false, nil
	}
	held, err := r.heldByControllers(ctx)
	if err != nil {
		return false, err
	}
	if held != "" {
		return false, fmt.Errorf("the cluster is needed to delete %s", held)
	}
	return true, r.forgetKubernetes(ctx)
}

// sweepLeftovers deletes what the engine did not make. What that made carries all the tags; of a controller's security group, one
// tag may be all that tells.
func (r *run) sweepLeftovers(ctx context.Context) (int, error) {
	return r.sweepOnce(ctx, func(res awsapi.Resource) bool {
		return res.CreatedBy != "user" || !awsapi.Carries(res.Tags, r.Scope.Deployment.Tags)
	})
}

// sweepBeside sweeps leftovers while the engine deletes, as soon as the cluster is gone: nodes that no controller ended keep
// subnets and security groups, whose deletion the engine tries for a quarter of an hour. The returned function ends it.
func (r *run) sweepBeside(ctx context.Context) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	own, done := newRun(r.Cleanup, nil), make(chan struct{})
	go func() {
		defer close(done)
		for own.sleep(ctx, r.Settle/2) == nil {
			if gone, err := own.clusterGone(ctx); err == nil && gone {
				_, _ = own.sweepLeftovers(ctx) // what it could not delete, the sweep at the end tries again and reports
			}
		}
	}()
	return func() {
		cancel()
		<-done
		r.report.Deleted = append(r.report.Deleted, own.report.Deleted...)
	}
}

// heldByControllers names something in AWS that only a controller in the cluster knows of, "" when there is nothing.
func (r *run) heldByControllers(ctx context.Context) (string, error) {
	inv, err := r.inventory(ctx)
	if err != nil {
		return "", err
	}
	if len(r.unknown) > 0 {
		return "", fmt.Errorf("what controllers hold is not known: %s: %s", r.unknown[0].What, r.unknown[0].Why)
	}
	for _, res := range inv {
		holds := res.Type == awsapi.TypeInstance || res.Type == awsapi.TypeVolume || res.IsLoadBalancer()
		made := res.CreatedBy == "karpenter" || res.CreatedBy == "kubernetes"
		if holds && made && leaving(res) == "" && !r.retained(res) {
			return res.Type + " " + res.ID, nil
		}
	}
	return "", nil
}

func (r *run) forgetKubernetes(ctx context.Context) error {
	f, ok := r.Engine.(Forgetter)
	if !ok {
		return nil
	}
	n, err := f.ForgetKubernetes(ctx)
	if err != nil {
		return fmt.Errorf("drop the Kubernetes objects from the state: %w", err)
	}
	r.report.Forgotten += n
	if n > 0 {
		r.say(fmt.Sprintf("%d Kubernetes objects were dropped from the state: they go with the cluster", n))
	}
	return nil
}

// forgetData takes what is kept out of the state: the engine would delete it.
func (r *run) forgetData(ctx context.Context) error {
	f, ok := r.Engine.(Forgetter)
	if !ok {
		return errors.New("the data cannot be retained: this engine cannot forget it")
	}
	n, err := f.ForgetTypes(ctx, awskind.DataTypes()...)
	if err != nil {
		return fmt.Errorf("drop what is retained from the state: %w", err)
	}
	r.say(fmt.Sprintf("%d resources are retained and dropped from the state", n))
	return nil
}

// retained says that a resource is kept because the user wants the data.
func (r *run) retained(res awsapi.Resource) bool {
	if !r.Scope.RetainData {
		return false
	}
	switch res.Type {
	case awsapi.TypeBucket, awsapi.TypeKey:
		return true
	case awsapi.TypeVolume:
		return res.CreatedBy == "kubernetes"
	}
	return false
}

func (r *run) engineEvent(e EngineEvent) {
	r.mu.Lock()
	if e.Deleted {
		r.report.EngineDeleted++
	}
	if e.Notice {
		r.report.Warnings = append(r.report.Warnings, e.Message)
	}
	switch {
	case e.Begun:
		r.deleting[e.Resource] = time.Now()
	case e.Ended:
		delete(r.deleting, e.Resource)
	}
	text := strings.TrimSpace(e.Resource + " " + e.Message)
	if e.Begun || e.Ended {
		text = cmp.Or(r.underWay(), text)
	}
	r.mu.Unlock()
	if text != "" {
		r.say(text)
	}
}

// underWay says how far the engine is and what it waits for longest, "" when nothing is being deleted. The caller holds the lock.
func (r *run) underWay() string {
	longest, since := "", time.Time{}
	for name, began := range r.deleting {
		if longest == "" || began.Before(since) || began.Equal(since) && name < longest {
			longest, since = name, began
		}
	}
	if longest == "" {
		return ""
	}
	return fmt.Sprintf("%d deleted, %d being deleted, the slowest for %s: %s", r.report.EngineDeleted, len(r.deleting),
		time.Since(since).Round(time.Second), longest)
}

// clusterGone asks AWS; only its "not found" counts. Without an answer nothing is known.
func (r *run) clusterGone(ctx context.Context) (bool, error) {
	_, err := r.Account.DescribeCluster(ctx, r.Scope.Deployment.Cluster)
	r.gone = awsapi.IsNotFound(err)
	if err != nil && !r.gone {
		return false, fmt.Errorf("whether cluster %q still exists is not known: %w", r.Scope.Deployment.Cluster, err)
	}
	return r.gone, nil
}

const sweepRounds = 6

// sweep deletes what carries the deployment's exact marks, until two looks in a
// row find nothing: EKS writes its log group again after the cluster is gone.
func (r *run) sweep(ctx context.Context) error {
	if gone, err := r.clusterGone(ctx); err != nil {
		return fmt.Errorf("nothing is swept: %w", err)
	} else if !gone {
		return fmt.Errorf("cluster %q still exists: nothing is swept", r.Scope.Deployment.Cluster)
	}
	clean := 0
	var last error
	for range sweepRounds {
		swept, err := r.sweepOnce(ctx, nil)
		last = err
		if swept == 0 && err == nil {
			if clean++; clean == 2 {
				return nil
			}
		} else {
			clean = 0
		}
		r.say(fmt.Sprintf("waiting %s for what AWS writes late (log groups, released interfaces)", r.Settle))
		if err := r.sleep(ctx, r.Settle/2); err != nil {
			return err
		}
	}
	return last
}

// sweepOnce deletes what it may, in the order in which the catalogue of AWS kinds has the types.
func (r *run) sweepOnce(ctx context.Context, only func(awsapi.Resource) bool) (int, error) {
	inv, err := r.inventory(ctx)
	if err != nil {
		return 0, err
	}
	swept := 0
	var errs []error
	var terminated []string
	for _, typ := range awskind.Swept() {
		for _, res := range inv {
			if res.Type != typ || !r.owned(res) || !free(res) || r.retained(res) || only != nil && !only(res) {
				continue
			}
			if err := r.remove(ctx, res, PhaseSweep); err != nil {
				errs = append(errs, err)
				continue
			}
			swept++
			if typ == awsapi.TypeInstance {
				terminated = append(terminated, res.ID)
			}
		}
		if typ == awsapi.TypeInstance && len(terminated) > 0 {
			r.say(fmt.Sprintf("waiting until %d instances are terminated", len(terminated)))
			errs = append(errs, r.Inventory.WaitTerminated(ctx, 10*time.Minute, terminated...))
		}
	}
	return swept, errors.Join(errs...)
}

// free says that a resource can be deleted now: attached interfaces and volumes
// go with what holds them.
func free(r awsapi.Resource) bool {
	if leaving(r) != "" {
		return false
	}
	switch r.Type {
	case awsapi.TypeNetworkInterface, awsapi.TypeVolume:
		return r.State == "available"
	}
	return true
}

func (r *run) remove(ctx context.Context, res awsapi.Resource, phase string) error {
	r.say("deleting " + res.Type + " " + res.ID)
	if res.Type == awsapi.TypeBucket {
		if _, err := r.Inventory.EmptyBucket(ctx, res.ID, nil); err != nil {
			return fmt.Errorf("empty bucket %q: %w", res.ID, err)
		}
	}
	if err := r.Inventory.Delete(ctx, res); err != nil {
		return fmt.Errorf("delete %s %q: %w", res.Type, res.ID, err)
	}
	r.report.Deleted = append(r.report.Deleted, r.item(res, phase))
	return nil
}

// owned is the second gate before a sweep's delete: whatever the inventory
// returned, only an exact mark of this deployment makes it ours.
func (r *run) owned(res awsapi.Resource) bool {
	d := r.Scope.Deployment
	switch res.Type {
	case awsapi.TypeBucket: // a name that was given back can be anybody's, and what is in it cannot be had again
		return slices.Contains(d.Buckets, res.ID) && awsapi.Carries(res.Tags, d.Tags)
	case awsapi.TypeLogGroup:
		return !d.Contradicts(res.Tags) && (res.ID == awsapi.ClusterLogGroup(d.Cluster) || slices.Contains(d.LogGroups, res.ID))
	case awsapi.TypeInstanceProfile:
		return !d.Contradicts(res.Tags) &&
			(strings.Contains(res.ARN, ":instance-profile/karpenter/"+r.Scope.Region+"/"+d.Cluster+"/") ||
				slices.Contains(d.InstanceProfiles, res.ID))
	case awsapi.TypeQueue:
		return slices.Contains(d.Queues, res.Name) && !d.Contradicts(res.Tags) || r.tagged(res)
	}
	return r.tagged(res) || res.OfGuardDuty(d.VPC)
}

// tagged compares whole keys and values: the deployment's own tags, all of them,
// or one of the marks that EKS and the in-cluster controllers write.
func (r *run) tagged(res awsapi.Resource) bool {
	d := r.Scope.Deployment
	for key, want := range map[string]string{
		"kubernetes.io/cluster/" + d.Cluster: "owned",
		"eks:eks-cluster-name":               d.Cluster,
		"aws:eks:cluster-name":               d.Cluster,
		"eks:cluster-name":                   d.Cluster,
		"cluster.k8s.amazonaws.com/name":     d.Cluster,
		"elbv2.k8s.aws/cluster":              d.Cluster,
	} {
		if res.Tags[key] == want {
			return true
		}
	}
	return awsapi.Carries(res.Tags, d.Tags)
}

// command is what a person can run to remove a resource that is left.
func command(r awsapi.Resource, region string) string {
	k, known := awskind.OfInventory(r.Type)
	if !known {
		return ""
	}
	return awskind.Spell(k.Command, r.ID, region)
}
