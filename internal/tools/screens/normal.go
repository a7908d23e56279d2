// SPDX-License-Identifier: Apache-2.0

package main

import (
	"regexp"
	"strings"
	"text/tabwriter"
)

// change replaces what a pattern finds.
type change struct {
	find *regexp.Regexp
	by   string
}

// changes make two runs print the same. The order matters: a longer form comes before one that is in it.
func changes() []change {
	c := func(find, by string) change { return change{regexp.MustCompile(find), by} }
	return []change{
		c(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\b`, "<time>"),
		c(`\b\d{8}T\d{6}Z-([a-z-]+)-\d+\.jsonl`, "<time>-$1-<pid>.jsonl"),
		c(`127\.0\.0\.1:\d+`, "127.0.0.1:<port>"),
		c(`\b(process|pid) \d+`, "$1 <pid>"),
		c(`\bip-\d+-\d+-\d+-\d+\.`, "ip-<address>."),
		c(`\b((?:i|lt|eni|sg|subnet|vol|vpc|vpce|rtb|rtbassoc|igw|nat|eipalloc|sgrule)-)[0-9a-f]{8,17}\b`, "${1}<id>"),
		c(`\bsgrule-\d+`, "sgrule-<id>"),
		c(`/[0-9a-f]{32}/`, "/<job id>/"),
		c(`/id/[0-9A-F]{32}`, "/id/<id>"),
		c(`\b([a-z][a-z0-9-]*)-[0-9a-f]{9,10}-[a-z0-9]{5}\b`, "$1-<hash>"),
		c(`-role-[0-9a-f]{7}\b`, "-role-<hash>"),
		c(`\b(NodeClaim\s"?[a-z-]+)-[a-z0-9]{5}\b`, "$1-<hash>"),
		c(`\b([a-z-]+)-[a-z0-9]{5}(\tkubernetes NodeClaim)`, "$1-<hash>$2"),
		c(`\(\d+ bytes`, "(<n> bytes"),
		c(`\bfree-space: [\d.]+ GiB`, "free-space: <n> GiB"),
		c(`\bchk-\d+`, "chk-<n>"),
		c(`(\b(?:done in|took|usually|after|deployed stack \S+ in) )(?:\d+(?:\.\d+)?(?:ms|s|m|h))+`, "${1}<time>"),
	}
}

// normal returns the text as any other run would print it. folders are replaced by what they stand for.
func normal(text string, folders map[string]string) string {
	for folder, word := range folders {
		text = strings.ReplaceAll(text, folder, word)
	}
	for _, c := range changes() {
		text = c.find.ReplaceAllString(text, c.by)
	}
	return text
}

// align lays out every run of lines that carry tabs as one table, as a terminal shows it. Lines that say how much is
// left out do not end a table.
func align(lines []string) []string {
	var out []string
	for i := 0; i < len(lines); {
		end := i
		for end < len(lines) && (strings.Contains(lines[end], "\t") || end > i && strings.HasPrefix(lines[end], omission)) {
			end++
		}
		if end == i {
			out = append(out, strings.TrimRight(lines[i], " "))
			i++
			continue
		}
		out = append(out, table(lines[i:end])...)
		i = end
	}
	return out
}

func table(lines []string) []string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, l := range lines {
		if strings.Contains(l, "\t") {
			_, _ = w.Write([]byte(l + "\n"))
		}
	}
	_ = w.Flush() // a strings.Builder takes everything
	rows := strings.Split(b.String(), "\n")
	out := make([]string, 0, len(lines))
	for _, l := range lines {
		if strings.Contains(l, "\t") {
			l, rows = strings.TrimRight(rows[0], " "), rows[1:]
		}
		out = append(out, l)
	}
	return out
}
