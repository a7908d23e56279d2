// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"emrflink/internal/kube"
)

// recent is how long something that was said explains what is wrong with a job that runs. Of one that does not run, everything
// that was kept counts.
const recent = 30 * time.Minute

// text is something that somebody said.
type text struct {
	source Source
	where  string
	at     time.Time
	text   string
}

// facts are a snapshot, and the texts in it.
type facts struct {
	s     *Snapshot
	texts []text
}

// Rule is one thing that can be wrong: a row of the table.
type Rule struct {
	ID     string
	Weight int      // see Finding
	Title  string   // what is wrong
	In     []Source // where it is looked for
	Words  string   // a regular expression over the texts of these sources; "" = find looks
	Cause  string   // what is behind it, and what to change
	// Command is to run next; {job} and {namespace} are those of the job.
	Command string

	find func(*facts) []Evidence
	// unless are words that say that it is another rule's.
	unless string

	words, not *regexp.Regexp
}

// compiled are the rules with their expressions. A wrong one panics at its first use: a test uses each.
var compiled = sync.OnceValue(func() []Rule {
	all := Rules()
	for i, r := range all {
		if r.Words != "" {
			all[i].words = regexp.MustCompile(r.Words)
		}
		if r.unless != "" {
			all[i].not = regexp.MustCompile(r.unless)
		}
	}
	return all
})

// seen is what the rule finds.
func (r Rule) seen(f *facts) []Evidence {
	var out []Evidence
	if r.find != nil {
		out = r.find(f)
	}
	if r.words == nil {
		return out
	}
	for _, t := range f.texts {
		if !slices.Contains(r.In, t.source) || r.not != nil && r.not.MatchString(t.text) {
			continue
		}
		if at := r.words.FindStringIndex(t.text); at != nil {
			out = append(out, Evidence{Source: t.source, Where: t.where, At: t.at, Text: lineAround(t.text, at[0])})
		}
	}
	return out
}

// longest is how much of a line is shown.
const longest = 400

// lineAround is the line of a text that has a place.
func lineAround(text string, at int) string {
	begin := strings.LastIndexByte(text[:at], '\n') + 1
	end := len(text)
	if n := strings.IndexByte(text[at:], '\n'); n >= 0 {
		end = at + n
	}
	line := strings.Join(strings.Fields(text[begin:end]), " ")
	if len(line) > longest {
		return strings.ToValidUTF8(line[:longest], "") + "..."
	}
	return line
}

func newFacts(s *Snapshot) *facts {
	f := &facts{s: s}
	f.ofJob()
	f.ofPods()
	for _, c := range s.Claims.Value {
		for _, cond := range c.Conditions {
			if cond.Status == "False" || cond.Status == "Unknown" {
				f.say(Claims, "NodeClaim "+c.Name, s.Now, cond.Reason+": "+cond.Message)
			}
		}
	}
	for _, e := range s.Events.Value {
		f.say(Events, e.Object.Kind.Kind+" "+e.Object.Name, e.Last, e.Reason+": "+e.Message)
	}
	for _, e := range s.Exceptions.Value.History.Entries {
		f.say(Exceptions, e.Task, time.UnixMilli(e.Millis), e.Name+"\n"+e.Trace)
	}
	if root := s.Exceptions.Value.Root; root != "" && len(s.Exceptions.Value.History.Entries) == 0 {
		f.say(Exceptions, "", s.Now, root)
	}
	for _, c := range s.Checkpoints.Value.History {
		if c.Failure != "" {
			f.say(Checkpoints, fmt.Sprintf("checkpoint %d", c.ID), time.UnixMilli(c.Failed), c.Failure)
		}
	}
	for _, sp := range s.Snapshots.Value {
		if sp.Error != "" {
			f.say(Snapshots, "FlinkStateSnapshot "+sp.Name, sp.At, sp.Error)
		}
	}
	for _, l := range s.Logs.Value {
		f.say(Logs, "pod "+l.Pod, l.At, l.Text)
	}
	return f
}

func (f *facts) ofJob() {
	j, now := f.s.Job.Value, f.s.Now
	f.say(Spec, "status.error", now, j.Error)
	f.say(Spec, "Deployment "+j.App, now, j.Refused)
}

func (f *facts) ofPods() {
	for _, p := range f.s.Pods.Value {
		where := "pod " + p.Name
		if p.Scheduled.Status == "False" {
			f.say(Pods, where, f.s.Now, p.Scheduled.Reason+": "+p.Scheduled.Message)
		}
		f.say(Pods, where, f.s.Now, p.Why)
		for _, w := range p.Waiting {
			f.say(Pods, where+", container "+w.Container, f.s.Now, w.Reason+": "+w.Message)
		}
		for _, e := range p.Ended {
			f.say(Pods, where+", container "+e.Container, e.At,
				fmt.Sprintf("exit code %d, %s: %s", e.Code, e.Reason, e.Message))
		}
	}
}

// say notes a text, unless it is too old to explain anything.
func (f *facts) say(source Source, where string, at time.Time, words string) {
	words = strings.TrimSpace(words)
	if strings.Trim(words, ": ") == "" || f.s.Now.Sub(at) > recent && f.asWanted() {
		return
	}
	f.texts = append(f.texts, text{source, where, at, words})
}

// event gives the events of these reasons.
func (f *facts) events(within time.Duration, reasons ...string) []kube.Event {
	var out []kube.Event
	for _, e := range f.s.Events.Value {
		for _, r := range reasons {
			if e.Reason == r && f.s.Now.Sub(e.Last) <= within {
				out = append(out, e)
			}
		}
	}
	return out
}

func evidence(source Source, where string, at time.Time, format string, args ...any) []Evidence {
	return []Evidence{{Source: source, Where: where, At: at, Text: fmt.Sprintf(format, args...)}}
}
