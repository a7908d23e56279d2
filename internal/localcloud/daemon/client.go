// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
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

// Connect finds the daemon of dir; localtarget.ErrNotRunning when there is none.
func Connect(dir string) (*Client, error) {
	i, err := ReadInfo(dir)
	if err != nil {
		return nil, err
	}
	return &Client{dir: dir, info: i, http: &http.Client{Timeout: 30 * time.Second}}, nil
}

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

// Stop asks the daemon to stop and returns when its process is gone.
func (c *Client) Stop(ctx context.Context) error {
	var s localtarget.Status
	if err := c.call(ctx, http.MethodPost, "stop", nil, &s); err != nil {
		return err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for locked(c.dir) || syscall.Kill(c.info.PID, 0) == nil {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the local target (process %d) to stop: %w", c.info.PID, ctx.Err())
		case <-tick.C:
		}
	}
	return nil
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
