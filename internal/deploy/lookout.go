// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"emrflink/internal/engine"
	"emrflink/internal/kube"
	"emrflink/internal/plans"
)

// Lookout says what keeps pods of the platform from running while the engine waits for them: Helm tells it nobody, and ends
// after minutes with the word that its time is over.
type Lookout struct {
	// Pods lists those of the cluster that are no job's; none while there is no cluster that answers.
	Pods func(context.Context) ([]kube.Pod, error)
	// Every is the pause between two looks. What two looks in a row see is said: a pod may wait a moment for its node.
	Every time.Duration

	mu      sync.Mutex // one event at a time
	sink    func(plans.Event)
	waiting map[string]bool // by URN
}

// Watch takes the place of sink until stop.
func (l *Lookout) Watch(ctx context.Context, sink func(plans.Event)) (events func(plans.Event), stop func()) {
	l.sink, l.waiting = sink, map[string]bool{}
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { l.look(ctx) })
	return l.event, func() { cancel(); done.Wait() }
}

func (l *Lookout) event(e plans.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !ofKubernetes(e.Type):
	case e.Kind == plans.EventStart:
		l.waiting[e.URN] = true
	case e.Kind == plans.EventDone, e.Kind == plans.EventFailed:
		delete(l.waiting, e.URN)
	}
	l.sink(e)
}

func ofKubernetes(typ string) bool { return strings.HasPrefix(typ, "kubernetes:") }

func (l *Lookout) look(ctx context.Context) {
	tick := time.NewTicker(l.Every)
	defer tick.Stop()
	said, before := map[string]bool{}, map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := map[string]bool{}
		if l.busy() {
			for _, s := range l.stuck(ctx) {
				now[s.pod] = true
				if before[s.pod] && !said[s.pod] {
					said[s.pod] = true
					l.say("waiting: " + s.message)
				}
			}
		}
		before = now
	}
}

func (l *Lookout) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting) > 0
}

func (l *Lookout) say(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sink(plans.Event{Kind: plans.EventNotice, Message: text})
}

// stuck is a pod that does not come to run.
type stuck struct{ pod, name, reason, message string }

// stuck are those of now. When the cluster does not say, the engine's own error has to do.
func (l *Lookout) stuck(ctx context.Context) (out []stuck) {
	pods, err := l.Pods(ctx)
	if err != nil {
		return nil
	}
	for _, p := range pods {
		if reason, message := p.Stuck(); reason != "" {
			out = append(out, stuck{p.Namespace + "/" + p.Name, p.Name, reason, message})
		}
	}
	return out
}

// Explain adds to the error of a deploy that waited in vain for pods what keeps them from running; its code becomes the
// reason of the first.
func (l *Lookout) Explain(ctx context.Context, err error) error {
	const most = 3
	var f *engine.Failure
	if !errors.As(err, &f) {
		return err
	}
	now := sync.OnceValue(func() []stuck { return l.stuck(ctx) })
	for _, one := range append([]*engine.Failure{f}, pointers(f.Also)...) {
		if one.Code != engine.CodeNotReady || !ofKubernetes(one.Type) {
			continue
		}
		pods := now()
		for i, s := range pods {
			if i == most {
				one.Message += fmt.Sprintf("; and %d more pods", len(pods)-most)
				break
			}
			if !strings.Contains(one.Message, s.name) { // Kubernetes' words may have it
				one.Message += "; " + s.message
			}
		}
		if len(pods) > 0 {
			one.Code = pods[0].reason
		}
	}
	return err
}

func pointers(all []engine.Failure) (out []*engine.Failure) {
	for i := range all {
		out = append(out, &all[i])
	}
	return out
}
