// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
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
	// Doing is the command of the owner, "" when that is not known.
	Doing string
	// Finishing is set when the owner is an engine of ours whose command was killed: it completes what is in flight, saves
	// the state and goes; and while a lock is being written.
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
	if o.PID == 0 {
		return fmt.Sprintf("the half-written lock %s, since %s", o.Path, o.Since.UTC().Format(time.RFC3339))
	}
	doing := ""
	if o.Doing != "" {
		doing = o.Doing + " by "
	}
	return fmt.Sprintf("%s%s on %s, pid %d, since %s", doing, o.User, o.Host, o.PID, o.Since.UTC().Format(time.RFC3339))
}

// LockedBy names who is changing the stack, or is about to, "" = nobody: see Lock and Hold.
func (e *Engine) LockedBy(ctx context.Context) (string, error) {
	info, err := e.Lock(ctx)
	if err != nil {
		return "", err
	}
	by := ""
	for _, o := range info.Owners {
		if !o.Stale {
			by = fmt.Sprintf("%s on %s, process %d", o.User, o.Host, o.PID)
		}
	}
	if by == "" && e.files != nil && !e.opts.Hold.held() {
		release, err := e.claim(1)
		var f *Failure
		if errors.As(err, &f) {
			return f.Holder, nil
		}
		if err == nil { // who may only read the folder cannot know
			release()
		}
	}
	return by, nil
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
	var info LockInfo
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".attrs") {
			continue
		}
		owner, err := readLock(filepath.Join(dir, entry.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return LockInfo{}, err
		}
		owner.Finishing = owner.Finishing || !owner.Stale && e.orphaned(owner.PID)
		info.Owners = append(info.Owners, owner)
	}
	return info, nil
}

// lockContent is a lock file as Pulumi writes it.
type lockContent struct {
	PID       int       `json:"pid"`
	Username  string    `json:"username"`
	Hostname  string    `json:"hostname"`
	Timestamp time.Time `json:"timestamp"`
	// Doing is not of Pulumi: the command that claimed the stack.
	Doing string `json:"doing,omitempty"`
	// Key is where a lock in a bucket is, which is not in the lock.
	Key string `json:"key,omitempty"`
}

// unwritten is how long the writer of a lock may take between two instructions.
const unwritten = 5 * time.Second

// readLock reads one lock file and judges whether its owner is gone. The engine writes a lock beside its place, under a name
// that it takes for another lock, and moves it there: a killed one leaves that file, and whatever part of it was written.
func readLock(path string) (LockOwner, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return LockOwner{}, fmt.Errorf("read the lock: %w", err)
	}
	var content lockContent
	if err := json.Unmarshal(raw, &content); err != nil {
		file, err := os.Stat(path)
		if err != nil {
			return LockOwner{}, fmt.Errorf("read the lock: %w", err)
		}
		gone := time.Since(file.ModTime()) > unwritten
		return LockOwner{Since: file.ModTime(), Path: path, Stale: gone, Finishing: !gone}, nil
	}
	host, err := os.Hostname()
	if err != nil {
		return LockOwner{}, fmt.Errorf("read the lock: %w", err)
	}
	owner := content.at(path)
	owner.Stale = owner.Host == host && !processAlive(owner.PID, owner.Since)
	return owner, nil
}

// at is the owner of a lock that was read from path.
func (c lockContent) at(path string) LockOwner {
	return LockOwner{PID: c.PID, User: c.Username, Host: c.Hostname, Since: c.Timestamp, Path: path, Doing: c.Doing}
}

// patient is how often a claim is asked for by who has to have it.
const patient = 20

// claimPrefix begins the names of the files by which stacks are claimed.
const claimPrefix = ".in-use-"

// errInUse says that another process has the lock of a file.
var errInUse = errors.New("another process has it")

