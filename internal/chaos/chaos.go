// SPDX-License-Identifier: Apache-2.0

// Package chaos makes experiments with deploy and cleanup of the whole blueprint on the local target: it kills one right before
// or right after one change of a resource, or at any time, and finds out whether the next commands bring everything in order; it
// repeats both under one name; it cleans up a stack that was used. It runs the built programs only.
package chaos

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"emrflink/internal/localtarget"
	"emrflink/internal/program"
)

// Who is killed.
const (
	CLI    = "cli"            // the command alone
	Engine = "cli and engine" // the command and the engine that it runs
	Daemon = "daemon"         // the local target's process, with the AWS account and the providers
	Target = "local target"   // the same with its control planes
)

// Signals by which a program is ended: at once, as a service manager does, and as Ctrl-C does.
const (
	Kill      = "KILL"
	Terminate = "TERM"
	Interrupt = "INT"
)

// Ends are the ways to end a program: who, and by which signal. Only a command has something to say about the milder ones.
func Ends() [][2]string {
	return [][2]string{{CLI, Kill}, {Engine, Kill}, {Daemon, Kill}, {Target, Kill}, {CLI, Terminate}, {CLI, Interrupt}}
}

// Around is the moment of a kill that is not tied to a change: up to jitter after the change was begun, in the middle of
// whatever the processes do then.
const (
	Around = "around"
	jitter = 300 * time.Millisecond
)

// Case is one experiment.
type Case struct {
	Command string // what is interrupted: "deploy" or "cleanup"
	Then    string // what is run after it: "deploy" or "cleanup"
	Who     string
	Signal  string // "" is Kill
	When    string // "before" or "after" the change, or Around
	// Change is the operation and the URN: "create urn:...". Around it is the number of the change, from 1, in the order in which
	// a command makes them, which is another one each time.
	Change string
}

// Key names the case in a table of results.
func (c Case) Key() string {
	return strings.Join([]string{c.Command, c.Then, c.Who, c.signal(), c.When, c.Change}, "\t")
}

func (c Case) signal() string { return cmp.Or(c.Signal, Kill) }

// ParseCase reads the cells of a Key.
func ParseCase(cells []string) (Case, error) {
	if len(cells) < 6 {
		return Case{}, fmt.Errorf("a case has 6 cells, not %d", len(cells))
	}
	return Case{Command: cells[0], Then: cells[1], Who: cells[2], Signal: cells[3], When: cells[4], Change: cells[5]}, nil
}

// Outcome is what came of a case.
type Outcome struct {
	Case
	Commands int // how many commands it took after the kill
	Clean    bool
	Why      string // what is wrong, "" when it is clean
	Elapsed  time.Duration
}

// follow is how many commands may be needed.
const follow = 2

// patience bounds one command.
const patience = 10 * time.Minute

// Bench runs cases. Bin is the folder of the binaries.
type Bench struct {
	Bin string
	// Teams is the number of teams of the stack, 0 for the default.
	Teams int
	// Kinds is what an uninterrupted deploy makes, by kind; see Changes. A deploy after a kill has to end with the same.
	Kinds map[string]int
}

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
	return u, clean, errors.Join(os.MkdirAll(u.steps, 0o700), os.MkdirAll(u.work, 0o700), u.settings(b.Teams))
}

// settings writes a stack file for so many teams.
func (u *user) settings(teams int) error {
	if teams == 0 {
		return nil
	}
	text := "config:\n  emrflink:target: local\n  emrflink:teams:\n"
	for i := range teams {
		text += fmt.Sprintf("    - team-%d\n", i)
	}
	return os.WriteFile(filepath.Join(u.work, "Pulumi.local.yaml"), []byte(text), 0o600)
}

// Changes lists the changes of a deploy and of the cleanup after it, and sets Kinds.
func (b *Bench) Changes(ctx context.Context) (deploy, cleanup []string, err error) {
	u, clean, err := b.user()
	if err != nil {
		return nil, nil, err
	}
	defer clean()
	if out, err := u.run(ctx, "deploy", "--yes"); err != nil {
		return nil, nil, fmt.Errorf("deploy: %w\n%s", err, out)
	}
	deploy = u.done()
	ids, err := u.inventory(ctx)
	if err != nil {
		return nil, nil, err
	}
	b.Kinds = kinds(ids)
	if out, err := u.run(ctx, cleanupArgs()...); err != nil {
		return nil, nil, fmt.Errorf("cleanup: %w\n%s", err, out)
	}
	return deploy, u.done()[len(deploy):], nil
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
	if err = u.interrupt(ctx, c); err != nil {
		return o, err
	}
	if o.Why = u.whole(); o.Why == "" {
		o.Commands, o.Why = u.repair(ctx, c.Then, b.Kinds)
	}
	o.Clean, o.Elapsed = o.Why == "", time.Since(began)
	return o, nil
}

