// SPDX-License-Identifier: Apache-2.0

package flinksim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
	"emrflink/internal/kube"
	"emrflink/internal/localcloud/flinkconf"
	"emrflink/internal/localcloud/kubelet"
)

// Kube is what a job does with the Kubernetes API, as its own service account.
type Kube interface {
	Get(ctx context.Context, ref kube.Ref) (*unstructured.Unstructured, error)
	List(ctx context.Context, k kube.Kind, o kube.ListOptions) ([]unstructured.Unstructured, error)
	Apply(ctx context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error)
	Create(ctx context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error)
	Delete(ctx context.Context, ref kube.Ref, p kube.Propagation) error
}

// Session is the AWS API with the credentials of the job's execution role.
type Session interface {
	PutObject(ctx context.Context, bucket, key string, body io.Reader, contentType string) error
	ListObjects(ctx context.Context, bucket, prefix string) ([]awsapi.Object, error)
	DeleteObjects(ctx context.Context, bucket string, keys ...string) error
}

var (
	_ Kube    = (*kube.Client)(nil)
	_ Session = (*awsapi.Client)(nil)
)

// Clock is the time; tests bring their own.
type Clock interface{ Now() time.Time }

// Options make a Runtime. As and Assume are required.
type Options struct {
	// As gives the Kubernetes API as a service account has it.
	As func(ctx context.Context, namespace, serviceAccount string) (Kube, error)
	// Assume exchanges the token of a service account for its role's credentials.
	Assume func(ctx context.Context, namespace, serviceAccount, session string) (Session, error)
	Clock  Clock
	Speed  float64       // the checkpoint interval is divided by this, but not below 5 s; <= 0 is 1
	Tick   time.Duration // between two steps of a job, at least; default 200 ms
	Logger *slog.Logger
}

// Runtime runs Flink's pods. The JobManagers of one job are one cluster: each of them serves the REST API of the one job.
type Runtime struct {
	Options
	mu       sync.Mutex
	clusters map[string]*joined // NAMESPACE/CLUSTER-ID
}

// joined is a cluster with how many JobManagers it has. The first of them leads; its steps are the cluster's.
type joined struct {
	*Cluster
	members int
	lead    chan struct{} // has an element while nobody leads
}

var _ kubelet.Runtime = (*Runtime)(nil)

// New checks the options.
func New(o Options) (*Runtime, error) {
	if o.As == nil || o.Assume == nil {
		return nil, errors.New("make simulated Flink: As and Assume are required")
	}
	if o.Clock == nil {
		o.Clock = wallClock{}
	}
	if o.Speed <= 0 {
		o.Speed = 1
	}
	if o.Tick <= 0 {
		o.Tick = 200 * time.Millisecond
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Runtime{Options: o, clusters: map[string]*joined{}}, nil
}

type wallClock struct{}

// Now implements Clock.
func (wallClock) Now() time.Time { return time.Now() }

// Takes takes the pods of Flink's native Kubernetes mode.
func (r *Runtime) Takes(p *corev1.Pod) (kubelet.Take, bool) {
	if p.Labels["type"] != "flink-native-kubernetes" {
		return kubelet.Take{}, false
	}
	return kubelet.Take{Container: flinkconf.MainContainer}, p.Labels["component"] == master || p.Labels["component"] == worker
}

const (
	master = "jobmanager"
	worker = "taskmanager"
)

// Run plays the container of a pod.
func (r *Runtime) Run(ctx context.Context, s kubelet.Sandbox) kubelet.Exit {
	stopped := kubelet.Exit{Code: 143, Reason: "Error"}
	if s.Pod.Labels["component"] == worker {
		_, _ = fmt.Fprintln(s.Stdout, "TaskManager started. "+notice) // it can be lost
		<-ctx.Done()
		return stopped
	}
	if err := r.jobManager(ctx, s); err != nil && ctx.Err() == nil {
		r.Logger.Warn("a simulated JobManager ended", "pod", s.Pod.Namespace+"/"+s.Pod.Name, "error", err)
		return kubelet.Exit{Code: 1, Reason: "Error", Message: err.Error()}
	}
	return stopped
}

func (r *Runtime) jobManager(ctx context.Context, s kubelet.Sandbox) error {
	c, leave, err := r.join(ctx, s.Pod)
	if err != nil {
		return err
	}
	defer leave()
	l, err := s.Listen(flinkconf.RESTPort)
	if err != nil {
		return err
	}
	server := http.Server{Handler: c.Handler(), ReadHeaderTimeout: time.Minute}
	defer server.Close() // nothing is on its way that anybody waits for
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case <-c.lead:
		defer func() { c.lead <- struct{}{} }()
		c.Out = s.Stdout
	case err := <-served:
		return err
	case <-ctx.Done():
		return nil
	}
	for {
		if err := c.Step(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case err := <-served:
			return err
		case <-ctx.Done():
			return nil
		case <-time.After(r.pause()):
		}
	}
}

