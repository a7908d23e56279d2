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
	"emrflink/internal/flinkjob"
	"emrflink/internal/iostreams"
	"emrflink/internal/jobfile"
)

// stdin is the argument that stands for standard input.
const stdin = "-"

// ValidateOptions are the dependencies and the flags of `job validate`.
type ValidateOptions struct {
	IO      *iostreams.IOStreams
	Globals *cmdutil.Globals
	Open    Open

	Files             []string
	Operator, Release string
	Set               []string
	Job               flinkjob.Options
	Strict            bool
	Output            cmdutil.Format
}

// NewCmd returns the command with its subcommands and those that look after jobs that run.
func NewCmd(f *cmdutil.Factory, open Open, fetch Fetch, running ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "job COMMAND",
		Short: "Make, check, correct, run and look after Flink jobs",
		Long: `Make Flink jobs, check, correct and run their files, check their jars, and look after the jobs that run, whoever
submitted them. The jobs that come with emrflink are in "sample-job".

Exit codes: 0 done; see the subcommands.`,
		Example: `  emrflink job init my-job
  emrflink job validate my-job.yaml
  emrflink job fix my-job.yaml
  emrflink job check-jar my-job.jar
  emrflink job run -f my-job.fixed.yaml
  emrflink job list
  emrflink job savepoint my-job`,
	}
	own := []*cobra.Command{
		NewInitCmd(f, open, nil), NewValidateCmd(f, open, nil), NewFixCmd(f, open, nil), NewCheckJarCmd(f, fetch, nil),
		NewRunCmd(f, open, nil),
	}
	return cmdutil.Group(cmd, append(own, running...)...)
}

