// SPDX-License-Identifier: Apache-2.0

package objects

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// bodies keep the content of objects apart from the account's state.
type bodies interface {
	put(name string, b []byte) error
	get(name string) ([]byte, error)
	remove(name string)
	// sweep removes the bodies that are not to be kept.
	sweep(keep map[string]bool) error
}

type memoryBodies struct {
	mu sync.Mutex
	m  map[string][]byte
}

var _ bodies = (*memoryBodies)(nil)

func (b *memoryBodies) put(name string, body []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.m[name] = slices.Clone(body)
	return nil
}

func (b *memoryBodies) get(name string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	body, ok := b.m[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return slices.Clone(body), nil
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

// dirBodies is a directory with one file per body.
type dirBodies string

var _ bodies = dirBodies("")

func (d dirBodies) put(name string, body []byte) error {
	file := filepath.Join(string(d), name)
	if err := os.WriteFile(file, body, 0o600); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return nil
}

func (d dirBodies) get(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(d), name))
}

// remove leaves a file that cannot be removed to the next sweep.
func (d dirBodies) remove(name string) { _ = os.Remove(filepath.Join(string(d), name)) }

func (d dirBodies) sweep(keep map[string]bool) error {
	entries, err := os.ReadDir(string(d))
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
