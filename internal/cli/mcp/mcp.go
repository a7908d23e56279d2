// SPDX-License-Identifier: Apache-2.0

// Package mcp is the command that lets an assistant look at deployments and jobs by the Model Context Protocol: each of its tools
// is one of the other commands, with its JSON.
package mcp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
)

// Options are the dependencies and the flags of the command.
type Options struct {
	IO      *iostreams.IOStreams
	Globals *cmdutil.Globals
	Version string
	// Run runs another command of this binary.
	Run func(ctx context.Context, args []string) (Answer, error)

	AllowWrite bool
}

// Answer is what a command printed, and its exit code.
type Answer struct {
	Out, Err string
	Exit     int
}

// NewCmd returns the command.
func NewCmd(f *cmdutil.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO, Globals: f.Globals, Version: f.Version, Run: runSelf}
	cmd := &cobra.Command{
		Use:   "mcp [flags]",
		Short: "Let an assistant look at jobs, by the Model Context Protocol",
		Long: `Serve the Model Context Protocol on standard input and output, for an assistant that is configured to start this
command. Its tools are commands that only read: the list of jobs, the status, the diagnosis, the events and the logs
of one, the check of a job file, a preview, and the status of the stack. They run with your credentials, on the stack
that --stack names.

With --allow-write there are also tools that take a savepoint, suspend, resume, restart or rescale a job. They refuse
what would lose a job's state, as the commands do. No tool deploys, deletes or cleans up.

Cost: none by itself.

Exit codes: 0 the assistant ended it; 1 failed; 2 flags.`,
		Example: `  emrflink mcp --stack dev
  emrflink mcp --stack dev --allow-write`,
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return serve(cmd.Context(), opts)
		},
	}
	cmd.Flags().BoolVar(&opts.AllowWrite, "allow-write", false, "offer tools that change jobs, too")
	return cmd
}

func serve(ctx context.Context, opts *Options) error {
	err := newServer(opts).Run(ctx, &sdk.IOTransport{Reader: io.NopCloser(opts.IO.In), Writer: unclosed{opts.IO.Out}})
	if ctx.Err() != nil || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// unclosed leaves the process's output open.
type unclosed struct{ io.Writer }

// Close implements io.Closer.
func (unclosed) Close() error { return nil }

// newServer has a tool for each row of the table that is allowed.
func newServer(opts *Options) *sdk.Server {
	s := sdk.NewServer(&sdk.Implementation{Name: "emrflink", Title: "Amazon EMR on EKS with Flink", Version: opts.Version}, nil)
	for _, t := range tools() {
		if t.writes && !opts.AllowWrite {
			continue
		}
		s.AddTool(&sdk.Tool{
			Name: t.name, Description: t.text, InputSchema: t.schema(),
			Annotations: &sdk.ToolAnnotations{ReadOnlyHint: !t.writes, DestructiveHint: new(false), IdempotentHint: !t.writes},
		}, func(ctx context.Context, r *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
			return opts.call(ctx, t, r.Params.Arguments), nil
		})
	}
	return s
}

// call runs the command of a tool. What goes wrong is the tool's answer: the assistant is to read it.
func (o *Options) call(ctx context.Context, t tool, arguments []byte) *sdk.CallToolResult {
	failed := func(text string) *sdk.CallToolResult {
		return &sdk.CallToolResult{IsError: true, Content: []sdk.Content{&sdk.TextContent{Text: text}}}
	}
	args, done, err := t.command(arguments)
	if err != nil {
		return failed(err.Error())
	}
	defer done()
	a, err := o.Run(ctx, append(o.global(), args...))
	switch {
	case err != nil:
		return failed(err.Error())
	case a.Out == "" && a.Err != "":
		return failed(a.Err)
	}
	return &sdk.CallToolResult{
		IsError: a.Exit != 0 && !t.verdict, Content: []sdk.Content{&sdk.TextContent{Text: cut(a.Out)}},
	}
}

// global are the flags that say which stack is meant.
func (o *Options) global() []string {
	args := []string{"--stack=" + o.Globals.Stack}
	if o.Globals.ConfigFile != "" {
		args = append(args, "--config-file="+o.Globals.ConfigFile)
	}
	if o.Globals.State != "" {
		args = append(args, "--state="+o.Globals.State)
	}
	return args
}

// longest is how much of an answer an assistant is given.
const longest = 200_000

func cut(text string) string {
	if len(text) <= longest {
		return text
	}
	return fmt.Sprintf("%s\n[%d of %d bytes were left out]", text[:longest], len(text)-longest, len(text))
}

// runSelf runs a command in a process of its own: what it prints cannot get between the messages of the protocol.
func runSelf(ctx context.Context, args []string) (Answer, error) {
	self, err := os.Executable()
	if err != nil {
		return Answer{}, err
	}
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	err = cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		return Answer{}, err
	}
	return Answer{Out: out.String(), Err: said.String(), Exit: cmd.ProcessState.ExitCode()}, nil
}
