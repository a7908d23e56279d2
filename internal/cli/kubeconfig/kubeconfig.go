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
	"emrflink/internal/kube"
	"emrflink/internal/stack"
)

// Entry is the one of a kubeconfig file that lets kubectl reach a cluster. It carries no secret: kubectl asks this tool
// for tokens.
type Entry interface {
	// Render returns a whole file with this one entry; alias is the name of its context, "" = the cluster's.
	Render(alias string) ([]byte, error)
	// Merge adds or replaces the entry in a file; use makes its context the current one, also when there is another.
	Merge(path, alias string, use bool) (kube.Merged, error)
}

// Reader describes how kubectl reaches the cluster of a stack, and says, a line each, what of it is simulated.
type Reader func(ctx context.Context) (e Entry, simulated []string, err error)

// Options are the dependencies and the flags of the command.
type Options struct {
	IO   *iostreams.IOStreams
	Info func() (stack.Info, error)
	Read Reader

	File  string
	Alias string
	Use   bool
	Print bool
}

// NewCmd returns the command.
func NewCmd(f *cmdutil.Factory, read Reader, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO, Info: f.Info, Read: read}
	cmd := &cobra.Command{
		Use:   "kubeconfig [flags]",
		Short: "Let kubectl reach the cluster of a stack",
		Long: `Add the cluster of a stack to a kubeconfig file; all other entries stay as they are. The current context stays the
current one, unless the file has none or you pass --use. The entry contains no token: kubectl runs
"emrflink eks-token" to get one, so the entry never expires. A cleanup takes the entry away again.

The file is the one of --file, else the first of $KUBECONFIG, else ~/.kube/config. With --print, a file with only this
entry is printed on standard output and no file is written.

Cost: none.

Exit codes: 0 written; 1 failed; 2 settings, flags, or an alias that another cluster has; 3 credentials; 4 the stack
has no cluster.`,
		Example: `  emrflink kubeconfig
  emrflink kubeconfig --alias dev --use
  emrflink kubeconfig --file ./kubeconfig
  emrflink kubeconfig --stack dev --print`,
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.Print && opts.File != "" {
				return &cmdutil.UsageError{Err: errors.New("--print writes no file: leave out --file"), Usage: cmd.UseLine()}
			}
			if opts.Print && opts.Use {
				return &cmdutil.UsageError{Err: errors.New("--print writes no file: leave out --use"), Usage: cmd.UseLine()}
			}
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return run(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVarP(&opts.File, "file", "f", "", "kubeconfig file to change (default: $KUBECONFIG, else ~/.kube/config)")
	cmd.Flags().StringVar(&opts.Alias, "alias", "", "name of the context (default: the ARN of the cluster)")
	cmd.Flags().BoolVar(&opts.Use, "use", false, "make it the current context, also when the file has another one")
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
		doc, err := e.Render(opts.Alias)
		if err != nil {
			return fmt.Errorf("make kubeconfig: %w", err)
		}
		if _, err := opts.IO.Out.Write(doc); err != nil {
			return fmt.Errorf("print kubeconfig: %w", err)
		}
		return nil
	}
	m, err := e.Merge(path, opts.Alias, opts.Use)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%s: current context is %s\n", path, m.Context)
	if !m.Current {
		text = fmt.Sprintf("%s: context %s is added; switch to it with: %s\n", path, m.Context,
			iostreams.CommandLine("kubectl", "config", "use-context", m.Context))
	}
	_, err = fmt.Fprint(opts.IO.Out, text)
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
