// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/fake"
)

// puppet is a Runtime whose containers end when the test says so.
type puppet struct {
	began chan Sandbox
	end   chan Exit
}

func newPuppet() *puppet { return &puppet{began: make(chan Sandbox, 10), end: make(chan Exit)} }

func (r *puppet) Takes(p *corev1.Pod) (Take, bool) {
	return Take{Container: p.Spec.Containers[0].Name}, p.Labels["runs"] == "really"
}

func (r *puppet) Run(ctx context.Context, s Sandbox) Exit {
	r.began <- s
	select {
	case e := <-r.end:
		return e
	case <-ctx.Done():
		return Exit{Code: 143, Reason: "Error"}
	}
}

// runBoxed starts a kubelet with one Ready node and the runtime.
func runBoxed(t *testing.T, r Runtime, objects ...*corev1.Pod) (*Kubelet, *fake.Clientset) {
	t.Helper()
	dir := t.TempDir()
	k, client := run(t, base(), nil, readyNode())
	k.boxes.runtimes, k.boxes.dir = []Runtime{r}, dir // before there is a pod
	for _, p := range objects {
		_, err := client.CoreV1().Pods("default").Create(t.Context(), p, metav1.CreateOptions{})
		require.NoError(t, err)
	}
	return k, client
}

func really(policy corev1.RestartPolicy) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Labels, p.UID, p.Spec.RestartPolicy = map[string]string{"runs": "really"}, "uid-1", policy
	}
}

func status(t *testing.T, client *fake.Clientset) corev1.ContainerStatus {
	t.Helper()
	p := getPod(t, client, "job")
	if p == nil || len(p.Status.ContainerStatuses) == 0 {
		return corev1.ContainerStatus{}
	}
	return p.Status.ContainerStatuses[0]
}

func TestAContainerThatEndsIsStartedAgain(t *testing.T) {
	t.Parallel()
	r := newPuppet()
	_, client := runBoxed(t, r, pod("job", "app", really(corev1.RestartPolicyAlways)))
	first := <-r.began
	require.DirExists(t, first.Dir)
	require.Equal(t, "0.log", filepath.Base(first.Log))
	require.Equal(t, defaultGrace, first.Grace)
	eventually(t, "it is ready", func() bool { return podReady(getPod(t, client, "job")) })
	r.end <- Exit{Code: 239, Reason: "Error", Message: "no main class"}
	second := <-r.began
	require.Equal(t, int32(1), second.Restarts)
	require.Equal(t, first.Dir, second.Dir)
	eventually(t, "its last end is shown", func() bool {
		s := status(t, client)
		return s.RestartCount == 1 && s.State.Running != nil && s.LastTerminationState.Terminated != nil &&
			s.LastTerminationState.Terminated.ExitCode == 239 && s.LastTerminationState.Terminated.Message == "no main class"
	})
	r.end <- Exit{Code: 1, Reason: "OOMKilled"}
	eventually(t, "it backs off", func() bool {
		w := status(t, client).State.Waiting
		return w != nil && w.Reason == "CrashLoopBackOff"
	})
	require.False(t, podReady(getPod(t, client, "job")))
	<-r.began
	require.NoError(t, client.CoreV1().Pods("default").Delete(t.Context(), "job", metav1.DeleteOptions{}))
	eventually(t, "nothing is left of it", func() bool { _, err := os.Stat(first.Dir); return os.IsNotExist(err) })
}

func TestAContainerThatIsNotStartedAgainEndsItsPod(t *testing.T) {
	t.Parallel()
	for code, phase := range map[int32]corev1.PodPhase{0: corev1.PodSucceeded, 1: corev1.PodFailed} {
		t.Run(string(phase), func(t *testing.T) {
			t.Parallel()
			r := newPuppet()
			_, client := runBoxed(t, r, pod("job", "app", really(corev1.RestartPolicyNever)))
			<-r.began
			r.end <- Exit{Code: code, Reason: "Error", Message: "why"}
			eventually(t, "its pod ends", func() bool { return getPod(t, client, "job").Status.Phase == phase })
			s := status(t, client)
			require.Equal(t, code, s.State.Terminated.ExitCode)
			require.Equal(t, "why", s.State.Terminated.Message)
		})
	}
}

