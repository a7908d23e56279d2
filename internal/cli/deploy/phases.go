// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"fmt"
	"sync"

	"emrflink/internal/deploy"
	"emrflink/internal/iostreams"
	"emrflink/internal/plans"
	"emrflink/internal/preview"
)

// tracker turns events of resources into progress of phases.
type tracker struct {
	progress *iostreams.Progress

	mu    sync.Mutex
	open  map[string]map[string]bool // phase -> URNs that are not done
	total map[string]int
}

// track announces the phases that the plan touches. where the expected times hold: "" = here.
func track(ios *iostreams.IOStreams, steps []preview.Step, where string) *tracker {
	t := &tracker{open: map[string]map[string]bool{}, total: map[string]int{}}
	for _, s := range steps {
		if s.Op == string(plans.OpSame) || s.Op == string(plans.OpRead) || deploy.OnlyInState(s.Type) {
			continue
		}
		name := deploy.PhaseOf(s.URN, s.Type)
		if t.open[name] == nil {
			t.open[name] = map[string]bool{}
		}
		t.open[name][s.URN] = true
	}
	var phases []iostreams.Phase
	for _, s := range deploy.Phases() {
		if n := len(t.open[s.Name]); n > 0 {
			t.total[s.Name] = n
			phases = append(phases, iostreams.Phase{Name: s.Name, Expected: s.Expected, Where: where})
		}
	}
	t.progress = ios.NewProgress(phases...)
	return t
}

// event follows one event of the engine.
func (t *tracker) event(e plans.Event) {
	if e.URN == "" || deploy.OnlyInState(e.Type) {
		return
	}
	name := deploy.PhaseOf(e.URN, e.Type)
	t.mu.Lock()
	defer t.mu.Unlock()
	left := t.open[name]
	if left == nil || !left[e.URN] && e.Kind != plans.EventFailed {
		return // not of the plan: the engine also says what stays as it is
	}
	switch e.Kind {
	case plans.EventStart:
		t.progress.Start(name)
		t.progress.Note(name, t.counter(name)+", "+e.Name)
	case plans.EventDone:
		t.progress.Start(name)
		delete(left, e.URN)
		t.progress.Note(name, t.counter(name))
		if len(left) == 0 {
			t.progress.Done(name)
		}
	case plans.EventFailed:
		t.progress.Start(name)
		t.progress.Fail(name)
	}
}

func (t *tracker) counter(name string) string {
	return fmt.Sprintf("%d of %d", t.total[name]-len(t.open[name]), t.total[name])
}

// end closes the display. What is still open after a success had nothing to do.
func (t *tracker) end(ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !ok {
		t.progress.StopRunning()
	} else {
		for _, s := range deploy.Phases() {
			if len(t.open[s.Name]) > 0 {
				t.progress.Done(s.Name)
			}
		}
	}
	t.progress.Stop()
}
