// SPDX-License-Identifier: Apache-2.0

// Package job holds the commands for Flink jobs of one's own.
package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
	"emrflink/internal/jobfile"
)

// stdin is the argument that stands for standard input.
const stdin = "-"

// ValidateOptions are the dependencies and the flags of `job validate`.
type ValidateOptions struct {
	IO *iostreams.IOStreams

	Files  []string
	Strict bool
	Output cmdutil.Format
}

// NewCmd returns the command with its subcommands and those that look after jobs that run.
func NewCmd(f *cmdutil.Factory, open Open, running ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "job COMMAND",
		Short: "Check, correct, run and look after Flink jobs",
		Long: `Check, correct and run the files of Flink jobs, and look after the jobs that run, whoever submitted them. The jobs
that come with emrflink are in "sample-job".

Exit codes: 0 done; see the subcommands.`,
		Example: `  emrflink job validate my-job.yaml
  emrflink job fix my-job.yaml
  emrflink job run -f my-job.fixed.yaml
  emrflink job list
  emrflink job savepoint my-job`,
	}
	own := []*cobra.Command{NewValidateCmd(f, nil), NewFixCmd(f, open, nil), NewRunCmd(f, open, nil)}
	return cmdutil.Group(cmd, append(own, running...)...)
}

// NewValidateCmd returns the command that checks job files.
func NewValidateCmd(f *cmdutil.Factory, runF func(context.Context, *ValidateOptions) error) *cobra.Command {
	opts := &ValidateOptions{IO: f.IO}
	cmd := &cobra.Command{
		Use:   "validate FILE... [flags]",
		Short: "Say everything that is wrong with a job file",
		Long: `Say everything that is wrong with the files of Flink jobs, all at once: FlinkDeployment, FlinkSessionJob and
FlinkStateSnapshot, several objects in a file, YAML or JSON; - is standard input. Each problem has its line, what
Kubernetes, the operator or Flink would do with it, and the mend. Nothing is contacted and nothing is changed.

Checked are: the fields and the rules of operator 1.10 (EMR 7.6 and later), every configuration key of Flink 1.20 and
of the operator, Flink's division of the memory, where state and high availability are kept, pod templates, EMR's own
fields, placeholders that nobody filled in, and secrets in clear, which no output shows. What only the live stack shows
is not.

Cost: none.

Exit codes: 0 no error (with --strict: and no warning); 1 failed; 2 errors found, or flags; 4 no such file.`,
		Example: `  emrflink job validate my-job.yaml
  emrflink job validate --strict jobs/*.yaml
  emrflink job validate - --output json <my-job.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmdutil.Usagef("the command needs a file, or - for standard input")
			}
			opts.Files = args
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return validate(opts)
		},
	}
	cmdutil.AddFormatFlag(cmd, &opts.Output, cmdutil.Text, cmdutil.JSON, cmdutil.SARIF)
	cmd.Flags().BoolVar(&opts.Strict, "strict", false, "take warnings for errors")
	return cmd
}

func validate(opts *ValidateOptions) error {
	var files []jobfile.File
	for _, name := range opts.Files {
		text, err := read(opts.IO, name)
		if err != nil {
			return err
		}
		files = append(files, jobfile.File{Name: name, Text: text})
	}
	result := jobfile.Check(files...)
	if err := show(opts, opts.IO.Out, result); err != nil {
		return err
	}
	if result.Errors > 0 || opts.Strict && result.Warnings > 0 {
		return cmdutil.ExitStatus(cmdutil.ExitUsage)
	}
	return nil
}

// most is how much of a file is read: the API server takes 3 MiB at most.
const most = 8 << 20

func read(ios *iostreams.IOStreams, name string) ([]byte, error) {
	in := ios.In
	if name != stdin {
		file, err := os.Open(name) // #nosec G304 -- the file that the user names
		if err != nil {
			e := &cmdutil.Error{What: fmt.Sprintf("read %q", name), Cause: errors.Unwrap(err), ID: "job.file"}
			if errors.Is(err, os.ErrNotExist) {
				e.Exit = cmdutil.ExitNotFound
			}
			return nil, e
		}
		defer file.Close() // it was only read
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return nil, &cmdutil.Error{What: fmt.Sprintf("read %q", name), Cause: err, ID: "job.file"}
	}
	if len(text) > most {
		return nil, cmdutil.Usagef("%q has more than %d MiB: it is no job file", name, most>>20)
	}
	return text, nil
}

// syntaxError says that a file is no YAML.
func syntaxError(what, file string, cause error) error {
	return &cmdutil.Error{
		What: what, Cause: cause, Next: cmdutil.Command("job", "validate", file), Exit: cmdutil.ExitUsage, ID: "job.syntax",
	}
}

func show(opts *ValidateOptions, w io.Writer, r jobfile.Result) error {
	switch opts.Output {
	case cmdutil.JSON:
		return cmdutil.WriteJSON(w, r)
	case cmdutil.SARIF:
		return cmdutil.WriteJSON(w, r.SARIF())
	}
	var b strings.Builder
	p := opts.IO.OutPalette()
	for _, problem := range r.Problems {
		head := string(problem.Severity)
		switch problem.Severity {
		case jobfile.Error:
			head = p.Red(head)
		case jobfile.Warning:
			head = p.Yellow(head)
		case jobfile.Note:
			head = p.Dim(head)
		}
		fmt.Fprintf(&b, "%s:%d: %s: %s [%s]\n", problem.File, problem.Line, head, problem.Message, problem.Code)
		if problem.Path != "" && !strings.HasPrefix(problem.Message, problem.Path) {
			fmt.Fprintf(&b, "    at   %s\n", problem.Path)
		}
		if problem.Effect != "" {
			fmt.Fprintf(&b, "    then %s\n", problem.Effect)
		}
		if problem.Mend != "" {
			fmt.Fprintf(&b, "    mend %s\n", problem.Mend)
		}
	}
	if len(r.Problems) > 0 {
		fmt.Fprintln(&b)
	}
	fmt.Fprintf(&b, "%s of Flink, by the rules of operator %s and Flink %s: %s, %s, %s.\n",
		cmdutil.Count(len(r.Objects), "object", "objects"), r.Operator, r.Flink, cmdutil.Count(r.Errors, "error", "errors"),
		cmdutil.Count(r.Warnings, "warning", "warnings"), cmdutil.Count(r.Notes, "note", "notes"))
	fmt.Fprintf(&b, "Not checked: %s.\n", strings.Join(r.NotChecked, "; "))
	_, err := io.WriteString(w, b.String())
	if err != nil {
		return fmt.Errorf("write the problems: %w", err)
	}
	return nil
}
