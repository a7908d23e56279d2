// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/encoding"
)

const (
	// reserveSize is the room that a running operation keeps for its last states.
	reserveSize = 8 << 20
	// lowWater is when the disk counts as full: the operation is stopped and the reserve given back.
	lowWater = 4 << 20
	// guardEvery is the pause between two looks. It is short because a state that a full disk spoils may be as young as
	// one step of the engine; a look costs two system calls.
	guardEvery = 5 * time.Millisecond
)

// errDiskFull ends an operation whose state could soon not be saved any more.
var errDiskFull = errors.New("the disk of the state folder is full")

// guard protects the state file of a running operation from a disk that fills up.
//
// The engine puts a state in place only when it was written to the end. A network disk may still lose the end of it, and
// Pulumi's own backend, which writes what is imported, puts in place what it could write. So the guard holds a hard link to the
// last state that looked whole; it stops the operation as soon as little space is left, and gives back a reserve, so that what is
// in flight can still be recorded.
type guard struct {
	e             *Engine
	reserve, safe string
	seen          os.FileInfo // the state that was looked at last
	full          bool
	done, ended   chan struct{}
}

// guarded starts the guard; the context it returns ends with errDiskFull as its cause. stop ends the guard, restores a
// state that was spoilt, and tells whether the disk was full.
func (e *Engine) guarded(ctx context.Context) (_ context.Context, stop func() (full bool, err error)) {
	if e.files == nil {
		return ctx, func() (bool, error) { return false, nil }
	}
	ctx, cancel := context.WithCancelCause(ctx)
	g := &guard{
		e: e, done: make(chan struct{}), ended: make(chan struct{}),
		reserve: filepath.Join(e.files.root, ".reserve-"+e.opts.Stack), safe: e.files.safePath(),
	}
	if err := os.WriteFile(g.reserve, make([]byte, reserveSize), 0o600); err != nil {
		e.opts.Logger.Warn("keep room for the state", "err", err)
	}
	go g.watch(cancel)
	return ctx, func() (bool, error) {
		close(g.done)
		<-g.ended
		cancel(nil)
		return g.full, g.finish()
	}
}

func (s fileState) safePath() string { return filepath.Join(s.root, ".last-"+s.stack+".json") }

func (g *guard) watch(cancel context.CancelCauseFunc) {
	defer close(g.ended)
	tick := time.NewTicker(guardEvery)
	defer tick.Stop()
	for {
		g.keep()
		if free, err := g.e.free(g.e.files.root); err == nil && free < lowWater && !g.full {
			g.full = true
			cancel(errDiskFull)
			_ = os.Remove(g.reserve)
		}
		select {
		case <-g.done:
			return
		case <-tick.C:
		}
	}
}

// keep links the present state when it is a new one and looks whole. The engine never changes a state in place.
func (g *guard) keep() {
	path, _ := g.e.files.path()
	info, err := os.Stat(path)
	if err != nil || info.Size() == 0 || g.seen != nil && os.SameFile(info, g.seen) && info.ModTime().Equal(g.seen.ModTime()) {
		return
	}
	next := g.safe + ".new"
	_ = os.Remove(next)
	if err := os.Link(path, next); err != nil {
		return // a file system without links: the engine's own backup has to do
	}
	if !looksWhole(next, strings.HasSuffix(path, encoding.JSONExt)) || os.Rename(next, g.safe) != nil {
		_ = os.Remove(next)
	}
	g.seen = info
}

// looksWhole tells by its end whether a state was written to the end. To parse it after each of a thousand writes would take
// longer than the writes; finish does that once. The end of a compressed one tells nothing.
func looksWhole(path string, plain bool) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	end := make([]byte, 64)
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return false
	}
	n, err := f.ReadAt(end, max(0, size-int64(len(end))))
	if err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	return n > 0 && !plain || bytes.HasSuffix(bytes.Join(bytes.Fields(end[:n]), nil), []byte("}}"))
}

// finish gives the reserve back and puts the last whole state in the place of a spoilt one. The state was whole when
// the guard began.
func (g *guard) finish() error {
	_ = os.Remove(g.reserve)
	path, _ := g.e.files.path()
	_, spoilt := g.e.files.last.parse(path)
	if spoilt == nil {
		_ = os.Remove(g.safe)
		return nil
	}
	for _, last := range []string{g.safe, path + ".bak"} {
		if _, err := parseState(last); err != nil {
			continue
		}
		if err := os.Rename(last, path); err != nil {
			return fmt.Errorf("restore the last state that was saved: %w", err)
		}
		g.e.opts.Logger.Warn("the state could not be saved: the last saved state is restored", "path", path)
		return nil
	}
	return &Failure{
		Code: CodeStateCorrupt, Hint: restoreHint(g.e.opts.Stack, g.e.files.copies()),
		Message: fmt.Sprintf("the state file %s was damaged while it was written: %v", path, spoilt),
	}
}

// diskFull describes an operation that a full disk ended.
func (e *Engine) diskFull(op string, err error) *Failure {
	raw := err.Error()
	var f *Failure
	if errors.As(err, &f) {
		raw = f.Raw
	}
	return &Failure{
		Code: CodeDiskFull, Raw: raw,
		Message: fmt.Sprintf(
			"the disk of the state folder %s is full; the %s was stopped, and what was done so far is in the state",
			e.files.root, op),
		Hint: "free some space, then run the same command again: it finds out how the operations in progress ended",
	}
}
