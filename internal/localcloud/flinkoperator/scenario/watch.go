// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	"emrflink/internal/kube"
)

// watched are the resources that an operator shows something with.
func watched() []schema.GroupVersionResource {
	flink := schema.GroupVersion{Group: "flink.apache.org", Version: "v1beta1"}
	return []schema.GroupVersionResource{
		flink.WithResource("flinkdeployments"), flink.WithResource("flinksessionjobs"), flink.WithResource("flinkstatesnapshots"),
		{Version: "v1", Resource: "events"},
	}
}

// Connect reaches the cluster of a kubeconfig. record lets a Recorder take every version of what its operator writes, until ctx
// ends.
func Connect(kubeconfig string) (c *kube.Client, record func(ctx context.Context, r *Recorder), err error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", kubeconfig, err)
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, nil, fmt.Errorf("make Kubernetes client: %w", err)
	}
	if c, err = kube.FromConfig(config); err != nil {
		return nil, nil, err
	}
	return c, func(ctx context.Context, r *Recorder) {
		for _, kind := range watched() {
			go func() {
				for ctx.Err() == nil {
					if err := follow(ctx, client.Resource(kind).Namespace(Namespace), r); err != nil {
						time.Sleep(time.Second) // the first versions of the next watch are those that were missed
					}
				}
			}()
		}
	}, nil
}

// follow records one kind until its watch ends. The first versions are those that are there.
func follow(ctx context.Context, of dynamic.ResourceInterface, r *Recorder) error {
	w, err := of.Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	defer w.Stop()
	for e := range w.ResultChan() {
		if o, ok := e.Object.(*unstructured.Unstructured); ok {
			r.Take(o, e.Type == watch.Deleted)
		}
	}
	return nil
}
