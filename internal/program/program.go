// SPDX-License-Identifier: Apache-2.0

// Package program runs the built emrflink for the tools that see what it does: with a state folder of theirs, no terminal, and
// AWS's durations shortened as far as they go.
package program

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Program is an emrflink with a state folder.
type Program struct {
	Bin  string   // folder of the binaries
	Home string   // state folder
	Dir  string   // working folder, "" = the state folder
	More []string // more of the environment: NAME=VALUE
}

// Env is its environment.
func (p Program) Env() []string {
	return append(append(os.Environ(), "EMRFLINK_HOME="+p.Home, "CI=true", "NO_COLOR=1", "EMRFLINK_SPEED=2000"), p.More...)
}

// Command is one of its commands.
func (p Program) Command(ctx context.Context, words ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(p.Bin, "emrflink"), words...) // #nosec G204 -- our own program
	cmd.Dir, cmd.Env = p.Dir, p.Env()
	if p.Dir == "" {
		cmd.Dir = p.Home
	}
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// Output runs a command and returns its standard output. The error has all that it printed.
func (p Program) Output(ctx context.Context, words ...string) ([]byte, error) {
	out, err := p.Command(ctx, words...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%w\n%s%s", err, out, exit.Stderr)
	}
	if err != nil {
		return out, fmt.Errorf("emrflink %s: %w", strings.Join(words, " "), err)
	}
	return out, nil
}
