// SPDX-License-Identifier: Apache-2.0

// Package podlog keeps what containers print, in the format that container runtimes write for a kubelet: each line has its time,
// its stream, F for a whole line or P for a part of a long one, and the text. A file that grows too large is moved aside once.
package podlog

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// The streams of a container.
const (
	Stdout = "stdout"
	Stderr = "stderr"
)

const (
	// mostLine is how much of a line is kept in one piece, as container runtimes do.
	mostLine = 16 << 10
	// mostFile is the size at which a kubelet rotates by default. A reader sees the file of now, as with a kubelet.
	mostFile = 10 << 20
)

// stamp is the form of times, those of a kubelet's API too.
const stamp = "2006-01-02T15:04:05.000000000Z07:00"

// Log is the log of a container that is being written.
type Log struct {
	path string
	most int64

	mu      sync.Mutex
	file    *os.File
	size    int64
	pending map[string][]byte // stream -> the line that has no end yet
}

// Open appends to a log, which is made when it is new, with its folder.
func Open(path string) (*Log, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of a log: %w", err)
	}
	l := &Log{path: path, most: mostFile, pending: map[string][]byte{}}
	return l, l.open()
}

func (l *Log) open() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open a log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open a log: %w", cmp.Or(f.Close(), err))
	}
	l.file, l.size = f, info.Size()
	return nil
}

// Stream takes what is printed to one of the streams.
func (l *Log) Stream(name string) io.Writer { return stream{l, name} }

type stream struct {
	log  *Log
	name string
}

// Write writes the lines that are whole and keeps the rest.
func (s stream) Write(p []byte) (int, error) {
	l := s.log
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := append(l.pending[s.name], p...)
	for {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		tag := "F"
		switch {
		case len(line) > mostLine:
			line, after, tag = rest[:mostLine], rest[mostLine:], "P"
		case !whole:
			l.pending[s.name] = rest
			return len(p), nil
		}
		if err := l.line(s.name, tag, line); err != nil {
			return 0, err
		}
		rest = after
	}
}

func (l *Log) line(stream, tag string, text []byte) error {
	if l.size > l.most {
		if err := l.rotate(); err != nil {
			return err
		}
	}
	n, err := fmt.Fprintf(l.file, "%s %s %s %s\n", time.Now().UTC().Format(stamp), stream, tag, text)
	l.size += int64(n)
	return err
}

// rotate moves the file aside, in the place of the one that was moved before.
func (l *Log) rotate() error {
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("close a log: %w", err)
	}
	if err := os.Rename(l.path, l.path+".1"); err != nil {
		return fmt.Errorf("move a log aside: %w", err)
	}
	return l.open()
}

// Close writes the lines that have no end.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, text := range l.pending {
		if len(text) > 0 {
			if err := l.line(name, "F", text); err != nil {
				return err
			}
		}
	}
	return l.file.Close()
}

// Entry is one line of a log.
type Entry struct {
	Time   time.Time
	Stream string
	Text   string // with its line end, unless it is a part of a line
}

// Parse reads a line of a log.
func Parse(line string) (e Entry, ok bool) {
	fields := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 4)
	if len(fields) != 4 {
		return e, false
	}
	at, err := time.Parse(time.RFC3339Nano, fields[0])
	if err != nil {
		return e, false
	}
	e = Entry{Time: at, Stream: fields[1], Text: fields[3]}
	if fields[2] == "F" {
		e.Text += "\n"
	}
	return e, true
}
