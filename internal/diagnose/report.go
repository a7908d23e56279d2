// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Verdict is how a job is, in one word.
type Verdict string

// The verdicts.
const (
	Healthy  Verdict = "healthy"  // all was read, and nothing is wrong
	Degraded Verdict = "degraded" // it runs, and something is wrong
	Failing  Verdict = "failing"  // it does not run as its spec wants, and something is wrong
	Unknown  Verdict = "unknown"  // nothing wrong was found, and something could not be read, or it is on its way
)

// Evidence is what a finding was seen in.
type Evidence struct {
	Source Source    `json:"source"`
	Where  string    `json:"where"` // an object, a vertex, a pod; "" = the source says it
	At     time.Time `json:"at,omitzero"`
	Text   string    `json:"text"`
}

// Finding is one thing that is wrong.
type Finding struct {
	ID       string     `json:"id"`
	Weight   int        `json:"weight"` // the first to look at has the largest; below 20 the verdict does not change
	Title    string     `json:"title"`
	Cause    string     `json:"cause"`
	Command  string     `json:"command"` // to run next
	Evidence []Evidence `json:"evidence"`
	Seen     int        `json:"seen"` // how often; the evidence has the newest of it
}

// NotAssessed is a source that could not be read, and what is not known for that.
type NotAssessed struct {
	Source Source   `json:"source"`
	Why    string   `json:"why"`
	Checks []string `json:"checks"` // ids of the findings that hang on it
}

// Moment is one line of the timeline.
type Moment struct {
	At   time.Time `json:"at"`
	What string    `json:"what"` // spec, operator, pod, node, restart, checkpoint, savepoint, rescale
	Text string    `json:"text"`
	Seen int       `json:"seen"`
}

// Report is what is known of a job.
type Report struct {
	Verdict     Verdict       `json:"verdict"`
	Why         string        `json:"why"` // of the verdict, in a line
	Findings    []Finding     `json:"findings"`
	NotAssessed []NotAssessed `json:"notAssessed"`
	Timeline    []Moment      `json:"timeline"` // oldest first
	Autoscaler  []string      `json:"autoscaler"`
}

// noteBelow is the weight below which a finding is an advice.
const noteBelow = 20

// mostEvidence is how much of what was seen is shown for a finding.
const mostEvidence = 3

// Run judges a job by what was read of it.
func Run(s Snapshot) Report {
	f := newFacts(&s)
	r := Report{Findings: []Finding{}, NotAssessed: f.notAssessed(), Timeline: timeline(&s), Autoscaler: autoscaler(&s)}
	for _, rule := range compiled() {
		seen := rule.seen(f)
		if len(seen) == 0 {
			continue
		}
		slices.SortStableFunc(seen, func(a, b Evidence) int { return b.At.Compare(a.At) })
		r.Findings = append(r.Findings, Finding{
			ID: rule.ID, Weight: rule.Weight, Title: rule.Title, Cause: rule.Cause, Command: f.fill(rule.Command),
			Evidence: seen[:min(len(seen), mostEvidence)], Seen: len(seen),
		})
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return cmp.Compare(b.Weight, a.Weight) })
	r.Verdict, r.Why = f.verdict(r)
	return r
}

// verdict is the word for the findings.
func (f *facts) verdict(r Report) (Verdict, string) {
	job := f.s.Job.Value
	wrong := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Weight >= noteBelow }) >= 0
	running := f.s.Job.Why == "" && f.asWanted()
	switch {
	case wrong && running:
		return Degraded, "it runs; " + r.Findings[0].Title
	case wrong:
		return Failing, r.Findings[0].Title
	case f.s.Job.Why != "":
		return Unknown, "the job itself could not be read: " + f.s.Job.Why
	case !running:
		return Unknown, fmt.Sprintf("it is on its way: %s", strings.Join(nonEmpty(job.Lifecycle, "job "+orNone(job.State),
			"JobManager "+orNone(job.JobManager)), ", "))
	case len(r.NotAssessed) > 0:
		return Unknown, "nothing wrong in what could be read; see what was not assessed"
	case job.Wanted == suspended:
		return Healthy, "it is suspended, as its spec wants it"
	case job.State == "FINISHED" || job.State == "CANCELED":
		return Healthy, "it is over: " + job.State
	}
	return Healthy, "all was read, and nothing is wrong"
}

const suspended = "suspended"

// asWanted says whether the job is what its spec wants.
func (f *facts) asWanted() bool {
	j := f.s.Job.Value
	switch {
	case !j.Deleting.IsZero() || j.Observed < j.Generation || j.Observed == 0:
		return false
	case j.Wanted == suspended:
		return j.Lifecycle == "SUSPENDED"
	case j.SessionCluster:
		return j.JobManager == "READY"
	case j.State == "FINISHED" || j.State == "CANCELED":
		return j.Lifecycle != "UPGRADING"
	}
	return j.State == "RUNNING"
}

// notAssessed are the sources that could not be read, with what hangs on them.
func (f *facts) notAssessed() []NotAssessed {
	out := []NotAssessed{}
	for _, source := range Sources() {
		why := f.s.unread(source)
		if why == "" {
			continue
		}
		n := NotAssessed{Source: source, Why: why, Checks: []string{}}
		for _, r := range compiled() {
			if slices.Contains(r.In, source) {
				n.Checks = append(n.Checks, r.ID)
			}
		}
		out = append(out, n)
	}
	return out
}

// fill puts the names of the job into a command.
func (f *facts) fill(command string) string {
	return strings.NewReplacer("{job}", f.s.Name, "{namespace}", f.s.Namespace).Replace(command)
}

func orNone(text string) string { return cmp.Or(text, "none") }

func nonEmpty(parts ...string) []string {
	return slices.DeleteFunc(parts, func(p string) bool { return p == "" })
}
