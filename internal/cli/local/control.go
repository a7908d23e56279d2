// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/localtarget"
)

// NewStopCmd returns the command that stops the target.
func NewStopCmd(f *cmdutil.Factory, o Operations, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO, Operations: o}
	return &cobra.Command{
		Use:   "stop",
		Short: "Stop the local target and keep its state",
		Long: `Stop the local target and everything that it runs. Its state is kept: the next command that needs the
local target starts it again with that state.

Exit codes: 0 stopped, also when it did not run; 1 failed; 2 flags.`,
		Example: `  emrflink local stop`,
		Args:    cmdutil.NoArgs,
		RunE:    runner(opts, runF, stop),
	}
}

func stop(ctx context.Context, opts *Options) error {
	l, err := opts.Open()
	if err != nil {
		return err
	}
	err = l.Stop(ctx)
	if errors.Is(err, localtarget.ErrNotRunning) {
		_, err = fmt.Fprintln(opts.IO.Out, "the local target was not running")
		return err
	}
	if err != nil {
		return fmt.Errorf("stop the local target: %w", err)
	}
	_, err = fmt.Fprintln(opts.IO.Out, "the local target is stopped; its state is kept")
	return err
}

// NewResetCmd returns the command that deletes the simulated account.
func NewResetCmd(f *cmdutil.Factory, o Operations, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO, Operations: o}
	cmd := &cobra.Command{
		Use:   "reset [flags]",
		Short: "Stop the local target and delete the simulated account",
		Long: `Stop the local target and delete the simulated account with everything in it. What is deployed there is
listed first. The recorded state of stacks is not changed: a stack that was deployed there stays recorded although its
resources are gone, so clean it up first.

While a command works on one of the stacks, a reset is refused, also with --yes.

Exit codes: 0 deleted; 1 failed, or a command works on a stack; 2 flags, or no terminal and no --yes; 130 declined.`,
		Example: `  emrflink local reset
  emrflink local reset --yes`,
		Args: cmdutil.NoArgs,
		RunE: runner(opts, runF, reset),
	}
	cmdutil.AddYesFlag(cmd, &opts.Yes, "delete without asking")
	return cmd
}

func reset(ctx context.Context, opts *Options) error {
	l, err := opts.Open()
	if err != nil {
		return err
	}
	dir, _ := l.Paths()
	if err := forgotten(ctx, opts, l); err != nil {
		return err
	}
	if !opts.Yes {
		if err := opts.IO.Confirm(ctx, fmt.Sprintf("Delete the simulated account in %s?", dir), "--yes"); err != nil {
			return err
		}
	}
	if err := l.Reset(ctx); err != nil {
		return fmt.Errorf("reset the local target: %w", err)
	}
	_, err = fmt.Fprintln(opts.IO.Out, "the simulated account is gone")
	return err
}

// forgotten says what a reset forgets.
func forgotten(ctx context.Context, opts *Options, l Target) error {
	stacks, err := l.Deployed(ctx)
	if err != nil {
		return fmt.Errorf("reset the local target: nothing was deleted: %w", err)
	}
	for _, s := range stacks {
		from := ""
		if s.Folder != "" {
			from = ", deployed from " + s.Folder
		}
		_, _ = fmt.Fprintf(opts.IO.ErrOut, "%s stack %s (%s%s); clean it up first: %s\n",
			opts.IO.ErrPalette().Red("lost for good:"), s.Stack, cmdutil.Count(s.Resources, "resource", "resources"), from,
			cmdutil.Command("cleanup", "--stack", s.Stack))
	}
	return nil
}

// NewServeCmd returns the hidden command that runs the local target.
func NewServeCmd(f *cmdutil.Factory, o Operations, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO, Operations: o}
	cmd := &cobra.Command{
		Use:    "serve [flags]",
		Hidden: true,
		Short:  "Run the local target",
		Long: `Run the local target until it is stopped. Other commands start this one in the background; run it by
hand to watch it. Its log goes to standard error.

Exit codes: 0 stopped; 1 failed; 2 flags, or another process serves the state folder.`,
		Example: `  emrflink local serve --region us-west-2 --speed 200`,
		Args:    cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := opts.fromEnvironment(cmd); err != nil {
				return err
			}
			return runner(opts, runF, serve)(cmd, args)
		},
	}
	cmd.Flags().StringVar(&opts.ServeFlags.Region, "region", "us-west-2", "region of the simulated account")
	cmd.Flags().Float64Var(&opts.ServeFlags.Speed, "speed", 0, "divide AWS's durations by this (default 200)")
	cmd.Flags().IntVar(&opts.ServeFlags.Port, "port", 0, "port of the AWS API (default: the last one, else any)")
	return cmd
}

// fromEnvironment reads what the command that starts this one cannot pass as a flag.
func (o *Options) fromEnvironment(cmd *cobra.Command) error {
	speed, port, err := cmdutil.LocalSettings(o.IO.Getenv)
	if err != nil {
		return err
	}
	if speed != 0 && !cmd.Flags().Changed("speed") {
		o.ServeFlags.Speed = speed
	}
	if port != 0 && !cmd.Flags().Changed("port") {
		o.ServeFlags.Port = port
	}
	return cmdutil.ValidLocal(o.ServeFlags.Speed, o.ServeFlags.Port)
}

func serve(ctx context.Context, opts *Options) error {
	err := opts.Serve(ctx, opts.ServeFlags)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // stopped by a signal, in order
	}
	return err
}