// stepTakes is what a step of a JobManager may take of the API server's time, so that hundreds of jobs leave it some.
const stepTakes = 10 * time.Millisecond

// pause is the time between two steps of a job.
func (r *Runtime) pause() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(r.Tick, stepTakes*time.Duration(len(r.clusters)))
}

// join finds the cluster of a JobManager's pod, or opens it; leave must be called.
func (r *Runtime) join(ctx context.Context, p *corev1.Pod) (c *joined, leave func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// A later deployment of the job has another template: it is another cluster, whose predecessor may not be gone yet.
	key := p.Namespace + "/" + p.Labels["app"] + "/" + p.Labels["pod-template-hash"]
	c = r.clusters[key]
	if c == nil {
		opened, err := r.Open(ctx, p)
		if err != nil {
			return nil, nil, err
		}
		c = &joined{Cluster: opened, lead: make(chan struct{}, 1)}
		c.lead <- struct{}{}
		r.clusters[key] = c
	}
	c.members++
	return c, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if c.members--; c.members == 0 {
			delete(r.clusters, key)
		}
	}, nil
}

// Open reads what the cluster of a JobManager's pod is configured to be.
func (r *Runtime) Open(ctx context.Context, p *corev1.Pod) (*Cluster, error) {
	api, err := r.As(ctx, p.Namespace, p.Spec.ServiceAccountName)
	if err != nil {
		return nil, err
	}
	c := &Cluster{
		r: r, kube: api, namespace: p.Namespace, name: p.Labels["app"], account: p.Spec.ServiceAccountName,
		jars: map[string]string{}, asked: map[string]*request{},
	}
	text, err := c.file(ctx, p, flinkconf.ConfDir, flinkconf.ConfFile)
	if err != nil {
		return nil, fmt.Errorf("read Flink's configuration: %w", err)
	}
	c.conf = flinkconf.Parse(text)
	if c.conf[flinkconf.WorkerTemplate] != "" {
		if c.template, err = c.file(ctx, p, flinkconf.PodTemplateDir, flinkconf.PodTemplateFile); err != nil {
			return nil, fmt.Errorf("read the pod template of the TaskManagers: %w", err)
		}
	}
	return c, nil
}

// file is a key of the ConfigMap that is mounted at a folder of the main container.
func (c *Cluster) file(ctx context.Context, p *corev1.Pod, dir, key string) (string, error) {
	for _, container := range p.Spec.Containers {
		for _, m := range container.VolumeMounts {
			if container.Name != flinkconf.MainContainer || m.MountPath != dir {
				continue
			}
			for _, v := range p.Spec.Volumes {
				if v.Name != m.Name || v.ConfigMap == nil {
					continue
				}
				o, err := c.kube.Get(ctx, kube.KindConfigMap.Ref(p.Namespace, v.ConfigMap.Name))
				if err != nil {
					return "", err
				}
				text, _, err := unstructured.NestedString(o.Object, "data", key)
				return text, err
			}
		}
	}
	return "", fmt.Errorf("no ConfigMap is mounted at %s", dir)
}
