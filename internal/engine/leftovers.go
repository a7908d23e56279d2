// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// runFile records which command an engine process belongs to.
type runFile struct {
	Engine  int       `json:"engine"`
	Command int       `json:"command"`
	Started time.Time `json:"started"`
}

// sweep removes what killed engines and commands left lying about: the records of engine processes that are gone, and, while
// nobody works on the stack, files that were being written and the room that was kept. It costs room at most when it fails.
func (e *Engine) sweep(ctx context.Context) {
	for _, path := range matching(filepath.Join(e.opts.Home, "run", "*.json")) {
		if r, err := readRun(path); err == nil && !processAlive(r.Engine, r.Started) {
			remove([]string{path})
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
		filepath.Join(work, "plan-*.json"),
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

func readRun(path string) (r runFile, err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(raw, &r)
}

// orphaned tells whether the engine process pid belongs to a command of ours that is gone.
func (e *Engine) orphaned(pid int) bool {
	r, err := readRun(e.runPath(pid))
	return err == nil && !processAlive(r.Command, r.Started)
}
