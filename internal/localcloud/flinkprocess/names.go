// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"emrflink/internal/disk"
)

// names are the host names that the processes resolve: a JVM with jdk.net.hosts.file asks nothing but that file. Each process
// has a file of its own: in a pod, localhost and the machine's host name are the pod itself. Flink relies on it, as a
// JobManager of an application hands its jars to its own BLOB server by the name localhost.
type names struct {
	mu   sync.Mutex
	pods map[string]named // pod UID
}

type named struct {
	ip    string
	hosts []string
	file  string
}

// add gives the names of a pod to all processes until the returned function is called.
func (n *names) add(b *box) (forget func()) {
	p := b.Pod
	hosts := []string{p.Name}
	if cluster := p.Labels[labelCluster]; b.launch.role == jobManager && cluster != "" {
		// The Services that Flink makes for a cluster: the REST one, and without high availability the internal one.
		for _, service := range []string{cluster + "-rest", cluster} {
			hosts = append(hosts, service+"."+p.Namespace, service+"."+p.Namespace+".svc",
				service+"."+p.Namespace+".svc.cluster.local")
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pods[string(p.UID)] = named{ip: b.ip(), hosts: hosts, file: b.in(hostsFile)}
	n.write()
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.pods, string(p.UID))
		n.write()
	}
}

// write writes the files of all processes. One whose folder is being removed needs none.
func (n *names) write() {
	machine, _ := os.Hostname() // without one nothing asks for it
	own, _ := os.ReadFile("/etc/hosts")
	var shared strings.Builder
	for _, p := range n.pods {
		fmt.Fprintln(&shared, p.ip, strings.Join(p.hosts, " "))
	}
	for line := range strings.Lines(string(own)) { // brokers and the like that the user named there
		if line, _, _ = strings.Cut(line, "#"); len(strings.Fields(line)) > 1 && !strings.Contains(line, "localhost") &&
			!strings.Contains(line, machine) {
			fmt.Fprintln(&shared, strings.TrimSpace(line))
		}
	}
	for _, p := range n.pods {
		_ = disk.Replace(p.file, []byte(p.ip+" localhost "+machine+"\n"+shared.String()))
	}
}
