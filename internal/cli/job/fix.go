// SPDX-License-Identifier: Apache-2.0

package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/flinkjob"
	"emrflink/internal/iostreams"
	"emrflink/internal/jobfile"
)

// FixOptions are the dependencies and the flags of `job fix`.
type FixOptions struct {
	IO   *iostreams.IOStreams
	Open Open

	File   string
	To     string // "" = beside the file
	Set    []string
	Job    flinkjob.Options
	Output cmdutil.Format
}

// NewFixCmd returns the command that corrects a job file.
func NewFixCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *FixOptions) error) *cobra.Command {
	opts := &FixOptions{IO: f.IO, Open: open}
	cmd := &cobra.Command{
		Use:   "fix FILE [flags]",
		Short: "Write a corrected copy of a job file",
		Long: `Write a corrected copy of a job file, for the deployed stack: role, bucket, release, log group and node pools are
those of its recorded outputs, and what the rules of "job validate" decide is written as they want it. Each change is
said, and what only you can decide. The file itself is not changed; comments stay. Nothing is contacted.

The copy is FILE with .fixed before its ending; --to names another one, and - is standard output.

Cost: none.

Exit codes: 0 the copy has no error; 1 failed; 2 something is left for you to decide, or flags; 4 no such file, or the
stack was never deployed.`,
		Example: `  emrflink job fix my-job.yaml
  emrflink job fix my-job.yaml --team flink-team-a --to jobs/my-job.yaml`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cmdutil.ExactArgs("a job file")(cmd, args); err != nil {
				return err
			}
			opts.File = args[0]
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return fix(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.To, "to", "", "file to write (default: beside the job file)")
	bindSet(cmd, &opts.Set)
	bindTeam(cmd, &opts.Job)
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

func fix(ctx context.Context, opts *FixOptions) error {
	content, err := Read(opts.IO, opts.File)
	if err != nil {
		return err
	}
	values, err := valuesOf(ctx, opts)
	if err != nil {
		return err
	}
	file, err := withSet(jobfile.File{Name: opts.File, Text: content}, opts.Set)
	if err != nil {
		return err
	}
	fixed, err := jobfile.Fix(file, values)
	if err != nil {
		return syntaxError("fix "+opts.File, opts.File, err)
	}
	to := opts.target()
	if to == stdin {
		if opts.Output == cmdutil.JSON {
			return cmdutil.Usagef("--to - prints the copy on standard output: it does not go with --output json")
		}
		if _, err := opts.IO.Out.Write(fixed.Text); err != nil {
			return fmt.Errorf("write the copy: %w", err)
		}
	} else if err := write(to, fixed.Text); err != nil {
		return err
	}
	if err := tell(opts, to, fixed); err != nil {
		return err
	}
	if fixed.Left.Errors > 0 {
		return cmdutil.ExitStatus(cmdutil.ExitUsage)
	}
	return nil
}

func (o *FixOptions) target() string {
	if o.To != "" || o.File == stdin {
		return cmp.Or(o.To, stdin)
	}
	ending := filepath.Ext(o.File)
	return strings.TrimSuffix(o.File, ending) + ".fixed" + ending
}

// write makes a file. One that is there is somebody's work.
func write(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL,
		0o644) // #nosec G302 G304 -- a manifest, where the user says
	if err == nil {
		_, err = file.Write(content)
		err = errors.Join(err, file.Close())
	}
	if err == nil {
		return nil
	}
	e := &cmdutil.Error{What: fmt.Sprintf("write %q", path), Cause: err, ID: "job.file"}
	if errors.Is(err, fs.ErrExist) {
		e.Cause, e.Exit, e.Next = errors.New("it exists, and may have changes of yours"), cmdutil.ExitUsage, "rm "+path
	}
	return e
}

func valuesOf(ctx context.Context, opts *FixOptions) (jobfile.Values, error) {
	s, err := opts.Open(ctx)
	if err != nil {
		return jobfile.Values{}, fmt.Errorf("fix %s: %w", opts.File, err)
	}
	defer s.Close() // nothing was changed
	spec, err := s.Job(ctx, opts.Job)
	if err != nil {
		return jobfile.Values{}, fmt.Errorf("fix %s: %w", opts.File, err)
	}
	return Values(s.Info().Region, spec), nil
}

// fixDocument is the JSON contract of the command.
type fixDocument struct {
	jobfile.Fixed
	File string `json:"file"` // that was written
}

// tell says what was changed and what is left. When the copy itself is on standard output, this is on standard error.
func tell(opts *FixOptions, to string, fixed jobfile.Fixed) error {
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, fixDocument{Fixed: fixed, File: to})
	}
	var b strings.Builder
	for _, c := range fixed.Changes {
		fmt.Fprintf(&b, "%s: %s: %s\n", c.Object, c.Path, c.What)
	}
	fmt.Fprintf(&b, "%s; %s is as it was.\n", cmdutil.Count(len(fixed.Changes), "change", "changes"), opts.File)
	w := opts.IO.Out
	if to == stdin {
		w = opts.IO.ErrOut
	} else {
		fmt.Fprintf(&b, "wrote %s\n", to)
	}
	if fixed.Left.Errors+fixed.Left.Warnings > 0 {
		fmt.Fprintf(&b, "\nFor you to decide:\n")
		for _, p := range fixed.Left.Problems {
			if p.Severity != jobfile.Note {
				fmt.Fprintf(&b, "%s:%d: %s: %s\n    mend %s\n", to, p.Line, p.Severity, p.Message, p.Mend)
			}
		}
	}
	if _, err := w.Write([]byte(b.String())); err != nil {
		return fmt.Errorf("write what was changed: %w", err)
	}
	return nil
}
