// SPDX-License-Identifier: Apache-2.0

package job

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/flinkjob"
	"emrflink/internal/iostreams"
	"emrflink/internal/jobfile"
	"emrflink/internal/jobinit"
)

// InitOptions are the dependencies and the flags of `job init`.
type InitOptions struct {
	IO      *iostreams.IOStreams
	Globals *cmdutil.Globals
	Open    Open

	Dir, Language, Name string
	Job                 flinkjob.Options
	Output              cmdutil.Format
}

// NewInitCmd returns the command that makes the folder of a new job.
func NewInitCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *InitOptions) error) *cobra.Command {
	opts := &InitOptions{IO: f.IO, Globals: f.Globals, Open: open}
	cmd := &cobra.Command{
		Use:   "init DIR [flags]",
		Short: "Make the folder of a new Flink job",
		Long: `Make the folder of a new Flink job, which runs as it is: a job and its test, the job file, and a Makefile that
builds, checks, runs and deletes it. The language is that of the job: java, or sql, which a small Java class runs, as a
Maven project; or python, as a script with its requirements, which EMR's images run and the local target after
"local flink install --python".

The job file is for the deployed stack that --stack names, with its role, bucket, release and node pools. Without
--stack nothing is contacted: the file has placeholders, which "job run" fills in.

Cost: none.

Exit codes: 0 done; 1 failed; 2 flags, or the folder is not empty; 3 credentials; 4 the stack was never deployed.`,
		Example: `  emrflink job init my-job
  emrflink job init jobs/totals --lang sql --stack dev --team flink-team-a`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cmdutil.ExactArgs("a folder")(cmd, args); err != nil {
				return err
			}
			opts.Dir = args[0]
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return initJob(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.Language, "lang", jobinit.Java, strings.Join(jobinit.Languages(), ", "))
	cmd.Flags().StringVar(&opts.Name, "name", "", "name of the job in the cluster (default: that of the folder)")
	bindTeam(cmd, &opts.Job)
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

// initDocument is the JSON contract of the command.
type initDocument struct {
	SchemaVersion int      `json:"schemaVersion"`
	Dir           string   `json:"dir"`
	Job           string   `json:"job"`
	Files         []string `json:"files"`
}

func initJob(ctx context.Context, opts *InitOptions) error {
	what := "make the job in " + opts.Dir
	o := jobinit.Options{
		Dir: opts.Dir, Name: opts.Name, Language: opts.Language, EmrReleaseLabel: "emr-7.13.0-flink-latest",
		FlinkVersion: "v1_20",
	}
	if o.Name == "" {
		o.Name = filepath.Base(opts.Dir)
	}
	change := func(text []byte) ([]byte, error) { return text, nil }
	if opts.Globals.StackNamed {
		s, err := opts.Open(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		defer s.Close() // nothing was changed
		team, err := s.Job(ctx, opts.Job)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		o.EmrReleaseLabel, o.FlinkVersion = team.EmrReleaseLabel, team.FlinkVersion
		change = func(text []byte) ([]byte, error) {
			fixed, err := jobfile.Fix(jobfile.File{Name: jobinit.JobFile, Text: text}, Values(s.Info().Region, team))
			return fixed.Text, err
		}
	}
	files, err := jobinit.Write(o, change)
	if err != nil {
		return &cmdutil.Error{What: what, Cause: err, Exit: cmdutil.ExitUsage, ID: "job.init"}
	}
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, initDocument{1, opts.Dir, o.Name, files})
	}
	for _, name := range files {
		_, _ = fmt.Fprintln(opts.IO.Out, filepath.Join(opts.Dir, name))
	}
	opts.IO.Say("run it: make -C " + opts.Dir + " run")
	return nil
}
