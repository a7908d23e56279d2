// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"

	"emrflink/internal/localcloud/account"
)

// Cloud is what the stand-in needs of the account: the instances and what decides about them, the volumes and the load balancers.
type Cloud interface {
	Get(k account.Kind, id string) (account.Resource, bool)
	Find(k account.Kind, match func(account.Resource) bool) []account.Resource
	Subscribe() (<-chan account.Change, func())
	Create(ctx context.Context, c account.Caller, k account.Kind, p account.Props) (account.Resource, error)
	Delete(ctx context.Context, c account.Caller, k account.Kind, id string) error
}

// AWS's and Kubernetes' own durations on EKS (AL2023, medians); Options.Speed divides them.
const (
	bootTime  = 25 * time.Second // instance running -> node registered
	readyTime = 10 * time.Second // node registered -> Ready (the network plugin starts)
	pullTime  = 15 * time.Second // pod scheduled -> Running (image pull, container start)
	taskTime  = 20 * time.Second // how long the pod of a Job works
	stopTime  = 2 * time.Second  // how long a container takes to stop
)

// Work is shared by this many goroutines; resync repairs what a lost event left behind.
const (
	workers = 4
	resync  = 10 * time.Minute
	// gatewayPause is the pause between two looks whether the cluster has Gateways.
	gatewayPause = 10 * time.Second
)

// Options configure a Kubelet. Account, Cluster and Client are required.
type Options struct {
	Account Cloud
	Types   []account.InstanceType // that nodes may have
	Cluster string                 // name of the EKS cluster
	Client  API                    // of the control plane, as an administrator
	Dynamic dynamic.Interface      // the same; nil: no Ingress and no Gateway is looked at
	Runners map[string]Runner      // image prefix -> what runs while such a pod runs
	// Pulls says why an instance cannot pull an image; nil is none.
	Pulls func(instance, image string) error
	// Runtimes run the containers of pods; the first that takes a pod has it. Dir is where those have their folders.
	Runtimes []Runtime
	Dir      string
	Speed    float64      // divides all durations; <= 0 means no waiting
	Logger   *slog.Logger // nil: discarded
}

// Kubelet is the node side of one cluster. Make it with New.
type Kubelet struct {
	cloud   Cloud
	cluster string
	client  API
	speed   float64
	log     *slog.Logger
	types   map[string]account.InstanceType
	runners *runnerSet
	boxes   *sandboxes
	queue   workqueue.TypedRateLimitingInterface[item]
	nodes   cache.SharedIndexInformer
	pods    cache.SharedIndexInformer
	claims  cache.SharedIndexInformer
	volumes cache.SharedIndexInformer
	classes cache.SharedIndexInformer
	// Services, Ingresses and Gateways that ask for a load balancer have one made, as the volumes of claims are. Gateways are nil
	// while the cluster does not have that kind.
	services, ingresses, gateways cache.SharedIndexInformer
	dynamic                       dynamic.Interface
	err                           error // of New, returned by Run

	mu      sync.Mutex
	reasons map[string]string    // instance id -> why its node is not Ready
	due     map[string]time.Time // node or pod -> when its next step is due
	failing []string             // image prefixes that cannot be pulled
	pulls   func(instance, image string) error
	leases  *addresses
	changed chan struct{} // closed and replaced on every change of reasons or nodes
}

// item is one object to look at.
type item struct{ kind, key string }

// The kinds of items. An instance's key is its id, a pod's and a claim's namespace/name.
const (
	kindInstance = "instance"
	kindNode     = "node"
	kindPod      = "pod"
	kindClaim    = "claim"
	kindVolume   = "volume"
	kindService  = "service"
	kindIngress  = "ingress"
	kindGateway  = "gateway"
)

const indexNode = "node" // pods by node name

