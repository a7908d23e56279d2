// SPDX-License-Identifier: Apache-2.0

// Package nearest finds the name that a mistyped name was probably meant to be. It is the only place that compares
// spellings, and imports only the standard library, so that every package can use it.
package nearest

import (
	"fmt"
	"strings"
)

// Suggest returns `; the nearest is "x"` for the name of known that is close
// enough to name to be what was meant, or "".
func Suggest(name string, known []string) string {
	if near, ok := Of(name, known); ok {
		return fmt.Sprintf("; the nearest is %q", near)
	}
	return ""
}

// Of returns the member of known with the fewest edits to name, case
// aside, when at most a third of its letters (and two) would have to change.
func Of(name string, known []string) (string, bool) {
	best, cost := "", 3
	if n := len(name) / 3; n >= cost {
		cost = n + 1
	}
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < cost {
			best, cost = k, d
		}
	}
	return best, best != ""
}

// distance is the edit distance of a and b, in bytes: letters that are added, left out, changed, or two that changed places.
func distance(a, b string) int {
	var before, last []int // the rows of the last two letters of a
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, row[j]+1, last[j+1]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
