// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"fmt"
	"io"
	"strings"

	"emrflink/internal/untyped"
)

// MarkdownBudget is the most bytes that Markdown writes. GitHub refuses a comment of more than 65,536 characters
// ("Body is too long (maximum is 65536 characters)", https://docs.github.com/rest/issues/comments); GitLab takes about
// a million (https://docs.gitlab.com/administration/instance_limits/). Bytes are never fewer than characters, and the
// rest is for what a workflow adds.
const MarkdownBudget = 60_000

// Shares of the budget, for what may be long. The details get what is left.
const (
	loudShare     = 18_000
	findingShare  = 9_000
	costShare     = 3_000
	footReserve   = 800
	maxName       = 120 // characters of a name, a type or a reason
	maxReasons    = 6
	maxRemark     = 300
	maxStackTitle = 100
)

// Marker is the hidden first line of the comment, by which a workflow finds its own comment to update it.
func Marker(stack string) string {
	safe := strings.Map(func(r rune) rune {
		if r == '.' || r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_' // no stack name has another one; nothing can end the comment
	}, stack)
	return "<!-- emrflink preview: " + first(safe, maxStackTitle) + " -->"
}

// Markdown writes the plan as one comment for a review on GitHub or GitLab: counts and cost, what is lost, findings,
// then the diffs as far as they fit into MarkdownBudget. What was left out is counted.
func Markdown(w io.Writer, d Document) error {
	m := &comment{doc: d, rows: rowsOf(d)}
	m.head()
	m.loud()
	m.findings()
	m.cost()
	m.details(MarkdownBudget - footReserve - m.b.Len())
	_, err := io.WriteString(w, m.b.String())
	return err
}

// comment is a comment in the making.
type comment struct {
	b    strings.Builder
	doc  Document
	rows map[string]row
}

func (m *comment) add(format string, args ...any) { fmt.Fprintf(&m.b, format, args...) }

func (m *comment) head() {
	s := m.doc.Summary
	m.add("%s\n", Marker(m.doc.Stack))
	title := "no change"
	if n := s.Create + s.Update + s.Replace + s.Delete; n > 0 {
		title = some(n, "change")
	}
	m.add("## Preview of stack %s: %s\n\n", codeSpan(first(m.doc.Stack, maxStackTitle)), title)
	if mode := modeSentence(m.doc); mode != "" {
		m.add("%s\n\n", mode)
	}
	a := amounts(m.doc.Cost)
	cost := a[1].Month + " (" + a[2].Month + ")"
	if m.doc.Cost.PricesAsOf == "" {
		cost = "no prices"
	}
	m.add("| create | update | replace | delete | unchanged | cost per month |\n|--:|--:|--:|--:|--:|--:|\n")
	m.add("| %s | %s | %s | %s | %s | %s |\n\n", bold(s.Create), bold(s.Update), bold(s.Replace), bold(s.Delete),
		thousands(s.Same), cost)
}

// bold makes a count stand out unless it is 0.
func bold(n int) string {
	if n == 0 {
		return "0"
	}
	return "**" + thousands(n) + "**"
}

// loud shows what is lost: as many lines as fit, and always how many there are.
func (m *comment) loud() {
	sentence := lossSentence(m.doc)
	if sentence == "" {
		return
	}
	m.add("> [!CAUTION]\n> **%s.** What these resources hold is lost with them.\n\n", sentence)
	var rows []string
	for _, s := range lossSteps(m.doc.Steps) {
		rows = append(rows, fmt.Sprintf("| **%s** | %s %s | %s | %s |\n",
			strings.ToUpper(acts[actOf(s)].word), cellSpan(s.Type), cellSpan(s.Name), reasonSpans(forcedBy(s)),
			prose(s.Destroys)))
	}
	m.table("| | resource | forced by | what is lost |\n|---|---|---|---|\n", rows, loudShare, "resource")
}

// table writes rows as far as they fit into a share of the budget, and says how many do not.
func (m *comment) table(head string, rows []string, share int, what string) {
	m.add("%s", head)
	size := len(head)
	for i, row := range rows {
		if size += len(row); size > share {
			m.add("\n%s of %s are shown; %s\n", thousands(i), some(len(rows), what), elsewhere)
			break
		}
		m.add("%s", row)
	}
	m.add("\n")
}

// elsewhere says where everything is.
const elsewhere = "the rest is in the artifact (`emrflink preview --output html`)."

// reasonSpans lists properties.
func reasonSpans(reasons []string) string {
	var parts []string
	for i, r := range reasons {
		if i == maxReasons {
			parts = append(parts, fmt.Sprintf("%d more", len(reasons)-i))
			break
		}
		parts = append(parts, cellSpan(r))
	}
	return strings.Join(parts, ", ")
}

func (m *comment) findings() {
	count := map[string]int{}
	accepted := 0
	var rows []string
	for pass := range 2 { // those that somebody accepted come last
		for _, f := range m.doc.Findings {
			if f.Accepted != (pass == 1) {
				continue
			}
			state := f.Severity
			if f.Accepted {
				accepted++
				state = "accepted: " + f.Reason
			} else {
				count[f.Severity]++
			}
			where := "" // of the stack as a whole
			if f.URN != "" {
				where = cellSpan(untyped.URNName(f.URN))
			}
			if f.Path != "" {
				where += " " + cellSpan(f.Path)
			}
			rows = append(rows, fmt.Sprintf("| %s | %s | %s | %s |\n", prose(state), cellSpan(f.Rule), where, prose(f.Message)))
		}
	}
	if len(rows) == 0 {
		return
	}
	var parts []string
	for _, severity := range []string{"high", "medium", "low"} {
		if n := count[severity]; n > 0 {
			parts = append(parts, thousands(n)+" "+severity)
		}
	}
	if accepted > 0 {
		parts = append(parts, thousands(accepted)+" accepted")
	}
	m.add("### Findings: %s\n\n", strings.Join(parts, ", "))
	m.table("| severity | rule | resource | finding |\n|---|---|---|---|\n", rows, findingShare, "finding")
}

func (m *comment) cost() {
	c := m.doc.Cost
	m.add("### Cost\n\n")
	if c.PricesAsOf == "" {
		m.add("There are no prices for %s.\n\n", codeSpan(c.Region))
		return
	}
	m.add("| | per hour | per month |\n|---|--:|--:|\n")
	a := amounts(c)
	for _, row := range a[:2] {
		m.add("| %s | %s | %s |\n", row.What, row.Hour, row.Month)
	}
	m.add("| **%s** | **%s** | **%s** |\n\n", a[2].What, a[2].Hour, a[2].Month)
	m.add("List prices of %s in %s; a month has 730 hours.\n\n", prose(c.PricesAsOf), codeSpan(c.Region))
	var rows []string
	for _, u := range c.Unpriced {
		rows = append(rows, "- no price: "+prose(u)+"\n")
	}
	for _, n := range c.NotIncluded {
		rows = append(rows, "- not included: "+prose(n)+"\n")
	}
	if len(rows) > 0 {
		m.add("<details><summary>Not in these figures: %s</summary>\n\n", some(len(rows), "item"))
		m.table("", rows, costShare, "item")
		m.add("</details>\n\n")
	}
}
