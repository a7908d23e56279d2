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
		c(`\b(NodeClaim "?[a-z-]+)-[a-z0-9]{5}\b`, "$1-<hash>"),
		c(`\b(flink-[a-z-]+)-[a-z0-9]{5}\b( +kubernetes NodeClaim)`, "$1-<hash>$2"),
		c(`\(\d+ bytes`, "(<n> bytes"),
		c(`\bchk-\d+`, "chk-<n>"),
		c(`(\b(?:done in|took|usually|after|deployed stack \S+ in) )(?:\d+(?:\.\d+)?(?:ms|s|m|h))+`, "${1}<time>"),
	}
}

// normal returns the text as any other run would print it, with its tab-separated tables aligned, as a terminal shows
// them. folders are replaced by what they stand for.
func normal(text string, folders map[string]string) string {
	for folder, word := range folders {
		text = strings.ReplaceAll(text, folder, word)
	}
	text = align(text)
	for _, c := range changes() {
		text = c.find.ReplaceAllString(text, c.by)
	}
	return text
}

// align lays out every run of lines that carry tabs as one table.
func align(text string) string {
	var out strings.Builder
	var table []string
	flush := func() {
		w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
		for _, l := range table {
			_, _ = w.Write([]byte(l))
		}
		_ = w.Flush()
		table = nil
	}
	for line := range strings.Lines(text) {
		if strings.Contains(line, "\t") {
			table = append(table, line)
			continue
		}
		flush()
		out.WriteString(line)
	}
	flush()
	var trimmed strings.Builder
	for line := range strings.Lines(out.String()) {
		trimmed.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return trimmed.String()
}
