// SPDX-License-Identifier: Apache-2.0

// Package metricsserver is the local target's stand-in for metrics-server. It serves the API metrics.k8s.io, which `kubectl top`
// shows, with what pods take that are processes of this machine. Of pods that are only simulated there is nothing to measure:
// they are left out, as metrics-server leaves out a pod of which a kubelet has told nothing yet.
package metricsserver

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"emrflink/internal/localcloud/kubelet"
)

// Image is that of metrics-server.
const Image = "registry.k8s.io/metrics-server/metrics-server"

// resolution is how often pods are measured: the chart's --metric-resolution.
const resolution = 15 * time.Second

// Usage is what the main container of a pod takes.
type Usage struct {
	CPU    time.Duration // since its process was started
	Memory int64         // bytes, without those of files
}

// Options make a Runtime; all but Every are required.
type Options struct {
	// Usage is what the pods take that are processes, by their UID.
	Usage func() map[string]Usage
	// Container is the name of the container whose process that is.
	Container string
	Client    kubelet.API
	Every     time.Duration // between two measurements; 0 is that of metrics-server
}

// Runtime runs the pods of metrics-server. Make it with New.
type Runtime struct{ o Options }

// server is one pod of metrics-server.
type server struct {
	Options
	mu           sync.Mutex
	before, last sample
}

// sample is what was measured at one moment.
type sample struct {
	at time.Time
	of map[string]Usage
}

var _ kubelet.Runtime = (*Runtime)(nil)

// New makes a Runtime.
func New(o Options) *Runtime {
	if o.Every <= 0 {
		o.Every = resolution
	}
	return &Runtime{o}
}

// Takes takes the pods of metrics-server.
func (r *Runtime) Takes(p *corev1.Pod) (kubelet.Take, bool) {
	for _, c := range p.Spec.Containers {
		if kubelet.Published(c.Image, Image+":") || kubelet.Published(c.Image, Image+"@") {
			return kubelet.Take{Container: c.Name}, true
		}
	}
	return kubelet.Take{}, false
}

// Run measures and serves until ctx ends.
func (r *Runtime) Run(ctx context.Context, s kubelet.Sandbox) kubelet.Exit {
	one := &server{Options: r.o}
	if err := one.serve(ctx, s); err != nil && ctx.Err() == nil {
		return kubelet.Exit{Code: 1, Reason: "Error", Message: err.Error()}
	}
	return kubelet.Exit{Reason: "Completed"}
}

func (m *server) serve(ctx context.Context, s kubelet.Sandbox) error {
	if len(s.Container.Ports) == 0 {
		return errors.New("the container has no port")
	}
	cert, err := certificate()
	if err != nil {
		return err
	}
	l, err := s.Listen(int(s.Container.Ports[0].ContainerPort))
	if err != nil {
		return err
	}
	api := http.Server{Handler: m.handler(), ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { _ = api.Close() }) // nobody waits for what is on its way
	defer stop()
	go m.measure(ctx)
	err = api.Serve(tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}))
	return fmt.Errorf("serve metrics: %w", err)
}

// measure keeps the last two samples.
func (m *server) measure(ctx context.Context) {
	t := time.NewTicker(m.Every)
	defer t.Stop()
	for {
		now := sample{time.Now(), m.Usage()}
		m.mu.Lock()
		m.before, m.last = m.last, now
		m.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// podUsage is what a pod took between two samples.
type podUsage struct {
	nanoCores, memory int64
}

// usage is what each pod took that is in both samples, and how long that was.
func (m *server) usage() (of map[string]podUsage, at time.Time, window time.Duration) {
	m.mu.Lock()
	before, last := m.before, m.last
	m.mu.Unlock()
	window = last.at.Sub(before.at)
	of = map[string]podUsage{}
	for uid, now := range last.of {
		then, ok := before.of[uid]
		if ok && now.CPU >= then.CPU && window > 0 { // it is less after a restart
			of[uid] = podUsage{int64(float64(now.CPU-then.CPU) / window.Seconds()), now.Memory}
		}
	}
	return of, last.at, window
}

// pods lists all pods of a namespace, "" = all, that were measured.
func (m *server) pods(ctx context.Context, namespace string, o metav1.ListOptions) ([]podMetrics, error) {
	list, err := m.Client.CoreV1().Pods(namespace).List(ctx, o)
	if err != nil {
		return nil, err
	}
	of, at, window := m.usage()
	out := []podMetrics{}
	for i := range list.Items {
		p := &list.Items[i]
		if u, ok := of[string(p.UID)]; ok {
			out = append(out, podMetrics{
				header:     headerOf("PodMetrics", p, at, window),
				Containers: []containerMetrics{{Name: m.Container, Usage: u.list()}},
			})
		}
	}
	return out, nil
}

// nodes lists the nodes that run pods which were measured, with the sum of those.
func (m *server) nodes(ctx context.Context, o metav1.ListOptions) ([]nodeMetrics, error) {
	pods, err := m.Client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	nodes, err := m.Client.CoreV1().Nodes().List(ctx, o)
	if err != nil {
		return nil, err
	}
	of, at, window := m.usage()
	sums := map[string]podUsage{}
	for i := range pods.Items {
		if u, ok := of[string(pods.Items[i].UID)]; ok {
			node := pods.Items[i].Spec.NodeName
			sums[node] = podUsage{sums[node].nanoCores + u.nanoCores, sums[node].memory + u.memory}
		}
	}
	out := []nodeMetrics{}
	for i := range nodes.Items {
		if sum, ok := sums[nodes.Items[i].Name]; ok {
			out = append(out, nodeMetrics{headerOf("NodeMetrics", &nodes.Items[i], at, window), sum.list()})
		}
	}
	return out, nil
}

// certificate is one that signs itself: the APIService of the chart does not check it.
func certificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		DNSNames: []string{"metrics-server.kube-system.svc"}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
