// SPDX-License-Identifier: Apache-2.0

// Package styles keeps styles by name.
package styles

import "github.com/alecthomas/chroma"

// Registry has the styles that were registered; none is built in.
var Registry = map[string]*chroma.Style{}

// Register adds a style.
func Register(s *chroma.Style) *chroma.Style {
	Registry[s.Name] = s
	return s
}
