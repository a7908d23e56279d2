// SPDX-License-Identifier: Apache-2.0

// Package internal holds what is not for other programs. It has no code of its own: its test enforces which of the
// packages below it may import which.
package internal