// A daemon that was killed took its containers along: the pod's restart policy decides what becomes of them.
func TestAContainerThatWasLostCountsAsEnded(t *testing.T) {
	t.Parallel()
	for policy, want := range map[corev1.RestartPolicy]corev1.PodPhase{
		corev1.RestartPolicyAlways: corev1.PodRunning, corev1.RestartPolicyNever: corev1.PodFailed,
	} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			r := newPuppet()
			p := pod("job", "app", really(policy))
			p.Status.Phase, p.Status.PodIP = corev1.PodRunning, "100.64.0.4"
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{
				Name: p.Spec.Containers[0].Name, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
			}}
			_, client := runBoxed(t, r, p)
			eventually(t, "it is seen", func() bool {
				p, s := getPod(t, client, "job"), status(t, client)
				lost := s.State.Terminated
				if want == corev1.PodRunning {
					lost = s.LastTerminationState.Terminated
				}
				return p.Status.Phase == want && lost != nil && lost.ExitCode == 137
			})
		})
	}
}

// answering is a Runtime whose containers serve HTTP on a port of their pod.
type answering struct{ up chan struct{} }

func (r *answering) Takes(p *corev1.Pod) (Take, bool) {
	return Take{Container: p.Spec.Containers[0].Name}, true
}

func (r *answering) Run(ctx context.Context, s Sandbox) Exit {
	<-r.up
	l, err := s.Listen(8081)
	if err != nil {
		return Exit{Code: 1, Message: err.Error()}
	}
	srv := http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { _, _ = io.WriteString(w, q.URL.Path) }),
	}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	return Exit{Code: 1, Message: srv.Serve(l).Error()}
}

func TestAPodIsReadyWhenItsStartupProbeIsAnswered(t *testing.T) {
	t.Parallel()
	r := &answering{up: make(chan struct{})}
	k, client := runBoxed(t, r, pod("job", "app", really(""), func(p *corev1.Pod) {
		c := &p.Spec.Containers[0]
		c.Ports = []corev1.ContainerPort{{Name: "rest", ContainerPort: 8081}}
		c.StartupProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{
			HTTPGet: &corev1.HTTPGetAction{Path: "/config", Port: intstr.FromString("rest")},
		}}
	}))
	eventually(t, "it runs", func() bool { return status(t, client).State.Running != nil })
	require.False(t, podReady(getPod(t, client, "job")))
	close(r.up)
	eventually(t, "it is ready", func() bool { return podReady(getPod(t, client, "job")) })
	ip := getPod(t, client, "job").Status.PodIP
	conn, err := k.Dial(t.Context(), "tcp", ip+":8081")
	require.NoError(t, err)
	_, err = fmt.Fprint(conn, "GET /hello HTTP/1.0\r\n\r\n")
	require.NoError(t, err)
	line, err := bufio.NewReader(conn).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "200 OK")
	_, err = k.Dial(t.Context(), "tcp", ip+":8082")
	require.ErrorContains(t, err, "connection refused")
	_, err = k.boxes.ports.listen(ip, 8081)
	require.ErrorContains(t, err, "address already in use")
	var refused net.Error
	require.ErrorAs(t, err, &refused)
	require.NoError(t, client.CoreV1().Pods("default").Delete(t.Context(), "job", metav1.DeleteOptions{}))
	eventually(t, "its port is free", func() bool {
		l, err := k.boxes.ports.listen(ip, 8081)
		return err == nil && l.Close() == nil
	})
}

// full is a Runtime that has no room until the test says so.
type full struct {
	*puppet
	room chan struct{}
}

var _ Holder = full{}

func (r full) Holds(*corev1.Pod) (reason, why string) {
	select {
	case <-r.room:
		return "", ""
	default:
		return Creating, "12 MB are free and 400 MB are needed"
	}
}

func TestAPodThatTheMachineCannotHoldWaits(t *testing.T) {
	t.Parallel()
	r := full{newPuppet(), make(chan struct{})}
	_, client := runBoxed(t, r, pod("job", "app", really("")))
	eventually(t, "it says why", func() bool {
		w := status(t, client).State.Waiting
		return w != nil && w.Message == "12 MB are free and 400 MB are needed"
	})
	require.Equal(t, corev1.PodPending, getPod(t, client, "job").Status.Phase)
	require.Empty(t, r.began)
	close(r.room)
	<-r.began
}

func TestTheGraceOfAPodIsItsOwn(t *testing.T) {
	t.Parallel()
	r := newPuppet()
	_, _ = runBoxed(t, r,
		pod("job", "app", really(""), func(p *corev1.Pod) { p.Spec.TerminationGracePeriodSeconds = new(int64(5)) }))
	require.Equal(t, 5*time.Second, (<-r.began).Grace)
}
