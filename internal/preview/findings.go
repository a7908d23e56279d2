// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"strings"

	"emrflink/internal/findings"
	"emrflink/internal/plans"
	"emrflink/internal/untyped"
)

// desired is what exists once the plan is carried out.
func desired(plan plans.Plan) []findings.Resource {
	var out []findings.Resource
	for _, s := range plan.Steps {
		if s.New == nil || s.Op == plans.OpRead {
			continue
		}
		out = append(out, findings.Resource{
			URN: s.URN, Type: s.Type, Name: s.Name, Inputs: s.New, Dependencies: s.Dependencies, Exposed: s.Exposed,
		})
	}
	return out
}

// Accept marks the findings that the stack file accepts.
func (r *Report) Accept(accepted []findings.Acceptance) {
	r.Document.Findings = listed(findings.Accept(r.found, accepted))
}

func listed(found []findings.Finding) []Finding {
	out := make([]Finding, 0, len(found))
	for _, f := range found {
		out = append(out, Finding{
			Rule: f.Rule, Severity: f.Severity, URN: f.URN, Path: f.Path, Message: f.Message, Accepted: f.Accepted,
			Reason: f.Reason,
		})
	}
	return out
}

// findingsText writes the findings: what is open first, what is accepted in one line each.
func (r Report) findingsText(p *printer) {
	var open, accepted []Finding
	for _, f := range r.Document.Findings {
		if f.Accepted {
			accepted = append(accepted, f)
			continue
		}
		open = append(open, f)
	}
	if len(open)+len(accepted) == 0 {
		return
	}
	p.line("", "")
	p.line("1", "Findings in the desired graph: %d open, %d accepted", len(open), len(accepted))
	for _, f := range open {
		p.line(severityColour(f.Severity), "  %-6s  %s: %s", f.Severity, f.Rule, described(f))
	}
	for _, f := range accepted {
		p.line("", "  accepted %s: %s (%s)", f.Rule, described(f), f.Reason)
	}
}

func severityColour(severity string) string {
	switch severity {
	case findings.High:
		return "31"
	case findings.Medium:
		return "33"
	}
	return ""
}

// described names the resource of a finding, its property and what is wrong.
func described(f Finding) string {
	var b strings.Builder
	if f.URN != "" {
		b.WriteString(untyped.URNName(f.URN))
		if f.Path != "" {
			b.WriteString(" " + f.Path)
		}
		b.WriteString(": ")
	}
	b.WriteString(f.Message)
	return b.String()
}
