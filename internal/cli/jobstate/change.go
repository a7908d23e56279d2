// SPDX-License-Identifier: Apache-2.0

package jobstate

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/jobrun"
	"emrflink/internal/flinkjob"
	"emrflink/internal/iostreams"
)

// codes are the exit codes of the commands that change something.
const codes = `

Exit codes: 0 done; 1 failed, with the cause; 2 refused, and nothing was changed, or flags; 3 credentials; 4 there is no
such job or usable state, or the stack was never deployed; 6 timed out waiting.`

type restoreDocument struct {
	flinkjob.Restored
	Stack     string   `json:"stack"`
	Simulated []string `json:"simulated"`
}

// NewRestoreCmd returns the command that starts a job from a state.
func NewRestoreCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	cmd := ofOneJob(f, opts, true, runF, restore, &cobra.Command{
		Use:   "restore",
		Short: "Start a job from a checkpoint or savepoint, or write what does",
		Long: `Write the redeploy that starts a job from a state: initialSavepointPath and the next savepointRedeployNonce, for
"kubectl patch". With --start it is applied, and the job waited for until it is healthy. STATE is a name of "job state
list" or a URI; default: the newest usable one. A state with a file missing is never taken.

The operator cancels a running job without a savepoint when it is redeployed, so --start stops it with one first, and
its path is in the result; without STATE the job goes on from that. --discard-state leaves it out. A checkpoint of the
job that runs, which Flink deletes as it goes on, is copied to the folder of detached states first, and the job starts
from the copy.

With --to STACK the state is copied to the folder of detached states of that stack, with everything that it refers to,
and the job of that name there is started from the copy. The credentials of that stack do it: they must be able to read
the bucket. When it has no such job, the command that runs the job's file from the copy is shown. Output is not copied:
a sink that writes files or transactions with its checkpoints commits what the state still has where the job writes now,
and Flink fails when that is another place ("Recovering commit failed"). Keep the place, or copy the files first.

Cost: none; a copy is stored in S3.` + codes,
		Example: `  emrflink job state restore my-job
  emrflink job state restore my-job chk-42 --start
  emrflink job state restore my-job savepoint-0a1b2c-0123456789ab --to dev --start`,
	})
	cmd.Flags().StringVar(&opts.To, "to", "", "another stack on which the job is to start")
	cmd.Flags().BoolVar(&opts.Start, "start", false, "start the job from the state")
	cmd.Flags().BoolVar(&opts.Discard, "discard-state", false, "stop the job that runs without a savepoint")
	cmdutil.CompleteFlagFrom(cmd, "to", f.Complete.Stacks)
	cmdutil.AddTimeoutFlag(cmd, &opts.Timeout, 10*time.Minute)
	return cmd
}

func restore(ctx context.Context, opts *Options) error {
	what := fmt.Sprintf("restore job %q", opts.Job)
	return with(ctx, opts, what, func(s Stack, store flinkjob.Store) error {
		if opts.To == "" {
			st, err := store.Get(ctx, opts.State)
			if err != nil {
				return err
			}
			return restoreOn(ctx, opts, s, store, st)
		}
		other, err := opts.Open(ctx, opts.To)
		if err != nil {
			return err
		}
		defer other.Close() // the session holds nothing that could be lost
		to, err := other.FindStates(ctx, opts.Job, opts.Team, "", opts.Timeout)
		if err != nil {
			return other.Explained(err)
		}
		st, copied, err := store.CopyOf(ctx, opts.State, to)
		if err == nil {
			st, err = to.Get(ctx, copied.To)
		}
		if err != nil {
			return other.Explained(err)
		}
		opts.IO.Say(fmt.Sprintf("copied %s: %s, %d bytes", copied.From, cmdutil.Count(copied.Files, "file", "files"),
			copied.Bytes))
		return restoreOn(ctx, opts, other, to, st)
	})
}

func restoreOn(ctx context.Context, opts *Options, s Stack, store flinkjob.Store, st flinkjob.State) error {
	w := jobrun.NewWait(opts.IO)
	opts.Interrupt.Say("stopping to wait; the operator goes on: look at it with " +
		cmdutil.Command("job", "status", opts.Job, "--stack", s.Info().Stack))
	defer opts.Interrupt.Say("")
	how := flinkjob.Restoring{Start: opts.Start, Discard: opts.Discard, Newest: opts.State == "" && opts.To == ""}
	res, err := store.Restore(ctx, st, how, w.Follow)
	w.End(err)
	if err != nil {
		return s.Explained(err)
	}
	if store.Running == nil {
		res.Command += " --stack " + s.Info().Stack
	}
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, restoreDocument{
			Restored: res, Stack: s.Info().Stack, Simulated: cmdutil.List(s.Info().Simulated),
		})
	}
	out := opts.IO.Out
	switch {
	case res.Started:
		_, _ = fmt.Fprintf(out, "job %s in namespace %s is %s; it started from %s, after %s\n", res.Job, res.Namespace,
			res.Health, res.Path, iostreams.Duration(time.Duration(res.ElapsedSeconds*float64(time.Second))))
		if res.Savepoint != "" {
			_, _ = fmt.Fprintf(out, "it was stopped with: %s\n", res.Savepoint)
		}
	case res.Redeploy != "":
		note := ""
		if res.Note != "" {
			note = "# " + res.Note + "\n"
		}
		_, _ = fmt.Fprintf(out, "# %s, of %s\n%s# %s\n%s", st.Name, st.At.Format(time.RFC3339), note, res.Command, res.Redeploy)
	default:
		_, _ = fmt.Fprintln(out, res.Command)
	}
	cmdutil.PrintSimulated(opts.IO, s.Info().Simulated)
	return nil
}

