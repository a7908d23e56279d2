// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"regexp"
	"slices"
	"strings"
)

// Difference is something that only one of the two operators showed.
type Difference struct {
	Scenario string // "" of the objects' details
	Only     string // Real or StandIn
	What     string
	Why      string // "" when nobody has explained it
	Always   bool   // it is explained for every job
}

// Who showed something.
const (
	Real    = "the real operator"
	StandIn = "the stand-in"
)

// Compare lists what is different between two operators in a scenario, but for what either may miss: an operator looks at a job
// now and then, and what the job passes through between two looks it does not show.
func Compare(scenario string, a, b Seen) []Difference {
	var out []Difference
	if x, y := essence(a.Statuses), essence(b.Statuses); !slices.Equal(x, y) {
		out = append(out, explain(scenario, Real, "statuses "+strings.Join(x, ", ")),
			explain(scenario, StandIn, "statuses "+strings.Join(y, ", ")))
	}
	out = append(out, compareSets(scenario, lasting(a.Notes), lasting(b.Notes))...)
	return append(out, compareSets(scenario, plain(a.Objects), plain(b.Objects))...)
}

// CompareDetails lists what the objects of a job have that those of the other operator's have not.
func CompareDetails(a, b map[string][]string) []Difference {
	flat := func(m map[string][]string) (all []string) {
		for name, lines := range m {
			for _, l := range lines {
				all = append(all, normal(name+": "+l))
			}
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	return compareSets("", flat(a), flat(b))
}

// plain is a list without what is another one each time.
func plain(list []string) (out []string) {
	for _, s := range list {
		out = append(out, normal(s))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func compareSets(scenario string, a, b []string) (out []Difference) {
	for _, s := range a {
		if !slices.Contains(b, s) {
			out = append(out, explain(scenario, Real, s))
		}
	}
	for _, s := range b {
		if !slices.Contains(a, s) {
			out = append(out, explain(scenario, StandIn, s))
		}
	}
	return out
}

// passing are the statuses of a job on its way between two others.
var passing = regexp.MustCompile(`^(FlinkSessionJob \S+ )?\S+ (INITIALIZING|CREATED|CANCELLING|` +
	`RECONCILING READY|RECONCILING None) ?|^(FlinkSessionJob \S+ )?None None None None$|` +
	`^SUSPENDED RECONCILING MISSING DEPLOYED$|^FlinkStateSnapshot \S+ (None|IN_PROGRESS|TRIGGER_PENDING)$`)

// essence is a list of statuses without those that are passed through.
func essence(list []string) (out []string) {
	for _, s := range list {
		last := ""
		if len(out) > 0 {
			last = out[len(out)-1]
		}
		if passing.MatchString(s) || s == last {
			continue
		}
		if between.MatchString(s) && (last == "" || last == failing || last == waiting && s == waiting) {
			continue
		}
		out = append(out, s)
		if n := len(out); n >= 4 && out[n-1] == out[n-3] && out[n-2] == out[n-4] {
			out = out[:n-2] // a JobManager that ends again and again
		}
	}
	return out
}

// waiting is a JobManager that ended and is started again, until it has ended again: the two come and go.
const waiting = "DEPLOYED RECONCILING DEPLOYING DEPLOYED"

var between = regexp.MustCompile("^(" + waiting + "|" + failing + ")$")

var jobStatus = regexp.MustCompile(`Job status changed from \S+ to (\S+)$`)

// lasting are notes without those of what is passed through.
func lasting(list []string) (out []string) {
	for _, s := range list {
		s = normal(s)
		switch m := jobStatus.FindStringSubmatch(s); {
		case strings.HasSuffix(s, "Job Not Found"): // the moment between a JobManager's first answer and its job
			continue
		case m == nil:
		case slices.Contains([]string{"INITIALIZING", "CREATED", "CANCELLING", "RECONCILING"}, m[1]):
			continue
		default:
			s = jobStatus.ReplaceAllString(s, "Job status changed to $1")
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// special are the differences that are not those of every job.
func special(list []Difference) []Difference {
	return slices.DeleteFunc(slices.Clone(list), func(d Difference) bool { return d.Always })
}

// Unexplained are the differences that nobody has explained.
func Unexplained(list []Difference) (out []Difference) {
	for _, d := range list {
		if d.Why == "" {
			out = append(out, d)
		}
	}
	return out
}

func explain(scenario, only, what string) Difference {
	d := Difference{Scenario: scenario, Only: only, What: what}
	for _, e := range explained {
		if (e.scenario == "" || e.scenario == scenario) && (e.only == "" || e.only == only) && e.what.MatchString(what) {
			d.Why, d.Always = e.why, e.scenario == ""
			return d
		}
	}
	return d
}
