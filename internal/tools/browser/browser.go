// SPDX-License-Identifier: Apache-2.0

// Package browser controls a Chromium of this machine, to test a page as a reader sees it and to take pictures of it.
// It uses the DevTools protocol (https://chromedevtools.github.io/devtools-protocol/) over a pipe: no port is opened,
// and nothing but the page is loaded.
package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Variable names the program to use instead of the first that is found on the PATH.
const Variable = "EMRFLINK_BROWSER"

// patience is how long the browser may take for one answer.
const patience = 2 * time.Minute

// Find returns the path of a Chromium: of the one that the variable names, or else of the first on the PATH.
func Find() (string, error) {
	if name := os.Getenv(Variable); name != "" {
		path, err := exec.LookPath(name)
		if err != nil {
			return "", fmt.Errorf("find the browser that %s names: %w", Variable, err)
		}
		return path, nil
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no Chromium on the PATH (chromium, chromium-browser, google-chrome, chrome); set " +
		Variable + " to name one")
}

// Browser is a running Chromium with one page.
type Browser struct {
	cmd     *exec.Cmd
	dir     string
	to      *os.File
	from    *os.File
	session string

	mu       sync.Mutex
	next     int
	waiting  map[int]chan message
	loaded   chan struct{}
	page     string
	problems []string
	gone     chan struct{} // closed when the browser says no more
}

// message is a command, an answer or an event.
type message struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// Open starts the program with a window of a size, without a profile of anybody's.
func Open(ctx context.Context, program string, width, height int) (b *Browser, err error) {
	dir, err := os.MkdirTemp("", "emrflink-browser-")
	if err != nil {
		return nil, err
	}
	args := []string{
		"--headless=new", "--remote-debugging-pipe", "--user-data-dir=" + dir, fmt.Sprintf("--window-size=%d,%d", width, height),
		"--hide-scrollbars", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-extensions", "--force-color-profile=srgb",
		"--force-device-scale-factor=1", "about:blank",
	}
	if os.Geteuid() == 0 { // Chromium refuses its sandbox to root
		args = append([]string{"--no-sandbox"}, args...)
	}
	b = &Browser{dir: dir, waiting: map[int]chan message{}, loaded: make(chan struct{}, 1), gone: make(chan struct{})}
	b.cmd = exec.Command(program, args...)
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	read, to, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	from, write, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	b.to, b.from = to, from
	b.cmd.ExtraFiles = []*os.File{read, write} // descriptors 3 and 4, as Chromium expects them
	err = b.cmd.Start()
	_, _ = read.Close(), write.Close()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", program, err), to.Close(), from.Close(), os.RemoveAll(dir))
	}
	go b.listen()
	if err := b.attach(ctx, width, height); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// attach opens the page and asks for what is to be watched.
func (b *Browser) attach(ctx context.Context, width, height int) error {
	var target struct {
		TargetID string `json:"targetId"`
	}
	if err := b.call(ctx, "Target.createTarget", map[string]any{"url": "about:blank"}, &target); err != nil {
		return err
	}
	var session struct {
		SessionID string `json:"sessionId"`
	}
	if err := b.call(ctx, "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true},
		&session); err != nil {
		return err
	}
	b.session = session.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		if err := b.call(ctx, domain+".enable", nil, nil); err != nil {
			return err
		}
	}
	size := map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}
	return b.call(ctx, "Emulation.setDeviceMetricsOverride", size, nil)
}

// Close ends the browser and removes its profile.
func (b *Browser) Close() error {
	b.session = ""
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := b.call(ctx, "Browser.close", nil, nil); err != nil {
		_ = b.cmd.Process.Kill() // it did not listen any more
	}
	_ = b.cmd.Wait() // how a browser ends that was told to says nothing
	// Its children may still write to the profile that is removed.
	_ = syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL)
	return errors.Join(b.to.Close(), b.from.Close(), remove(b.dir))
}

// remove removes a folder, again when something was still written to it.
func remove(dir string) (err error) {
	for range 5 {
		err = os.RemoveAll(dir)
		if _, missing := os.Stat(dir); errors.Is(missing, os.ErrNotExist) {
			return nil
		}
	}
	return err
}

// call sends a command and waits for its answer.
func (b *Browser) call(ctx context.Context, method string, params, result any) error {
	raw, err := json.Marshal(params)
	if err != nil {
		return err
	}
	if params == nil {
		raw = []byte("{}")
	}
	answer := make(chan message, 1)
	b.mu.Lock()
	b.next++
	id := b.next
	b.waiting[id] = answer
	b.mu.Unlock()
	line, err := json.Marshal(message{ID: id, Session: b.session, Method: method, Params: raw})
	if err != nil {
		return err
	}
	if _, err := b.to.Write(append(line, 0)); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case m := <-answer:
		if m.Error != nil {
			return fmt.Errorf("%s: %s", method, m.Error.Message)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(m.Result, result)
	case <-b.gone:
		return fmt.Errorf("%s: the browser has ended", method)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, ctx.Err())
	}
}

// listen hands out answers and notes what happens, until the browser ends.
func (b *Browser) listen() {
	defer close(b.gone)
	for r := bufio.NewReader(b.from); ; {
		line, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if err := json.Unmarshal(line[:len(line)-1], &m); err != nil {
			b.problem("unreadable message: " + err.Error())
			continue
		}
		if m.ID != 0 {
			b.mu.Lock()
			answer := b.waiting[m.ID]
			delete(b.waiting, m.ID)
			b.mu.Unlock()
			if answer != nil {
				answer <- m
			}
			continue
		}
		b.event(m)
	}
}

// event notes what a page of ours must not do: complain, fail, or ask for anything but itself.
func (b *Browser) event(m message) {
	var p struct {
		Type             string          `json:"type"`
		Args             json.RawMessage `json:"args"`
		ExceptionDetails json.RawMessage `json:"exceptionDetails"`
		Entry            struct {
			Level, Text, URL string
		} `json:"entry"`
		Request struct {
			URL string `json:"url"`
		} `json:"request"`
	}
	_ = json.Unmarshal(m.Params, &p) // events of other shapes are not looked at
	switch m.Method {
	case "Page.loadEventFired":
		select {
		case b.loaded <- struct{}{}:
		default:
		}
	case "Runtime.exceptionThrown":
		b.problem("exception: " + string(p.ExceptionDetails))
	case "Runtime.consoleAPICalled":
		b.problem("console." + p.Type + ": " + string(p.Args))
	case "Log.entryAdded":
		b.problem(p.Entry.Level + ": " + p.Entry.Text)
	case "Network.requestWillBeSent":
		b.mu.Lock()
		own := strings.TrimSuffix(p.Request.URL, "#") == b.page
		b.mu.Unlock()
		if !own {
			b.problem("request: " + p.Request.URL)
		}
	}
}

func (b *Browser) problem(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, text)
}

// Problems are the messages, exceptions and requests since the last Load.
func (b *Browser) Problems() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string{}, b.problems...)
}
