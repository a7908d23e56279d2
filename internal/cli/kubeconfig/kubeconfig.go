// SPDX-License-Identifier: Apache-2.0

// Package kubeconfig is the command that lets kubectl reach the cluster of a stack.
package kubeconfig

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
	"emrflink/internal/stack"
)

// Entry is the one of a kubeconfig file that lets kubectl reach a cluster. It carries no secret: kubectl asks this tool
// for tokens.
type Entry interface {
	// Name is that of the entry's context.
	Name() string
	// Render returns a whole file with this one entry.
	Render() ([]byte, error)
	// Merge adds or replaces the entry in a file and makes its context the current one.
	Merge(path string) error
}

// Reader describes how kubectl reaches the cluster of a stack, and says, a line each, what of it is simulated.
type Reader func(ctx context.Context) (e Entry, simulated []string, err error)

// Options are the dependencies and the flags of the command.
type Options struct {
	IO   *iostreams.IOStreams
	Info func() (stack.Info, error)
	Read Reader

	File  string
	Print bool
}

// NewCmd returns the command.
func NewCmd(f *cmdutil.Factory, read Reader, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO, Info: f.Info, Read: read}
	cmd := &cobra.Command{
		Use:   "kubeconfig [flags]",
		Short: "Let kubectl reach the cluster of a stack",
		Long: `Add the cluster of a stack to a kubeconfig file and make it the current context; all other entries stay
as they are. The entry contains no token: kubectl runs "emrflink eks-token" to get one, so the entry never expires.

The file is the one of --file, else the first of $KUBECONFIG, else ~/.kube/config. With --print, a file with only this
entry is printed on standard output and no file is written.

Cost: none.

Exit codes: 0 written; 1 failed; 2 settings or flags; 3 credentials; 4 the stack has no cluster.`,
		Example: `  emrflink kubeconfig
  emrflink kubeconfig --file ./kubeconfig
  emrflink kubeconfig --stack dev --print`,
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.Print && opts.File != "" {
				return &cmdutil.UsageError{Err: errors.New("--print writes no file: leave out --file"), Usage: cmd.UseLine()}
			}
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return run(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVarP(&opts.File, "file", "f", "", "kubeconfig file to change (default: $KUBECONFIG, else ~/.kube/config)")
	cmd.Flags().BoolVar(&opts.Print, "print", false, "print a file with only this cluster and write nothing")
	return cmd
}

func run(ctx context.Context, opts *Options) error {
	path, err := opts.path()
	if err != nil {
		return err
	}
	info, err := opts.Info()
	if err != nil {
		return fmt.Errorf("make kubeconfig: %w", err)
	}
	e, simulated, err := opts.Read(ctx)
	if err != nil {
		return fmt.Errorf("make kubeconfig of stack %q: %w", info.Stack, err)
	}
	if opts.Print {
		doc, err := e.Render()
		if err != nil {
			return fmt.Errorf("make kubeconfig: %w", err)
		}
		if _, err := opts.IO.Out.Write(doc); err != nil {
			return fmt.Errorf("print kubeconfig: %w", err)
		}
		return nil
	}
	if err := e.Merge(path); err != nil {
		return err
	}
	_, err = fmt.Fprintf(opts.IO.Out, "%s: current context is %s\n", path, e.Name())
	cmdutil.PrintSimulated(opts.IO, simulated)
	return err
}

// path finds the file as kubectl does.
func (o *Options) path() (string, error) {
	if o.Print || o.File != "" {
		return o.File, nil
	}
	for _, p := range filepath.SplitList(o.IO.Getenv("KUBECONFIG")) {
		if p != "" {
			return p, nil
		}
	}
	home := o.IO.Getenv("HOME")
	if home == "" {
		return "", &cmdutil.UsageError{
			Err:  errors.New("no kubeconfig file: neither --file nor KUBECONFIG nor HOME is set"),
			Next: cmdutil.Command("kubeconfig", "--file", "./kubeconfig"),
		}
	}
	return filepath.Join(home, ".kube", "config"), nil
}
