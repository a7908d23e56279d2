// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"emrflink/internal/mask"
	"emrflink/internal/plans"
	"emrflink/internal/untyped"
)

// collector turns the engine's event stream into steps, failures and diagnostics. Its channel is read by one
// goroutine; the other methods are for after close.
type collector struct {
	in   chan events.EngineEvent
	stop chan struct{}
	idle chan struct{}
	sink func(plans.Event)
	now  func() time.Time
	// journal is told of creations; nil where none is made.
	journal *journal

	order    []string
	metas    map[string][]apitype.StepEventMetadata
	reads    map[string]apitype.StepEventMetadata // what a refresh found, by URN; its operation is that of the finding
	reading  map[string]bool                      // resources that a refresh has begun to read
	started  map[string]time.Time
	failed   []Failure
	messages map[string][]string // URN -> error texts
	diags    []plans.Diagnostic
}

// collect starts to read events. sink may be nil, j too.
func collect(sink func(plans.Event), j *journal) *collector {
	if sink == nil {
		sink = func(plans.Event) {}
	}
	c := &collector{
		in: make(chan events.EngineEvent), stop: make(chan struct{}), idle: make(chan struct{}), sink: sink, now: time.Now,
		journal: j,
		metas:   map[string][]apitype.StepEventMetadata{}, started: map[string]time.Time{}, messages: map[string][]string{},
		reads: map[string]apitype.StepEventMetadata{}, reading: map[string]bool{},
	}
	go func() {
		defer close(c.idle)
		for {
			select {
			case ev, open := <-c.in:
				if !open {
					return
				}
				c.handle(ev)
			case <-c.stop:
				return
			}
		}
	}()
	return c
}

// close ends the reading. The Automation API closes the channel itself only when the engine came as far as to connect;
// by the time its call returns, every event has been received.
func (c *collector) close() {
	close(c.stop)
	<-c.idle
}

func (c *collector) handle(ev events.EngineEvent) {
	switch {
	case ev.ResourcePreEvent != nil:
		c.journal.begin(ev.ResourcePreEvent.Metadata)
		c.begin(ev.ResourcePreEvent.Metadata)
	case ev.ResOutputsEvent != nil:
		c.journal.end(ev.ResOutputsEvent.Metadata)
		c.done(ev.ResOutputsEvent.Metadata)
	case ev.ResOpFailedEvent != nil:
		m := ev.ResOpFailedEvent.Metadata
		if c.journal.refused(c.messages[m.URN]) {
			c.journal.end(m)
		}
		c.failed = append(c.failed, Failure{Op: shownOp(m.Op), URN: m.URN, Type: m.Type, Name: untyped.URNName(m.URN)})
		c.end(m, plans.EventFailed)
	case ev.DiagnosticEvent != nil:
		c.diagnose(ev.DiagnosticEvent)
	}
}

// done notes the end of a step. A refresh that precedes the operation on a resource is no step of its own.
func (c *collector) done(m apitype.StepEventMetadata) {
	if c.reading[m.URN] {
		delete(c.reading, m.URN)
		c.reads[m.URN] = m
		return
	}
	c.end(m, plans.EventDone)
}

// begin notes a step. The engine announces a replacement as up to three.
func (c *collector) begin(m apitype.StepEventMetadata) {
	if m.Op == apitype.OpRefresh {
		c.reading[m.URN] = true
		return
	}
	if _, seen := c.metas[m.URN]; !seen {
		c.order = append(c.order, m.URN)
	}
	c.metas[m.URN] = append(c.metas[m.URN], m)
	if m.Op == apitype.OpSame || m.Op == apitype.OpReplace {
		return
	}
	c.started[m.URN+string(m.Op)] = c.now()
	c.sink(plans.Event{Kind: plans.EventStart, URN: m.URN, Type: m.Type, Name: untyped.URNName(m.URN), Op: shownOp(m.Op)})
}

func (c *collector) end(m apitype.StepEventMetadata, kind string) {
	if m.Op == apitype.OpReplace {
		return
	}
	ev := plans.Event{Kind: kind, URN: m.URN, Type: m.Type, Name: untyped.URNName(m.URN), Op: shownOp(m.Op)}
	if t, ok := c.started[m.URN+string(m.Op)]; ok {
		ev.Elapsed = c.now().Sub(t)
	}
	if kind == plans.EventFailed {
		ev.Message = strings.Join(c.messages[m.URN], "\n")
	}
	c.sink(ev)
}