// claim makes this command the only one of the machine that changes the stack, until release or its death. Two engines that
// start at the same instant look at the other's half-written lock, and fail with whatever they read there; with this the
// second is never started. A state that is not in a local folder has the engine's own lock alone.
//
// Who only looks has a claim for an instant; tries is how often it is asked for.
func (e *Engine) claim(tries int) (release func(), err error) {
	if e.files == nil {
		return func() {}, nil
	}
	path := filepath.Join(e.files.root, claimPrefix+e.opts.Stack)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return func() {}, nil // there is no folder in which anybody could work
	}
	if err != nil {
		return nil, fmt.Errorf("claim the stack: %w", err)
	}
	for err = lockFile(f); err != nil && tries > 1; tries-- {
		time.Sleep(10 * time.Millisecond)
		err = lockFile(f)
	}
	if err != nil {
		owner, readErr := readLock(path)
		return nil, cmp.Or(errors.Join(readErr, f.Close()), error(lockedFailure(e.opts.Stack, owner)))
	}
	release = func() { _ = errors.Join(f.Truncate(0), unlockFile(f), f.Close()) }
	if err := sign(f, e.opts.Doing); err != nil {
		release()
		return nil, fmt.Errorf("claim the stack: %w", err)
	}
	return release, nil
}

// lockOf is the lock of this process.
func lockOf(doing string) lockContent {
	content := lockContent{PID: os.Getpid(), Timestamp: time.Now(), Doing: doing}
	if u, err := user.Current(); err == nil {
		content.Username = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		content.Hostname = host
	}
	return content
}

// sign writes into a lock file whose it is, for the message that others get.
func sign(f *os.File, doing string) error {
	raw, err := json.Marshal(lockOf(doing))
	if err != nil {
		return err
	}
	_, writeErr := f.WriteAt(raw, 0)
	return errors.Join(f.Truncate(int64(len(raw))), writeErr)
}

// acquire makes sure that nobody else works on the stack, until release: see claim and unlocked. It removes the locks of owners
// that are gone. A bucket is asked for locks only when an engine of ours may have left one: who else works there, the engine's
// own lock tells.
func (e *Engine) acquire(ctx context.Context, notice func(string)) (release func(), err error) {
	release, err = e.claimOr(patient)
	if err != nil {
		return nil, err
	}
	ending, ended := e.abandonedRuns()
	if e.files == nil && len(ending)+len(ended) == 0 {
		return release, nil
	}
	gone, err := e.unlocked(ctx, notice)
	if err == nil {
		err = e.clear(ctx, gone, notice)
	}
	if err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// clear removes locks of owners that are gone, and the records of their engines.
func (e *Engine) clear(ctx context.Context, gone []LockOwner, notice func(string)) error {
	for _, o := range gone {
		var err error
		if e.files == nil {
			_, err = e.run(ctx, locksCommand, e.opts.Project, e.opts.Stack, o.Path)
		} else if err = os.Remove(o.Path); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		if err != nil {
			return fmt.Errorf("clear a stale lock: %w", err)
		}
		notice("cleared the lock of a run that is gone: " + o.String())
	}
	_, ended := e.abandonedRuns()
	for _, o := range ended {
		remove([]string{o.Path})
	}
	return nil
}

// owners are who may be working on the stack. While an engine that a killed command of ours left behind ends, it is the only one
// that is asked about.
func (e *Engine) owners(ctx context.Context) ([]LockOwner, error) {
	ending, ended := e.abandonedRuns()
	if len(ending) > 0 {
		return ending, nil
	}
	if e.files == nil {
		return e.bucketLocks(ctx, ended)
	}
	info, err := e.Lock(ctx)
	return info.Owners, err
}

// unlocked returns the stale locks of a stack on which nobody else works. It changes nothing: it waits for an engine that a
// killed command of ours left behind, and refuses otherwise.
func (e *Engine) unlocked(ctx context.Context, notice func(string)) (gone []LockOwner, err error) {
	announced := false
	for {
		owners, err := e.owners(ctx)
		if err != nil {
			return nil, err
		}
		wait := false
		for _, o := range owners {
			switch {
			case o.Stale:
			case o.Finishing:
				wait = true
				if !announced {
					announced = true
					notice("waiting for the engine of an interrupted run to finish its operations: " + o.String())
				}
			default:
				return nil, lockedFailure(e.opts.Stack, o)
			}
		}
		if !wait {
			return owners, nil
		}
		select {
		case <-ctx.Done():
			return nil, cancelled(ctx, "waiting for the lock", "")
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func lockedFailure(stackName string, o LockOwner) *Failure {
	age := time.Since(o.Since).Round(time.Second)
	return &Failure{
		Code: CodeLocked, Holder: fmt.Sprintf("%s on %s, process %d", o.User, o.Host, o.PID),
		Message: fmt.Sprintf("another run works on stack %q: %s (%s ago)", stackName, o, age),
		Hint:    "wait for it; if it is certainly gone: emrflink pulumi cancel --yes --stack " + stackName,
	}
}
