// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/controller-manager/pkg/informerfactory"
)

// prepared is a component with its settings read; run sets it up and serves until its context ends.
type prepared func(context.Context) (run func(context.Context) error, err error)

// resync is how often the controllers look at everything again: what upstream takes as its shortest.
const resync = 12 * time.Hour

// discoverAgain is how often new resource types are looked for.
const discoverAgain = 30 * time.Second

// manager is what the controllers share: the part of kube-controller-manager's own that its controllers need. Its app
// package is not linked: it brings all controllers, and with one of them the whole kubelet.
type manager struct {
	dir      dir
	config   *rest.Config
	client   kubernetes.Interface
	metadata metadata.Interface
	typed    informers.SharedInformerFactory
	all      informerfactory.InformerFactory
	mapper   *restmapper.DeferredDiscoveryRESTMapper
	started  chan struct{} // closed when the informers run
}

// controllerManager is Kubernetes' controllers without a port and without leader election.
func controllerManager(d dir) prepared {
	return func(ctx context.Context) (func(context.Context) error, error) {
		m, err := newManager(d)
		if err != nil {
			return nil, fmt.Errorf("set up the controllers: %w", err)
		}
		return m.run, nil
	}
}

func newManager(d dir) (*manager, error) {
	config, err := clientcmd.BuildConfigFromFlags("", d.path(managerConfig))
	if err != nil {
		return nil, err
	}
	config.DisableCompression = true
	config.ContentType = runtime.ContentTypeProtobuf
	config.QPS, config.Burst = 500, 1000 // the server is next door
	m := &manager{dir: d, config: rest.AddUserAgent(config, "kube-controller-manager"), started: make(chan struct{})}
	if m.client, err = kubernetes.NewForConfig(m.config); err != nil {
		return nil, err
	}
	if m.metadata, err = metadata.NewForConfig(m.config); err != nil {
		return nil, err
	}
	m.typed = informers.NewSharedInformerFactoryWithOptions(m.client, resync, informers.WithTransform(trim))
	m.all = informerfactory.NewInformerFactory(m.typed,
		metadatainformer.NewSharedInformerFactoryWithOptions(m.metadata, resync, metadatainformer.WithTransform(trim)))
	m.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(m.client.Discovery()))
	return m, nil
}

// trim saves the memory of what no controller reads.
func trim(o any) (any, error) {
	if a, err := meta.Accessor(o); err == nil && a.GetManagedFields() != nil {
		a.SetManagedFields(nil)
	}
	return o, nil
}

// run serves until ctx ends.
func (m *manager) run(ctx context.Context) error {
	var loops []loop
	for name, construct := range controllers() {
		l, err := construct(ctx, m)
		if err != nil {
			return fmt.Errorf("set up the %s controller: %w", name, err)
		}
		loops = append(loops, l)
	}
	m.typed.Start(ctx.Done())
	m.all.Start(ctx.Done())
	close(m.started)
	go wait.UntilWithContext(ctx, func(context.Context) { m.mapper.Reset() }, discoverAgain)
	together(loops...)(ctx)
	return nil
}

// loop is a controller at work; it returns after its context ended.
type loop func(context.Context)

// together runs loops side by side.
func together(loops ...loop) loop {
	return func(ctx context.Context) {
		var wg sync.WaitGroup
		for _, l := range loops {
			wg.Go(func() { l(ctx) })
		}
		wg.Wait()
	}
}

// running is a controller with its number of workers.
func running(run func(ctx context.Context, workers int), workers int) loop {
	return func(ctx context.Context) { run(ctx, workers) }
}
