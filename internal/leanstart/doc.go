// SPDX-License-Identifier: Apache-2.0

// Package leanstart has the modules that replace slow starters among our dependencies, each in a folder with a go.mod
// of its own; docs/adr/0005-lean-start.md says why. The package itself is where they are tested.
package leanstart
