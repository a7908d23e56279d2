// SPDX-License-Identifier: Apache-2.0

// Package internal holds packages that other programs cannot import. It has no code of its own: its test checks which
// of the packages below it may import which.
package internal
