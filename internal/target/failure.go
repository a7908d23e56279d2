// SPDX-License-Identifier: Apache-2.0

package target

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"emrflink/internal/exitcode"
)

// failure is how a daemon that could not start tells the command that started
// it why: its own terminal is a log file.
type failure struct {
	PID     int    `json:"pid"` // of the process that could not start
	Message string `json:"message"`
	Code    int    `json:"code"` // exit code
}

func (f *failure) Error() string { return "start the local target: " + f.Message }

// Hint is the command that looks at what a start needs.
func (f *failure) Hint() string { return "emrflink doctor" }

// ExitCode is 2 where the fault is in what was asked for, not in the start.
func (f *failure) ExitCode() int { return f.Code }

func failurePath(dir string) string { return filepath.Join(dir, "failed.json") }

// misuse are the causes that a user settles before anything is touched: another
// port, more room, another folder.
var misuse = []error{syscall.EADDRINUSE, syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EACCES}

func writeFailure(dir string, err error) {
	f := failure{PID: os.Getpid(), Message: err.Error(), Code: exitcode.Failed}
	for _, m := range misuse {
		if errors.Is(err, m) {
			f.Code = exitcode.Usage
		}
	}
	if b, err := json.Marshal(f); err == nil {
		_ = os.WriteFile(failurePath(dir), b, 0o600)
	}
}

// readFailure says why the process pid did not serve dir, nil when it left no word.
func readFailure(dir string, pid int) error {
	f := &failure{}
	b, err := os.ReadFile(failurePath(dir))
	if err != nil || json.Unmarshal(b, f) != nil || f.PID != pid {
		return nil
	}
	return f
}
