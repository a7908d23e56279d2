// SPDX-License-Identifier: Apache-2.0

// Package runlog is the logging of one run of a command: warnings for the user, everything in a file, and no secret in either.
package runlog

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"emrflink/internal/iostreams"
	"emrflink/internal/mask"
)

// keepLogs is how many log files stay in the state folder.
const keepLogs = 40

// Log is the logging of one run: warnings on standard error, everything as JSON lines in a file. The file is made
// when the first record is written, so that `--help` leaves none.
type Log struct {
	*slog.Logger
	file *logFile
}

// Options say where a run logs to.
type Options struct {
	IO      *iostreams.IOStreams
	Home    string // state folder; the file goes below logs/
	Command string // "deploy": part of the file's name
	Verbose bool   // debug messages on standard error, too
	Quiet   bool   // nothing on standard error
	Now     time.Time
}

// New returns the logging of a run.
func New(o Options) *Log {
	name := fmt.Sprintf("%s-%s-%d.jsonl", o.Now.UTC().Format("20060102T150405Z"), strings.ReplaceAll(o.Command, " ", "-"),
		os.Getpid())
	f := &logFile{path: filepath.Join(o.Home, "logs", name)}
	level := slog.LevelWarn
	if o.Verbose {
		level = slog.LevelDebug
	}
	secrets := Secrets(o.IO.Getenv)
	handlers := fanout{slog.NewJSONHandler(f, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: hideAttr(secrets)})}
	if !o.Quiet {
		handlers = append(handlers, &lineHandler{w: o.IO.ErrOut, level: level, secrets: secrets})
	}
	return &Log{Logger: slog.New(handlers), file: f}
}

// Path returns the log file, "" when nothing was written.
func (l *Log) Path() string {
	if l == nil {
		return ""
	}
	return l.file.written()
}

// Close closes the file.
func (l *Log) Close() error {
	if l == nil {
		return nil
	}
	return l.file.close()
}

type logFile struct {
	path string
	mu   sync.Mutex
	f    *os.File
	dead bool // the file cannot be written: the run continues without it
}

// Write never fails a run: a full disk or a folder that is read-only costs the log and nothing else.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil && !l.dead {
		l.open()
	}
	if l.f != nil {
		_, _ = l.f.Write(p)
	}
	return len(p), nil
}

func (l *logFile) open() {
	dir := filepath.Dir(l.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		l.dead = true
		return
	}
	prune(dir)
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	l.f, l.dead = f, err != nil
}

func (l *logFile) written() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return ""
	}
	return l.path
}

func (l *logFile) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return nil
	}
	l.dead = true
	err := l.f.Close()
	l.f = nil
	return err
}

func prune(dir string) {
	files, _ := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	slices.Sort(files) // the names start with the time
	for len(files) >= keepLogs {
		_ = os.Remove(files[0])
		files = files[1:]
	}
}

// fanout hands every record to several handlers.
type fanout []slog.Handler

var _ slog.Handler = fanout(nil)

// Enabled reports whether one of the handlers wants the level.
func (f fanout) Enabled(ctx context.Context, l slog.Level) bool {
	return slices.ContainsFunc(f, func(h slog.Handler) bool { return h.Enabled(ctx, l) })
}

// Handle passes the record on.
func (f fanout) Handle(ctx context.Context, r slog.Record) error {
	for _, h := range f {
		if h.Enabled(ctx, r.Level) {
			_ = h.Handle(ctx, r.Clone())
		}
	}
	return nil
}

// WithAttrs passes the attributes on.
func (f fanout) WithAttrs(attrs []slog.Attr) slog.Handler {
	return f.each(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

// WithGroup passes the group on.
func (f fanout) WithGroup(name string) slog.Handler {
	return f.each(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (f fanout) each(g func(slog.Handler) slog.Handler) slog.Handler {
	out := make(fanout, len(f))
	for i, h := range f {
		out[i] = g(h)
	}
	return out
}

// lineHandler prints a record as one line: "warning: message key=value".
type lineHandler struct {
	w       io.Writer
	level   slog.Level
	prefix  string
	attrs   string
	secrets []string
}

var _ slog.Handler = (*lineHandler)(nil)

// Enabled reports whether the level is shown.
func (h *lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

// Handle prints the line.
func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	word := map[slog.Level]string{
		slog.LevelDebug: "debug", slog.LevelInfo: "info", slog.LevelWarn: "warning", slog.LevelError: "error",
	}[r.Level]
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s%s", word, r.Message, h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		b.WriteString(h.format(a))
		return true
	})
	b.WriteByte('\n')
	_, err := io.WriteString(h.w, mask.Known(b.String(), h.secrets))
	return err
}

// WithAttrs keeps the attributes for every line.
func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	n := *h
	for _, a := range attrs {
		n.attrs += h.format(a)
	}
	return &n
}

// WithGroup puts the group in front of the keys.
func (h *lineHandler) WithGroup(name string) slog.Handler {
	n := *h
	n.prefix += name + "."
	return &n
}

func (h *lineHandler) format(a slog.Attr) string {
	v := a.Value.Resolve().String()
	if strings.ContainsAny(v, " \n\t\"") {
		v = fmt.Sprintf("%q", v)
	}
	return " " + h.prefix + a.Key + "=" + v
}
