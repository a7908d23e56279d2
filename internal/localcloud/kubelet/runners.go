// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"emrflink/internal/localcloud/podlog"
)

// Runner is a program that really runs while a pod of its image does. Start is called when the first pod of a
// controller becomes Running, and its context ends when the last one is gone (or the pod template changed, and
// Start is called again with a new pod). Start may return at once or when it is done; an error makes it be called
// again, later and later, as long as there are pods.
type Runner interface {
	Start(ctx context.Context, p PodRef) error
}

// PodRef is the pod for which a Runner is started.
type PodRef struct {
	Namespace, Name string
	Owner           string           // "Deployment/karpenter": the controller of the pod, or "Pod/NAME"
	Container       corev1.Container // the one whose image matched
	Pod             *corev1.Pod      // a copy, as it was when it became Running
	Log             io.Writer        // what it prints, which is the log of all pods of its controller
	// Report tells how the program is: nil is working, ErrStarting is not yet, anything else is shown as the
	// reason why the pod's containers crash. A program that reports nothing counts as working after a moment.
	Report func(error)
	// Open says that a port of the pod is the address at of this machine, until Start is called again.
	Open func(port int, at string)
}

// ErrStarting is reported by a Runner whose program is not ready yet.
var ErrStarting = errors.New("the program is starting")

func isStarting(err error) bool { return errors.Is(err, ErrStarting) }

// How long a Runner that failed waits before it is started again.
const (
	runnerBackoff    = time.Second
	runnerBackoffMax = 30 * time.Second
	// settleTime is how long a Runner has for its first report.
	settleTime = 100 * time.Millisecond
)

// runnerSet starts and stops runners as pods come and go. Its keys are controllers: the two pods of a Deployment
// share one program, as they would share a leader lease.
type runnerSet struct {
	byImage map[string]Runner
	dir     string // for the logs; "": there are none
	log     *slog.Logger
	notify  func(namespace, name string)
	mu      sync.Mutex
	groups  map[string]*group // "NAMESPACE/KIND/NAME"
	of      map[string]string // pod "NAMESPACE/NAME" -> group
	wg      sync.WaitGroup
	stopped bool
}

// group is the pods of one controller and the program that runs for them.
type group struct {
	pods     map[string]*corev1.Pod // "NAMESPACE/NAME"
	template string                 // of the program that runs
	cancel   context.CancelFunc
	done     chan struct{} // closed when the program before this one has ended
	down     error
	reported bool           // since the last Start
	open     map[int]string // ports -> addresses of this machine
}

func newRunnerSet(byImage map[string]Runner, log *slog.Logger, notify func(namespace, name string)) *runnerSet {
	return &runnerSet{
		byImage: byImage, log: log, notify: notify, groups: map[string]*group{}, of: map[string]string{},
	}
}

// Published says whether an image is one of those that are published under a prefix: there, or in a mirror, which keeps the
// path below the registry.
func Published(image, prefix string) bool {
	_, path, _ := strings.Cut(prefix, "/")
	return strings.HasPrefix(image, prefix) || strings.Contains(image, "/"+path)
}

// match finds the runner for a pod: the longest image prefix wins.
func (s *runnerSet) match(p *corev1.Pod) (Runner, corev1.Container) {
	var (
		best  Runner
		found corev1.Container
		n     int
	)
	for _, c := range p.Spec.Containers {
		for prefix, r := range s.byImage {
			if Published(c.Image, prefix) && len(prefix) > n {
				best, found, n = r, c, len(prefix)
			}
		}
	}
	return best, found
}

// controller names the controller of a pod and the version of its template. A ReplicaSet stands for its
// Deployment, whose name is the ReplicaSet's without the template's hash.
func controller(p *corev1.Pod) (owner, template string) {
	hash := p.Labels["pod-template-hash"]
	c := metav1.GetControllerOf(p)
	switch {
	case c == nil:
		return "Pod/" + p.Name, string(p.UID)
	case c.Kind == "ReplicaSet" && hash != "":
		return "Deployment/" + strings.TrimSuffix(c.Name, "-"+hash), hash
	default:
		return c.Kind + "/" + c.Name, p.Labels["controller-revision-hash"]
	}
}

