// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// markdown renders a document and checks what holds for every comment.
func markdown(t require.TestingT, d Document) string {
	var a, b bytes.Buffer
	require.NoError(t, Markdown(&a, d))
	require.NoError(t, Markdown(&b, d))
	require.Equal(t, a.String(), b.String(), "the same document gives the same bytes")
	text := a.String()
	require.LessOrEqual(t, len(text), MarkdownBudget)
	require.True(t, utf8.ValidString(text))
	require.True(t, strings.HasPrefix(text, Marker(d.Stack)+"\n"))
	wellFormed(t, text)
	return text
}

var span = regexp.MustCompile("^`+")

// visible takes the code spans out of a line, as CommonMark finds them: a run of backticks ends at the next run of the
// same length.
func visible(line string) string {
	var out strings.Builder
	for line != "" {
		open := span.FindString(line)
		if open == "" {
			out.WriteByte(line[0])
			line = line[1:]
			continue
		}
		line = line[len(open):]
		for rest := line; ; {
			i := strings.IndexByte(rest, '`')
			if i < 0 {
				out.WriteString(open) // never closed: it is text
				break
			}
			rest = rest[i:]
			end := span.FindString(rest)
			rest = rest[len(end):]
			if end == open {
				line = rest
				break
			}
		}
	}
	return out.String()
}

// wellFormed checks that fences and elements are balanced, and that nothing outside of code means anything that is
// not ours.
func wellFormed(t require.TestingT, text string) {
	own := regexp.MustCompile(`^(<!-- emrflink preview: [\w.-]* -->|</?(details|summary|b|code)>)`)
	fence, depth := "", 0
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if fence != "" {
			if line == fence {
				fence = ""
			} else {
				require.Regexp(t, `^[-+! ] `, line)
				require.NotContains(t, line, fence)
			}
			continue
		}
		if strings.HasPrefix(line, "```") && strings.HasSuffix(line, "diff") {
			fence = strings.TrimSuffix(line, "diff")
			continue
		}
		line = visible(line)
		depth += strings.Count(line, "<details>") - strings.Count(line, "</details>")
		require.GreaterOrEqual(t, depth, 0)
		// The summaries hold names as escaped HTML in code elements.
		line = regexp.MustCompile(`<code>[^<]*</code>`).ReplaceAllString(line, "")
		for i := range line {
			if line[i] == '<' {
				require.Regexp(t, own, line[i:])
			}
		}
		require.NotContains(t, line, "@")
		require.NotContains(t, line, "://")
		require.NotContains(t, strings.TrimLeft(line, "# "), "#")
	}
	require.Empty(t, fence, "a fence is open at the end")
	require.Zero(t, depth, "a details element is open at the end")
}

// nasty are texts that would break out if they could.
var nasty = []string{
	"plain", "", "|", `\|`, "`", "``` ", "`````", "</details>", "<script>alert(1)</script>", "<!-- -->", "@everyone", "see #1",
	"https://example.com", "a\nb", "```\n</details>\n@user", "\r\n```diff", "日本語のテキスト", "🙂", "\u202eevil",
	"\x00\x1b[31m", "\xff\xfe", "a & b",
	`{"a":"` + "`" + `"}`, "$(x)", "- x", "~~~",
}

// document2000 changes 2,000 policies of so many statements, one in twenty of which differs.
func document2000(statements int) Document {
	d := Document{
		Stack: "big", Findings: []Finding{}, Mode: ModeDeployed, Cost: Cost{PricesAsOf: "2026-01-01", Region: "us-west-2"},
	}
	d.Steps = append(d.Steps, Step{URN: "stack", Type: "pulumi:pulumi:Stack", Name: "big", Op: "same"})
	ops := []string{"create", "update", "update", "update", "replace", "update", "delete", "create", "update", "update"}
	for i := range 2000 {
		team := fmt.Sprintf("team-%02d", i/50)
		if i%50 == 0 {
			d.Steps = append(d.Steps, Step{URN: team, Type: "emrflink:team:Team", Name: team, Op: "same", Parent: "stack"})
		}
		s := Step{
			URN: fmt.Sprintf("%s::%d", team, i), Type: "aws:iam/policy:Policy", Name: fmt.Sprintf("%s-policy-%d", team, i),
			Op: ops[i%10], Parent: team, MayReplace: i%10 == 5, MayReplaceReasons: []string{"name"}, Destroys: "the policy",
		}
		switch s.Op {
		case "replace":
			s.ReplaceReasons = []string{"name"}
			d.Summary.Replace++
		case "update":
			d.Summary.Update++
		case "create":
			d.Summary.Create++
		case "delete":
			d.Summary.Delete++
		}
		s.Diff = []Diff{
			{Path: "policy", Kind: "update", Old: policy(i, statements, "old"), New: policy(i, statements, "new")},
			{Path: `tags["` + nasty[i%len(nasty)] + `"]`, Kind: "add", New: nasty[(i+7)%len(nasty)]},
		}
		d.Steps = append(d.Steps, s)
	}
	return d
}

// policy is a large IAM policy.
func policy(seed, statements int, word string) string {
	var parts []string
	for i := range statements {
		action := "s3:GetObject"
		if i%20 == seed%20 {
			action = "s3:PutObject-" + word
		}
		parts = append(parts,
			fmt.Sprintf(`{"Sid":"Statement%d","Effect":"Allow","Action":[%q],"Resource":"arn:aws:s3:::bucket/日本/%d/*"}`, i,
				action, i))
	}
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(parts, ",") + `]}`
}

