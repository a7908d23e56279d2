// SPDX-License-Identifier: Apache-2.0

package iostreams

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

const (
	defaultWidth  = 80
	defaultHeight = 24
)

// IOStreams are the standard streams of one run of the tool and what is known about them.
type IOStreams struct {
	In     io.Reader // what the user types or pipes in
	Out    io.Writer // what was asked for
	ErrOut io.Writer // everything else; a line written here interrupts a progress display cleanly

	display  *display
	inTTY    bool
	outTTY   bool
	errTTY   bool
	quiet    bool
	color    ColorMode
	getenv   func(string) string
	terminal func() (width, height int)
	now      func() time.Time
	told     sync.Map // what First was asked
}

// System returns the streams of the process.
func System() *IOStreams {
	d := newDisplay(os.Stderr)
	return &IOStreams{
		In: os.Stdin, Out: os.Stdout, ErrOut: d, display: d,
		inTTY:    term.IsTerminal(int(os.Stdin.Fd())),
		outTTY:   term.IsTerminal(int(os.Stdout.Fd())),
		errTTY:   term.IsTerminal(int(os.Stderr.Fd())),
		getenv:   os.Getenv,
		terminal: systemSize,
		now:      time.Now,
	}
}

func systemSize() (width, height int) {
	for _, f := range []*os.File{os.Stderr, os.Stdout} {
		if w, h, err := term.GetSize(int(f.Fd())); err == nil && w > 0 && h > 0 {
			return w, h
		}
	}
	return 0, 0
}

// Test returns streams over buffers that are no terminals and know no environment variable.
func Test() (ios *IOStreams, in, out, errOut *bytes.Buffer) {
	in, out, errOut = &bytes.Buffer{}, &bytes.Buffer{}, &bytes.Buffer{}
	d := newDisplay(errOut)
	ios = &IOStreams{
		In: in, Out: out, ErrOut: d, display: d,
		getenv:   func(string) string { return "" },
		terminal: func() (int, int) { return 0, 0 },
		now:      time.Now,
	}
	return ios, in, out, errOut
}

// SetTTY says which streams are terminals.
func (s *IOStreams) SetTTY(in, out, errOut bool) { s.inTTY, s.outTTY, s.errTTY = in, out, errOut }

// SetEnv replaces the environment that the terminal facts are read from.
func (s *IOStreams) SetEnv(getenv func(string) string) { s.getenv = getenv }

// SetClock replaces the clock that tells how long a phase takes.
func (s *IOStreams) SetClock(now func() time.Time) { s.now = now }

// SetQuiet leaves out what is meant for people, off a terminal. Commands set it for --output json, where standard error
// carries JSON objects: progress, a line each, and the error at the end.
func (s *IOStreams) SetQuiet(quiet bool) { s.quiet = quiet }

// IsQuiet reports whether SetQuiet asked for silence and nobody looks at standard error.
func (s *IOStreams) IsQuiet() bool { return s.quiet && !s.errTTY }

// Say prints a line about what a command does on standard error: as text, or as an object that a program reads.
func (s *IOStreams) Say(text string) {
	if !s.IsQuiet() {
		_, _ = fmt.Fprintln(s.ErrOut, text)
		return
	}
	enc := json.NewEncoder(s.ErrOut)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(struct {
		SchemaVersion int    `json:"schemaVersion"`
		Progress      string `json:"progress"`
	}{1, text})
}

// First reports whether a text is asked about for the first time in this run: some things are said once.
func (s *IOStreams) First(text string) bool {
	_, again := s.told.LoadOrStore(text, true)
	return !again
}

// Getenv reads one environment variable of this run.
func (s *IOStreams) Getenv(key string) string { return s.getenv(key) }

// IsOutTTY reports whether standard output is a terminal.
func (s *IOStreams) IsOutTTY() bool { return s.outTTY }

// IsErrTTY reports whether standard error is a terminal.
func (s *IOStreams) IsErrTTY() bool { return s.errTTY }

// CanPrompt reports whether a question can be asked: standard input and standard error are terminals.
func (s *IOStreams) CanPrompt() bool { return s.inTTY && s.errTTY }

// CanAnimate reports whether a display on standard error may be redrawn: a terminal that understands cursor
// movements, outside of CI.
func (s *IOStreams) CanAnimate() bool {
	return s.errTTY && !s.dumb() && s.getenv("CI") == ""
}

// Width returns the columns of the terminal, COLUMNS where there is none, else 80.
func (s *IOStreams) Width() int {
	if w, _ := s.terminal(); w > 0 {
		return w
	}
	if w, err := strconv.Atoi(s.getenv("COLUMNS")); err == nil && w > 0 {
		return w
	}
	return defaultWidth
}

// Height returns the lines of the terminal, else 24.
func (s *IOStreams) Height() int {
	if _, h := s.terminal(); h > 0 {
		return h
	}
	return defaultHeight
}

func (s *IOStreams) dumb() bool { return s.getenv("TERM") == "dumb" }

// unicode reports whether the locale and the terminal can show more than ASCII.
func (s *IOStreams) unicode() bool {
	if s.dumb() || s.getenv("TERM") == "linux" {
		return false
	}
	for _, key := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := s.getenv(key); v != "" {
			v = strings.ToUpper(v)
			return strings.Contains(v, "UTF-8") || strings.Contains(v, "UTF8")
		}
	}
	return false
}
