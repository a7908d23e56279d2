// SPDX-License-Identifier: Apache-2.0

// Package edits holds one test and no code: what a reviewer reads of twenty edits of a stack's settings. Each is previewed
// offline against the graph of the defaults, by the engine and the providers in this process, and compared with a file
// below testdata.
package edits
