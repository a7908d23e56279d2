// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Writer writes a whole file that the user named; mode is that of a new one.
type Writer func(content []byte, mode fs.FileMode) error

// To writes to a path as a user means it. A device or a pipe is written to; a link stays, and what it points to is written; a
// regular file is replaced in one step and keeps its mode, so that a reader sees the old content or the new one.
func To(path string) Writer {
	return func(content []byte, mode fs.FileMode) error {
		if err := write(path, content, mode); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
		return nil
	}
}

func write(path string, content []byte, mode fs.FileMode) error {
	path, err := followed(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("it is a folder")
	case !info.Mode().IsRegular():
		return into(path, content)
	default:
		mode = info.Mode().Perm()
	}
	return swap(path, content, func(f *os.File) error { return errors.Join(f.Chmod(mode), f.Sync()) })
}

// into writes to what is there and is no regular file. It makes nothing: the path of a device that is gone is no file.
func into(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

// followed is the path behind links, also one at which there is nothing yet. The links of /proc to open files lead to no path,
// and stay.
func followed(path string) (string, error) {
	for range 40 { // as many as Linux follows
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode()&fs.ModeSymlink == 0 {
			return path, nil
		}
		if err != nil {
			return "", err
		}
		next, err := os.Readlink(path)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(next) {
			next = filepath.Join(filepath.Dir(path), next)
		}
		if _, err := os.Lstat(next); errors.Is(err, fs.ErrNotExist) {
			if there, err := os.Stat(path); err == nil && !there.Mode().IsRegular() {
				return path, nil // such as /proc/self/fd/1 -> pipe:[123]
			}
		}
		path = next
	}
	return "", errors.New("too many links")
}
