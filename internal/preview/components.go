// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"fmt"
	"strings"

	"emrflink/internal/cost"
	"emrflink/internal/graph"
)

// act is what happens to a resource, in the words of the reports.
type act struct {
	op   string // as in Step.Op, or mayReplace
	word string
	mark string
}

// mayReplace is the op of an update that may turn into a replacement.
const mayReplace = "may-replace"

// acts are the things that can happen to a resource, the gravest first.
var acts = [...]act{
	{"delete", "delete", "-"},
	{"replace", "replace", "+-"},
	{mayReplace, "may replace", "?"},
	{"update", "update", "~"},
	{"create", "create", "+"},
}

// gravity is the place of a step in acts; len(acts) for one that changes nothing.
func gravity(s Step) int {
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

// isLoud tells whether something is lost by the step, or may be.
func isLoud(s Step) bool { return gravity(s) <= gravity(Step{Op: "update", MayReplace: true}) }

// lossSentence counts what is lost.
func lossSentence(d Document) string {
	n := countActs(d.Steps)
	var parts []string
	for i, verb := range []string{"deleted", "deleted and created anew", "deleted and created anew if a value that is not known yet differs"} {
		if n[i] > 0 {
			parts = append(parts, thousands(n[i])+" "+verb)
		}
	}
	return strings.Join(parts, ", ")
}

func countActs(steps []Step) [len(acts) + 1]int {
	var n [len(acts) + 1]int
	for _, s := range steps {
		n[gravity(s)]++
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
func modeSentence(mode string) string {
	switch mode {
	case ModeOffline:
		return "Compared with nothing: the desired graph alone, every resource is new."
	case ModeBaseline:
		return "Compared with a saved baseline, not with the cloud."
	case ModeDeployed:
		return "Compared with the deployed stack."
	}
	return ""
}

// prices shows an amount, an amount per hour from the one per month.
func prices(monthly float64) (month, hour string) {
	return money(monthly, 2), money(monthly/cost.HoursPerMonth, 3)
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
