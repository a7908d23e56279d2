// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"fmt"
	"hash/fnv"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
)

// addresses hands out pod addresses. Each node has a /24 of 100.64.0.0/10 (the range that the VPC CNI's custom
// networking uses), chosen by the node's name and by the target, as two targets of one machine have nodes of the same name; the
// next one is taken when two names meet. A pod that is a process of this machine binds the address of the same number in
// 127.64.0.0/10 ([OnMachine]), which needs no set-up on Linux; the API server takes no loopback address for a pod that Services
// and its proxy may lead to.
type addresses struct {
	of    string // the folder of the target
	mu    sync.Mutex
	inUse map[string]string // address -> pod NAMESPACE/NAME
	byPod map[string]string // pod -> address
}

const podBlocks = 1 << 14 // blocks of 256 addresses in a /10

func newAddresses(of string) *addresses {
	return &addresses{of: of, inUse: map[string]string{}, byPod: map[string]string{}}
}

// adopt takes over the addresses of pods that run already.
func (a *addresses) adopt(pods []any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range pods {
		if p, ok := o.(*corev1.Pod); ok && p.Status.PodIP != "" && !p.Spec.HostNetwork {
			a.inUse[p.Status.PodIP], a.byPod[podKey(p)] = podKey(p), p.Status.PodIP
		}
	}
}

// OnMachine is the loopback address that a process binds in the place of its pod's address.
func OnMachine(ip string) string {
	_, rest, _ := strings.Cut(ip, ".")
	return "127." + rest
}

// take gives a pod its address, the same one each time.
func (a *addresses) take(node, pod string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if ip, ok := a.byPod[pod]; ok {
		return ip
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(a.of + node))
	nodes := int(h.Sum32() % podBlocks)
	for n := range podBlocks {
		block := (nodes + n) % podBlocks
		for host := 4; host < 255; host++ { // AWS keeps the first four of a subnet
			ip := fmt.Sprintf("100.%d.%d.%d", 64+block>>8, block&0xff, host)
			if _, used := a.inUse[ip]; !used {
				a.inUse[ip], a.byPod[pod] = pod, ip
				return ip
			}
		}
	}
	return ""
}

// releaseKey frees the address of a pod that is gone.
func (a *addresses) releaseKey(pod string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if ip, ok := a.byPod[pod]; ok {
		delete(a.inUse, ip)
		delete(a.byPod, pod)
	}
}
