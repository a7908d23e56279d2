// SPDX-License-Identifier: Apache-2.0

// Package cmdtest helps to test commands: it runs one with arguments over buffers and keeps standard output and
// standard error apart.
package cmdtest

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
	"emrflink/internal/stack"
)

// Run is one command line under test.
type Run struct {
	Factory *cmdutil.Factory
	Out     *bytes.Buffer
	Err     *bytes.Buffer
	In      *bytes.Buffer
}

// New returns a factory over buffers. Its Info describes the stack "local"; whatever else a test needs it sets.
func New(t *testing.T) *Run {
	t.Helper()
	ios, in, out, errOut := iostreams.Test()
	now := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	ios.SetClock(now) // a busy machine takes its time
	return &Run{
		Out: out, Err: errOut, In: in,
		Factory: &cmdutil.Factory{
			IO: ios, Globals: &cmdutil.Globals{Stack: "local"}, Version: "v1.2.3", Interrupt: cmdutil.NewInterrupt(),
			Now:  now,
			Info: func() (stack.Info, error) { return Info(), nil },
		},
	}
}

// Info describes a local stack.
func Info() stack.Info {
	return stack.Info{
		Stack: "local", Home: "/state", Target: "local", Region: "us-west-2", Deployment: "emr-eks-flink",
		Kubernetes: "1.35", Speed: 200, Simulated: []string{"the AWS account is simulated"},
	}
}

var lasted = regexp.MustCompile(`\bafter \d+(\.\d+)?s\b`)

// Timeless is a text in which whatever came after some time came at once.
func Timeless(text string) string { return lasted.ReplaceAllString(text, "after 0s") }

// Exec runs a command with arguments and returns its error.
func (r *Run) Exec(t *testing.T, cmd *cobra.Command, args ...string) error {
	t.Helper()
	cmd.SetArgs(append([]string{}, args...)) // nil would mean os.Args
	cmd.SetOut(r.Factory.IO.Out)
	cmd.SetErr(io.Discard)
	cmd.SetFlagErrorFunc(cmdutil.FlagError)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	return cmd.ExecuteContext(t.Context())
}

// ExecOf runs a line of the commands below a parent over new buffers, without progress.
func ExecOf(t *testing.T, parent, line string, commands func(*cmdutil.Factory) []*cobra.Command) (*Run, error) {
	t.Helper()
	r := New(t)
	r.Factory.IO.SetQuiet(true)
	cmd := &cobra.Command{Use: parent}
	cmd.AddCommand(commands(r.Factory)...)
	return r, r.Exec(t, cmd, strings.Fields(line)...)
}

// Code returns the exit code of an error, as the process would.
func Code(err error) int { return cmdutil.ExitCode(context.Background(), err) }