// New prepares a Kubelet; nothing happens before Run.
func New(o Options) *Kubelet {
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	k := &Kubelet{
		cloud: o.Account, cluster: o.Cluster, client: o.Client, dynamic: o.Dynamic, speed: o.Speed, log: log, pulls: o.Pulls,
		types:   map[string]account.InstanceType{},
		reasons: map[string]string{}, due: map[string]time.Time{},
		leases: newAddresses(o.Dir), changed: make(chan struct{}),
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[item]()),
	}
	for _, t := range o.Types {
		k.types[t.Type] = t
	}
	k.runners = newRunnerSet(o.Runners, log, func(namespace, name string) {
		k.queue.Add(item{kindPod, namespace + "/" + name})
	})
	if o.Dir != "" {
		k.runners.dir = filepath.Join(o.Dir, runnerLogs)
	}
	open := newPorts()
	open.programs = k.runners.reach
	k.boxes = &sandboxes{
		runtimes: o.Runtimes, dir: o.Dir, log: log, scaled: k.scaled, ports: open, probe: open.get, of: map[string]*sandbox{},
		notify: func(namespace, name string) { k.queue.Add(item{kindPod, namespace + "/" + name}) },
	}
	k.watch()
	return k
}

// watch sets up the informers; their events become items of the queue.
func (k *Kubelet) watch() {
	core := k.client.CoreV1()
	k.nodes = informer(k.client, &corev1.Node{}, core.Nodes())
	k.pods = informer(k.client, &corev1.Pod{}, core.Pods(corev1.NamespaceAll))
	k.claims = informer(k.client, &corev1.PersistentVolumeClaim{}, core.PersistentVolumeClaims(corev1.NamespaceAll))
	k.volumes = informer(k.client, &corev1.PersistentVolume{}, core.PersistentVolumes())
	k.services = informer(k.client, &corev1.Service{}, core.Services(corev1.NamespaceAll))
	k.classes = informer(k.client, &storagev1.StorageClass{}, k.client.StorageV1().StorageClasses())
	// Indexers and handlers can fail only on a running informer.
	k.err = k.pods.AddIndexers(cache.Indexers{indexNode: func(o any) ([]string, error) {
		if p, ok := o.(*corev1.Pod); ok && p.Spec.NodeName != "" {
			return []string{p.Spec.NodeName}, nil
		}
		return nil, nil
	}})
	handled := map[string]cache.SharedIndexInformer{
		kindNode: k.nodes, kindPod: k.pods, kindClaim: k.claims, kindVolume: k.volumes, kindService: k.services,
	}
	if k.dynamic != nil {
		k.ingresses = k.dynamicInformer(ingresses)
		handled[kindIngress] = k.ingresses
	}
	for kind, informer := range handled {
		if err := k.handle(kind, informer); err != nil && k.err == nil {
			k.err = err
		}
	}
}

// handle makes the events of an informer items of the queue.
func (k *Kubelet) handle(kind string, informer cache.SharedIndexInformer) error {
	add := func(o any) { k.enqueue(kind, o) }
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: add, UpdateFunc: func(_, o any) { add(o) }, DeleteFunc: add,
	})
	return err
}

func (k *Kubelet) enqueue(kind string, o any) {
	if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(o); err == nil {
		k.queue.Add(item{kind, key})
	}
	if p, is := o.(*corev1.Pod); is && p.Labels[appLabel] == controllerApp {
		for kind, informer := range k.balanced() {
			for _, key := range informer.GetStore().ListKeys() {
				k.queue.Add(item{kind, key})
			}
		}
	}
}

// Run works until ctx ends; the runners are stopped before it returns. A Kubelet runs once.
func (k *Kubelet) Run(ctx context.Context) error {
	if k.err != nil {
		return fmt.Errorf("set up the kubelet stand-in: %w", k.err)
	}
	changes, unsubscribe := k.cloud.Subscribe()
	defer unsubscribe()
	defer k.runners.stop()
	defer k.boxes.stop()
	var reading sync.WaitGroup
	defer reading.Wait()
	all := []cache.SharedIndexInformer{k.nodes, k.pods, k.claims, k.volumes, k.classes, k.services}
	if k.dynamic != nil {
		all = append(all, k.ingresses)
		reading.Go(func() { k.watchGateways(ctx) })
	}
	synced := make([]cache.InformerSynced, len(all))
	for i, informer := range all {
		reading.Go(func() { informer.RunWithContext(ctx) })
		synced[i] = informer.HasSynced
	}
	if !cache.WaitForCacheSync(ctx.Done(), synced...) {
		return fmt.Errorf("read the objects of the cluster: %w", ctx.Err())
	}
	k.leases.adopt(k.pods.GetStore().List())
	k.boxes.sweep(k.pods.GetStore().List())
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for k.next(ctx) {
			}
		})
	}
	k.enqueueInstances()
	tick := time.NewTicker(resync)
	defer tick.Stop()
	for running := true; running; {
		select {
		case <-ctx.Done():
			running = false
		case c, ok := <-changes:
			if !ok {
				changes = nil
			}
			k.noteChange(c)
		case <-tick.C:
			k.enqueueInstances()
		}
	}
	k.queue.ShutDown()
	wg.Wait()
	return nil
}