func TestACommentOfTwoThousandChangesFits(t *testing.T) {
	t.Parallel()
	text := markdown(t, document2000(60))
	require.Greater(t, len(text), MarkdownBudget*3/4, "the room that there is gets used")
	require.Contains(t, text, "| **400** | **1,200** | **200** | **200** | 0 |")
	require.Contains(t, text,
		"**200 deleted, 200 deleted and created anew, 200 deleted and created anew if a value that is not known yet differs.**")
	require.Regexp(t, `\d+ of 2,000 changed resources are shown with their diff, \d+ by name; the rest is in the artifact`, text)
	require.Regexp(t, `\d+ of 600 resources are shown; the rest is in the artifact`, text)
	require.True(t, strings.Contains(text, `-           "s3:PutObject-old"`))
}

func TestACommentKeepsToItsRulesWhateverTheDocument(t *testing.T) {
	t.Parallel()
	word := rapid.OneOf(rapid.SampledFrom(nasty), rapid.String(),
		rapid.Map(rapid.SampledFrom(nasty), func(s string) string { return strings.Repeat(s, 200) }))
	value := rapid.OneOf(
		rapid.Map(word, func(s string) any { return s }),
		rapid.Map(rapid.MapOf(word, word), func(m map[string]string) any {
			out := map[string]any{}
			for k, v := range m {
				out[k] = v
			}
			return out
		}),
		rapid.Map(rapid.IntRange(1, 40), func(n int) any { return policy(n, n, "x") }),
		rapid.Just[any](nil))
	rapid.Check(t, func(rt *rapid.T) {
		d := Document{
			Stack: word.Draw(rt, "stack"), Mode: word.Draw(rt, "mode"), Findings: []Finding{},
			Cost: Cost{
				PricesAsOf: word.Draw(rt, "date"), Region: word.Draw(rt, "region"),
				NotIncluded: rapid.SliceOf(word).Draw(rt, "not"),
			},
		}
		for i := range rapid.IntRange(0, 30).Draw(rt, "steps") {
			s := Step{
				URN: fmt.Sprint("urn::", i), Type: word.Draw(rt, "type"), Name: word.Draw(rt, "name"),
				Parent:     fmt.Sprint("urn::", rapid.IntRange(-1, 9).Draw(rt, "parent")),
				Op:         rapid.SampledFrom([]string{"create", "update", "replace", "delete", "same", "read"}).Draw(rt, "op"),
				MayReplace: rapid.Bool().Draw(rt, "may"), ReplaceReasons: rapid.SliceOfN(word, 0, 9).Draw(rt, "why"),
				Destroys: word.Draw(rt, "destroys"),
			}
			for range rapid.IntRange(0, 4).Draw(rt, "diffs") {
				s.Diff = append(s.Diff, Diff{
					Path: word.Draw(rt, "path"),
					Kind: rapid.SampledFrom([]string{"add", "delete", "update", "update-replace"}).Draw(rt, "kind"),
					Old:  value.Draw(rt, "old"), New: value.Draw(rt, "new"),
				})
			}
			d.Steps = append(d.Steps, s)
		}
		for range rapid.IntRange(0, 25).Draw(rt, "findings") {
			d.Findings = append(d.Findings, Finding{
				Rule: word.Draw(rt, "rule"), Severity: "high", URN: word.Draw(rt, "urn"), Path: word.Draw(rt, "at"),
				Message: word.Draw(rt, "message"), Accepted: rapid.Bool().Draw(rt, "accepted"), Reason: word.Draw(rt, "reason"),
			})
		}
		markdown(rt, d)
	})
}

func TestALongTextIsComparedByLines(t *testing.T) {
	t.Parallel()
	old, now := policy(3, 30, "old"), policy(3, 30, "new")
	var got []string
	for _, l := range stepLines(Step{Diff: []Diff{{Path: "policy", Kind: "update", Old: old, New: now}}}, nil) {
		got = append(got, l.String())
	}
	text := strings.Join(got, "\n")
	require.Contains(t, text, "-           \"s3:PutObject-old\"\n+           \"s3:PutObject-new\"")
	require.Contains(t, text, "lines are the same")
	require.Less(t, len(got), 30)
	require.Contains(t, got[0], "policy:")
}

func TestWhatIsComparedIsNeitherLostNorInvented(t *testing.T) {
	t.Parallel()
	line := rapid.SampledFrom([]string{"a", "b", "c", "d"})
	rapid.Check(t, func(rt *rapid.T) {
		old, now := rapid.SliceOf(line).Draw(rt, "old"), rapid.SliceOf(line).Draw(rt, "new")
		var before, after []string
		for _, l := range compareLines(old, now) {
			if l.mark != '+' {
				before = append(before, l.text)
			}
			if l.mark != '-' {
				after = append(after, l.text)
			}
		}
		require.Equal(rt, strings.Join(old, ""), strings.Join(before, ""))
		require.Equal(rt, strings.Join(now, ""), strings.Join(after, ""))
	})
}

func TestTheMarkerCannotBeEnded(t *testing.T) {
	t.Parallel()
	require.Equal(t, "<!-- emrflink preview: dev-1.a_b -->", Marker("dev-1.a_b"))
	require.Equal(t, "<!-- emrflink preview: a--__b_ -->", Marker("a-->\nb@"))
}
