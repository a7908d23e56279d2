// SPDX-License-Identifier: Apache-2.0

// Package pattern has regular expressions that are compiled at their first use: a deploy starts the program half a
// dozen times, and most of those starts use none.
package pattern

import (
	"regexp"
	"sync"
)

// Lazy returns the function that compiles expr once. A wrong expression panics at its first use, so each needs a test.
func Lazy(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
