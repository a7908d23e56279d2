// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"emrflink/internal/flinkhome"
	"emrflink/internal/localcloud/flinkconf"
	"emrflink/internal/localcloud/kubelet"
)

func TestAPodWaitsForTheMemoryThatOthersWillTake(t *testing.T) {
	t.Parallel()
	free := 1000
	r := newRoom(func() int { return free })
	r.rss = func(int) int64 { return 300 << 20 }
	require.Empty(t, r.holds("a"))
	require.Empty(t, r.holds("b"))
	require.Empty(t, r.holds("a"), "its room is kept")
	require.Contains(t, r.holds("c"), "this machine has 200 MB of memory left, and a process of Flink needs 400 MB")
	free = 700 // a has taken 300 of its 400
	r.started("a", 1)
	require.Contains(t, r.holds("c"), "200 MB")
	r.leave("b")
	require.Empty(t, r.holds("c"))
	require.Positive(t, availableMB())
	require.Positive(t, anonymous(os.Getpid()))
	require.Zero(t, anonymous(1<<30))
}

func TestOnlyFlinksPodsAreTakenAndOnlyWithAFlink(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Options{Client: client(), Homes: flinkhome.Homes{Folder: t.TempDir()}})
	_, ok := r.Takes(job())
	require.False(t, ok, "no Flink is installed")
	r.found.look = func() (install, error) { return install{}, nil }
	r.found.until = r.found.until.AddDate(-1, 0, 0)
	take, ok := r.Takes(job())
	require.True(t, ok)
	require.True(t, take.Loopback)
	require.Equal(t, flinkconf.MainContainer, take.Container)
	for name, change := range map[string]func(*corev1.Pod){
		"another type":      func(p *corev1.Pod) { p.Labels[labelType] = "flink-standalone-kubernetes" },
		"another part":      func(p *corev1.Pod) { p.Labels[labelPart] = "webhook" },
		"no main container": func(p *corev1.Pod) { p.Spec.Containers[0].Name = "app" },
		"it runs already, simulated": func(p *corev1.Pod) {
			p.Status.PodIP = "100.64.0.4"
			p.Annotations = map[string]string{kubelet.AnnotationSimulated: "true"}
		},
	} {
		_, ok := r.Takes(job(change))
		require.False(t, ok, name)
	}
}

func TestNamesOfServicesAreThoseOfTheJobManager(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Options{Client: client()})
	jm := boxOf(t, job())
	jm.launch.role = jobManager
	tm := boxOf(t, job(func(p *corev1.Pod) { p.UID, p.Name, p.Status.PodIP = "uid-2", "orders-taskmanager-1-1", "127.99.0.8" }))
	tm.launch.role = taskManager
	forgetJM, forgetTM := r.names.add(jm), r.names.add(tm)
	machine, err := os.Hostname()
	require.NoError(t, err)
	hosts := func(b *box) string {
		raw, err := os.ReadFile(b.in(hostsFile))
		require.NoError(t, err)
		return string(raw)
	}
	require.Contains(t, hosts(tm), "127.99.0.7 orders-7d4b9-x2 orders-rest.flink-team-a ")
	require.Contains(t, hosts(tm), " orders.flink-team-a ")
	require.Contains(t, hosts(tm), "127.99.0.8 localhost "+machine+"\n")
	require.Contains(t, hosts(jm), "127.99.0.8 orders-taskmanager-1-1\n")
	require.Contains(t, hosts(jm), "127.99.0.7 localhost ")
	require.NotContains(t, hosts(jm), "127.0.0.1 localhost", "the ports of other pods are not its own")
	forgetJM()
	require.NotContains(t, hosts(tm), "orders-rest")
	forgetTM()
}
