// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc/test/bufconn"
	corev1 "k8s.io/api/core/v1"
)

// ports are the ports of pods: of those whose program is in this process, which nothing else on this machine reaches, and of
// those that are processes with an address of their own.
type ports struct {
	mu        sync.Mutex
	at        map[string]*bufconn.Listener
	processes map[string]string // address of a pod -> that of its process
	// programs finds the address at which a pod's port of a [Runner] is, "" when it has none.
	programs func(ip string, port int) string
}

func newPorts() *ports {
	none := func(string, int) string { return "" }
	return &ports{at: map[string]*bufconn.Listener{}, processes: map[string]string{}, programs: none}
}

// run notes that a pod is a process, which has the address local, until forget is called.
func (p *ports) run(ip, local string) (forget func()) {
	set := func(change func()) {
		p.mu.Lock()
		defer p.mu.Unlock()
		change()
	}
	set(func() { p.processes[ip], p.processes[local] = local, local }) // Flink tells others the address that it knows
	return func() {
		set(func() { delete(p.processes, ip); delete(p.processes, local) })
	}
}

// window is how much of a connection is on its way at most.
const window = 64 << 10

// listen takes a port of a pod; it is free again when the listener is closed.
func (p *ports) listen(ip string, port int) (net.Listener, error) {
	address := net.JoinHostPort(ip, strconv.Itoa(port))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at[address] != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Err: fmt.Errorf("%s: %w", address, syscall.EADDRINUSE)}
	}
	l := bufconn.Listen(window)
	p.at[address] = l
	return &portListener{Listener: l, free: func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.at[address] == l {
			delete(p.at, address)
		}
	}}, nil
}

type portListener struct {
	net.Listener
	free func()
}

// Close closes the listener and frees its port.
func (l *portListener) Close() error {
	l.free()
	return l.Listener.Close()
}

// dial connects to a port of a pod that runs. No other address is reached: those of simulated pods may be somebody's on the
// user's network.
func (p *ports) dial(ctx context.Context, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	l, local := p.at[address], p.processes[host]
	p.mu.Unlock()
	if l != nil {
		return l.DialContext(ctx)
	}
	var d net.Dialer
	if n, err := strconv.Atoi(port); err == nil && local == "" {
		if at := p.programs(host, n); at != "" {
			return d.DialContext(ctx, "tcp", at)
		}
	}
	if local == "" {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf("%s: %w", address, syscall.ECONNREFUSED)}
	}
	return d.DialContext(ctx, "tcp", net.JoinHostPort(local, port))
}

// Dial connects to a port of a pod by its address, as the network of the cluster would.
func (k *Kubelet) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	return k.boxes.ports.dial(ctx, address)
}

// probeTime is how long a probe may take; a kubelet's default.
const probeTime = time.Second

// get makes an httpGet probe.
func (p *ports) get(ctx context.Context, pod *corev1.Pod, action *corev1.HTTPGetAction) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	url := fmt.Sprintf("http://%s%s", net.JoinHostPort(pod.Status.PodIP, strconv.Itoa(portOf(pod, action))), action.Path)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, address string) (net.Conn, error) { return p.dial(ctx, address) },
	}}
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close() // only the status counts
	return res.StatusCode >= http.StatusOK && res.StatusCode < http.StatusBadRequest
}

// portOf is the number of a probe's port, which may be the name of a container's.
func portOf(pod *corev1.Pod, action *corev1.HTTPGetAction) int {
	if n := action.Port.IntValue(); n > 0 {
		return n
	}
	for _, c := range pod.Spec.Containers {
		for _, p := range c.Ports {
			if p.Name == action.Port.StrVal {
				return int(p.ContainerPort)
			}
		}
	}
	return 0
}
