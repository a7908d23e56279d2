// SPDX-License-Identifier: Apache-2.0

// Package quick writes code as it is.
package quick

import (
	"io"

	"github.com/alecthomas/chroma/quick"
)

// Highlight writes the source, without colours.
func Highlight(w io.Writer, source, lexer, formatter, style string) error {
	return quick.Highlight(w, source, lexer, formatter, style)
}
