// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"

	"emrflink/internal/exitcode"
)

// command is the auto.PulumiCommand that re-executes this binary.
//
// Unlike Pulumi's own it waits as long as the engine needs after an interrupt: a cluster takes ten minutes to create,
// and an engine killed in between leaves a lock and resources that no state knows of.
type command struct {
	argv   []string // program and leading arguments
	env    []string // complete environment
	kill   <-chan struct{}
	logger *slog.Logger
	// started is told the process id of each engine process, stopped how it ended.
	started func(pid int)
	stopped func(pid int, err error)
	// apart writes the settings of an operation in a directory into a file, and returns its path; "" = the directory's own.
	apart func(dir string) (string, error)
}

var _ auto.PulumiCommand = (*command)(nil)

// Version is the version of the linked engine.
func (c *command) Version() semver.Version { return sdk.Version }

// Run runs one engine command. Commands whose answer the Engine reads from the state itself are not run at all: each
// would cost the start of a process.
func (c *command) Run(ctx context.Context, dir string, stdin io.Reader, outs, errs []io.Writer, env []string, args ...string,
) (string, string, int, error) {
	if answer, known := cannedAnswer(args); known {
		return answer, "", 0, nil
	}
	if slices.Contains([]string{"preview", "up", "refresh", "destroy"}, args[0]) {
		settings, err := c.apart(dir)
		if err != nil {
			return "", "", -2, err
		}
		if settings != "" {
			defer func() { _ = os.Remove(settings) }()
			args = slices.Insert(slices.Clone(args), 1, "--config-file="+settings)
		}
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(c.argv[0], append(slices.Clone(c.argv[1:]), nonInteractive(args)...)...)
	cmd.Dir = dir
	cmd.Env = append(append(slices.Clone(c.env), env...), childEnv+"=1", "PULUMI_AUTOMATION_API=true")
	cmd.Stdin = stdin
	cmd.Stdout = io.MultiWriter(append(outs, &stdout)...)
	cmd.Stderr = io.MultiWriter(append(errs, &stderr)...)
	cmd.SysProcAttr = childAttr()
	begin := time.Now()
	err := c.supervise(ctx, cmd)
	code := -2
	var exit *exec.ExitError
	if err == nil {
		code = 0
	} else if errors.As(err, &exit) {
		code = exit.ExitCode()
		if why := death(exit, stderr.String()); why != "" && !errors.Is(err, errKilled) {
			err = errors.New(died + why)
		}
	}
	c.logger.Debug("engine command", "args", args, "code", code, "elapsed", time.Since(begin))
	return stdout.String(), stderr.String(), code, err
}

// supervise starts cmd, interrupts it once when ctx ends, kills it when the kill channel closes, and waits for it.
func (c *command) supervise(ctx context.Context, cmd *exec.Cmd) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	done := make(chan error, 1)
	pids := make(chan int, 1)
	go func() {
		// The parent-death signal is tied to the thread that forked, so that thread must live until the end.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := cmd.Start(); err != nil {
			close(pids)
			done <- fmt.Errorf("start engine %q: %w", cmd.Path, err)
			return
		}
		pids <- cmd.Process.Pid
		done <- cmd.Wait()
	}()
	pid, ok := <-pids
	if !ok {
		return <-done
	}
	c.started(pid)
	defer func() { c.stopped(pid, err) }()
	interrupt := ctx.Done()
	for {
		select {
		case err := <-done:
			return err
		case <-interrupt:
			interrupt = nil
			c.logger.Debug("interrupting the engine", "pid", pid)
			if err := interruptProcess(pid); err != nil {
				c.logger.Warn("interrupt the engine", "pid", pid, "err", err)
			}
		case <-c.kill:
			c.logger.Warn("killing the engine", "pid", pid)
			if err := killGroup(pid); err != nil {
				c.logger.Warn("kill the engine", "pid", pid, "err", err)
			}
			return errors.Join(errKilled, <-done)
		}
	}
}

var errKilled = errors.New("the engine was killed on request")

// died begins the text of an error of an engine process that did not end by itself. It is a text because the Automation API
// hands no error on, only what it says.
const died = "the engine process died: "

// death says what an engine process died of, "" when it ended by itself. The rest of what it said is a dump of its threads.
func death(exit *exec.ExitError, stderr string) string {
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exit.Error()
	}
	crash := regexp.MustCompile(`(?m)^ *((?:panic|fatal error|SIG[A-Z]+): .*)$`).FindStringSubmatch(stderr)
	if code := exit.ExitCode(); crash == nil || code != crashed && code != exitcode.Bug ||
		!strings.Contains(stderr, "goroutine ") {
		return ""
	}
	return crash[1][:min(len(crash[1]), 200)]
}

// crashed is how Go ends a program that panics.
const crashed = 2

// cannedAnswer answers the questions that the Automation API asks around every operation and that we do not need.
func cannedAnswer(args []string) (string, bool) {
	if len(args) < 2 || args[0] != "stack" {
		return "", false
	}
	switch args[1] {
	case "select":
		return "", true
	case "output":
		return "{}", true
	case "history":
		return "[]", true
	}
	return "", false
}

// nonInteractive puts --non-interactive first: it must precede a `--`.
func nonInteractive(args []string) []string {
	if slices.Contains(args, "--non-interactive") {
		return args
	}
	return append([]string{"--non-interactive"}, args...)
}

// selfCommand is the command line that re-executes this binary.
func selfCommand() ([]string, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find our own binary: %w", err)
	}
	return []string{exe, "pulumi"}, nil
}

// mergeEnv overlays pairs on base; later wins, names keep the position of their first appearance.
func mergeEnv(base []string, overlays ...map[string]string) []string {
	merged := make(map[string]string, len(base))
	var order []string
	set := func(k, v string) {
		if _, seen := merged[k]; !seen {
			order = append(order, k)
		}
		merged[k] = v
	}
	for _, kv := range base {
		if k, v, ok := strings.Cut(kv, "="); ok {
			set(k, v)
		}
	}
	for _, o := range overlays {
		for _, k := range slices.Sorted(maps.Keys(o)) {
			set(k, o[k])
		}
	}
	env := make([]string, 0, len(order))
	for _, k := range order {
		env = append(env, k+"="+merged[k])
	}
	return env
}

// envValue returns the value of a variable of an environment.
func envValue(env []string, name string) (value string, set bool) {
	for _, kv := range env {
		if rest, ok := strings.CutPrefix(kv, name+"="); ok {
			return rest, true
		}
	}
	return "", false
}