// interrupt starts the command, waits for the change and kills.
func (u *user) interrupt(ctx context.Context, c Case) error {
	pause := filepath.Join(u.steps, localtarget.StepsPause)
	before := len(u.done())
	at := c.When + " " + c.Change
	if err := os.WriteFile(pause, []byte(at), 0o600); err != nil {
		return err
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
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for !u.reached(c, before) {
		select {
		case err := <-ended:
			return fmt.Errorf("%s ended (%w) before change %s\n%s", c.Command, err, at, tail(out.String()))
		case <-time.After(10 * time.Millisecond):
		}
	}
	if c.When == Around {
		time.Sleep(rand.N(jitter)) // #nosec G404 -- a draw, not a secret
	}
	u.kill(c, cmd.Process.Pid)
	if err := os.Remove(pause); err != nil {
		return err
	}
	if c.Who == Daemon || c.Who == Target || c.signal() != Kill {
		<-ended // it finds out by itself, or ends in good order
	}
	return nil
}

// reached says whether the moment of the kill has come.
func (u *user) reached(c Case, before int) bool {
	if c.When != Around {
		_, err := os.Stat(filepath.Join(u.steps, localtarget.StepsReached))
		return err == nil
	}
	n, err := strconv.Atoi(c.Change)
	return err == nil && len(u.done()) >= before+n
}

// whole tells of a state file of which only a part was written.
func (u *user) whole() string {
	files, _ := filepath.Glob(filepath.Join(u.home, "backend/.pulumi/stacks/*/local.json"))
	for _, file := range files {
		if raw, err := os.ReadFile(file); err != nil || !json.Valid(raw) {
			return fmt.Sprintf("the state is not whole after the kill: %v: %s", err, tail(string(raw)))
		}
	}
	return ""
}

func (u *user) kill(c Case, command int) {
	victims := []int{command}
	switch c.Who {
	case Engine:
		victims = append(victims, u.processes("pulumi")...)
	case Daemon:
		victims = u.daemon()
	case Target:
		victims = append(u.daemon(), u.processes("localkube")...)
	}
	signal := map[string]syscall.Signal{Kill: syscall.SIGKILL, Terminate: syscall.SIGTERM, Interrupt: syscall.SIGINT}[c.signal()]
	for _, pid := range victims {
		_ = syscall.Kill(pid, signal) // it may have ended by itself
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
	return running(func(env, line []byte) bool {
		return bytes.Contains(env, []byte("EMRFLINK_HOME="+u.home)) && bytes.Contains(line, []byte(word))
	})
}

// running are the processes whose environment and command line are meant.
func running(meant func(env, line []byte) bool) []int {
	var found []int
	envs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range envs {
		env, err := os.ReadFile(path)
		line, lerr := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		pid, perr := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if errors.Join(err, lerr, perr) == nil && meant(env, line) {
			found = append(found, pid)
		}
	}
	return found
}

// repair runs what a user would, and says what is wrong afterwards.
func (u *user) repair(ctx context.Context, then string, whole map[string]int) (commands int, wrong string) {
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
		if wrong := u.differs(ctx, whole); wrong != "" {
			return commands, wrong
		}
		if out, err := u.run(ctx, cleanupArgs()...); err != nil {
			return commands, fmt.Sprintf("cleanup after it: %v: %s", err, tail(out))
		}
	}
	return commands, u.left(ctx)
}

// left says what is still in the account.
func (u *user) left(ctx context.Context) string {
	ids, err := u.inventory(ctx)
	if err != nil {
		return err.Error()
	}
	if len(ids) > 0 {
		return fmt.Sprintf("%d left: %s", len(ids), strings.Join(ids[:min(5, len(ids))], ", "))
	}
	return ""
}

// inventory lists what is in the account: service, type and id.
func (u *user) inventory(ctx context.Context) (ids []string, err error) {
	out, err := u.run(ctx, "local", "inventory", "--output", "json")
	if err != nil {
		return nil, fmt.Errorf("inventory: %w: %s", err, tail(out))
	}
	var inventory struct {
		Resources []struct{ Service, Type, ID string }
	}
	if err := json.Unmarshal([]byte(out), &inventory); err != nil {
		return nil, fmt.Errorf("inventory: %w: %s", err, tail(out))
	}
	for _, r := range inventory.Resources {
		ids = append(ids, r.Service+" "+r.Type+" "+r.ID)
	}
	return ids, nil
}

// differs says of which kinds the account has more or fewer than it should; nil is not compared.
func (u *user) differs(ctx context.Context, want map[string]int) string {
	ids, err := u.inventory(ctx)
	if err != nil {
		return err.Error()
	}
	var wrong []string
	for kind, n := range kinds(ids) {
		if want != nil && n > want[kind] {
			wrong = append(wrong, fmt.Sprintf("%d %s instead of %d", n, kind, want[kind]))
		}
	}
	for kind, n := range want {
		if got := kinds(ids)[kind]; got < n {
			wrong = append(wrong, fmt.Sprintf("%d %s instead of %d", got, kind, n))
		}
	}
	return strings.Join(wrong, ", ")
}

// kinds counts an inventory by service and type. Launch templates are Karpenter's too, which makes and deletes them when it
// likes.
func kinds(ids []string) map[string]int {
	count := map[string]int{}
	for _, id := range ids {
		service, rest, _ := strings.Cut(id, " ")
		kind, _, _ := strings.Cut(rest, " ")
		count[service+" "+kind]++
	}
	delete(count, "ec2 launchTemplate")
	return count
}

// done lists the changes so far, without their numbers.
func (u *user) done() []string {
	raw, err := os.ReadFile(filepath.Join(u.steps, localtarget.StepsDone))
	if err != nil {
		return nil
	}
	var out []string
	for line := range strings.Lines(string(raw)) {
		_, change, _ := strings.Cut(strings.TrimSpace(line), " ")
		out = append(out, change)
	}
	return out
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
	return program.Program{
		Bin: u.bench.Bin, Home: u.home, Dir: u.work, More: []string{localtarget.EnvSteps + "=" + u.steps, "GOGC=400"},
	}.Command(ctx, args...)
}

// tail is the end of a text, on one line.
func tail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], " | ")
}
