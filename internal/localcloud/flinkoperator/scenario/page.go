// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Detailed is the scenario after which objects are compared by what they consist of.
const Detailed = "create"

// Differences are all of a recording: of each scenario that both have, and of the objects' details.
func Differences(r Recording) (all []Difference) {
	for _, s := range Table() {
		a, in := r.Real[s.Name]
		b, both := r.StandIn[s.Name]
		if in && both {
			all = append(all, Compare(s.Name, a, b)...)
		}
	}
	return append(all, CompareDetails(r.RealDetails, r.StandInDetails)...)
}

// Equal counts the scenarios that both operators were taken through, and those without a difference but those of every job.
func Equal(r Recording) (equal, compared int) {
	for _, s := range Table() {
		a, in := r.Real[s.Name]
		b, both := r.StandIn[s.Name]
		if !in || !both {
			continue
		}
		compared++
		if len(special(Compare(s.Name, a, b))) == 0 {
			equal++
		}
	}
	return equal, compared
}

// Plant changes what the stand-in showed, in one place at a time, and demands that each change is reported.
func Plant(r Recording) (planted int, err error) {
	seen, ok := r.StandIn[Detailed]
	if !ok || len(seen.Notes) == 0 || len(seen.Objects) == 0 {
		return 0, fmt.Errorf("there is no recording of %q to plant a difference in", Detailed)
	}
	other := append([]string{"Planted [Job]: x"}, seen.Notes[1:]...)
	details := func(add string) map[string][]string { return map[string][]string{"ConfigMap planted": {add}} }
	for what, found := range map[string][]Difference{
		"an event's text":  Compare(Detailed, seen, Seen{seen.Statuses, other, seen.Objects}),
		"a missing status": Compare(Detailed, seen, Seen{seen.Statuses[:len(seen.Statuses)-1], seen.Notes, seen.Objects}),
		"a missing object": Compare(Detailed, seen, Seen{seen.Statuses, seen.Notes, seen.Objects[1:]}),
		"a setting":        CompareDetails(details("setting planted: a"), details("setting planted: b")),
	} {
		if len(Unexplained(found)) == 0 {
			err = errors.Join(err, fmt.Errorf("a planted difference is not reported: %s", what))
		}
		planted++
	}
	return planted, err
}

// Page is the table of a recording for the documentation.
func Page(r Recording) string {
	all := Differences(r)
	equal, compared := Equal(r)
	var b strings.Builder
	fmt.Fprintf(&b, head, r.Operator, r.Flink, compared, equal, compared-equal)
	for _, s := range Table() {
		theirs, in := r.Real[s.Name]
		mine, both := r.StandIn[s.Name]
		if !in {
			continue
		}
		verdict := "equal"
		if !both {
			verdict, mine = "equal, with simulated JobManagers: it was not taken through it with Flink", theirs
		} else if n := len(special(Compare(s.Name, theirs, mine))); n > 0 {
			verdict = fmt.Sprintf("differs: [below](#%s)", anchor(s.Name))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", s.Name, s.Action, cell(theirs.Statuses, mine.Statuses),
			cell(theirs.Notes, mine.Notes), verdict)
	}
	b.WriteString("\n## Differences of every job\n\n| what | only | why |\n|---|---|---|\n")
	once := map[string]bool{}
	for _, d := range all {
		row := fmt.Sprintf("| `%s` | %s | %s |\n", escaped(d.What), d.Only, reason(d))
		if (d.Always || d.Scenario == "") && !once[row] {
			once[row] = true
			b.WriteString(row)
		}
	}
	last := ""
	for _, d := range special(all) {
		if d.Scenario == "" {
			continue
		}
		if d.Scenario != last {
			last = d.Scenario
			fmt.Fprintf(&b, "\n## %s\n\n", last)
		}
		fmt.Fprintf(&b, "- only %s: `%s`: %s\n", d.Only, escaped(d.What), reason(d))
	}
	return b.String()
}

func escaped(s string) string { return strings.NewReplacer("`", "'", "|", "\\|").Replace(s) }

func reason(d Difference) string {
	if d.Why == "" {
		return "**not explained**"
	}
	return d.Why
}

func anchor(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, ",", ""), " ", "-") }

// cell lists, and puts into brackets what the stand-in did not show.
func cell(list, other []string) string {
	var out []string
	for _, s := range list {
		text := strings.NewReplacer(" ", "&nbsp;", "|", "&#124;", "<", "&lt;").Replace(shorter(s))
		if !slices.Contains(other, s) {
			text = "[" + text + "]"
		}
		out = append(out, text)
	}
	return strings.Join(out, "<br>")
}

// shorter leaves out what all events have in common.
func shorter(s string) string {
	s = strings.Replace(s, "JobStatusChanged [Job]: Job status changed ", "", 1)
	s = strings.Replace(s, ", starting reconciliation.", "", 1)
	if r := []rune(s); len(r) > 160 {
		return string(r[:157]) + "..."
	}
	return s
}

const head = `# The operator of the local target beside the real one

EMR's operator is closed. The open-source one that it is made of, release %s, and the stand-in of the local target are taken
through the same scenarios, one after the other, on the same local target: the same Kubernetes API server, and jobs in the same
Flink %s, JVM processes of this machine. Each row has what the real operator showed: every change of lifecycle, state of
the job, JobManager and reconciliation, of session jobs and snapshots by their names, and its events and errors, each once. What
the stand-in did not show, as it looks at other moments, is in [brackets]. ` +
	"`make referee-operator`" + ` writes this page; a test takes
the stand-in through what a simulated JobManager can show, and fails when it shows anything else than the real one did.

%d scenarios: %d equal but for what is different of every job, %d with differences of their own; all are explained below.

| scenario | what was done | statuses | events and errors | the stand-in |
|---|---|---|---|---|
`
