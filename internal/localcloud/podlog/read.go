// SPDX-License-Identifier: Apache-2.0

package podlog

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Options choose what is read of a log, as those of the Kubernetes API do.
type Options struct {
	Tail       *int64    // the last lines only
	Since      time.Time // what was printed from then on
	Stream     string    // one of the streams; "" is both
	Timestamps bool      // before each line
	Limit      *int64    // bytes
	// Running says whether more may come; the end of the log is waited for until then. Nil: the log is read as it is.
	Running func() bool
}

// lookAgain is when a log that is followed is looked at again.
const lookAgain = 100 * time.Millisecond

var errLimit = errors.New("as much as was asked for is written")

// Copy writes a log to w, until its end or that of ctx. A writer that can be flushed is, before more is waited for.
func Copy(ctx context.Context, w io.Writer, path string, o Options) error {
	err := Follow(ctx, path, o, printer(w, o), func() {
		if f, is := w.(interface{ Flush() }); is {
			f.Flush()
		}
	})
	if errors.Is(err, errLimit) {
		return nil
	}
	return err
}

// printer writes entries as a reader of a log sees them.
func printer(w io.Writer, o Options) func(Entry) error {
	left := o.Limit
	inLine := false
	return func(e Entry) error {
		text := e.Text
		if o.Timestamps && !inLine {
			text = e.Time.Format(stamp) + " " + text
		}
		inLine = e.Text == "" || e.Text[len(e.Text)-1] != '\n'
		if left != nil {
			text = text[:min(int64(len(text)), *left)]
			left = new(*left - int64(len(text)))
		}
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
		if left != nil && *left <= 0 {
			return errLimit
		}
		return nil
	}
}

// Follow gives the entries of a log that o chooses to each, until its end or that of ctx. caughtUp is called whenever all that is
// there was given.
func Follow(ctx context.Context, path string, o Options, each func(Entry) error, caughtUp func()) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	if o.Tail != nil {
		if err := lastLines(f, *o.Tail); err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
	}
	r := bufio.NewReader(f)
	var next *os.File // the log goes on there
	for {
		more := o.Running != nil && o.Running() // asked first: what was printed until its end is still read
		if err := entries(r, o, each); err != nil {
			return err
		}
		caughtUp()
		if next != nil {
			_ = f.Close() // as above
			f, next = next, nil
			r.Reset(f)
			continue
		}
		if next, err = rotated(f, path); err != nil || next != nil {
			if err != nil {
				return err
			}
			continue // what was written before it was moved aside is read first
		}
		if !more {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(lookAgain):
		}
	}
}

// entries gives what is there. Lines are written whole.
func entries(r *bufio.Reader, o Options, each func(Entry) error) error {
	for {
		line, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		e, ok := Parse(line)
		if !ok || e.Time.Before(o.Since) || o.Stream != "" && e.Stream != o.Stream {
			continue
		}
		if err := each(e); err != nil {
			return err
		}
	}
}

// rotated opens the file that took the place of f; nil when none did.
func rotated(f *os.File, path string) (*os.File, error) {
	now, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) { // its pod is gone, or it is being moved
		return nil, nil //nolint:nilnil // there is none
	}
	was, statErr := f.Stat()
	if err = errors.Join(err, statErr); err != nil {
		return nil, fmt.Errorf("look at the log: %w", err)
	}
	if os.SameFile(now, was) {
		return nil, nil //nolint:nilnil // there is none
	}
	return os.Open(path)
}

// lastLines moves to the beginning of the last n lines.
func lastLines(f *os.File, n int64) error {
	const block = 32 << 10
	at, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	buf := make([]byte, block)
	for n++; at > 0; { // the end of the line before them is looked for
		part := buf[:min(at, block)]
		at -= int64(len(part))
		if _, err := f.ReadAt(part, at); err != nil {
			return err
		}
		for end := len(part); ; {
			i := bytes.LastIndexByte(part[:end], '\n')
			if i < 0 {
				break
			}
			if n--; n == 0 {
				_, err := f.Seek(at+int64(i)+1, io.SeekStart)
				return err
			}
			end = i
		}
	}
	_, err = f.Seek(0, io.SeekStart)
	return err
}
