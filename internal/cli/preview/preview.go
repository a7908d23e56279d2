// SPDX-License-Identifier: Apache-2.0

// Package preview is the command that shows what a deploy would change and what that would cost.
package preview

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/disk"
	"emrflink/internal/iostreams"
	"emrflink/internal/preview"
	"emrflink/internal/stack"
)

// Planner computes plans.
type Planner interface {
	Info() stack.Info
	Plan(ctx context.Context) (preview.Report, error)
	Close() error
}

// Stack plans against the deployed stack.
type Stack interface {
	Planner
	SavePlan(ctx context.Context, r preview.Report, to disk.Writer) error
}

// Options are the dependencies and the flags of the command.
type Options struct {
	IO      *iostreams.IOStreams
	Globals *cmdutil.Globals
	Info    func() (stack.Info, error)
	Operations

	Offline      bool
	Baseline     string
	SaveBaseline string
	SavePlan     string
	ExitCode     bool
	Output       cmdutil.Format

	toStdout bool // a file was written to standard output
}

// Operations open what computes a plan.
type Operations struct {
	// OpenStack plans against the deployed stack, OpenOffline without one; OpenBaseline is OpenOffline, compared with a file.
	OpenStack    func(context.Context) (Stack, error)
	OpenOffline  func(context.Context) (Planner, error)
	OpenBaseline func(ctx context.Context, file string) (Planner, error)
}

// NewCmd returns the command.
func NewCmd(f *cmdutil.Factory, o Operations, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO, Globals: f.Globals, Info: f.Info, Operations: o}
	cmd := &cobra.Command{
		SuggestFor: []string{"plan", "diff"},
		Use:        "preview [flags]",
		Short:      "Show what a deploy would change and cost",
		Long: `Show what a deploy would change, resource by resource, and what the change costs per month.

Steps:
  1. read and validate the settings of the stack
  2. open the target (the local target is started if it is stopped); --offline opens none
  3. compute the plan; nothing is changed

With --offline the desired graph of the settings is computed in this process: no credentials, no state, no daemon.
Every resource is then new, and values that only the cloud knows are unknown.

With --baseline that graph is compared with another graph of the same stack, also offline: one that --save-baseline
wrote on another branch, or the state of a deployed stack as "emrflink pulumi stack export" prints it. A value that
only a deployment gives counts as unchanged if it comes from the same resources as before and none of them is new or
replaced; the number of such values is printed. Only a preview of the deployed stack shows drift, and what the cloud
would refuse.

An update is marked MAY REPLACE if it becomes a replacement when a value that is not known yet turns out to be
different.

With --save-plan the plan is also written to a file: "emrflink deploy --plan" with that file runs only if its own plan
is the same. The file contains no secrets, but it names what is deployed: only its owner can read it.

--output markdown prints one comment for a pull or merge request, at most 60,000 bytes long. Its first line,
"<!-- emrflink preview: STACK -->", lets a workflow find its earlier comment and update it. --output html prints one
page that needs no other file, with the resources as a picture: keep it as an artifact.

Cost: none.

Exit codes: 0 computed; 1 failed; 2 settings, flags or the baseline; 3 credentials; 5 changes are pending (only with
--exit-code).`,
		Example: `  emrflink preview
  emrflink preview --offline --output json
  emrflink preview --save-baseline baseline.json
  emrflink preview --baseline baseline.json --exit-code
  emrflink preview --baseline baseline.json --output html
  emrflink preview --stack dev --save-plan plan.json`,
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opts.complete(); err != nil {
				return err
			}
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return run(cmd.Context(), opts)
		},
	}
	cmdutil.AddFormatFlag(cmd, &opts.Output, cmdutil.Text, cmdutil.JSON, cmdutil.Markdown, cmdutil.HTML)
	cmd.Flags().BoolVar(&opts.Offline, "offline", false, "compute the desired graph only: no state, credentials or daemon")
	cmd.Flags().StringVar(&opts.Baseline, "baseline", "",
		"compare the desired graph with this saved graph or exported state; implies --offline")
	cmd.Flags().StringVar(&opts.SaveBaseline, "save-baseline", "",
		"write the desired graph to this file (- is standard output), for a later --baseline; implies --offline")
	cmd.Flags().StringVar(&opts.SavePlan, "save-plan", "",
		"write the plan to this file (- is standard output), for deploy --plan")
	cmd.Flags().BoolVar(&opts.ExitCode, "exit-code", false, "end with exit code 5 when changes are pending")
	return cmd
}

