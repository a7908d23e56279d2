// SPDX-License-Identifier: Apache-2.0

// Package doctor is the command that looks at everything that a deploy will need, and says how to mend what is wrong.
package doctor

import (
	"context"
	"fmt"
	"os/exec"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/session"
	"emrflink/internal/iostreams"
)

// control is what the command needs of the local target.
type control interface {
	Paths() (dir, log string)
	Binary() (string, error)
	Status(ctx context.Context) (session.LocalStatus, error)
}

// Options are the dependencies and the flags of the command.
type Options struct {
	IO       *iostreams.IOStreams
	Info     func() (session.Info, error)
	Home     func() (string, error)
	Local    func() (control, error)
	Identity func(context.Context) (session.Identity, error)
	LookPath func(string) (string, error)
	Free     func(path string) (bytes uint64, err error)

	Output cmdutil.Format
}

// NewCmd returns the command.
func NewCmd(f *cmdutil.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{
		IO: f.IO, Info: f.Info, Identity: f.Identity, LookPath: exec.LookPath, Free: freeBytes,
		Home:  func() (string, error) { return cmdutil.Home(f.IO.Getenv) },
		Local: func() (control, error) { return f.Local() },
	}
	cmd := &cobra.Command{
		Use:   "doctor [flags]",
		Short: "Look for what would make a deploy fail",
		Long: `Look at everything that a deploy of the stack needs, and print every problem with its fix. Nothing is changed and the
local target is not started.

Steps:
  1. settings of the stack
  2. state folder: writable, free space
  3. target local: binary of the control plane, the running target, the port
     target aws: credentials; the programs aws and kubectl, which pulumi-eks needs on the PATH

Cost: none.

Exit codes: 0 no problem; 1 problems were found and listed; 2 flags.`,
		Example: `  emrflink doctor
  emrflink doctor --stack dev --output json`,
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return run(cmd.Context(), opts)
		},
	}
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

// State of a check.
const (
	ok      = "ok"
	warning = "warning"
	failed  = "failed"
)

// result is the outcome of one check.
type result struct {
	Name   string `json:"name"`
	State  string `json:"state"`
	Detail string `json:"detail"`
	Fix    string `json:"fix"`
}

// document is the JSON contract of the command.
type document struct {
	SchemaVersion int      `json:"schemaVersion"`
	Stack         string   `json:"stack"`
	Target        string   `json:"target"`
	OK            bool     `json:"ok"`
	Checks        []result `json:"checks"`
}

func run(ctx context.Context, opts *Options) error {
	info, settings := opts.settings()
	results := append([]result{settings}, opts.folder(info.Home)...)
	if info.Needs.Daemon {
		results = append(results, opts.local(ctx)...)
	}
	if info.Needs.Credentials {
		results = append(results, opts.credentials(ctx))
	}
	results = append(results, opts.programs(info.Needs.Programs)...)
	problems := 0
	for _, r := range results {
		if r.State == failed {
			problems++
		}
	}
	if opts.Output == cmdutil.JSON {
		if err := cmdutil.WriteJSON(opts.IO.Out, document{
			SchemaVersion: cmdutil.SchemaVersion, Stack: info.Stack, Target: info.Target, OK: problems == 0, Checks: results,
		}); err != nil {
			return err
		}
	} else {
		show(opts.IO, results, problems)
	}
	if problems > 0 {
		return cmdutil.ExitStatus(cmdutil.ExitFailed)
	}
	return nil
}

func show(ios *iostreams.IOStreams, results []result, problems int) {
	p, g := ios.OutPalette(), ios.Glyphs()
	for _, r := range results {
		mark, word := p.Green(g.Done), ok
		switch r.State {
		case warning:
			mark, word = p.Yellow("!"), warning
		case failed:
			mark, word = p.Red(g.Failed), failed
		}
		_, _ = fmt.Fprintf(ios.Out, "%s %-8s %s: %s\n", mark, word, r.Name, r.Detail)
		if r.Fix != "" {
			_, _ = fmt.Fprintf(ios.Out, "           fix: %s\n", r.Fix)
		}
	}
	text := "no problem found"
	if problems > 0 {
		text = cmdutil.Count(problems, "problem", "problems") + " found"
	}
	_, _ = fmt.Fprintln(ios.Out, text)
}
