// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
)

// Recorder notes what an operator shows: each status that is another one than the last, and each event and error once.
type Recorder struct {
	mu       sync.Mutex
	statuses []line
	last     map[string]string // by resource, over all scenarios
	notes    map[string]bool
	counts   map[string]string // by event: how often it was
	changes  int
}

type line struct{ of, text string }

// NewRecorder makes one.
func NewRecorder() *Recorder {
	return &Recorder{last: map[string]string{}, notes: map[string]bool{}, counts: map[string]string{}}
}

// Take notes one version of an object.
func (r *Recorder) Take(o *unstructured.Unstructured, deleted bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch o.GetKind() {
	case "FlinkDeployment":
		r.status(o, "", deleted, tuple(o))
	case "FlinkSessionJob":
		r.status(o, o.GetKind()+" "+o.GetName()+" ", deleted, tuple(o))
	case "FlinkStateSnapshot":
		state := text(o, "status", "state")
		if state == "" {
			state = none // as it is made
		}
		r.status(o, o.GetKind()+" "+normal(o.GetName())+" ", deleted, state)
	case "Event":
		r.event(o, deleted)
	}
}

const none = "None"

func text(o *unstructured.Unstructured, path ...string) string {
	s, _, _ := unstructured.NestedString(o.Object, path...)
	return s
}

// tuple is lifecycle, state of the job, JobManager and reconciliation.
func tuple(o *unstructured.Unstructured) string {
	var parts []string
	for _, path := range [][]string{
		{"lifecycleState"}, {"jobStatus", "state"}, {"jobManagerDeploymentStatus"}, {"reconciliationStatus", "state"},
	} {
		s := text(o, append([]string{"status"}, path...)...)
		if s == "" {
			s = none
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " ")
}

func (r *Recorder) status(o *unstructured.Unstructured, prefix string, deleted bool, now string) {
	of := o.GetKind() + "/" + o.GetName()
	if deleted {
		now = gone
	}
	if r.last[of] != now {
		r.last[of] = now
		r.changes++
		r.statuses = append(r.statuses, line{of, prefix + now})
	}
	if e := text(o, "status", "error"); e != "" && !deleted {
		r.note(prefix + "status.error " + plainError(e))
	}
}

func (r *Recorder) note(s string) {
	s, _, _ = strings.Cut(normal(s), "\n") // the rest is where in Flink it was thrown
	if !r.notes[s] {
		r.notes[s] = true
		r.changes++
	}
}

// plainError is the type and the message of an error that the operator writes as JSON.
func plainError(text string) string {
	var e struct{ Type, Message string }
	if json.Unmarshal([]byte(text), &e) != nil {
		return text
	}
	return e.Type[strings.LastIndex(e.Type, ".")+1:] + ": " + e.Message
}

func (r *Recorder) event(o *unstructured.Unstructured, deleted bool) {
	kind := text(o, "involvedObject", "kind")
	if deleted || !strings.HasPrefix(kind, "Flink") { // the real operator's have no apiVersion
		return
	}
	count, _, _ := unstructured.NestedFieldNoCopy(o.Object, "count")
	key, now := string(o.GetUID()), fmt.Sprint(count)+" "+text(o, "lastTimestamp")
	if r.counts[key] == now {
		return
	}
	r.counts[key] = now
	if kind = strings.TrimPrefix(kind, "FlinkDeployment"); kind != "" {
		kind += " " + text(o, "involvedObject", "name") + " "
	}
	if t := text(o, "type"); t != "Normal" {
		kind += t + " "
	}
	r.note(fmt.Sprintf("%s%s [%s]: %s", kind, text(o, "reason"), text(o, "source", "component"), text(o, "message")))
}

// Changes counts what was noted.
func (r *Recorder) Changes() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changes
}

// Begin forgets what was seen, but for the statuses as they are.
func (r *Recorder) Begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.statuses, r.notes = nil, map[string]bool{}
}

// Seen is what was noted since Begin.
func (r *Recorder) Seen() Seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	var s Seen
	ordered := slices.Clone(r.statuses)
	slices.SortStableFunc(ordered, func(a, b line) int { return strings.Compare(a.of, b.of) })
	for _, l := range ordered {
		s.Statuses = append(s.Statuses, l.text)
	}
	for n := range r.notes {
		s.Notes = append(s.Notes, n)
	}
	slices.Sort(s.Notes)
	return s
}

// Ended says whether the scenario's last status is there, after another one.
func (r *Recorder) Ended(s Scenario) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.Ends == "" {
		return true
	}
	if s.Ends == failing { // a container that ends again and again waits now and then
		return slices.ContainsFunc(r.statuses, func(l line) bool { return l.text == failing })
	}
	of := jobRef.Kind.Kind + "/" + jobRef.Name
	if strings.HasPrefix(s.Ends, sessionRef.Kind.Kind) {
		of = sessionRef.Kind.Kind + "/" + sessionRef.Name
	}
	return slices.ContainsFunc(r.statuses, func(l line) bool { return l.of == of }) &&
		(r.last[of] == s.Ends || strings.HasSuffix(s.Ends, " "+r.last[of]))
}

// normal replaces what is another one each time.
func normal(s string) string {
	for _, p := range changing {
		s = p.re.ReplaceAllString(s, p.as)
	}
	return diff.ReplaceAllStringFunc(s, func(d string) string {
		entries := strings.Split(strings.TrimSuffix(strings.TrimPrefix(d, "Spec["), "])"), ", ")
		slices.Sort(entries)
		return "Spec[" + strings.Join(entries, ", ") + "])"
	})
}

var (
	diff     = regexp.MustCompile(`Spec\[.*\]\)`)
	changing = []struct {
		re *regexp.Regexp
		as string
	}{
		{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "<uid>"},
		{regexp.MustCompile(`\b[0-9a-f]{32}\b`), "<id>"},
		{regexp.MustCompile(`savepoint-[0-9a-f]{6}-[0-9a-f]{12}`), "savepoint-<id>"},
		{regexp.MustCompile(`s3p?://(\S*/)?`), "s3://…/"},
		{regexp.MustCompile(`-\d{13}\b`), "-<ms>"},
		{regexp.MustCompile(`\b` + Name + `-[0-9a-z]{6,10}-[0-9a-z]{5}(\b|_)`), Name + "-<pod>$1"},
		{regexp.MustCompile(`checkpointID-\d+`), "checkpointID-<n>"},
		{regexp.MustCompile(`\S+generated_podTemplate_\d+`), "<file>"},
		{regexp.MustCompile(`taskmanager-\d+-\d+`), "taskmanager-<n>"},
		{regexp.MustCompile(`back-off \S+ `), "back-off <time> "},
	}
)

// Objects are the names of objects, without what is another one each time.
func Objects(list []unstructured.Unstructured) []string {
	var out []string
	for i := range list {
		name := normal(list[i].GetName())
		if list[i].GetKind() == kube.KindPod.Kind && list[i].GetDeletionTimestamp() != nil {
			continue // it ends
		}
		out = append(out, list[i].GetKind()+" "+name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
