// SPDX-License-Identifier: Apache-2.0

// Package styles keeps styles by name.
package styles

import (
	"github.com/alecthomas/chroma"
	"github.com/alecthomas/chroma/styles"
)

// Register adds a style.
func Register(s *chroma.Style) *chroma.Style { return styles.Register(s) }
