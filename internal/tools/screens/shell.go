// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// shell runs the commands of one page in folders of their own.
type shell struct {
	bin, root, home, work string
	last                  map[string]printed // by command
}

// printed is what a command left behind. both has the streams as a terminal mixes them.
type printed struct {
	stdout, stderr, both string
	code                 int
}

func openShell(bin string) (*shell, error) {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return nil, err
	}
	root, err := os.MkdirTemp("", "emrflink-screens-")
	if err != nil {
		return nil, err
	}
	s := &shell{
		bin: bin, root: root, home: filepath.Join(root, "home"), work: filepath.Join(root, "work"), last: map[string]printed{},
	}
	return s, os.Mkdir(s.work, 0o700)
}

// close stops the local target with a context of its own and removes the folders.
func (s *shell) close() error {
	var err error
	if _, missing := os.Stat(filepath.Join(s.home, "local")); missing == nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		p, stopErr := s.exec(ctx, []string{"local", "stop"})
		if err = stopErr; err == nil && p.code != 0 && p.code != 4 { // 4: stopped already
			err = fmt.Errorf("stop the local target: %s", p.both)
		}
	}
	return errors.Join(err, os.RemoveAll(s.root))
}

// screen answers one marker.
func (s *shell) screen(ctx context.Context, r request) ([]string, error) {
	p, known := s.last[r.command]
	if r.again && !known {
		return nil, fmt.Errorf("%q has not run yet", r.command)
	}
	if !r.again {
		var err error
		if p, err = s.run(ctx, r.command); err != nil {
			return nil, err
		}
		s.last[r.command] = p
	}
	if p.code != r.exit {
		return nil, fmt.Errorf("%q: exit code %d, want %d\n%s", r.command, p.code, r.exit, p.both)
	}
	text := map[string]string{"": p.both, "stdout": p.stdout, "stderr": p.stderr}[r.only]
	text = normal(text, map[string]string{s.home: "~/.local/state/emrflink", s.work: ".", s.bin: "bin"})
	return align(cut(text, r.head, r.tail)), nil
}

func (s *shell) run(ctx context.Context, command string) (printed, error) {
	words := strings.Fields(command)
	switch {
	case words[0] == "emrflink":
		return s.exec(ctx, words[1:])
	case words[0] == "cat" && len(words) == 2:
		text, err := os.ReadFile(filepath.Join(s.work, filepath.Base(words[1])))
		return printed{stdout: string(text), both: string(text)}, err
	}
	return printed{}, fmt.Errorf("%q: want emrflink or cat FILE", command)
}

func (s *shell) exec(ctx context.Context, args []string) (printed, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "emrflink"), args...)
	cmd.Dir = s.work
	cmd.Env = append(os.Environ(), "EMRFLINK_HOME="+s.home, "CI=true", "NO_COLOR=1")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = time.Minute
	var stdout, stderr bytes.Buffer
	both := &mixer{}
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&stdout, both), io.MultiWriter(&stderr, both)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return printed{}, err
	}
	return printed{stdout: stdout.String(), stderr: stderr.String(), both: both.String(), code: cmd.ProcessState.ExitCode()}, nil
}

// mixer is a buffer that two streams write.
type mixer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (m *mixer) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.b.Write(p)
}

// String returns what was written.
func (m *mixer) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.b.String()
}
