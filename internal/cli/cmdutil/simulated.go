// SPDX-License-Identifier: Apache-2.0

package cmdutil

import (
	"fmt"
	"io"

	"emrflink/internal/cost"
	"emrflink/internal/iostreams"
)

// PrintSimulated says on standard error what stood in for the real thing, each line once in a run. Under --output json the
// document carries the same lines as "simulated".
func PrintSimulated(ios *iostreams.IOStreams, lines []string) {
	p := ios.ErrPalette()
	for _, l := range lines {
		if ios.First(l) {
			_, _ = fmt.Fprintf(ios.ErrOut, "%s %s\n", p.Yellow("simulated:"), l)
		}
	}
}

// List returns the list, or an empty one: JSON documents carry no null lists.
func List[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// Count says how many there are of something: "1 resource", "12 resources".
func Count(n int, singular, plural string) string {
	if n == 1 {
		return "1 " + singular
	}
	return fmt.Sprintf("%d %s", n, plural)
}

// PerHour prints a price in US dollars per hour: all prices have the digits that the smallest of them needs.
func PerHour(v float64) string { return fmt.Sprintf("$%.4f", v) }

// PerMonth prints what a price per hour is in a month.
func PerMonth(perHour float64) string { return fmt.Sprintf("$%.2f", cost.Monthly(perHour)) }

// PrintNotIncluded says what is in no sum of prices: one line, a line each with --verbose.
func PrintNotIncluded(w io.Writer, label string, list []string, verbose bool) {
	for _, n := range cost.ByUse(list, verbose) {
		_, _ = fmt.Fprintf(w, "%s: %s\n", label, n)
	}
}
