// SPDX-License-Identifier: Apache-2.0

// Package zxcvbn estimates how hard a value is to guess. It takes the place of a module of the same name which Pulumi's
// `config set` links, and which unpacks its dictionaries whenever a process starts, whatever it is started for
// (docs/adr/0005-lean-start.md). It has what Pulumi calls and nothing else.
package zxcvbn

import (
	"math"
	"unicode/utf8"
)

// Strength is the estimate for one value.
type Strength struct {
	// Entropy is in bits.
	Entropy float64
}

// PasswordStrength estimates a value by its length and its kinds of characters. That is the original's upper bound:
// without dictionaries it says "this may be a secret" more often, and never where the original would say that it is
// none. The other arguments, words of the user's and filters of the original's matchers, would only lower it.
func PasswordStrength(password string, _ []string, _ ...any) Strength {
	var length, alphabet float64
	seen := [len(alphabets)]bool{}
	for _, c := range password {
		length++
		for i, a := range alphabets {
			if c >= a.first && c <= a.last {
				if !seen[i] {
					seen[i], alphabet = true, alphabet+a.size
				}
				break
			}
		}
	}
	return Strength{Entropy: length * math.Log2(max(alphabet, 1))}
}

// alphabets are the kinds of characters, with how many of each one would have to try. The first that fits counts.
var alphabets = [...]struct {
	first, last rune
	size        float64
}{
	{'a', 'z', 26},
	{'A', 'Z', 26},
	{'0', '9', 10},
	{0, 127, 33},
	{128, utf8.MaxRune, 100},
}