// add notes a running pod; the first of its controller, or the first of a new template, starts the program.
func (s *runnerSet) add(p *corev1.Pod) {
	r, container := s.match(p)
	if r == nil {
		return
	}
	owner, template := controller(p)
	key, name := p.Namespace+"/"+owner, podKey(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	g := s.groups[key]
	if g == nil {
		g = &group{pods: map[string]*corev1.Pod{}}
		s.groups[key] = g
	}
	_, known := g.pods[name]
	g.pods[name] = p
	s.of[name] = key
	if g.cancel != nil && (known || g.template == template) {
		return
	}
	s.start(g, r, PodRef{Namespace: p.Namespace, Name: p.Name, Owner: owner, Container: container, Pod: p.DeepCopy()}, template)
}

// start replaces a group's program. Two never run at once: the new one waits for the end of the old one.
func (s *runnerSet) start(g *group, r Runner, p PodRef, template string) {
	before := g.done
	if g.cancel != nil {
		g.cancel()
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	g.cancel, g.done, g.template, g.down, g.open = cancel, done, template, ErrStarting, map[int]string{}
	p.Report = func(err error) { s.report(ctx, g, err) }
	p.Open = func(port int, at string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if ctx.Err() == nil {
			g.open[port] = at
		}
	}
	s.wg.Go(func() {
		defer close(done)
		if before != nil {
			<-before
		}
		log, end := s.openLog(p)
		defer end()
		p.Log = log
		s.run(ctx, r, p, g)
	})
}

// openLog opens the log of a program. One that cannot be written is no reason not to run it.
func (s *runnerSet) openLog(p PodRef) (log io.Writer, end func()) {
	if s.dir == "" {
		return io.Discard, func() {}
	}
	l, err := podlog.Open(s.logPath(p.Namespace, p.Owner))
	if err != nil {
		s.log.Warn("no log of the program of a pod is kept", "pod", p.Namespace+"/"+p.Name, "error", err)
		return io.Discard, func() {}
	}
	return l.Stream(podlog.Stdout), func() { _ = l.Close() } // what it printed is written
}

// run calls Start until it succeeds or its pods are gone.
func (s *runnerSet) run(ctx context.Context, r Runner, p PodRef, g *group) {
	for wait := runnerBackoff; ctx.Err() == nil; wait = min(2*wait, runnerBackoffMax) {
		s.log.Info("start the program of a pod", "pod", p.Namespace+"/"+p.Name, "owner", p.Owner)
		s.begin(g)
		settle := time.AfterFunc(settleTime, func() { s.settle(ctx, g) })
		err := r.Start(ctx, p)
		settle.Stop()
		if err == nil {
			s.settle(ctx, g)
			<-ctx.Done() // it may have returned at once: its context still is its life
			return
		}
		if ctx.Err() != nil {
			return
		}
		s.log.Warn("the program of a pod failed", "pod", p.Namespace+"/"+p.Name, "error", err)
		p.Report(err)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// begin forgets the reports of the Start before.
func (s *runnerSet) begin(g *group) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.reported = false
}

// settle takes a program that said nothing about itself for working.
func (s *runnerSet) settle(ctx context.Context, g *group) {
	s.mu.Lock()
	quiet := !g.reported
	s.mu.Unlock()
	if quiet {
		s.report(ctx, g, nil)
	}
}

// report keeps what a program says about itself and has its pods looked at.
func (s *runnerSet) report(ctx context.Context, g *group, err error) {
	s.mu.Lock()
	var pods []*corev1.Pod
	if ctx.Err() == nil {
		g.down, g.reported = err, true
		for _, p := range g.pods {
			pods = append(pods, p)
		}
	}
	s.mu.Unlock()
	for _, p := range pods {
		s.notify(p.Namespace, p.Name)
	}
}

// health is what the program behind a pod last reported.
func (s *runnerSet) health(p *corev1.Pod) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.groups[s.of[podKey(p)]]; g != nil {
		return g.down
	}
	return nil
}

// reach finds the address of a program at a port of a pod. Of the pods that share the program the first one answers, as a leader
// would: two that do would count everything twice.
func (s *runnerSet) reach(ip string, port int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.groups {
		if len(g.pods) == 0 || g.open[port] == "" {
			continue
		}
		if leader := slices.Min(slices.Collect(maps.Keys(g.pods))); g.pods[leader].Status.PodIP == ip {
			return g.open[port]
		}
	}
	return ""
}

// remove notes that a pod does not run any more; the program ends with the last one.
func (s *runnerSet) remove(namespace, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pod := namespace + "/" + name
	key, ok := s.of[pod]
	if !ok {
		return
	}
	delete(s.of, pod)
	g := s.groups[key]
	delete(g.pods, pod)
	if len(g.pods) == 0 {
		g.cancel()
		g.cancel = nil // the group stays: its next program waits for the end of this one
	}
}

// stop ends all programs and waits for them.
func (s *runnerSet) stop() {
	s.mu.Lock()
	s.stopped = true
	for _, g := range s.groups {
		if g.cancel != nil {
			g.cancel()
		}
	}
	s.mu.Unlock()
	s.wg.Wait()
}
