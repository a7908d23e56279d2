// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"emrflink/internal/awskind"
	"emrflink/internal/graph"
)

// act is what happens to a resource, in the words of the reports.
type act struct {
	op   string // as in Step.Op, or mayReplace
	word string
	mark string
}

// mayReplace is the op of an update that may turn into a replacement, mayBe its place in acts.
const (
	mayReplace = "may-replace"
	mayBe      = 2
)

// acts are the things that can happen to a resource, the gravest first.
var acts = [...]act{
	{"delete", "delete", "-"},
	{"replace", "replace", "+-"},
	{mayReplace, "may replace", "?"},
	{"update", "update", "~"},
	{"create", "create", "+"},
}

// actOf is the place of a step in acts; len(acts) for one that changes nothing.
func actOf(s Step) int {
	op := s.Op
	if op == "update" && s.MayReplace {
		op = mayReplace
	}
	for i, a := range acts {
		if a.op == op {
			return i
		}
	}
	return len(acts)
}

// isLoud tells whether something is lost by the step, or may be. What exists in the state only, a component or a
// provider, destroys nothing.
func isLoud(s Step) bool { return actOf(s) <= mayBe && s.Destroys != "" }

// lossSteps are the loud ones, the gravest act first, then by what hurts most.
func lossSteps(steps []Step) []Step {
	var out []Step
	for _, s := range steps {
		if isLoud(s) {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, graver)
	return out
}

// graver compares two steps: the gravest act is first, then what hurts most, or what takes longest to make.
func graver(a, b Step) int {
	weight := func(s Step) int {
		if actOf(s) > mayBe {
			k, _ := awskind.OfType(s.Type)
			return -int(k.Create)
		}
		if n := typeGravity(s.Type); n >= 0 {
			return n
		}
		return math.MaxInt
	}
	return cmp.Or(cmp.Compare(actOf(a), actOf(b)), cmp.Compare(weight(a), weight(b)))
}

// gravest is the last gravity of what holds something that no deploy brings back: keys, buckets, clusters, networks, namespaces
// and node groups.
const gravest = 60

// Grave are the steps that delete or replace, or may replace, what holds something that no deploy brings back: a deploy does not
// carry them out without being told so of each.
func (r Report) Grave() []Step {
	return slices.DeleteFunc(lossSteps(r.Document.Steps), func(s Step) bool {
		rank := typeGravity(s.Type)
		return rank < 0 || rank > gravest
	})
}

// lossSentence counts what is lost.
func lossSentence(d Document) string {
	n := countActs(lossSteps(d.Steps))
	var parts []string
	for i, verb := range []string{
		"deleted", "deleted and created anew", "deleted and created anew if a value that is not known yet differs",
	} {
		if n[i] > 0 {
			parts = append(parts, thousands(n[i])+" "+verb)
		}
	}
	return strings.Join(parts, ", ")
}

func countActs(steps []Step) [len(acts) + 1]int {
	var n [len(acts) + 1]int
	for _, s := range steps {
		n[actOf(s)]++
	}
	return n
}

// forcedBy are the properties that force a replacement, or may.
func forcedBy(s Step) []string {
	if s.Op == "update" {
		return s.MayReplaceReasons
	}
	return s.ReplaceReasons
}

// graphNodes are the steps as the picture draws them.
func graphNodes(d Document) []graph.Node {
	out := make([]graph.Node, 0, len(d.Steps))
	for _, s := range d.Steps {
		out = append(out, graph.Node{
			URN: s.URN, Type: s.Type, Name: s.Name, Parent: s.Parent, DependsOn: s.DependsOn, Op: s.Op, May: s.MayReplace,
		})
	}
	return out
}

// modeSentence says what the desired graph was compared with.
func modeSentence(d Document) string {
	switch d.Mode {
	case ModeOffline:
		return "Compared with nothing: the desired graph only, every resource is new."
	case ModeBaseline:
		text := "Compared with a baseline, not with the cloud."
		if d.NotCompared > 0 {
			text += " Taken as unchanged: " + some(d.NotCompared, "value") +
				" that only a deployment gives, from the same resources as before."
		}
		return text
	case ModeDeployed:
		return "Compared with the deployed stack."
	}
	return ""
}

// amount is a line of the table of costs.
type amount struct{ What, Hour, Month string }

// amounts are the costs before and after, and the change.
func amounts(c Cost) []amount {
	return []amount{
		{"before", money(c.HourlyUSD.Before, 4), money(c.MonthlyUSD.Before, 2)},
		{"after", money(c.HourlyUSD.After, 4), money(c.MonthlyUSD.After, 2)},
		{"change", withSign(money(c.HourlyUSD.Delta, 4)), withSign(money(c.MonthlyUSD.Delta, 2))},
	}
}

func money(v float64, places int) string {
	if v < 0 {
		return "-" + money(-v, places)
	}
	whole, fraction, _ := strings.Cut(fmt.Sprintf("%.*f", places, v), ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return "$" + whole + "." + fraction
}

// withSign shows a difference with its sign, whatever it is.
func withSign(text string) string {
	if strings.HasPrefix(text, "-") {
		return text
	}
	return "+" + text
}

// thousands shows a count as 2,000.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// some says "1 resource", "2,000 resources".
func some(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return thousands(n) + " " + what + "s"
}
