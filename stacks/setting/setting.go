// SPDX-License-Identifier: Apache-2.0

// Package setting describes the settings of a stack, for code that lists them without running the program: it imports
// nothing. Package stacks has the list.
package setting

// Key is one configuration key of the project.
type Key struct {
	// Name is the key, Type its type in words.
	Name, Type string
	// Default is the default value as a stack file spells it, Doc what the key means, Example another value.
	Default, Doc, Example string
}
