// SPDX-License-Identifier: Apache-2.0

// Command completions writes the completion scripts that a release archive has, by asking emrflink for them. It needs the
// binary of this machine: a release builds others, too.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	bin := flag.String("bin", "", "emrflink of this machine; empty: compile and run it")
	out := flag.String("out", "completions", "folder of the scripts")
	flag.Parse()
	if err := write(ctx, *bin, *out); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func write(ctx context.Context, bin, out string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("make the folder of completions: %w", err)
	}
	command := []string{bin}
	if bin == "" {
		command = []string{"go", "run", "./cmd/emrflink"}
	}
	for shell, file := range map[string]string{
		"bash": "emrflink.bash", "zsh": "_emrflink", "fish": "emrflink.fish", "powershell": "emrflink.ps1",
	} {
		args := append(command[1:len(command):len(command)], "completion", shell)
		script, err := exec.CommandContext(ctx, command[0], args...).Output() // #nosec G204 -- our own program
		if err != nil {
			return fmt.Errorf("ask for the completion of %s: %w", shell, err)
		}
		if err := os.WriteFile(filepath.Join(out, file), script, 0o644); err != nil {
			return fmt.Errorf("write the completion of %s: %w", shell, err)
		}
	}
	return nil
}
