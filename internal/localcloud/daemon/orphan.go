// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// kubeLock is the file that localkube locks for its life, with its process id in it.
	kubeLock = "localkube.lock"
	// orphanPatience is how long a control plane whose daemon died may take to see that and stop by itself.
	orphanPatience = 5 * time.Second
	// lockPoll is the pause between two looks at a lock.
	lockPoll = 20 * time.Millisecond
	// killPatience is how long the kernel may take to end a process.
	killPatience = 5 * time.Second
)

// endOrphan ends the control plane that a daemon which died left in dir, and returns when nobody works there any more.
// It stops by itself, since its standard input has ended; one that hangs is killed.
func endOrphan(ctx context.Context, dir string) error {
	lock := filepath.Join(dir, kubeLock)
	if awaitFree(ctx, lock, orphanPatience) {
		return nil
	}
	err := signalHolder(lock, dir, syscall.SIGKILL)
	if err == nil && !awaitFree(ctx, lock, killPatience) {
		err = errLivesOn
	}
	if err != nil && ctx.Err() == nil && held(lock) {
		return fmt.Errorf("end the control plane that an earlier run left (process %d): %w", readPID(lock), err)
	}
	return ctx.Err()
}

var errLivesOn = errors.New("it lives on")

// awaitFree waits until nobody holds a lock; false when somebody still does at the end.
func awaitFree(ctx context.Context, lock string, most time.Duration) bool {
	deadline := time.Now().Add(most)
	for held(lock) {
		if ctx.Err() != nil || time.Now().After(deadline) {
			return false
		}
		time.Sleep(lockPoll)
	}
	return true
}

// readPID is the id that the holder of a lock wrote into it, 0 when there is none.
func readPID(lock string) int {
	b, _ := os.ReadFile(lock)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	return pid
}

// signalHolder sends a signal to the process that holds a lock and wrote its id there. The id of a process that does not
// work in dir is that of an earlier holder, which the system has given to another program: that one is left alone.
func signalHolder(lock, dir string, sig syscall.Signal) error {
	pid := readPID(lock)
	if pid <= 1 || !worksIn(pid, dir) {
		return fmt.Errorf("%q is locked, and by whom cannot be told: end the process yourself", lock)
	}
	return syscall.Kill(pid, sig)
}

// worksIn says whether dir is the working directory of a process. Where that cannot be known, the lock is believed.
func worksIn(pid int, dir string) bool {
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		_, err := os.Stat("/proc/self/cwd")
		return err != nil
	}
	dir, err = filepath.EvalSymlinks(dir)
	return err == nil && dir == cwd
}
