// SPDX-License-Identifier: Apache-2.0

// Package chaos makes experiments with deploy and cleanup of the whole blueprint on the local target: it kills one right before or
// right after one change of a resource and finds out whether the next commands bring everything in order; it repeats both under
// one name; it cleans up a stack that was used. It runs the built programs only.
package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"emrflink/internal/localtarget"
)

// Who is killed.
const (
	CLI    = "cli"            // the command alone
	Engine = "cli and engine" // the command and the engine that it runs
	Daemon = "daemon"         // the local target's process, with the AWS account and the providers
	Target = "local target"   // the same with its control planes
)

// Whos lists them.
func Whos() []string { return []string{CLI, Engine, Daemon, Target} }

// Case is one experiment.
type Case struct {
	Command string // what is interrupted: "deploy" or "cleanup"
	Then    string // what is run after it: "deploy" or "cleanup"
	Who     string
	When    string // "before" or "after" the change
	Step    int    // the number of the change, from 1
}

// Key names the case in a table of results.
func (c Case) Key() string {
	return strings.Join([]string{c.Command, c.Then, c.Who, c.When, strconv.Itoa(c.Step)}, "\t")
}

// Outcome is what came of a case.
type Outcome struct {
	Case
	Change   string // the operation and the URN
	Commands int    // how many commands it took after the kill
	Clean    bool
	Why      string // what is wrong, "" when it is clean
	Elapsed  time.Duration
}

// follow is how many commands may be needed.
const follow = 2

// patience bounds one command.
const patience = 10 * time.Minute

// Bench runs cases. Bin is the folder of the binaries.
type Bench struct{ Bin string }

// user is somebody with a state folder of their own.
type user struct {
	bench       Bench
	home, steps string
	work        string
}

