// SPDX-License-Identifier: Apache-2.0

package cmdutil

import (
	"fmt"
	"io"
	"strings"

	"emrflink/internal/check"
	"emrflink/internal/iostreams"
)

// Verdict sums checks up.
type Verdict struct {
	Errors, Warnings int
	Exit             int // exit code: ExitOK, ExitUsage, or ExitDenied when an error is about credentials
}

// Judge counts the problems.
func Judge(checks []check.Check) Verdict {
	var v Verdict
	for _, c := range checks {
		switch c.Status {
		case check.Error:
			v.Errors++
			v.Exit = max(v.Exit, ExitUsage)
			if c.Denied {
				v.Exit = ExitDenied
			}
		case check.Warning:
			v.Warnings++
		}
	}
	return v
}

// String is the verdict in words.
func (v Verdict) String() string {
	text := "no problem found"
	if v.Errors > 0 {
		text = Count(v.Errors, "problem", "problems") + " found"
	}
	if v.Warnings > 0 {
		text += ", " + Count(v.Warnings, "warning", "warnings")
	}
	return text
}

// merged makes one line of checks in a row that were left out for one reason.
func merged(checks []check.Check) []check.Check {
	var out []check.Check
	for _, c := range checks {
		if n := len(out) - 1; n >= 0 && c.Status == check.Skipped && out[n].Status == c.Status && out[n].What == c.What &&
			out[n].Why == c.Why {
			out[n].ID += ", " + c.ID
			continue
		}
		out = append(out, c)
	}
	return out
}

// PrintChecks prints checks with the cause and the fix of each problem.
func PrintChecks(w io.Writer, p iostreams.Palette, g iostreams.Glyphs, checks []check.Check) {
	for _, c := range merged(checks) {
		mark := p.Green(g.Done)
		switch c.Status {
		case check.Warning:
			mark = p.Yellow("!")
		case check.Error:
			mark = p.Red(g.Failed)
		case check.Skipped:
			mark = p.Dim("-")
		}
		_, _ = fmt.Fprintf(w, "%s %-7s  %s: %s\n", mark, c.Status, c.ID, c.What)
		if c.Why != "" {
			_, _ = fmt.Fprintf(w, "           why: %s\n", c.Why)
		}
		if c.Fix != "" {
			_, _ = fmt.Fprintf(w, "           fix: %s\n", strings.ReplaceAll(c.Fix, "\n", "\n                "))
		}
	}
}
