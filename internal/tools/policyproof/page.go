// SPDX-License-Identifier: Apache-2.0

package main

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

func summary(found []finding) string {
	var unseen []string
	for _, f := range found {
		if f.by == "" {
			unseen = append(unseen, f.Action.Action)
		}
	}
	return fmt.Sprintf("%d actions, %d failures with the action named when it is taken away; not seen: %s", len(found),
		len(found)-len(unseen), strings.Join(unseen, " "))
}

//go:embed heading.md
var heading string

// page is docs/policy.md.
func page(all []finding) string {
	var b strings.Builder
	b.WriteString(heading)
	b.WriteString("| settings | for | actions | failures when one is taken away |\n|---|---|---|---|\n")
	groups := grouped(all)
	for _, g := range groups {
		seen := 0
		for _, f := range g {
			if f.by != "" {
				seen++
			}
		}
		fmt.Fprintf(&b, "| %s | `%s` | %d | %d |\n", g[0].configuration, g[0].purpose, len(g), seen)
	}
	shown := map[string]bool{}
	for _, g := range groups {
		fmt.Fprintf(&b, "\n## %s: %s\n\n| action | known | refused to |\n|---|---|---|\n", g[0].purpose, g[0].configuration)
		for _, f := range g {
			row := string(f.purpose) + f.Action.Action + f.by
			if shown[row] { // of an earlier configuration
				continue
			}
			shown[row] = true
			seen := f.by
			if seen == "" {
				seen = "not seen"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Action.Action, strings.Join(f.Known, ", "), seen)
		}
	}
	return b.String()
}

// grouped puts the findings of one policy together, in their order.
func grouped(all []finding) [][]finding {
	var out [][]finding
	for _, f := range all {
		i := slices.IndexFunc(out, func(g []finding) bool {
			return g[0].configuration == f.configuration && g[0].purpose == f.purpose
		})
		if i < 0 {
			out, i = append(out, nil), len(out)
		}
		out[i] = append(out[i], f)
	}
	return out
}
