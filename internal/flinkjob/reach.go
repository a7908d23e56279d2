// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"emrflink/internal/flinkrest"
	"emrflink/internal/kube"
)

// PodDialer connects to a port of a pod.
type PodDialer interface {
	DialPod(ctx context.Context, namespace, pod string, port int) (net.Conn, error)
}

var _ PodDialer = (*kube.Client)(nil)

// restPort is Flink's REST API, and its web UI. A job cannot change it: the operator would not find it.
const restPort = 8081

// errNoJobManager says that nobody can be asked.
var errNoJobManager = errors.New("no JobManager is ready")

// master chooses a JobManager to ask: each of several answers for the one that leads.
func master(pods []kube.Pod) (kube.Pod, error) {
	i := slices.IndexFunc(pods, func(p kube.Pod) bool {
		return roleOfPod(p) == RoleJobManager && p.Ready && !p.Deleting
	})
	if i < 0 {
		return kube.Pod{}, errNoJobManager
	}
	return pods[i], nil
}

// Transport reaches the REST API of the JobManager of a cluster, wherever it runs at the moment of a connection.
func (r Runner) Transport(namespace, cluster string) *http.Transport {
	return &http.Transport{
		MaxIdleConnsPerHost: 4, MaxConnsPerHost: 8, IdleConnTimeout: 20 * time.Second,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			if r.Dial == nil {
				return nil, errors.New("there is no way to the pods")
			}
			pods, err := r.Kube.Pods(ctx, namespace, podSelector(cluster))
			if err != nil {
				return nil, fmt.Errorf("list the pods of job %q: %w", cluster, err)
			}
			p, err := master(pods)
			if err != nil {
				return nil, err
			}
			return r.Dial.DialPod(ctx, namespace, p.Name, restPort)
		},
	}
}

// rest asks the JobManager of a cluster; done releases the connections.
func (r Runner) rest(namespace, cluster string) (c *flinkrest.Client, done func()) {
	t := r.Transport(namespace, cluster)
	return flinkrest.New("http://"+cluster, &http.Client{Transport: t, Timeout: 20 * time.Second}), t.CloseIdleConnections
}
