// SPDX-License-Identifier: Apache-2.0

package jobupgrade

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/jobstate"
	"emrflink/internal/flinkjob"
)

type historyDocument struct {
	SchemaVersion int                   `json:"schemaVersion"`
	Job           string                `json:"job"`
	Namespace     string                `json:"namespace"`
	Revisions     []flinkjob.Revision   `json:"revisions"`
	Changes       []flinkjob.SpecChange `json:"changes"` // between two
	Simulated     []string              `json:"simulated"`
}

// NewHistoryCmd returns the command that tells what a job ran before.
func NewHistoryCmd(f *cmdutil.Factory, open jobstate.Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	return ofOneJob(f, opts, 2, runF, history, &cobra.Command{
		Use:   "history JOB [A [B]] [flags]",
		Short: "List the specs that a job had, or compare two of them",
		Long: `List the specs that a job had, with who applied them, when, and from which state the job started, as far as that is
known. With a number the differences from that spec to the one of now are shown, with two those from one to the other.

A spec is recorded in a ConfigMap beside the job by "job upgrade" and "job rollback", before and after; the last 20 are
kept, without what looks like a secret, until the job is deleted. What others applied in between is not in it; that of
now always is.

Cost: none.

Exit codes: 0 shown; 1 failed; 2 flags; 3 credentials; 4 there is no such job or spec, or the stack was never deployed.`,
		Example: `  emrflink job history my-job
  emrflink job history my-job 1 3`,
	})
}

func history(ctx context.Context, opts *Options) error {
	what := fmt.Sprintf("read the history of job %q", opts.Job)
	return with(ctx, opts, what, func(s jobstate.Stack, store flinkjob.Store) error {
		all, err := store.Running.History(ctx)
		if err != nil {
			return err
		}
		var changes []flinkjob.SpecChange
		if opts.Number > 0 {
			other := opts.Other
			if other == 0 {
				other = all[len(all)-1].Number
			}
			if changes, err = store.Running.Between(ctx, opts.Number, other); err != nil {
				return err
			}
		}
		if opts.Output == cmdutil.JSON {
			return cmdutil.WriteJSON(opts.IO.Out, historyDocument{
				SchemaVersion: cmdutil.SchemaVersion, Job: store.Job, Namespace: store.Namespace, Revisions: cmdutil.List(all),
				Changes: cmdutil.List(changes), Simulated: cmdutil.List(s.Info().Simulated),
			})
		}
		t := opts.IO.NewTable("FIELD", "OLD", "NEW")
		for _, c := range changes {
			t.Row(c.Path, c.Old, c.New)
		}
		if opts.Number == 0 {
			t = opts.IO.NewTable("N", "APPLIED", "BY", "WHY", "FROM")
			for _, r := range all {
				n := strconv.Itoa(r.Number)
				if r.Current {
					n += " (now)"
				}
				t.Row(n, r.At.Format(time.RFC3339), dash(r.Who), dash(r.Why), dash(r.State))
			}
		} else if len(changes) == 0 {
			_, _ = fmt.Fprintln(opts.IO.ErrOut, "the two specs are the same")
		}
		if err := t.Render(); err != nil {
			return err
		}
		cmdutil.PrintSimulated(opts.IO, s.Info().Simulated)
		return nil
	})
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
