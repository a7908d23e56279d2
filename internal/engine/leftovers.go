// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// runFile records which command an engine process belongs to.
type runFile struct {
	Engine  int       `json:"engine"`
	Command int       `json:"command"`
	Started time.Time `json:"started"`
	// Bucket is set when the state is in a bucket: the lock there may outlive the engine, and only this file proves whose it was.
	Bucket bool `json:"bucket,omitempty"`
}

// sweep removes what killed engines and commands left lying about: the records of engine processes that are gone, and, while
// nobody works on the stack, files that were being written and the room that was kept. It costs room at most when it fails.
func (e *Engine) sweep(ctx context.Context) {
	for _, path := range matching(filepath.Join(e.opts.Home, "run", "*.json")) {
		if r, err := readRun(path); err == nil && !r.Bucket && !processAlive(r.Engine, r.Started) {
			remove([]string{path})
		}
	}
	for _, dir := range matching(filepath.Join(e.opts.Home, "run", throwAwayPrefix+"*")) {
		if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > abandoned {
			_ = os.RemoveAll(dir) // it is looked for again the next time
		}
	}
	left := e.leftovers()
	if len(left) == 0 {
		return
	}
	release, err := e.claim(1)
	if err != nil {
		return
	}
	defer release()
	if info, err := e.Lock(ctx); err == nil && !info.Held() {
		remove(left)
	}
}

// leftovers are the files that an operation on the stack removes again when it ends.
func (e *Engine) leftovers() []string {
	work := e.workDir()
	anybodys := []string{
		filepath.Join(work, ".Pulumi.*yaml-*"), filepath.Join(work, ".import.json-*"), filepath.Join(work, "import.json"),
		filepath.Join(work, "plan-*.json"), filepath.Join(work, "settings-*.yaml"),
	}
	var found []string
	if e.files != nil {
		anybodys = append(anybodys, e.files.books("stacks", e.files.project, "."+e.opts.Stack+".json-*"))
		found = append(e.files.own("*.tmp"),
			matching(filepath.Join(e.files.root, ".reserve-"+e.opts.Stack), e.files.safePath()+".new")...)
	}
	// A preview claims nothing, and writes these too: their age tells that it is gone.
	for _, path := range matching(anybodys...) {
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > abandoned {
			found = append(found, path)
		}
	}
	return found
}

// abandoned is the age of a file that no preview works on any more.
const abandoned = time.Hour

func (e *Engine) runPath(pid string) string {
	return filepath.Join(e.opts.Home, "run", e.opts.Stack+"-"+pid+".json")
}

// recordStart and recordStop keep the run file of an engine process. When the state is in a bucket, that of one which failed
// stays.
func (e *Engine) recordStart(pid int) {
	if e.opts.Ephemeral {
		return
	}
	raw, err := json.Marshal(runFile{Engine: pid, Command: os.Getpid(), Started: time.Now(), Bucket: e.files == nil})
	if err == nil {
		err = writeFileAtomic(e.runPath(strconv.Itoa(pid)), raw, 0o600)
	}
	if err != nil {
		e.opts.Logger.Warn("record the engine process", "err", err)
	}
}

func (e *Engine) recordStop(pid int, err error) {
	if !e.opts.Ephemeral && (err == nil || e.files != nil) {
		_ = os.Remove(e.runPath(strconv.Itoa(pid)))
	}
}

func readRun(path string) (r runFile, err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(raw, &r)
}

// orphaned tells whether the engine process pid belongs to a command of ours that is gone.
func (e *Engine) orphaned(pid int) bool {
	r, err := readRun(e.runPath(strconv.Itoa(pid)))
	return err == nil && !processAlive(r.Command, r.Started)
}

// abandonedRuns are the engines of this stack that nobody supervises: those whose command is gone, which end what is in flight
// and go, and those that are gone themselves.
func (e *Engine) abandonedRuns() (ending, gone []LockOwner) {
	for _, path := range matching(e.runPath("*")) {
		r, err := readRun(path)
		if err != nil || path != e.runPath(strconv.Itoa(r.Engine)) {
			continue // half-written, or of a stack whose name begins as this one's
		}
		owner := lockOf("")
		owner.PID, owner.Timestamp = r.Engine, r.Started
		switch {
		case !processAlive(r.Engine, r.Started):
			gone = append(gone, owner.at(path))
		case !processAlive(r.Command, r.Started):
			o := owner.at(path)
			o.Finishing = true
			ending = append(ending, o)
		}
	}
	return ending, gone
}