func (b Bench) user() (*user, func(), error) {
	dir, err := os.MkdirTemp("", "emrflink-chaos-")
	if err != nil {
		return nil, nil, err
	}
	u := &user{
		bench: b, home: filepath.Join(dir, "home"), steps: filepath.Join(dir, "steps"), work: filepath.Join(dir, "work"),
	}
	clean := func() {
		_ = os.Remove(filepath.Join(u.steps, localtarget.StepsPause))
		_, _ = u.run(context.Background(), "local", "stop")
		for _, pid := range u.processes("") {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		_ = os.RemoveAll(dir)
	}
	return u, clean, errors.Join(os.MkdirAll(u.steps, 0o700), os.MkdirAll(u.work, 0o700))
}

// Changes counts the changes of a deploy and of the cleanup after it.
func (b Bench) Changes(ctx context.Context) (deploy, cleanup int, err error) {
	u, clean, err := b.user()
	if err != nil {
		return 0, 0, err
	}
	defer clean()
	if out, err := u.run(ctx, "deploy", "--yes"); err != nil {
		return 0, 0, fmt.Errorf("deploy: %w\n%s", err, out)
	}
	deploy = len(u.done())
	if out, err := u.run(ctx, cleanupArgs()...); err != nil {
		return 0, 0, fmt.Errorf("cleanup: %w\n%s", err, out)
	}
	return deploy, len(u.done()) - deploy, nil
}

// Run makes one experiment. The error is about the bench; what the product did wrong is in the Outcome.
func (b Bench) Run(ctx context.Context, c Case) (Outcome, error) {
	began := time.Now()
	o := Outcome{Case: c}
	u, clean, err := b.user()
	if err != nil {
		return o, err
	}
	defer clean()
	if c.Command == "cleanup" {
		if out, err := u.run(ctx, "deploy", "--yes"); err != nil {
			return o, fmt.Errorf("deploy before the experiment: %w\n%s", err, out)
		}
	}
	if o.Change, err = u.interrupt(ctx, c); err != nil {
		return o, err
	}
	o.Commands, o.Why = u.repair(ctx, c.Then)
	o.Clean, o.Elapsed = o.Why == "", time.Since(began)
	return o, nil
}

// interrupt starts the command, waits for the change and kills.
func (u *user) interrupt(ctx context.Context, c Case) (change string, err error) {
	pause := filepath.Join(u.steps, localtarget.StepsPause)
	at := fmt.Sprintf("%s %d", c.When, len(u.done())+c.Step)
	if err := os.WriteFile(pause, []byte(at), 0o600); err != nil {
		return "", err
	}
	args := []string{c.Command, "--yes"}
	if c.Command == "cleanup" {
		args = append(args, "--stack", "local")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := u.cmd(ctx, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return "", err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	reached := filepath.Join(u.steps, localtarget.StepsReached)
	for {
		text, err := os.ReadFile(reached)
		if err == nil {
			change = string(text)
			break
		}
		select {
		case err := <-ended:
			return "", fmt.Errorf("%s ended (%w) before change %s\n%s", c.Command, err, at, tail(out.String()))
		case <-time.After(10 * time.Millisecond):
		}
	}
	u.kill(c.Who, cmd.Process.Pid)
	if err := os.Remove(pause); err != nil {
		return change, err
	}
	if c.Who == Daemon || c.Who == Target {
		<-ended // it finds out by itself
	}
	return change, nil
}

func (u *user) kill(who string, command int) {
	victims := []int{command}
	switch who {
	case Engine:
		victims = append(victims, u.processes("pulumi")...)
	case Daemon:
		victims = u.daemon()
	case Target:
		victims = append(u.daemon(), u.processes("localkube")...)
	}
	for _, pid := range victims {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
	}
}

// daemon is the process that holds the target's lock.
func (u *user) daemon() []int {
	raw, err := os.ReadFile(filepath.Join(u.home, "local", "daemon.json"))
	var info struct{ PID int }
	if err != nil || json.Unmarshal(raw, &info) != nil || info.PID == 0 {
		return nil
	}
	return []int{info.PID}
}

// processes are those with this user's home whose command line has a word.
func (u *user) processes(word string) []int {
	var found []int
	envs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range envs {
		env, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(env, []byte("EMRFLINK_HOME="+u.home)) {
			continue
		}
		line, err := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		pid, perr := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil && perr == nil && bytes.Contains(line, []byte(word)) {
			found = append(found, pid)
		}
	}
	return found
}

// repair runs what a user would, and says what is wrong afterwards.
func (u *user) repair(ctx context.Context, then string) (commands int, wrong string) {
	var out string
	var err error
	args := cleanupArgs()
	if then == "deploy" {
		args = []string{"deploy", "--yes"}
	}
	for commands < follow {
		commands++
		if out, err = u.run(ctx, args...); err == nil {
			break
		}
	}
	if err != nil {
		return commands, fmt.Sprintf("%s: %v: %s", args[0], err, tail(out))
	}
	if then == "deploy" {
		if out, err := u.run(ctx, "preview", "--exit-code"); err != nil {
			return commands, fmt.Sprintf("preview after it: %v: %s", err, tail(out))
		}
		if out, err := u.run(ctx, cleanupArgs()...); err != nil {
			return commands, fmt.Sprintf("cleanup after it: %v: %s", err, tail(out))
		}
	}
	return commands, u.left(ctx)
}

// left says what is still in the account.
func (u *user) left(ctx context.Context) string {
	out, err := u.run(ctx, "local", "inventory", "--output", "json")
	if err != nil {
		return fmt.Sprintf("inventory: %v: %s", err, tail(out))
	}
	var inventory struct {
		Resources []struct{ Service, Type, ID string }
	}
	if err := json.Unmarshal([]byte(out), &inventory); err != nil {
		return fmt.Sprintf("inventory: %v: %s", err, tail(out))
	}
	var ids []string
	for _, r := range inventory.Resources {
		ids = append(ids, r.Service+" "+r.Type+" "+r.ID)
	}
	if len(ids) > 0 {
		return fmt.Sprintf("%d left: %s", len(ids), strings.Join(ids[:min(5, len(ids))], ", "))
	}
	return ""
}

// done lists the changes so far.
func (u *user) done() []string {
	raw, err := os.ReadFile(filepath.Join(u.steps, localtarget.StepsDone))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(raw)), "\n")
}

// run runs a command to its end; what it printed is returned, standard error only when it failed.
func (u *user) run(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := u.cmd(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String() + stderr.String(), err
	}
	return stdout.String(), nil
}

func (u *user) cmd(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(u.bench.Bin, "emrflink"), args...)
	cmd.Dir = u.work
	cmd.Env = append(os.Environ(), "EMRFLINK_HOME="+u.home, localtarget.EnvSteps+"="+u.steps, "CI=true", "NO_COLOR=1",
		"EMRFLINK_SPEED=2000", "GOGC=200")
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// tail is the end of a text, on one line.
func tail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], " | ")
}
