// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"emrflink/internal/localcloud/podlog"
)

// Runtime runs the main containers of pods, one for one, as a kubelet's container runtime does. All other pods are only
// marked as running.
type Runtime interface {
	// Takes says which container of the pod the runtime runs; ok is false for a pod that it leaves alone.
	Takes(p *corev1.Pod) (t Take, ok bool)
	// Run runs the container once, until it ends by itself or ctx does, which asks it to end. Nothing of the run is left
	// when it returns. The kubelet calls it again as the pod's restart policy says.
	Run(ctx context.Context, s Sandbox) Exit
}

// Holder is a Runtime that cannot always start a pod at once.
type Holder interface {
	Runtime
	// Holds says why a pod that it takes waits, which its status shows with the reason that a kubelet has for it; "" when it can
	// start.
	Holds(p *corev1.Pod) (reason, why string)
}

// Take is what a Runtime takes of a pod.
type Take struct {
	Container string
	// Loopback asks for an address that a process of this machine can bind. The Sandbox has it in the status of its pod; the
	// cluster knows another, and Kubelet.Dial takes either.
	Loopback bool
}

// Sandbox is where a container runs.
type Sandbox struct {
	Pod       *corev1.Pod // a copy, with its address in the status
	Container corev1.Container
	Restarts  int32
	Dir       string        // the container's own: made before its first run, removed with the pod
	Log       string        // file with what this run prints, empty at its start; see package podlog
	Stdout    io.Writer     // into Log
	Stderr    io.Writer     // the same
	Grace     time.Duration // for an end in order, once ctx has ended
	// Listen takes a port of the pod for a program in this process: Kubelet.Dial reaches it.
	Listen func(port int) (net.Listener, error)
}

// Exit is how a run ended.
type Exit struct {
	Code    int32
	Reason  string // "Completed", "Error", "OOMKilled", "ContainerCannotRun"
	Message string
}

// A kubelet starts a container that ended at once, then after 10 s, 20 s and so on up to 5 min, and forgets the failures of one
// that ran for 10 min (kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle, Container restart policy).
const (
	crashBackoff    = 10 * time.Second
	crashBackoffMax = 5 * time.Minute
	crashForget     = 10 * time.Minute
	leastBackoff    = 500 * time.Millisecond // of this machine's time, whatever the speed
	leastForget     = 10 * time.Second       // the same
	defaultGrace    = 30 * time.Second
	probeEvery      = 250 * time.Millisecond
)

// sandboxes are the pods that a Runtime runs.
type sandboxes struct {
	runtimes []Runtime
	dir      string
	log      *slog.Logger
	scaled   func(time.Duration) time.Duration
	probe    func(ctx context.Context, p *corev1.Pod, action *corev1.HTTPGetAction) bool
	notify   func(namespace, name string)
	ports    *ports

	mu      sync.Mutex
	of      map[string]*sandbox // pod NAMESPACE/NAME
	stopped bool
	wg      sync.WaitGroup
}

// sandbox is one pod of theirs.
type sandbox struct {
	uid       types.UID
	runtime   Runtime
	container string
	cancel    context.CancelFunc
	done      chan struct{}
	now       containerState // guarded by sandboxes.mu
}

// containerState is what a pod's status tells of its container.
type containerState struct {
	running  bool
	ready    bool
	started  time.Time
	restarts int32
	last     *pastRun // the run before, or the only one
	over     bool     // it is not started again
	waits    time.Duration
}

// pastRun is a run that is over.
type pastRun struct {
	Exit
	started, finished time.Time
}

func (s *sandboxes) takes(p *corev1.Pod) (Runtime, Take, bool) {
	for _, r := range s.runtimes {
		if t, ok := r.Takes(p); ok {
			return r, t, true
		}
	}
	return nil, Take{}, false
}

