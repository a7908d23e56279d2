// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"emrflink/internal/localtarget"
)

// Client speaks the control API of the daemon that serves one folder.
type Client struct {
	dir  string
	info Info
	http *http.Client
}

// SilentError says that a process holds the folder's lock and does not answer: it has only just begun, is about to end, or
// hangs.
type SilentError struct {
	Dir   string
	Cause error
}

// Error names the process, as far as it is known.
func (e *SilentError) Error() string {
	return fmt.Sprintf("the local target (process %d) does not answer: %v", readPID(lockPath(e.Dir)), e.Cause)
}

// Unwrap returns why.
func (e *SilentError) Unwrap() error { return e.Cause }

// Hint ends the process, if need be by force.
func (e *SilentError) Hint() string { return "emrflink local stop" }

// Connect finds the daemon of dir and asks how it is, which also proves that it is the one that wrote daemon.json: the
// token there is new with every process. localtarget.ErrNotRunning when no process holds the lock, whatever one that
// crashed left behind; a *SilentError when the one that does has not answered.
func Connect(ctx context.Context, dir string) (*Client, localtarget.Status, error) {
	if !held(lockPath(dir)) {
		return nil, localtarget.Status{}, localtarget.ErrNotRunning
	}
	i, err := readInfo(dir)
	if err != nil {
		return nil, localtarget.Status{}, &SilentError{Dir: dir, Cause: err}
	}
	c := &Client{dir: dir, info: i, http: &http.Client{Timeout: callTimeout}}
	s, err := c.Status(ctx)
	if err != nil {
		return nil, localtarget.Status{}, &SilentError{Dir: dir, Cause: err}
	}
	return c, s, nil
}

// callTimeout bounds one call of the control API.
const callTimeout = 30 * time.Second

// Info is how to reach the daemon.
func (c *Client) Info() Info { return c.info }

// Status asks the daemon what it runs.
func (c *Client) Status(ctx context.Context) (localtarget.Status, error) {
	var s localtarget.Status
	return s, c.call(ctx, http.MethodGet, "status", nil, &s)
}

// Inventory asks for everything in the account.
func (c *Client) Inventory(ctx context.Context) (localtarget.Inventory, error) {
	var i localtarget.Inventory
	return i, c.call(ctx, http.MethodGet, "inventory", nil, &i)
}

// TryAgain asks the daemon to start the control planes that have failed once more.
func (c *Client) TryAgain(ctx context.Context) error {
	var s localtarget.Status
	return c.call(ctx, http.MethodPost, "try-again", nil, &s)
}

const (
	// stopPatience is how long a daemon may take to stop: as long as its control planes may, and more.
	stopPatience = 2 * clusterStopTimeout
	// termPatience is that of a daemon that does not answer, and may hang.
	termPatience = 10 * time.Second
)

// Stop makes the daemon of dir stop and returns when its process is gone. One that does not answer is told by a signal, and
// one that does not go either way is killed: what it knows is on disk. localtarget.ErrNotRunning when there is none.
func Stop(ctx context.Context, dir string) error {
	c, _, err := Connect(ctx, dir)
	if errors.Is(err, localtarget.ErrNotRunning) {
		return err
	}
	lock := lockPath(dir)
	pid := readPID(lock)
	for _, step := range []struct {
		sig      syscall.Signal // 0 = the control API
		patience time.Duration
	}{{0, stopPatience}, {syscall.SIGTERM, termPatience}, {syscall.SIGKILL, killPatience}} {
		switch {
		case step.sig != 0:
			err = signalHolder(lock, dir, step.sig)
		case err == nil:
			var s localtarget.Status
			err = c.call(ctx, http.MethodPost, "stop", nil, &s)
		}
		if err == nil && !awaitFree(ctx, lock, step.patience) {
			err = errLivesOn
		}
		if !held(lock) {
			return awaitEnd(ctx, pid)
		}
		if ctx.Err() != nil {
			err = ctx.Err()
			break
		}
	}
	return fmt.Errorf("stop the local target (process %d): %w", pid, err)
}

// Reset stops the daemon of dir and removes what it kept there, with the control planes that a daemon which died left.
func Reset(ctx context.Context, dir string) error {
	if err := Stop(ctx, dir); err != nil && !errors.Is(err, localtarget.ErrNotRunning) {
		return err
	}
	l, err := lock(dir) // nobody begins to serve what is being removed
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer l.Close()
	if err := removeClusters(ctx, dir, func(string) bool { return false }); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// awaitEnd waits until a process that has let go of its lock is gone altogether.
func awaitEnd(ctx context.Context, pid int) error {
	for deadline := time.Now().Add(killPatience); pid > 0 && time.Now().Before(deadline); time.Sleep(lockPoll) {
		if ctx.Err() != nil || syscall.Kill(pid, 0) != nil {
			break
		}
	}
	return ctx.Err()
}

func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("ask the local target for %s: %w", path, err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.info.URL+controlPath+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.info.Token)
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask the local target: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		if resp.StatusCode == http.StatusUnprocessableEntity {
			return &RefusedError{Why: strings.TrimSpace(string(b))}
		}
		return fmt.Errorf("ask the local target for %s: %s: %s", path, resp.Status, strings.TrimSpace(string(b)))
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("read the local target's %s: %w", path, err)
	}
	return nil
}
