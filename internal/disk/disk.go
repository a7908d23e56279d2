// SPDX-License-Identifier: Apache-2.0

// Package disk says how much space is free for a folder that may not exist yet, and replaces files.
package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrUnknown is Free's error where the system does not say.
var ErrUnknown = errors.New("free space cannot be read on this system")

// Existing finds the nearest folder that exists: the folders of this tool are made on first use.
func Existing(path string) (string, error) {
	for {
		_, err := os.Stat(path)
		if err == nil {
			return path, nil
		}
		parent := filepath.Dir(path)
		if !errors.Is(err, fs.ErrNotExist) || parent == path {
			return "", err
		}
		path = parent
	}
}

// Replace writes a file of mode 0600 in one step: who reads it finds the old content or the new one.
func Replace(path string, body []byte) error {
	return swap(path, body, func(*os.File) error { return nil })
}

// swap puts a new file in the place of a path, after finish. Two at once have a file each: the later one wins.
func swap(path string, body []byte, finish func(*os.File) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(body)
	if err = errors.Join(err, finish(tmp), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	return err
}
