// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// killAfter is how long a child has to stop after SIGTERM.
const killAfter = 3 * time.Second

// child is a program that must not outlive us: its standard input is a pipe from this process, and it stops when
// that ends, also after a kill -9 of ours. (A death signal by prctl would depend on the thread that forked it.)
type child struct {
	path string
	args []string
	env  []string
	log  string    // file for its output, appended to
	out  io.Writer // gets it too
}

// run runs the child until it stops or ctx ends. up is called once it has been alive for some time.
func (c child) run(ctx context.Context, after time.Duration, up func()) error {
	out, err := openLog(c.log)
	if err != nil {
		return err
	}
	defer out.Close()
	end := &tail{}
	cmd := exec.CommandContext(ctx, c.path, c.args...)
	cmd.Env = c.env
	cmd.Stdout = io.MultiWriter(out, end, c.out)
	cmd.Stderr = cmd.Stdout
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = killAfter
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C at the terminal is not for it
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("start %s: %w", c.path, err)
	}
	defer stdin.Close()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", c.path, err)
	}
	timer := time.AfterFunc(after, up)
	defer timer.Stop()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, lastLine(end.String()))
	}
	return fmt.Errorf("exit status 0: %s", lastLine(end.String()))
}

// openLog opens a log for appending; one that has grown large is moved aside.
func openLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxKarpenterLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, fmt.Errorf("move %s aside: %w", path, err)
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return f, nil
}

// tail keeps the last part of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailSize = 16 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if len(t.buf) > tailSize {
		t.buf = append(t.buf[:0:0], t.buf[len(t.buf)-tailSize:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
