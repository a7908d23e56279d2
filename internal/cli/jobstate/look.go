// SPDX-License-Identifier: Apache-2.0

package jobstate

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/flinkjob"
	"emrflink/internal/iostreams"
)

// lookCodes are the exit codes of the commands that only look.
const lookCodes = `

Cost: none but a request of S3 for each state.

Exit codes: 0 shown; 1 failed; 2 flags; 3 credentials; 4 there is no such job or state, or the stack was never deployed.`

// listed is a state in `job state list`.
type listed struct {
	flinkjob.State
	Operators int `json:"operators"`
	Files     int `json:"files"`
}

type listDocument struct {
	SchemaVersion int      `json:"schemaVersion"`
	Job           string   `json:"job"`
	Namespace     string   `json:"namespace"`
	Below         []string `json:"below"`
	States        []listed `json:"states"`
	NotAssessed   string   `json:"notAssessed"`
	Simulated     []string `json:"simulated"`
}

// NewListCmd returns the command that lists the states of a job.
func NewListCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	return ofOneJob(f, opts, false, runF, list, &cobra.Command{
		Use:   "list",
		Short: "List the checkpoints and savepoints of a job",
		Long: `List the checkpoints and savepoints of a job, newest first: those in the job's folders of the bucket, in the
team's, and those that FlinkStateSnapshots tell of. What is not usable says why: it is half written, its _metadata
cannot be read, or a file that it refers to is gone.

A job that was deleted is found by its name in the folders of its team. --below looks through another folder: after a
cleanup with --retain-data, or in another bucket.` + lookCodes,
		Example: `  emrflink job state list my-job
  emrflink job state list my-job --below s3://my-bucket/flink-team-a/savepoints/my-job --output json`,
	})
}

func list(ctx context.Context, opts *Options) error {
	return with(ctx, opts, fmt.Sprintf("list the states of job %q", opts.Job), func(s Stack, store flinkjob.Store) error {
		all, err := store.List(ctx)
		if err != nil {
			return err
		}
		if opts.Output == cmdutil.JSON {
			doc := listDocument{
				SchemaVersion: cmdutil.SchemaVersion, Job: store.Job, Namespace: store.Namespace, Below: store.Below,
				States: []listed{}, NotAssessed: store.Absent, Simulated: cmdutil.List(s.Info().Simulated),
			}
			for _, st := range all {
				doc.States = append(doc.States, listed{State: st, Operators: len(st.Operators), Files: len(st.Files)})
			}
			return cmdutil.WriteJSON(opts.IO.Out, doc)
		}
		t := opts.IO.NewTable("STATE", "KIND", "AGE", "BYTES", "OPERATORS", "USABLE", "URI")
		for _, st := range all {
			age := "-"
			if !st.At.IsZero() {
				age = iostreams.Duration(opts.Now().Sub(st.At))
			}
			t.Row(st.Name, kind(st), age, strconv.FormatInt(st.Bytes, 10), strconv.Itoa(len(st.Operators)), yes(st.Usable),
				st.URI)
		}
		if t.Len() == 0 {
			_, _ = fmt.Fprintf(opts.IO.ErrOut, "no checkpoint or savepoint below %s\n", strings.Join(store.Below, ", "))
		}
		if err := t.Render(); err != nil {
			return err
		}
		for _, st := range all {
			if st.Problem != "" {
				_, _ = fmt.Fprintf(opts.IO.Out, "%s: %s\n", st.Name, st.Problem)
			}
		}
		cmdutil.PrintSimulated(opts.IO, s.Info().Simulated)
		return nil
	})
}

func kind(st flinkjob.State) string { return strings.TrimSpace(st.Format + " " + st.Kind) }

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

type showDocument struct {
	SchemaVersion int    `json:"schemaVersion"`
	Job           string `json:"job"`
	Namespace     string `json:"namespace"`
	flinkjob.State
	Simulated []string `json:"simulated"`
}

// NewShowCmd returns the command that shows one state.
func NewShowCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	return ofOneJob(f, opts, true, runF, show, &cobra.Command{
		Use:   "show",
		Short: "Show what a checkpoint or savepoint has in it",
		Long: `Show a checkpoint or savepoint: its operators by the hash of their uid, with parallelism, max parallelism and size,
and every file that it refers to. STATE is a name of "job state list" or a URI; default: the newest usable
one.` + lookCodes,
		Example: `  emrflink job state show my-job
  emrflink job state show my-job chk-42 --output json`,
	})
}

func show(ctx context.Context, opts *Options) error {
	return with(ctx, opts, fmt.Sprintf("show a state of job %q", opts.Job), func(s Stack, store flinkjob.Store) error {
		st, err := store.Get(ctx, opts.State)
		if err != nil {
			return err
		}
		if opts.Output == cmdutil.JSON {
			st.Operators, st.Files = cmdutil.List(st.Operators), cmdutil.List(st.Files)
			return cmdutil.WriteJSON(opts.IO.Out, showDocument{
				SchemaVersion: cmdutil.SchemaVersion, Job: store.Job, Namespace: store.Namespace, State: st,
				Simulated: cmdutil.List(s.Info().Simulated),
			})
		}
		w := opts.IO.Out
		_, _ = fmt.Fprintf(w, "%s: %s of job %s, %s ago, %d bytes\n", st.URI, kind(st), store.Job,
			iostreams.Duration(opts.Now().Sub(st.At)), st.Bytes)
		if st.Record != "" {
			_, _ = fmt.Fprintf(w, "record: %s\n", st.Record)
		}
		t := opts.IO.NewTable("OPERATOR", "PARALLELISM", "MAX", "KEYED", "BYTES", "STATES")
		for _, o := range st.Operators {
			t.Row(o.ID, strconv.Itoa(o.Parallelism), strconv.Itoa(o.MaxParallelism), yes(o.Keyed),
				strconv.FormatInt(o.Bytes, 10), strings.Join(slices.Sorted(slices.Values(o.States)), ", "))
		}
		if err := t.Render(); err != nil {
			return err
		}
		files := opts.IO.NewTable("FILE", "BYTES")
		for _, file := range st.Files {
			files.Row(file.URI, strconv.FormatInt(file.Bytes, 10))
		}
		if files.Len() > 0 {
			if err := files.Render(); err != nil {
				return err
			}
		}
		cmdutil.PrintSimulated(opts.IO, s.Info().Simulated)
		return nil
	})
}
