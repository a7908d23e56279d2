// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// user is someone at a terminal: a state folder and a working folder.
type user struct {
	t    *testing.T
	home string
	work string
	env  []string

	program string          // what is run; empty: the built emrflink
	shown   strings.Builder // all that the commands printed
}

// result is what a command left behind.
type result struct {
	code           int
	stdout, stderr string
}

// binary returns the path of a built binary, or fails saying how to build it.
func binary(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("EMRFLINK_BIN")
	if dir == "" {
		dir = "../../bin"
	}
	path, err := filepath.Abs(filepath.Join(dir, name))
	require.NoError(t, err)
	_, err = os.Stat(path)
	require.NoErrorf(t, err, "the end-to-end tests need the binaries: make build")
	return path
}

// newUser makes a user whose daemon is stopped, and seen to be gone, at the end.
func newUser(t *testing.T) *user {
	t.Helper()
	u := &user{t: t, home: filepath.Join(t.TempDir(), "home"), work: t.TempDir()}
	// AWS's durations are not what is tested here, and Kubernetes' and Karpenter's are real at any speed.
	// Nor is memory, which collecting garbage would save for half of the control plane's time.
	u.env = append(os.Environ(), "EMRFLINK_HOME="+u.home, "CI=true", "NO_COLOR=1", "EMRFLINK_SPEED=2000", "GOGC=400")
	t.Cleanup(func() {
		if _, err := os.Stat(filepath.Join(u.home, "local")); err == nil {
			u.exec(context.Background(), "local", "stop")
		}
		require.Empty(t, u.processes(), "processes outlive the test")
	})
	return u
}

// beside is the same user at another terminal, for a test that runs beside others.
func (u *user) beside(t *testing.T) *user {
	return &user{t: t, home: u.home, work: u.work, env: slices.Clip(u.env), program: u.program}
}

// exec runs a command and returns what it printed and its exit code.
func (u *user) exec(ctx context.Context, args ...string) result {
	u.t.Helper()
	cmd := u.cmd(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(u.t, err)
	}
	u.shown.WriteString(stdout.String() + stderr.String())
	return result{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

func (u *user) cmd(ctx context.Context, args ...string) *exec.Cmd {
	program := u.program
	if program == "" {
		program = binary(u.t, "emrflink")
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = u.work, u.env
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// ok runs a command line that must succeed.
func (u *user) ok(line string) result {
	u.t.Helper()
	start := time.Now()
	r := u.exec(u.t.Context(), strings.Fields(line)...)
	require.Zerof(u.t, r.code, "emrflink %s\n%s%s", line, r.stdout, r.stderr)
	u.t.Logf("emrflink %s: %s", line, time.Since(start).Round(10*time.Millisecond))
	return r
}

// json runs a command line that must succeed and decodes what it printed.
func (u *user) json(line string, into any) {
	u.t.Helper()
	r := u.ok(line + " --output json")
	require.NoErrorf(u.t, json.Unmarshal([]byte(r.stdout), into), "emrflink %s: %s", line, r.stdout)
}

// processes lists the command lines of live processes that carry the user's home.
func (u *user) processes() []string {
	var found []string
	envs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range envs {
		env, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(env, []byte("EMRFLINK_HOME="+u.home)) {
			continue
		}
		cmdline, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		found = append(found, strings.ReplaceAll(string(cmdline), "\x00", " "))
	}
	return found
}

// inventory is the contract of `local inventory --output json`.
type inventory struct {
	SchemaVersion int
	Resources     []struct {
		Service, Type, ID, ARN, CreatedBy string
		HourlyUSD                         float64
	}
	HourlyUSD float64
}

func (u *user) inventory() inventory {
	u.t.Helper()
	var i inventory
	u.json("local inventory", &i)
	require.Equal(u.t, 1, i.SchemaVersion)
	return i
}

// summary is the head of a preview.
type summary struct {
	Summary struct{ Create, Update, Replace, Delete, Same int }
	Steps   []struct{ URN, Type, Name, Op string }
}

func (s summary) changes() int {
	return s.Summary.Create + s.Summary.Update + s.Summary.Replace + s.Summary.Delete
}
