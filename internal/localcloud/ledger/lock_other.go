// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package ledger

import (
	"errors"
	"os"
)

// lockDir refuses: without an advisory lock two processes could write one journal.
func lockDir(string) (*os.File, error) {
	return nil, errors.New("a state directory needs a Unix system")
}