type movedDocument struct {
	flinkjob.Moved
	Simulated []string `json:"simulated"`
}

// NewDetachCmd returns the command that keeps a state.
func NewDetachCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	return ofOneJob(f, opts, true, runF, detach, &cobra.Command{
		Use:   "detach",
		Short: "Keep a copy of a checkpoint or savepoint that outlives the job",
		Long: `Copy a state, and every file that it refers to, to TEAM/detached/JOB/ of the team's bucket. STATE is a name of
"job state list" or a URI; default: the newest usable one.

The copy stands alone. It stays when Flink drops the checkpoint, when the job is deleted, and after "cleanup
--retain-data", which keeps the bucket; a cleanup without that deletes the bucket, and the copy with it. The jobs of the
team can read the folder and cannot write or delete in it. Delete the copy with "job state delete".

Cost: the storage of the copy in S3.` + codes,
		Example: `  emrflink job state detach my-job
  emrflink job state detach my-job chk-42 --output json`,
	})
}

func detach(ctx context.Context, opts *Options) error {
	return with(ctx, opts, fmt.Sprintf("detach a state of job %q", opts.Job), func(s Stack, store flinkjob.Store) error {
		st, m, err := store.CopyOf(ctx, opts.State, store)
		if err != nil {
			return err
		}
		return showMoved(opts, s, m, fmt.Sprintf("%s is kept as %s: %s, %d bytes\n", st.Name, m.To,
			cmdutil.Count(m.Files, "file", "files"), m.Bytes))
	})
}

func showMoved(opts *Options, s Stack, m flinkjob.Moved, text string) error {
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, movedDocument{Moved: m, Simulated: cmdutil.List(s.Info().Simulated)})
	}
	_, _ = fmt.Fprint(opts.IO.Out, text)
	cmdutil.PrintSimulated(opts.IO, s.Info().Simulated)
	return nil
}

// NewDeleteCmd returns the command that deletes a state.
func NewDeleteCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	cmd := ofOneJob(f, opts, true, runF, remove, &cobra.Command{
		Use:   "delete",
		Short: "Delete a checkpoint or savepoint",
		Long: `Delete a state, also one that is not usable: its _metadata first, then its folder and the files that no other state
of the job refers to. STATE is a name of "job state list" or a URI.

Refused is the checkpoint of a job that runs, which Flink deletes itself; what the operator starts the job from; and the
newest usable state of a job that does not run. A FlinkStateSnapshot that tells of the state stays. In a bucket with
versions the objects can be brought back until their old versions expire.` + codes,
		Example: `  emrflink job state delete my-job savepoint-0a1b2c-0123456789ab
  emrflink job state delete my-job chk-42 --yes`,
	})
	cmd.Flags().BoolVar(&opts.Yes, "yes", false, "delete without a question")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if opts.State == "" {
			return cmdutil.Usagef(`the command needs a state: a name of "job state list", or a URI`)
		}
		return nil
	}
	return cmd
}

func remove(ctx context.Context, opts *Options) error {
	return with(ctx, opts, fmt.Sprintf("delete a state of job %q", opts.Job), func(s Stack, store flinkjob.Store) error {
		if !opts.Yes {
			if err := opts.IO.Confirm(ctx, fmt.Sprintf("Delete %s of job %s?", opts.State, opts.Job), "--yes"); err != nil {
				return err
			}
		}
		m, err := store.Delete(ctx, opts.State)
		if err != nil {
			return err
		}
		text := fmt.Sprintf("%s: %s deleted", m.From, cmdutil.Count(m.Files, "object", "objects"))
		if m.Kept > 0 {
			text += fmt.Sprintf("; %s kept, which other states refer to", cmdutil.Count(m.Kept, "object", "objects"))
		}
		if m.Record != "" {
			text += "; " + m.Record + " still tells of it"
		}
		return showMoved(opts, s, m, text+"\n")
	})
}