// complete checks what the flags say together.
func (o *Options) complete() error {
	o.Offline = o.Offline || o.Baseline != "" || o.SaveBaseline != ""
	if (iostreams.IsStdout(o.SaveBaseline) || iostreams.IsStdout(o.SavePlan)) && o.Output != cmdutil.Text && o.Output != "" {
		return cmdutil.Usagef("standard output is one file: --output %s and the file cannot both go there", o.Output)
	}
	if o.Offline && o.SavePlan != "" {
		return cmdutil.Usagef("--save-plan needs the deployed stack: it cannot be used with --offline, " +
			"--baseline or --save-baseline")
	}
	return nil
}

// open opens what computes the plan.
func (o *Options) open(ctx context.Context) (Planner, error) {
	switch {
	case o.Baseline != "":
		return o.OpenBaseline(ctx, o.Baseline)
	case o.Offline:
		return o.OpenOffline(ctx)
	}
	return o.OpenStack(ctx)
}

func run(ctx context.Context, opts *Options) error {
	info, err := opts.Info()
	if err != nil {
		return err
	}
	p, err := opts.open(ctx)
	if err != nil {
		return fmt.Errorf("preview stack %q: %w", info.Stack, err)
	}
	defer p.Close() // a plan changes nothing that could be lost
	progress := opts.IO.NewProgress(iostreams.Phase{Name: "preview"})
	progress.Start("preview")
	plan, err := p.Plan(ctx)
	if err != nil {
		progress.Fail("preview")
		progress.Stop()
		return fmt.Errorf("preview stack %q: %w", info.Stack, err)
	}
	progress.Done("preview")
	progress.Stop()
	if err := save(ctx, opts, p, plan); err != nil {
		return err
	}
	if err := show(opts, plan); err != nil {
		return err
	}
	if opts.Output != cmdutil.JSON {
		cmdutil.PrintSimulated(opts.IO, p.Info().Simulated)
	}
	if opts.ExitCode && plan.Document.Summary.Changes() > 0 {
		return cmdutil.ExitStatus(cmdutil.ExitChanges)
	}
	return nil
}

// save writes the files that were asked for.
func save(ctx context.Context, opts *Options, p Planner, plan preview.Report) error {
	for _, file := range []struct {
		path  string
		write func(disk.Writer) error
	}{
		{opts.SaveBaseline, func(to disk.Writer) error { return plan.SaveBaseline(to, stack.Project) }},
		{opts.SavePlan, func(to disk.Writer) error { return p.(Stack).SavePlan(ctx, plan, to) }}, // complete sees to it
	} {
		if file.path == "" {
			continue
		}
		if err := file.write(opts.IO.To(file.path)); err != nil {
			return err
		}
		opts.toStdout = opts.toStdout || iostreams.IsStdout(file.path)
		opts.IO.Say("wrote " + file.path)
	}
	return nil
}

// show prints the plan. Where standard output is a file that was asked for, the plan for a reader goes beside it.
func show(opts *Options, plan preview.Report) error {
	look := preview.TextOptions{Verbose: opts.Globals.Verbose}
	if opts.toStdout {
		look.Color = opts.IO.ErrPalette().Enabled()
		return plan.Text(opts.IO.ErrOut, look)
	}
	switch opts.Output {
	case cmdutil.JSON:
		return cmdutil.WriteJSON(opts.IO.Out, plan.Document)
	case cmdutil.Markdown:
		return preview.Markdown(opts.IO.Out, plan.Document)
	case cmdutil.HTML:
		return plan.HTML(opts.IO.Out)
	}
	if look.Color = opts.IO.OutPalette().Enabled(); opts.IO.IsOutTTY() {
		look.Width = opts.IO.Width() // a file or a pipe gets whole lines
	}
	if err := plan.Text(opts.IO.Out, look); err != nil {
		return fmt.Errorf("print plan: %w", err)
	}
	return nil
}
