// SPDX-License-Identifier: Apache-2.0

// Command demo builds the programs and runs the whole product once on the local target, in a temporary state folder:
// preview, cost, picture, deploy, a Flink job up to a checkpoint, cleanup, and the inventory that shows that nothing is
// left. It runs the commands that a user would run, and fails if one of them fails or if the account is not empty at
// the end.
//
// Commands that need only emrflink run while localkube is still compiled; until emrflink is compiled, a saved graph of
// the blueprint is shown.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"emrflink/internal/flinkhome"
	"emrflink/internal/tools/compile"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	bin := flag.String("bin", "bin", "folder of the binaries")
	version := flag.String("version", "dev", "version that emrflink reports")
	flag.Parse()
	err := run(ctx, *bin, *version)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// demo is one run: where the binary is, and the folders that it may write.
type demo struct {
	exe, home, work string
	flink           string // folder of the Flink that the user has installed for the local target; "" runs a simulated job
}

func run(ctx context.Context, bin, version string) (err error) {
	bin, err = filepath.Abs(bin)
	if err != nil {
		return err
	}
	root, err := os.MkdirTemp("", "emrflink-demo-")
	if err != nil {
		return err
	}
	d := demo{exe: filepath.Join(bin, "emrflink"), home: filepath.Join(root, "home"), work: filepath.Join(root, "work")}
	if err := os.Mkdir(d.work, 0o700); err != nil {
		return err
	}
	var ports []string
	start := time.Now()
	defer func() {
		// Whatever happened, no process, no port and no file stays behind.
		err = errors.Join(err, d.stop(), os.RemoveAll(root), gone(root, ports))
		if err == nil {
			fmt.Printf("\nThe demo took %s. Everything it made is gone: no resource, no process, no port, no file.\n",
				time.Since(start).Round(time.Second))
		}
	}()
	if err := d.build(ctx, bin, version); err != nil {
		return err
	}
	if err := d.findFlink(ctx); err != nil {
		return err
	}
	job := d.words("sample-job run basic")
	if d.flink != "" {
		if err := compile.Samples(ctx, ".", bin, os.Stdout, counting); err != nil {
			fmt.Printf("\nThe job that counts is left out: %v\n", err)
		} else {
			job = d.count
		}
	}
	look := func(ctx context.Context) (err error) { ports, err = d.ports(ctx); return err }
	start = time.Now()
	for _, step := range []func(context.Context) error{
		d.words("deploy --yes"), d.words("status"), job, look, d.words("cleanup --stack local --yes"), d.empty,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// words is a command.
func (d demo) words(line string) func(context.Context) error {
	return func(ctx context.Context) error { return d.command(ctx, strings.Fields(line)...) }
}

// findFlink looks in the user's own state folder, which is not the demo's.
func (d *demo) findFlink(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, d.exe, "local", "flink", "status", "--output", "json").Output() // #nosec G204 -- our own
	if err != nil {
		return fmt.Errorf("look for Flink: %w", err)
	}
	var s flinkhome.Status
	if err := json.Unmarshal(out, &s); err != nil {
		return fmt.Errorf("look for Flink: %w", err)
	}
	if s.Runs {
		d.flink = s.Home.Dir
		fmt.Println("\n" + s.String())
		return nil
	}
	fmt.Printf("\n%s. After `make flink` (it needs a JDK and Maven) this demo runs a real job, which counts: checkpoints, "+
		"Flink's UI, a savepoint, an upgrade that goes on from it.\n", s)
	return nil
}

// build compiles the programs, and runs what the first of them can do alone as soon as it is there.
func (d demo) build(ctx context.Context, bin, version string) error {
	if _, err := os.Stat(d.exe); errors.Is(err, os.ErrNotExist) {
		fetched := make(chan struct{})
		go func() { defer close(fetched); compile.Fetch(ctx) }()
		if err := d.firstLook(ctx, bin); err != nil {
			return err
		}
		<-fetched
	}
	ready, built := make(chan struct{}), make(chan error, 1)
	b := compile.Build{Out: bin, Version: version, W: os.Stdout, Ready: func(p compile.Program) {
		if p.Name == "emrflink" {
			close(ready)
		}
	}}
	go func() { built <- b.Run(ctx) }()
	select {
	case err := <-built:
		if err != nil {
			return err
		}
		built <- nil
	case <-ready:
	}
	b.Quiet.Lock()
	err := errors.Join(d.command(ctx, "preview", "--offline"), d.command(ctx, "cost"), d.picture(ctx, bin))
	b.Quiet.Unlock()
	return errors.Join(err, <-built)
}

// firstLook shows the blueprint from the saved graph: the program that does is compiled in a fraction of the time.
func (d demo) firstLook(ctx context.Context, bin string) error {
	if err := os.MkdirAll(bin, 0o755); err != nil { // #nosec G301 -- a folder of programs
		return err
	}
	fmt.Println("The blueprint, as it was saved with the source; emrflink itself will compute it in a few minutes:")
	fmt.Println()
	// #nosec G204 -- our own
	cmd := exec.CommandContext(ctx, "go", "run", "./internal/tools/firstlook", "-svg", filepath.Join(bin, "blueprint.svg"))
	cmd.Env, cmd.Stdout, cmd.Stderr = compile.Environ(), os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("show the saved graph: %w", err)
	}
	fmt.Println()
	return nil
}

// picture writes the architecture beside the programs.
func (d demo) picture(ctx context.Context, bin string) error {
	path := filepath.Join(bin, "architecture.svg")
	fmt.Printf("\n$ emrflink graph > %s\n", path)
	cmd := d.cmd(ctx, "graph")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("emrflink graph: %w", err)
	}
	return os.WriteFile(path, out, 0o600)
}

// command shows a command and runs it as a user would.
func (d demo) command(ctx context.Context, args ...string) error {
	fmt.Printf("\n$ emrflink %s\n", strings.Join(args, " "))
	cmd := d.cmd(ctx, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("emrflink %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

func (d demo) cmd(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, d.exe, args...)
	cmd.Dir = d.work
	cmd.Env = append(os.Environ(), "EMRFLINK_HOME="+d.home)
	if d.flink != "" {
		cmd.Env = append(cmd.Env, flinkhome.EnvVar+"="+d.flink)
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	return cmd
}

// empty fails unless the account has no resource left.
func (d demo) empty(ctx context.Context) error {
	fmt.Printf("\n$ emrflink local inventory --output json\n")
	out, err := d.cmd(ctx, "local", "inventory", "--output", "json").Output()
	if err != nil {
		return fmt.Errorf("read the inventory: %w", err)
	}
	fmt.Print(string(out))
	var inv struct {
		Resources []struct{ Service, Type, ID string }
	}
	if err := json.Unmarshal(out, &inv); err != nil {
		return fmt.Errorf("read the inventory: %w", err)
	}
	if len(inv.Resources) > 0 {
		return fmt.Errorf("%d resources are left", len(inv.Resources))
	}
	return nil
}

// stop ends the daemon with a context of its own: the run's may be cancelled.
func (d demo) stop() error {
	if _, err := os.Stat(filepath.Join(d.home, "local")); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if out, err := d.cmd(ctx, "local", "stop").CombinedOutput(); err != nil {
		return fmt.Errorf("stop the local target: %w: %s", err, out)
	}
	return nil
}
