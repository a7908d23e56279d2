// SPDX-License-Identifier: Apache-2.0

// Command gc runs a command, such as `go test ./...`, with settings that let its compilers use the free memory instead
// of collecting garbage (package compile says what that saves). Tests get `-exec "env -u GOGC"`, so that they run
// without these settings.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"emrflink/internal/tools/compile"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "error: no command; usage: gc COMMAND [ARGUMENT ...]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	cmd := exec.CommandContext(ctx, os.Args[1], os.Args[2:]...) // #nosec G204 -- what the caller asked for
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = compile.Environ(), os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	err := cmd.Run()
	stop()
	var failed *exec.ExitError
	switch {
	case errors.As(err, &failed):
		os.Exit(max(1, failed.ExitCode()))
	case err != nil:
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
