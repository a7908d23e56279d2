// SPDX-License-Identifier: Apache-2.0

package iostreams

import (
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	heartbeat   = 14 * time.Second // with look, no silence is longer than 15 seconds
	look        = time.Second
	redraw      = 120 * time.Millisecond
	maxLines    = 24
	minExpected = time.Second // shorter expectations are noise
)

// Phase is one part of a long operation. Phases are announced up front, so that the user sees what is still to come.
type Phase struct {
	Name     string
	Expected time.Duration // what it usually takes; 0 = not known
	Where    string        // where it takes that, when not here: "on AWS"
}

type phaseState int

const (
	pending phaseState = iota
	running
	done
	failed
	halted
	skipped
)

type phase struct {
	Phase
	state   phaseState
	detail  string
	started time.Time
	took    time.Duration
}

// Progress shows the phases of one operation on standard error: a redrawn list on a terminal, one line per change
// and a heartbeat elsewhere. All methods may be called from any goroutine.
type Progress struct {
	ios    *IOStreams
	glyphs Glyphs
	colors Palette
	live   bool

	mu       sync.Mutex
	phases   []*phase
	index    map[string]*phase
	lastLine time.Time
	frame    int
	stop     chan struct{}
	stopped  sync.WaitGroup
	ended    bool
}

// NewProgress starts showing the phases. Stop must be called.
func (s *IOStreams) NewProgress(phases ...Phase) *Progress {
	p := &Progress{
		ios: s, glyphs: s.Glyphs(), colors: s.ErrPalette(), live: s.CanAnimate(),
		index: map[string]*phase{}, stop: make(chan struct{}), lastLine: s.now(),
	}
	for _, ph := range phases {
		p.add(ph)
	}
	p.stopped.Go(p.tick)
	return p
}

func (p *Progress) add(ph Phase) *phase {
	st := &phase{Phase: ph}
	p.phases = append(p.phases, st)
	p.index[ph.Name] = st
	return st
}

func (p *Progress) get(name string) *phase {
	if ph, ok := p.index[name]; ok {
		return ph
	}
	return p.add(Phase{Name: name})
}

func (p *Progress) tick() {
	every := look
	if p.live {
		every = redraw
	}
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-t.C:
			p.mu.Lock()
			if p.live {
				p.frame++
				p.paint()
			} else {
				p.beat()
			}
			p.mu.Unlock()
		}
	}
}

// Start marks a phase as running. A phase that was not announced is added at the end; one that was done goes on.
func (p *Progress) Start(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ph := p.get(name)
	switch ph.state {
	case pending:
		ph.state, ph.started = running, p.ios.now()
		p.line("%s: started%s", name, ph.usually())
	case done:
		ph.state = running
	case running, failed, halted, skipped:
		return
	}
	p.paint()
}

// Detail says what a running phase is waiting for. Off a terminal only a change of the text is a line.
func (p *Progress) Detail(name, detail string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ph := p.get(name)
	if ph.state == pending {
		ph.state, ph.started = running, p.ios.now()
	}
	if detail == ph.detail {
		return
	}
	ph.detail = detail
	if detail != "" {
		p.line("%s: %s", name, detail)
	}
	p.paint()
}

// Note sets what a running phase shows on a terminal and in heartbeats without printing a line of its own. It is for
// counters that change often.
func (p *Progress) Note(name, detail string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.get(name).detail = detail
}

// Done marks a phase as finished.
func (p *Progress) Done(name string) { p.finish(name, done, "done") }

// Skip marks a phase as left out, and says why.
func (p *Progress) Skip(name, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ph := p.get(name)
	if ph.state >= done {
		return
	}
	ph.state, ph.detail = skipped, why
	p.line("%s: skipped: %s", name, why)
	p.paint()
}

// Fail marks a phase as failed.
func (p *Progress) Fail(name string) { p.finish(name, failed, "failed") }

func (p *Progress) finish(name string, st phaseState, word string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ph := p.get(name)
	if ph.state >= done {
		return
	}
	if ph.state == running {
		ph.took = p.ios.now().Sub(ph.started)
	}
	ph.state = st
	p.line("%s: %s in %s", name, word, Duration(ph.took))
	p.paint()
}

