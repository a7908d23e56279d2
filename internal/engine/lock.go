// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// LockInfo tells who holds the lock of a stack. A file backend only: for any other the engine's own message does.
type LockInfo struct{ Owners []LockOwner }

// LockOwner is one holder of a lock.
type LockOwner struct {
	PID        int
	User, Host string
	Since      time.Time
	// Stale is set when the owner ran on this host and is certainly gone.
	Stale bool
	// Finishing is set when the owner is an engine of ours whose command was killed: it completes what is in
	// flight, saves the state and goes.
	Finishing bool
	// Path is the lock file.
	Path string
}

// Held tells whether anybody may still be working on the stack.
func (l LockInfo) Held() bool {
	for _, o := range l.Owners {
		if !o.Stale {
			return true
		}
	}
	return false
}

// String names the owner, its machine and process, and since when it holds the lock.
func (o LockOwner) String() string {
	return fmt.Sprintf("%s on %s, pid %d, since %s", o.User, o.Host, o.PID, o.Since.UTC().Format(time.RFC3339))
}

// LockedBy names who holds the lock of the stack, "" = nobody: see Lock.
func (e *Engine) LockedBy(ctx context.Context) (string, error) {
	info, err := e.Lock(ctx)
	by := ""
	for _, o := range info.Owners {
		if !o.Stale {
			by = fmt.Sprintf("%s on %s, process %d", o.User, o.Host, o.PID)
		}
	}
	return by, err
}

// Lock reads the locks of the stack without changing anything.
func (e *Engine) Lock(context.Context) (LockInfo, error) {
	if e.files == nil {
		return LockInfo{}, nil
	}
	dir := e.files.books("locks", "organization", e.files.project, e.files.stack)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return LockInfo{}, nil
	}
	if err != nil {
		return LockInfo{}, fmt.Errorf("read the locks: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return LockInfo{}, fmt.Errorf("read the locks: %w", err)
	}
	var info LockInfo
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".json") {
			continue
		}
		owner, err := readLock(filepath.Join(dir, entry.Name()), host)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return LockInfo{}, err
		}
		owner.Finishing = !owner.Stale && e.orphaned(owner.PID)
		info.Owners = append(info.Owners, owner)
	}
	return info, nil
}

// readLock reads one lock file and judges whether its owner is gone.
func readLock(path, host string) (LockOwner, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return LockOwner{}, fmt.Errorf("read the lock: %w", err)
	}
	var content struct {
		PID       int       `json:"pid"`
		Username  string    `json:"username"`
		Hostname  string    `json:"hostname"`
		Timestamp time.Time `json:"timestamp"`
	}
	if err := json.Unmarshal(raw, &content); err != nil {
		return LockOwner{}, fmt.Errorf("read the lock %s: %w", path, err)
	}
	owner := LockOwner{
		PID: content.PID, User: content.Username, Host: content.Hostname, Since: content.Timestamp, Path: path,
	}
	owner.Stale = content.Hostname == host && !processAlive(content.PID, content.Timestamp)
	return owner, nil
}

// acquireable makes sure that nobody else works on the stack: it removes the locks of owners that are gone, waits for
// an engine that a killed command of ours left behind, and refuses otherwise.
func (e *Engine) acquireable(ctx context.Context, notice func(string)) error {
	announced := false
	for {
		info, err := e.Lock(ctx)
		if err != nil {
			return err
		}
		wait := false
		for _, o := range info.Owners {
			switch {
			case o.Stale:
				if err := os.Remove(o.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return fmt.Errorf("clear a stale lock: %w", err)
				}
				_ = os.Remove(o.Path + ".attrs")
				notice("cleared the lock of a run that is gone: " + o.String())
			case o.Finishing:
				wait = true
				if !announced {
					announced = true
					notice("waiting for the engine of an interrupted run to finish its operations: " + o.String())
				}
			default:
				return lockedFailure(e.opts.Stack, o)
			}
		}
		if !wait {
			return nil
		}
		select {
		case <-ctx.Done():
			return cancelled(ctx, "waiting for the lock", "")
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func lockedFailure(stackName string, o LockOwner) *Failure {
	age := time.Since(o.Since).Round(time.Second)
	return &Failure{
		Code:    CodeLocked,
		Message: fmt.Sprintf("another run works on stack %q: %s (%s ago)", stackName, o, age),
		Hint:    "wait for it; if it is certainly gone: emrflink pulumi cancel --yes --stack " + stackName,
	}
}

// runFile records which command an engine process belongs to.
type runFile struct {
	Engine  int       `json:"engine"`
	Command int       `json:"command"`
	Started time.Time `json:"started"`
}

func (e *Engine) runPath(pid int) string {
	return filepath.Join(e.opts.Home, "run", fmt.Sprintf("%s-%d.json", e.opts.Stack, pid))
}

// recordStart and recordStop keep the run file of an engine process.
func (e *Engine) recordStart(pid int) {
	if e.opts.Ephemeral {
		return
	}
	raw, err := json.Marshal(runFile{Engine: pid, Command: os.Getpid(), Started: time.Now()})
	if err == nil {
		err = writeFileAtomic(e.runPath(pid), raw, 0o600)
	}
	if err != nil {
		e.opts.Logger.Warn("record the engine process", "err", err)
	}
}

func (e *Engine) recordStop(pid int) {
	if !e.opts.Ephemeral {
		_ = os.Remove(e.runPath(pid))
	}
}

// orphaned tells whether the engine process pid belongs to a command of ours that is gone.
func (e *Engine) orphaned(pid int) bool {
	raw, err := os.ReadFile(e.runPath(pid))
	if err != nil {
		return false
	}
	var r runFile
	if err := json.Unmarshal(raw, &r); err != nil {
		return false
	}
	return !processAlive(r.Command, r.Started)
}
