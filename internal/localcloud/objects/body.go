// SPDX-License-Identifier: Apache-2.0

package objects

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Body is the content of an object, to be read and closed. It stays whole when its object is deleted meanwhile.
type Body interface {
	io.ReaderAt
	io.Closer
}

// bodies keep the content of objects apart from the account's state. A body that no document names is no part of the state: so
// one that is still being written needs no other name, and what a killed process leaves is swept.
type bodies interface {
	// create makes a body, which is there once it is closed.
	create(name string) (io.WriteCloser, error)
	open(name string) (Body, error)
	remove(name string)
	// sweep removes the bodies that are not to be kept.
	sweep(keep map[string]bool) error
	// sync brings to the disk what is not there.
	sync() error
}

type memoryBodies struct {
	mu sync.Mutex
	m  map[string][]byte
}

var _ bodies = (*memoryBodies)(nil)

type memoryBody struct {
	bytes.Buffer
	done func([]byte)
}

// Close keeps what was written.
func (b *memoryBody) Close() error {
	b.done(b.Bytes())
	return nil
}

func (b *memoryBodies) create(name string) (io.WriteCloser, error) {
	return &memoryBody{done: func(body []byte) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.m[name] = body
	}}, nil
}

// readerBody is a Body in memory.
type readerBody struct{ *bytes.Reader }

// Close does nothing.
func (readerBody) Close() error { return nil }

func (b *memoryBodies) open(name string) (Body, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	body, ok := b.m[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return readerBody{bytes.NewReader(body)}, nil
}

func (b *memoryBodies) remove(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.m, name)
}

func (b *memoryBodies) sweep(keep map[string]bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.DeleteFunc(b.m, func(name string, _ []byte) bool { return !keep[name] })
	return nil
}

func (b *memoryBodies) sync() error { return nil }

// dirBodies is a directory with one file per body.
type dirBodies struct {
	dir      string
	mu       sync.Mutex
	unsynced map[string]bool // closed, and perhaps not on the disk
}

var _ bodies = (*dirBodies)(nil)

func (d *dirBodies) path(name string) string { return filepath.Join(d.dir, name) }

// fileBody is a file that is written.
type fileBody struct {
	*os.File
	done func()
}

// Close makes the file one that is to be synced.
func (f fileBody) Close() error {
	f.done()
	return f.File.Close()
}

func (d *dirBodies) create(name string) (io.WriteCloser, error) {
	f, err := os.OpenFile(d.path(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return fileBody{f, func() { d.setUnsynced(name) }}, nil
}

func (d *dirBodies) setUnsynced(names ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, name := range names {
		d.unsynced[name] = true
	}
}

func (d *dirBodies) open(name string) (Body, error) { return os.Open(d.path(name)) }

// remove leaves a file that cannot be removed to the next sweep.
func (d *dirBodies) remove(name string) {
	d.mu.Lock()
	delete(d.unsynced, name)
	d.mu.Unlock()
	_ = os.Remove(d.path(name))
}

func (d *dirBodies) sweep(keep map[string]bool) error {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return fmt.Errorf("read object bodies: %w", err)
	}
	for _, e := range entries {
		if !keep[e.Name()] {
			d.remove(e.Name())
		}
	}
	return nil
}

func (d *dirBodies) sync() error {
	d.mu.Lock()
	names := slices.Collect(maps.Keys(d.unsynced))
	clear(d.unsynced)
	d.mu.Unlock()
	if len(names) == 0 {
		return nil
	}
	for _, name := range append(names, ".") { // the directory last: it has their names
		if err := syncFile(d.path(name)); err != nil {
			d.setUnsynced(names...)
			return fmt.Errorf("sync object body: %w", err)
		}
	}
	return nil
}

// syncFile brings a file to the disk; one that was removed meanwhile needs it no more.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
