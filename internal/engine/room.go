// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"math"

	"emrflink/internal/disk"
)

// minimumFree is what a deployment of the default blueprint writes, several times over: the state is rewritten after
// every step, each time beside its predecessor and its backup.
const minimumFree = 32 << 20

// Room refuses to start when the state could not be saved: a full disk in the middle would stop the run and leave what
// was made last to be looked up by the next one. It touches nothing, so it can be asked before anything else is begun.
// States that are not in a local folder are not measured.
func (e *Engine) Room() error {
	if e.files == nil {
		return nil
	}
	dir, err := disk.Existing(e.files.root)
	if err != nil {
		return fmt.Errorf("look for free space: %w", err)
	}
	free, err := e.free(dir)
	if err != nil {
		return fmt.Errorf("look for free space: %w", err)
	}
	need := uint64(minimumFree) + e.opts.Reserve + 4*uint64(e.files.size())
	if free >= need {
		return nil
	}
	return &Failure{
		Code: CodeNoSpace,
		Message: fmt.Sprintf("only %d MiB are free for the state in %s, %d MiB are needed; nothing was changed",
			free>>20, e.files.root, (need+1<<20-1)>>20),
		Hint: "free some space, or choose another place with --state or EMRFLINK_HOME",
	}
}

// Check refuses to start when the state could not be saved, or cannot be read. It touches nothing.
func (e *Engine) Check() error {
	if err := e.Room(); err != nil || e.files == nil {
		return err
	}
	if _, err := e.recorded(); err != nil && !errors.Is(err, ErrNoStack) {
		return err
	}
	return nil
}

// freeBytes returns how many bytes may still be written to the file system of dir. Where the system does not say, there
// is room.
func freeBytes(dir string) (uint64, error) {
	free, err := disk.Free(dir)
	if errors.Is(err, disk.ErrUnknown) {
		return math.MaxUint64, nil
	}
	return free, err
}
