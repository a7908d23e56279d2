// SPDX-License-Identifier: Apache-2.0

package iostreams

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

const (
	hideCursor = "\x1b[?25l"
	showCursor = "\x1b[?25h"
	clearBelow = "\r\x1b[J"
)

// display is the one writer of standard error. A block of lines can be kept at its bottom; whatever is written
// meanwhile appears above the block.
type display struct {
	mu      sync.Mutex
	w       io.Writer
	block   []string // lines on the screen now, below everything else
	partial bool     // the last write did not end a line, so the block waits
}

func newDisplay(w io.Writer) *display { return &display{w: w} }

// Write prints above the block.
func (d *display) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.block) == 0 {
		d.partial = len(p) > 0 && p[len(p)-1] != '\n'
		return d.w.Write(p)
	}
	block := d.block
	d.erase()
	n, err := d.w.Write(p)
	d.partial = len(p) > 0 && p[len(p)-1] != '\n'
	if !d.partial {
		d.draw(block)
	}
	return n, err
}

// show replaces the block.
func (d *display) show(lines []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.partial {
		return
	}
	d.erase()
	d.draw(lines)
}

// release ends the block: its last state stays on the screen as ordinary lines and the cursor comes back.
func (d *display) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.block) > 0 {
		_, _ = io.WriteString(d.w, showCursor)
	}
	d.block = nil
}

// answered says that the user ended the line of a question.
func (d *display) answered() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.partial = false
}

func (d *display) draw(lines []string) {
	if len(lines) == 0 {
		return
	}
	var b bytes.Buffer
	b.WriteString(hideCursor)
	for _, l := range lines {
		b.WriteString(l)
		b.WriteByte('\n')
	}
	_, _ = d.w.Write(b.Bytes())
	d.block = lines
}

func (d *display) erase() {
	if n := len(d.block); n > 0 {
		_, _ = fmt.Fprintf(d.w, "\x1b[%dA%s", n, clearBelow)
	}
	d.block = nil
}

// ReleaseTerminal ends every redrawn display and gives the cursor back. It is safe to call at any time and more than
// once; every way out of the tool passes it.
func (s *IOStreams) ReleaseTerminal() { s.display.release() }