// start begins to run a pod that r takes and returns how its container is. A pod that its status calls running, while nothing
// runs it, lost its container: the process that ran it is gone.
func (s *sandboxes) start(r Runtime, take Take, p *corev1.Pod, ip string) (containerState, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.of[podKey(p)]
	switch {
	case b != nil && b.uid == p.UID:
		return b.now, nil
	case b != nil && !s.drop(podKey(p), b):
		return containerState{}, fmt.Errorf("a pod of the same name as %s has not ended yet", podKey(p)) // it is tried again
	case s.stopped:
		return containerState{}, nil
	}
	b = &sandbox{uid: p.UID, runtime: r, container: take.Container, done: make(chan struct{}), now: lost(p, take.Container)}
	container, found := containerNamed(p, take.Container)
	if !found {
		return containerState{}, fmt.Errorf("pod %s has no container %q", podKey(p), take.Container)
	}
	dir := filepath.Join(s.dir, string(p.UID))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return containerState{}, fmt.Errorf("make the folder of pod %s: %w", podKey(p), err)
	}
	own, forget := ip, func() {}
	if take.Loopback {
		own = OnMachine(ip)
		forget = s.ports.run(ip, own)
	}
	pod := p.DeepCopy()
	pod.Status.PodIP, pod.Status.PodIPs = own, []corev1.PodIP{{IP: own}}
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	s.of[podKey(p)] = b
	box := Sandbox{
		Pod: pod, Container: container, Dir: dir, Grace: grace(p),
		Listen: func(port int) (net.Listener, error) { return s.ports.listen(ip, port) },
	}
	s.wg.Go(func() {
		defer close(b.done)
		defer forget()
		s.loop(ctx, b, box)
	})
	return b.now, nil
}

// lost is the state of a container whose run its status tells of, but that is not there any more.
func lost(p *corev1.Pod, name string) containerState {
	var now containerState
	for _, c := range p.Status.ContainerStatuses {
		if c.Name != name {
			continue
		}
		now.restarts = c.RestartCount
		if c.State.Running != nil {
			now.last = &pastRun{
				Exit:    Exit{Code: 137, Reason: "Error", Message: "the local target was stopped while the container ran"},
				started: c.State.Running.StartedAt.Time, finished: time.Now(),
			}
		}
	}
	return now
}

func containerNamed(p *corev1.Pod, name string) (corev1.Container, bool) {
	for _, c := range p.Spec.Containers {
		if c.Name == name {
			return c, true
		}
	}
	return corev1.Container{}, false
}

func grace(p *corev1.Pod) time.Duration {
	if s := p.Spec.TerminationGracePeriodSeconds; s != nil {
		return time.Duration(*s) * time.Second
	}
	return defaultGrace
}

// loop runs the container again and again, as the restart policy says.
func (s *sandboxes) loop(ctx context.Context, b *sandbox, box Sandbox) {
	wait := time.Duration(0)
	for ctx.Err() == nil {
		if last := b.now.last; last != nil { // only this goroutine changes it
			if !again(box.Pod.Spec.RestartPolicy, last.Code) {
				s.change(ctx, b, box.Pod, func(c *containerState) { c.over = true })
				return
			}
			s.change(ctx, b, box.Pod, func(c *containerState) { c.waits = wait })
			if wait > 0 {
				select {
				case <-ctx.Done():
					return
				case <-time.After(max(leastBackoff, s.scaled(wait))):
				}
			}
			s.change(ctx, b, box.Pod, func(c *containerState) { c.restarts++ })
			wait = min(max(crashBackoff, 2*wait), crashBackoffMax)
		}
		began := time.Now()
		end := s.once(ctx, b, box)
		if time.Since(began) > max(leastForget, s.scaled(crashForget)) {
			wait = 0
		}
		s.log.Info("a container ended", "pod", podKey(box.Pod), "code", end.Code, "reason", end.Reason, "message", end.Message)
	}
}

func again(policy corev1.RestartPolicy, code int32) bool {
	return policy == corev1.RestartPolicyAlways || policy == "" || policy == corev1.RestartPolicyOnFailure && code != 0
}