// NewValidateCmd returns the command that checks job files.
func NewValidateCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *ValidateOptions) error) *cobra.Command {
	opts := &ValidateOptions{IO: f.IO, Globals: f.Globals, Open: open}
	cmd := &cobra.Command{
		Use:   "validate FILE... [flags]",
		Short: "Say everything that is wrong with a job file",
		Long: `Say everything that is wrong with the files of Flink jobs, all at once: FlinkDeployment, FlinkSessionJob and
FlinkStateSnapshot, several objects in a file, YAML or JSON; - is standard input. Each problem has its line, what
Kubernetes, the operator or Flink would do with it, and the mend. Without --stack nothing is contacted; nothing is
changed.

Checked are: the fields and the rules of operator 1.10 (EMR 7.6 and later), every configuration key of Flink 1.20 and
of the operator, Flink's division of the memory, where state and high availability are kept, pod templates, EMR's own
fields, placeholders that nobody filled in, and secrets in clear, which no output shows. --operator and --release choose
other versions; what is not known of them is named.

With --stack NAME placeholders are filled in as "job run" does it, and the deployed stack is asked too: its release and
operator, node pools (labels, taints, affinity, sizes, and what the smallest node that fits leaves idle), the quota and
limits of the team's namespace, the role's trust, the jar and the state to start from in S3, Secrets, ConfigMaps and
claims.

Cost: none.

Exit codes: 0 no error (with --strict: and no warning); 1 failed, or only the stack shows errors; 2 errors in the files,
or flags; 3 credentials; 4 no such file, or the stack was never deployed.`,
		Example: `  emrflink job validate my-job.yaml
  emrflink job validate my-job.yaml --stack dev --team flink-team-a
  emrflink job validate --operator 1.13.0 my-job.yaml
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
			return validate(cmd.Context(), opts)
		},
	}
	cmdutil.AddFormatFlag(cmd, &opts.Output, cmdutil.Text, cmdutil.JSON, cmdutil.SARIF)
	cmd.Flags().StringVar(&opts.Operator, "operator", "",
		"release of the operator to check by (default: that of the EMR release)")
	bindRelease(cmd, &opts.Release)
	bindSet(cmd, &opts.Set)
	bindTeam(cmd, &opts.Job)
	bindStrict(cmd, &opts.Strict)
	return cmd
}

func bindStrict(cmd *cobra.Command, strict *bool) {
	cmd.Flags().BoolVar(strict, "strict", false, "take warnings for errors")
}

func bindRelease(cmd *cobra.Command, release *string) {
	cmd.Flags().StringVar(release, "release", "", "EMR release label to check by, such as emr-7.13.0-flink-latest")
}

func validate(ctx context.Context, opts *ValidateOptions) error {
	var files []jobfile.File
	for _, name := range opts.Files {
		text, err := Read(opts.IO, name)
		if err != nil {
			return err
		}
		file, err := withSet(jobfile.File{Name: name, Text: text}, opts.Set)
		if err != nil {
			return err
		}
		files = append(files, file)
	}
	result, err := opts.checked(ctx, files)
	if err != nil {
		return fmt.Errorf("check %s: %w", strings.Join(opts.Files, ", "), err)
	}
	if err := show(opts, opts.IO.Out, result); err != nil {
		return err
	}
	if code := exitOf(result, opts.Strict); code != cmdutil.ExitOK {
		return cmdutil.ExitStatus(code)
	}
	return nil
}

// exitOf is 2 for what the files show, and 1 for what only the stack does.
func exitOf(r jobfile.Result, strict bool) int {
	code := cmdutil.ExitOK
	for _, p := range r.Problems {
		if p.Severity != jobfile.Error && (!strict || p.Severity != jobfile.Warning) {
			continue
		}
		if !strings.HasPrefix(p.Code, stackCode) {
			return cmdutil.ExitUsage
		}
		code = cmdutil.ExitFailed
	}
	return code
}

// withSet is the file with the values of --set.
func withSet(f jobfile.File, assignments []string) (jobfile.File, error) {
	if len(assignments) == 0 {
		return f, nil
	}
	set, err := jobfile.Set(f, assignments...)
	if err != nil {
		return f, &cmdutil.UsageError{Err: err}
	}
	return set, nil
}

func bindSet(cmd *cobra.Command, set *[]string) {
	cmd.Flags().StringArrayVar(set, "set", nil,
		"`PATH=VALUE` in the place of what the file has, such as spec.job.parallelism=4; can be repeated")
}

// most is how much of a file is read: the API server takes 3 MiB at most.
const most = 8 << 20

// Read reads a job file, - for standard input.
func Read(ios *iostreams.IOStreams, name string) ([]byte, error) {
	in := ios.In
	if name != stdin {
		file, err := os.Open(name) // #nosec G304 -- the file that the user names
		if err != nil {
			return nil, fileError(name, err)
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

// fileError says that a file cannot be read.
func fileError(name string, err error) error {
	e := &cmdutil.Error{What: fmt.Sprintf("read %q", name), Cause: errors.Unwrap(err), ID: "job.file"}
	if errors.Is(err, os.ErrNotExist) {
		e.Exit = cmdutil.ExitNotFound
	}
	if e.Cause == nil {
		e.Cause = err
	}
	return e
}

// syntaxError says that a file is no YAML.
func syntaxError(what, file string, cause error) error {
	return &cmdutil.Error{
		What: what, Cause: cause, Next: cmdutil.Command("job", "validate", file), Exit: cmdutil.ExitUsage, ID: "job.syntax",
	}
}

// tellProblem writes one problem: where it is and what it is, then the rest of it, each on a line of its own.
func tellProblem(b *strings.Builder, p iostreams.Palette, where, severity, message, code, at, effect, mend string) {
	colour := map[string]func(string) string{"error": p.Red, "warning": p.Yellow, "note": p.Dim}[severity]
	fmt.Fprintf(b, "%s: %s: %s [%s]\n", where, colour(severity), message, code)
	for _, of := range [][2]string{{"at  ", at}, {"then", effect}, {"mend", mend}} {
		if of[1] != "" {
			fmt.Fprintf(b, "    %s %s\n", of[0], of[1])
		}
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
		at := problem.Path
		if strings.HasPrefix(problem.Message, problem.Path) {
			at = ""
		}
		tellProblem(&b, p, fmt.Sprintf("%s:%d", problem.File, problem.Line), string(problem.Severity), problem.Message,
			problem.Code, at, problem.Effect, problem.Mend)
	}
	if len(r.Problems) > 0 {
		fmt.Fprintln(&b)
	}
	fmt.Fprintf(&b, "%s of Flink, by the rules of operator %s and Flink %s: %s, %s, %s.\n",
		cmdutil.Count(len(r.Objects), "object", "objects"), r.Operator, r.Flink, cmdutil.Count(r.Errors, "error", "errors"),
		cmdutil.Count(r.Warnings, "warning", "warnings"), cmdutil.Count(r.Notes, "note", "notes"))
	if len(r.NotChecked) > 0 {
		fmt.Fprintf(&b, "Not checked: %s.\n", strings.Join(r.NotChecked, "; "))
	}
	_, err := io.WriteString(w, b.String())
	if err != nil {
		return fmt.Errorf("write the problems: %w", err)
	}
	return nil
}