// StopRunning marks every phase that is still running as stopped: something else failed, or the user interrupted.
func (p *Progress) StopRunning() {
	p.endRunning(func(name string) { p.finish(name, halted, "stopped") })
}

// DoneRunning marks every phase that is still running as finished.
func (p *Progress) DoneRunning() { p.endRunning(p.Done) }

func (p *Progress) endRunning(end func(string)) {
	p.mu.Lock()
	var names []string
	for _, ph := range p.phases {
		if ph.state == running {
			names = append(names, ph.Name)
		}
	}
	p.mu.Unlock()
	for _, n := range names {
		end(n)
	}
}

// Stop ends the display; its last state stays on the screen.
func (p *Progress) Stop() {
	p.mu.Lock()
	if p.ended {
		p.mu.Unlock()
		return
	}
	p.ended = true
	close(p.stop)
	p.mu.Unlock()
	p.stopped.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paint()
	if p.live {
		p.ios.display.release()
	}
}

// line prints one change; callers hold the lock. On a terminal the list shows it already.
func (p *Progress) line(format string, args ...any) {
	if p.live {
		return
	}
	p.lastLine = p.ios.now()
	p.ios.Say(fmt.Sprintf(format, args...))
}

func (p *Progress) beat() {
	if p.ios.now().Sub(p.lastLine) < heartbeat {
		return
	}
	for _, ph := range p.phases {
		if ph.state != running {
			continue
		}
		text := fmt.Sprintf("%s: still running after %s%s", ph.Name, Duration(p.ios.now().Sub(ph.started)), ph.usually())
		if ph.detail != "" {
			text += ": " + ph.detail
		}
		p.line("%s", text)
	}
}

func (p *Progress) paint() {
	if !p.live {
		return
	}
	width := 0
	for _, ph := range p.phases {
		width = max(width, utf8.RuneCountInString(ph.Name))
	}
	lines := make([]string, 0, len(p.phases))
	for _, ph := range p.visible() {
		lines = append(lines, p.render(ph, width))
	}
	p.ios.display.show(lines)
}

// visible keeps the list within the screen: finished phases at the top go first.
func (p *Progress) visible() []*phase {
	room := min(maxLines, p.ios.Height()) - 1
	list := p.phases
	for len(list) > room && list[0].state >= done {
		list = list[1:]
	}
	return list[:min(len(list), max(room, 1))]
}

func (p *Progress) render(ph *phase, width int) string {
	name := ph.Name + strings.Repeat(" ", width-utf8.RuneCountInString(ph.Name))
	var mark, word, color string
	switch ph.state {
	case pending:
		mark, word, color = p.glyphs.Pending, "waiting", "dim"
	case running:
		mark = p.glyphs.Spin[p.frame%len(p.glyphs.Spin)]
		word = Duration(p.ios.now().Sub(ph.started)) + ph.usually()
		if ph.detail != "" {
			word += "  " + ph.detail
		}
	case done:
		mark, word, color = p.glyphs.Done, "done in "+Duration(ph.took), "green"
	case failed:
		mark, word, color = p.glyphs.Failed, "failed after "+Duration(ph.took), "red"
	case halted:
		mark, word, color = p.glyphs.Skipped, "stopped after "+Duration(ph.took), "dim"
	case skipped:
		mark, word, color = p.glyphs.Skipped, "skipped: "+ph.detail, "dim"
	}
	text := Truncate(fmt.Sprintf("%s %s  %s", mark, name, word), p.ios.Width()-1)
	switch color {
	case "dim":
		return p.colors.Dim(text)
	case "green":
		return p.colors.Green(text)
	case "red":
		return p.colors.Red(text)
	}
	return text
}

func (ph *phase) usually() string {
	if ph.Expected < minExpected {
		return ""
	}
	where := ph.Where
	if where != "" {
		where += " "
	}
	return " (" + where + "usually " + Duration(ph.Expected) + ")"
}
