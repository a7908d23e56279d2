// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"fmt"
	"strings"
)

// Acceptance takes a finding as decided.
type Acceptance struct {
	// Rule is the id of a rule.
	Rule string
	// Resource is a URN or the name of a resource, in which * stands for anything; "" is every resource.
	Resource string
	// Reason says why the risk is taken.
	Reason string
}

// Accept marks what is accepted. An acceptance that matches nothing becomes a finding itself.
func Accept(found []Finding, accepted []Acceptance) []Finding {
	out := append([]Finding{}, found...)
	for i, a := range accepted {
		used := false
		for j, f := range out {
			if f.Rule != a.Rule || !matches(a.Resource, f) {
				continue
			}
			used = true
			if !f.Accepted { // the first one gives the reason
				out[j].Accepted, out[j].Reason = true, a.Reason
			}
		}
		if !used {
			out = append(out, unused(i, a))
		}
	}
	sortFindings(out)
	return out
}

func unused(i int, a Acceptance) Finding {
	what := fmt.Sprintf("acceptedFindings[%d] accepts %s", i, a.Rule)
	if a.Resource != "" {
		what += " of " + a.Resource
	}
	return Finding{
		Rule: UnusedAcceptance, Severity: Low, Path: fmt.Sprintf("acceptedFindings[%d]", i),
		Message: what + ", which is not found",
	}
}

func matches(pattern string, f Finding) bool {
	return pattern == "" || glob(pattern, f.URN) || f.Name != "" && glob(pattern, f.Name)
}

// glob matches a text with a pattern in which * stands for any characters.
func glob(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	rest, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, p)
		if i < 0 {
			return false
		}
		rest = rest[i+len(p):]
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}