// noteChange looks again at what a change of the account may have decided. Access entries, roles and node groups
// decide for any instance.
func (k *Kubelet) noteChange(c account.Change) {
	switch c.Kind {
	case account.KindInstance:
		k.queue.Add(item{kindInstance, c.ID})
	case account.KindAccessEntry, account.KindInstanceProfile, account.KindNodeGroup:
		k.enqueueInstances()
	case account.KindAddon:
		for _, key := range k.claims.GetStore().ListKeys() {
			k.queue.Add(item{kindClaim, key})
		}
	}
}

func (k *Kubelet) enqueueInstances() {
	for _, r := range k.cloud.Find(account.KindInstance, k.ours) {
		k.queue.Add(item{kindInstance, r.ID})
	}
}

func (k *Kubelet) next(ctx context.Context) bool {
	it, stop := k.queue.Get()
	if stop {
		return false
	}
	defer k.queue.Done(it)
	after, err := k.reconcile(ctx, it)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		k.log.Debug("reconcile", "kind", it.kind, "key", it.key, "error", err)
		k.queue.AddRateLimited(it)
	case after > 0:
		k.queue.Forget(it)
		k.queue.AddAfter(it, after)
	default:
		k.queue.Forget(it)
	}
	return true
}

// reconcile brings one object a step forward. after > 0 asks to be called again then.
func (k *Kubelet) reconcile(ctx context.Context, it item) (after time.Duration, err error) {
	switch it.kind {
	case kindInstance:
		return k.reconcileInstance(ctx, it.key)
	case kindNode:
		return k.reconcileNode(ctx, it.key)
	case kindClaim:
		return 0, k.reconcileClaim(ctx, it.key)
	case kindVolume:
		return 0, k.reconcileVolume(ctx, it.key)
	case kindService, kindIngress, kindGateway:
		return 0, k.reconcileBalanced(ctx, it.kind, it.key)
	default:
		return k.reconcilePod(ctx, it.key)
	}
}

// scaled is a duration of AWS in the time of the local target.
func (k *Kubelet) scaled(d time.Duration) time.Duration {
	if k.speed <= 0 {
		return 0
	}
	return time.Duration(float64(d) / k.speed)
}

// wait says how long a step of an object is still away, counted from the first time it was asked for. It forgets
// the step once it is due.
func (k *Kubelet) wait(step string, d time.Duration) time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	at, ok := k.due[step]
	if !ok {
		at = now.Add(k.scaled(d))
		k.due[step] = at
	}
	if left := at.Sub(now); left > 0 {
		return left
	}
	delete(k.due, step)
	return 0
}

// forget drops the steps of an object that is gone.
func (k *Kubelet) forget(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for step := range k.due {
		if strings.HasPrefix(step, key+"#") {
			delete(k.due, step)
		}
	}
}

// FailImages makes the pull of images with one of these prefixes fail, as a wrong tag or a missing permission
// does, until it is called again; pods that run already go on.
func (k *Kubelet) FailImages(prefixes ...string) {
	k.mu.Lock()
	k.failing = prefixes
	k.mu.Unlock()
	for _, key := range k.pods.GetStore().ListKeys() {
		k.queue.Add(item{kindPod, key})
	}
}

// fails says why an image cannot be pulled on a node, "" when it can.
func (k *Kubelet) fails(node *corev1.Node, image string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range k.failing {
		if strings.HasPrefix(image, p) {
			return "it was told to fail"
		}
	}
	if k.pulls == nil {
		return ""
	}
	if err := k.pulls(instanceID(node.Spec.ProviderID), image); err != nil {
		return err.Error()
	}
	return ""
}
