// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !darwin

package doctor

import "errors"

// freeBytes is not supported here; the check says so.
func freeBytes(string) (uint64, error) {
	return 0, errors.New("free space cannot be read on this system")
}
