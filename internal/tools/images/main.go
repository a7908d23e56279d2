// SPDX-License-Identifier: Apache-2.0

// Command images makes the pictures of the documentation again: architecture.svg is the output of `emrflink graph` for
// the default settings, preview.png is a screenshot of `emrflink preview --output html` for the change of settings
// below. It needs a Chromium on the PATH, or in EMRFLINK_BROWSER.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"emrflink/internal/tools/browser"
)

// stack is the stack of preview.png: before and after are its settings, shown is the resource whose diff is open.
const (
	stack  = "analytics"
	before = "config:\n  emrflink:target: local\n  emrflink:teams: [reporting, fraud]\n"
	after  = "config:\n  emrflink:target: local\n  emrflink:teams: [reporting, pricing]\n  emrflink:natGateways: perZone\n" +
		"  emrflink:logRetentionDays: 90\n  emrflink:coreNodes:\n    instanceTypes: [m5.2xlarge]\n    desired: 4\n"
	shown = "core-group"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	bin := flag.String("bin", "bin", "folder of the binaries")
	out := flag.String("out", "docs/images", "folder of the pictures")
	flag.Parse()
	err := run(ctx, *bin, *out)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, bin, out string) (err error) {
	program, err := browser.Find()
	if err != nil {
		return err
	}
	tool, err := filepath.Abs(filepath.Join(bin, "emrflink"))
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "emrflink-images-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	drawing, err := output(ctx, dir, tool, "graph")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "architecture.svg"), drawing, 0o644); err != nil {
		return err
	}
	page, err := changed(ctx, dir, tool)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "preview.html")
	if err := os.WriteFile(file, page, 0o600); err != nil {
		return err
	}
	picture, err := shoot(ctx, program, file)
	if err != nil {
		return err
	}
	if len(picture) > browser.Largest {
		return fmt.Errorf("preview.png has %d bytes; it may have %d", len(picture), browser.Largest)
	}
	return os.WriteFile(filepath.Join(out, "preview.png"), picture, 0o644)
}

// changed is the page of the change of settings.
func changed(ctx context.Context, dir, tool string) ([]byte, error) {
	file := filepath.Join(dir, "Pulumi."+stack+".yaml")
	baseline := filepath.Join(dir, "baseline.json")
	if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
		return nil, err
	}
	if _, err := output(ctx, dir, tool, "preview", "--stack", stack, "--save-baseline", baseline); err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, []byte(after), 0o600); err != nil {
		return nil, err
	}
	return output(ctx, dir, tool, "preview", "--stack", stack, "--baseline", baseline, "--output", "html")
}

// output runs the tool in folders of its own.
func output(ctx context.Context, dir, tool string, args ...string) ([]byte, error) {
	var out, problems bytes.Buffer
	cmd := exec.CommandContext(ctx, tool, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &problems
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "EMRFLINK_") && !strings.HasPrefix(v, "AWS_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "EMRFLINK_HOME="+filepath.Join(dir, "home"))
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, problems.String())
	}
	return out.Bytes(), nil
}

// shoot opens the page, chooses a resource and takes the picture. A page that complains is no page to show.
func shoot(ctx context.Context, program, file string) (picture []byte, err error) {
	b, err := browser.Open(ctx, program, 1600, 1000)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := b.Dark(ctx, false); err != nil {
		return nil, err
	}
	if err := b.Load(ctx, "file://"+file); err != nil {
		return nil, err
	}
	choose := fmt.Sprintf("[...document.querySelectorAll('#entries b')].find((e) => e.textContent === "+
		"%q).closest('button').click()", shown)
	if err := b.Eval(ctx, choose, nil); err != nil {
		return nil, err
	}
	if picture, err = b.Screenshot(ctx); err != nil {
		return nil, err
	}
	if problems := b.Problems(); len(problems) > 0 {
		return nil, fmt.Errorf("the page reports: %s", strings.Join(problems, "; "))
	}
	return picture, nil
}
