// SPDX-License-Identifier: Apache-2.0

// Package iostreams is the terminal: the three standard streams, what is known about them, and everything that is
// drawn on them (colour, glyphs, progress, tables, prompts).
//
// Two rules hold for every user of the package. Standard output carries what was asked for and nothing else;
// everything said along the way goes to standard error. A terminal changes decoration, never content: off a
// terminal there is no colour, no redrawing and no prompt, tables are tab-separated, and progress is one line per
// change with a heartbeat at least every 15 seconds.
//
// It is the only package that touches os.Stdin, os.Stdout and os.Stderr.
package iostreams
