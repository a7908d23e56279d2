// SPDX-License-Identifier: Apache-2.0

package cmdutil

import (
	"fmt"

	"emrflink/internal/iostreams"
)

// PrintSimulated says on standard error what stood in for the real thing. Under --output json the document carries
// the same lines as "simulated".
func PrintSimulated(ios *iostreams.IOStreams, lines []string) {
	p := ios.ErrPalette()
	for _, l := range lines {
		_, _ = fmt.Fprintf(ios.ErrOut, "%s %s\n", p.Yellow("simulated:"), l)
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

// USD prints US dollars with cents, small hourly prices with the digits that they have.
func USD(v float64) string {
	switch {
	case v != 0 && v < 0.1 && v > -0.1:
		return fmt.Sprintf("$%.4f", v)
	default:
		return fmt.Sprintf("$%.2f", v)
	}
}
