// SPDX-License-Identifier: Apache-2.0

package flinkhome

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// pom has the exact versions that are fetched.
//
//go:embed pom.xml
var pom []byte

//go:embed jars.tsv
var jarsTable string

// jar is a file that Install fetches.
type jar struct {
	path   string // in the home
	bytes  int64
	sha256 string
}

// jars are all files of a fetched home, but for those that are made of them.
var jars = sync.OnceValue(func() []jar { return parseJars(jarsTable) })

// parseJars reads lines of path, bytes and SHA-256. The table is part of the program, and a test reads it: of a line that is
// wrong, nothing would ever be found whole.
func parseJars(table string) []jar {
	var list []jar
	for line := range strings.Lines(table) {
		path, rest, _ := strings.Cut(strings.TrimSpace(line), "\t")
		size, sum, _ := strings.Cut(rest, "\t")
		n, err := strconv.ParseInt(size, 10, 64)
		if err != nil {
			n = -1 // the size of no file
		}
		list = append(list, jar{path: filepath.FromSlash(path), bytes: n, sha256: sum})
	}
	return list
}

// FetchedBytes is how much the jars take.
func FetchedBytes() int64 { return sum(jars()) }

func sum(list []jar) int64 {
	var n int64
	for _, j := range list {
		n += j.bytes
	}
	return n
}

// whole compares a fetched home with the table: each jar's size, and its content when thorough.
func (h Home) whole(list []jar, thorough bool) error {
	var errs []error
	for _, j := range list {
		if err := j.check(h.Dir, thorough); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 3 {
		errs = append(errs[:3], fmt.Errorf("and %d more", len(errs)-3))
	}
	return errors.Join(errs...)
}

func (j jar) check(dir string, thorough bool) error {
	info, err := os.Stat(filepath.Join(dir, j.path))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing", j.path)
	}
	if err != nil {
		return err
	}
	if info.Size() != j.bytes {
		return fmt.Errorf("%s has %d bytes, not %d", j.path, info.Size(), j.bytes)
	}
	if !thorough {
		return nil
	}
	sum, err := digest(filepath.Join(dir, j.path))
	if err == nil && sum != j.sha256 {
		err = fmt.Errorf("%s has the SHA-256 %s, not %s", j.path, sum, j.sha256)
	}
	return err
}

func digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() // it was only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