// once is one run of the container.
func (s *sandboxes) once(ctx context.Context, b *sandbox, box Sandbox) Exit {
	s.mu.Lock()
	box.Restarts = b.now.restarts
	s.mu.Unlock()
	box.Log = s.logPath(b.uid, b.container, box.Restarts)
	for _, old := range []string{".log", ".log.1"} { // a kubelet keeps the last two
		_ = os.Remove(strings.TrimSuffix(s.logPath(b.uid, b.container, box.Restarts-2), ".log") + old)
	}
	began := time.Now()
	log, err := podlog.Open(box.Log)
	if err != nil {
		return s.over(ctx, b, box.Pod, began, Exit{Code: 128, Reason: "ContainerCannotRun", Message: err.Error()})
	}
	box.Stdout, box.Stderr = log.Stream(podlog.Stdout), log.Stream(podlog.Stderr)
	probe := startupProbe(box.Container)
	s.change(ctx, b, box.Pod, func(c *containerState) {
		c.running, c.started, c.waits, c.ready = true, began, 0, probe == nil
	})
	probing, stop := context.WithCancel(ctx)
	if probe != nil {
		s.wg.Go(func() { s.untilUp(probing, b, box.Pod, probe) })
	}
	end := b.runtime.Run(ctx, box)
	stop()
	if err := log.Close(); err != nil {
		s.log.Warn("close the log of a container", "pod", podKey(box.Pod), "error", err)
	}
	return s.over(ctx, b, box.Pod, began, end)
}

// over notes the end of a run.
func (s *sandboxes) over(ctx context.Context, b *sandbox, p *corev1.Pod, began time.Time, end Exit) Exit {
	s.change(ctx, b, p, func(c *containerState) {
		c.running, c.ready = false, false
		c.last = &pastRun{Exit: end, started: began, finished: time.Now()}
	})
	return end
}

// startupProbe is the one probe that is made: Flink's pods have no other.
func startupProbe(c corev1.Container) *corev1.HTTPGetAction {
	if c.StartupProbe == nil {
		return nil
	}
	return c.StartupProbe.HTTPGet
}

// untilUp asks until the container answers; then it is ready.
func (s *sandboxes) untilUp(ctx context.Context, b *sandbox, p *corev1.Pod, probe *corev1.HTTPGetAction) {
	for ctx.Err() == nil {
		if s.probe(ctx, p, probe) {
			s.change(ctx, b, p, func(c *containerState) { c.ready = c.running })
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(probeEvery):
		}
	}
}

// change alters what is known of a container and has its pod looked at, unless the pod is on its way out.
func (s *sandboxes) change(ctx context.Context, b *sandbox, p *corev1.Pod, f func(*containerState)) {
	s.mu.Lock()
	f(&b.now)
	s.mu.Unlock()
	if ctx.Err() == nil {
		s.notify(p.Namespace, p.Name)
	}
}

// end asks the container of a pod to end; gone says that it has. Its log stays until the pod is deleted.
func (s *sandboxes) end(key string, deleted bool) (gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.of[key]
	if b == nil || deleted {
		return b == nil || s.drop(key, b)
	}
	return s.ended(b)
}

// ended asks a container to end and says whether it has; then nothing of it is left but its log.
func (s *sandboxes) ended(b *sandbox) bool {
	b.cancel()
	select {
	case <-b.done:
	default:
		return false
	}
	if err := os.RemoveAll(filepath.Join(s.dir, string(b.uid))); err != nil {
		s.log.Warn("remove the folder of a pod", "error", err)
	}
	return true
}

// drop is ended for a pod that does not exist any more: its log goes too.
func (s *sandboxes) drop(key string, b *sandbox) bool {
	if !s.ended(b) {
		return false
	}
	delete(s.of, key)
	if err := os.RemoveAll(s.logDir(b.uid)); err != nil {
		s.log.Warn("remove the log of a pod", "error", err)
	}
	return true
}

// stop ends all containers and waits for them.
func (s *sandboxes) stop() {
	s.mu.Lock()
	s.stopped = true
	for _, b := range s.of {
		b.cancel()
	}
	s.mu.Unlock()
	s.wg.Wait()
}