func (c *collector) diagnose(d *apitype.DiagnosticEvent) {
	text := mask.Text(plain(d.Message))
	if d.Ephemeral || text == "" || d.Severity == "debug" {
		return
	}
	severity := strings.TrimSuffix(d.Severity, "#err")
	if severity == "error" {
		c.messages[d.URN] = append(c.messages[d.URN], text)
	}
	c.diags = append(c.diags, plans.Diagnostic{Severity: severity, URN: d.URN, Message: text})
	ev := plans.Event{Kind: plans.EventDiagnostic, URN: d.URN, Message: severity + ": " + text}
	if d.URN != "" {
		ev.Type, ev.Name = untyped.URNType(d.URN), untyped.URNName(d.URN)
	}
	c.sink(ev)
}

// shownOp maps the engine's operations to ours.
func shownOp(op apitype.OpType) plans.Op {
	switch op {
	case apitype.OpCreate:
		return plans.OpCreate
	case apitype.OpUpdate, apitype.OpImport: // what is imported exists, and is made what the program says
		return plans.OpUpdate
	case apitype.OpReplace, apitype.OpCreateReplacement, apitype.OpImportReplacement, apitype.OpReadReplacement:
		return plans.OpReplace
	case apitype.OpDelete, apitype.OpDeleteReplaced, apitype.OpReadDiscard, apitype.OpDiscardReplaced:
		return plans.OpDelete
	case apitype.OpRead, apitype.OpRefresh:
		return plans.OpRead
	}
	return plans.OpSame
}

// steps folds the announced operations into one step per resource, parents before children.
func (c *collector) steps() []plans.Step {
	var out []plans.Step
	for _, urn := range c.order {
		out = append(out, fold(c.metas[urn])...)
	}
	return plans.InTreeOrder(out)
}

// fold makes the steps of one URN: a replacement is one step, whatever the engine announced for it, and so is an import
// with what it changes.
func fold(metas []apitype.StepEventMetadata) []plans.Step {
	if imported := slices.IndexFunc(
		metas, func(m apitype.StepEventMetadata) bool { return m.Op == apitype.OpImport }); imported >= 0 {
		changed := slices.IndexFunc(metas, func(m apitype.StepEventMetadata) bool { return m.Op == apitype.OpUpdate })
		return []plans.Step{makeStep(metas[max(imported, changed)], plans.OpUpdate)}
	}
	replaces := func(m apitype.StepEventMetadata) bool { return shownOp(m.Op) == plans.OpReplace }
	if !slices.ContainsFunc(metas, replaces) {
		var out []plans.Step
		for _, m := range metas {
			if m.Op != apitype.OpRemovePendingReplace {
				out = append(out, makeStep(m, shownOp(m.Op)))
			}
		}
		return out
	}
	best := metas[slices.IndexFunc(metas, replaces)]
	for _, m := range metas {
		// The logical replace step carries the reasons and both sides, when the engine announces it.
		if m.Op == apitype.OpReplace {
			best = m
		}
		if best.Old == nil && m.Old != nil {
			best.Old = m.Old
		}
	}
	return []plans.Step{makeStep(best, plans.OpReplace)}
}

func makeStep(m apitype.StepEventMetadata, op plans.Op) plans.Step {
	s := plans.Step{
		URN: m.URN, Type: m.Type, Name: untyped.URNName(m.URN), Op: op, Provider: untyped.ProviderURN(m.Provider),
		ReplaceReasons: []string{}, Diff: []plans.PropertyDiff{}, Dependencies: []string{},
	}
	if m.Old != nil && op != plans.OpCreate {
		s.Old, s.Parent, s.ID, s.Component = cleanMap(m.Old.Inputs), m.Old.Parent, m.Old.ID, !m.Old.Custom
		if s.Old == nil {
			s.Old = map[string]any{}
		}
	}
	if m.New != nil && op != plans.OpDelete {
		s.New, s.Parent, s.Component = cleanMap(m.New.Inputs), m.New.Parent, !m.New.Custom
		if s.New == nil {
			s.New = map[string]any{}
		}
	}
	if op == plans.OpUpdate || op == plans.OpReplace {
		s.Diff = propertyDiffs(m, s.Old, s.New)
	}
	if op == plans.OpReplace {
		s.ReplaceReasons = replaceReasons(m, s.Diff)
	}
	return hide(s)
}

// replaceReasons are the properties that the provider blames; with no detail, those that the engine names.
func replaceReasons(m apitype.StepEventMetadata, diff []plans.PropertyDiff) []string {
	reasons := []string{}
	for _, d := range diff {
		if strings.HasSuffix(d.Kind, "-replace") {
			reasons = append(reasons, d.Path)
		}
	}
	if len(reasons) == 0 {
		reasons = append(reasons, m.Keys...)
	}
	slices.Sort(reasons)
	return slices.Compact(reasons)
}
