// SPDX-License-Identifier: Apache-2.0

// Package quick writes code as it is.
package quick

import "io"

// Highlight writes the source, without colours.
func Highlight(w io.Writer, source, _, _, _ string) error {
	_, err := io.WriteString(w, source)
	return err
}
