// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	core "k8s.io/client-go/kubernetes/typed/core/v1"
	storage "k8s.io/client-go/kubernetes/typed/storage/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// API is the part of the Kubernetes API that a kubelet speaks. The client of all groups and its informers would be a
// tenth of the program.
type API interface {
	CoreV1() core.CoreV1Interface
	StorageV1() storage.StorageV1Interface
	Discovery() discovery.DiscoveryInterface
}

type api struct {
	core      *core.CoreV1Client
	storage   *storage.StorageV1Client
	discovery *discovery.DiscoveryClient
}

var _ API = (*api)(nil)

// Connect makes an API, and a client of all other kinds; no call is made.
func Connect(config *rest.Config) (API, dynamic.Interface, error) {
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, nil, err
	}
	a := &api{}
	if a.core, err = core.NewForConfigAndClient(config, client); err != nil {
		return nil, nil, err
	}
	if a.storage, err = storage.NewForConfigAndClient(config, client); err != nil {
		return nil, nil, err
	}
	if a.discovery, err = discovery.NewDiscoveryClientForConfigAndClient(config, client); err != nil {
		return nil, nil, err
	}
	others, err := dynamic.NewForConfigAndClient(config, client)
	return a, others, err
}

func (a *api) CoreV1() core.CoreV1Interface            { return a.core }
func (a *api) StorageV1() storage.StorageV1Interface   { return a.storage }
func (a *api) Discovery() discovery.DiscoveryInterface { return a.discovery }

// lister reads one type of objects, of which List is the list.
type lister[List runtime.Object] interface {
	List(ctx context.Context, opts metav1.ListOptions) (List, error)
	Watch(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error)
}

// informer keeps the objects of one type.
func informer[List runtime.Object](client API, object runtime.Object, l lister[List]) cache.SharedIndexInformer {
	lw := &cache.ListWatch{
		ListWithContextFunc:  func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return l.List(ctx, o) },
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) { return l.Watch(ctx, o) },
	}
	return cache.NewSharedIndexInformer(cache.ToListWatcherWithWatchListSemantics(lw, client), object, resync, cache.Indexers{})
}
