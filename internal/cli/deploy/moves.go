// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"fmt"
	"strings"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/deploy"
	"emrflink/internal/flinkjob"
	"emrflink/internal/iostreams"
)

// moved reads and shows the jobs that a deploy leaves behind on another release, on standard error. That they could not be read
// stops no deploy: it changes none of them.
func moved(ctx context.Context, opts *Options, d deploy.Deployment) ([]flinkjob.Move, error) {
	moves, err := d.Moves(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		opts.IO.Say("which jobs have another release is not known: " + err.Error())
		return nil, nil
	}
	if len(moves) == 0 || opts.Output == cmdutil.JSON && !opts.IO.IsErrTTY() {
		return moves, nil
	}
	w := opts.IO.ErrOut
	_, _ = fmt.Fprintf(w, "%s of another release than %s; a deploy moves none:\n",
		cmdutil.Count(len(moves), "job is", "jobs are"), moves[0].To)
	t := opts.IO.NewErrTable("JOB", "NAMESPACE", "RELEASE", "AN UPGRADE STARTS FROM", "NEXT")
	for _, m := range moves {
		next, _, _ := strings.Cut(m.Command, "\n")
		t.Row(m.Job, m.Namespace, m.Release, startOf(opts, m), next)
	}
	if err := t.Render(); err != nil {
		return moves, err
	}
	_, _ = fmt.Fprintln(w)
	return moves, nil
}

// startOf says from which state a job would start, or why from none.
func startOf(opts *Options, m flinkjob.Move) string {
	switch {
	case m.NotAssessed != "":
		return "not assessed: " + m.NotAssessed
	case m.Refused != "":
		return "refused: " + m.Refused
	case m.State != "":
		return fmt.Sprintf("%s, of %s ago", m.State, iostreams.Duration(opts.Now().Sub(m.At)))
	case m.From == flinkjob.FromNothing:
		return "nothing"
	}
	return "a savepoint with which it is stopped"
}
