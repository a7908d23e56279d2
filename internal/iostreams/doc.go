// SPDX-License-Identifier: Apache-2.0

// Package iostreams is the terminal: the three standard streams, what is known about them, and everything that is drawn
// on them (colour, glyphs, progress, tables, prompts).
//
// Two rules apply to every user of the package. Standard output contains only what was asked for; everything else goes
// to standard error. A terminal changes decoration, never content: without a terminal there is no colour, no redrawing
// and no prompt, tables are tab-separated, and progress is one line per change with a heartbeat at least every 15
// seconds.
//
// It is the only package that touches os.Stdin, os.Stdout and os.Stderr.
package iostreams
