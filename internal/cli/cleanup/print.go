// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"fmt"
	"slices"

	"emrflink/internal/cleanup"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/stack"
)

// showPlan says what would be deleted: on standard error before a question, as the answer of --dry-run on standard
// output.
func showPlan(opts *Options, info stack.Info, p cleanup.Plan) error {
	if opts.DryRun && opts.Output == cmdutil.JSON {
		d := p.Document(info.Target, info.Simulated, cleanup.Report{})
		d.DryRun = true
		return cmdutil.WriteJSON(opts.IO.Out, d)
	}
	if opts.Output == cmdutil.JSON && !opts.IO.IsErrTTY() {
		return nil
	}
	w, pal, table := opts.IO.ErrOut, opts.IO.ErrPalette(), opts.IO.NewErrTable
	if opts.DryRun {
		w, pal, table = opts.IO.Out, opts.IO.OutPalette(), opts.IO.NewTable
	}
	_, _ = fmt.Fprintf(w, "cleanup of stack %s: account %s, region %s, deployment %s\n", info.Stack, p.Account, p.Region,
		p.Deployment)
	_, _ = fmt.Fprintf(w, "deletes %s (%s)\n", cmdutil.Count(p.Resources, "recorded resource", "recorded resources"),
		services(p.ByService))
	t := table("ALSO DELETED", "TYPE", "MADE BY")
	for _, i := range p.Outside {
		t.Row(i.ID, i.Service+" "+i.Type, i.CreatedBy)
	}
	if err := t.Render(); err != nil {
		return err
	}
	for _, l := range p.DataLoss {
		_, _ = fmt.Fprintf(w, "%s %s\n", pal.Red("lost for good:"), l)
	}
	warnings := slices.Clone(p.Warnings)
	for _, u := range p.NotChecked {
		warnings = append(warnings, fmt.Sprintf("%s: not checked: %s", u.What, u.Why))
	}
	if p.Unfinished {
		warnings = append(warnings, "an earlier cleanup did not come to its end: this one goes on with it")
	}
	for _, l := range warnings {
		_, _ = fmt.Fprintf(w, "%s %s\n", pal.Yellow("warning:"), l)
	}
	if p.HourlyUSD > 0 {
		_, _ = fmt.Fprintf(w, "ends costs of %s per hour, %s per month\n", cmdutil.PerHour(p.HourlyUSD),
			cmdutil.PerMonth(p.HourlyUSD))
	}
	if opts.DryRun {
		_, _ = fmt.Fprintln(w, "dry run: nothing was deleted")
	}
	cmdutil.PrintSimulated(opts.IO, info.Simulated)
	return nil
}

// nothingLeft says so only when the account was asked.
func nothingLeft(opts *Options, info stack.Info, p cleanup.Plan) error {
	if opts.Output == cmdutil.JSON {
		d := p.Document(info.Target, info.Simulated, cleanup.Report{})
		d.Verified = p.Asked
		d.DryRun = opts.DryRun
		d.Warnings = append(d.Warnings, p.Warnings...)
		return cmdutil.WriteJSON(opts.IO.Out, d)
	}
	text := fmt.Sprintf("nothing is left of stack %s: there is nothing to delete\n", info.Stack)
	if !p.Asked {
		text = fmt.Sprintf("nothing is recorded of stack %s, so there is nothing to delete; the account was not asked\n",
			info.Stack)
	}
	_, err := fmt.Fprint(opts.IO.Out, text)
	for _, l := range p.Warnings {
		_, _ = fmt.Fprintf(opts.IO.ErrOut, "%s %s\n", opts.IO.ErrPalette().Yellow("warning:"), l)
	}
	cmdutil.PrintSimulated(opts.IO, info.Simulated)
	return err
}

// showOutcomes lists what was deleted and what is left.
func showOutcomes(opts *Options, r cleanup.Report) error {
	t := opts.IO.NewTable("OUTCOME", "SERVICE", "TYPE", "ID", "USD/HOUR", "WHY")
	for _, part := range []struct {
		outcome string
		items   []cleanup.Item
	}{{"deleted", r.Deleted}, {"left, as expected", r.ExpectedResidue}, {"LEFT, UNEXPECTED", r.Unexpected}} {
		for _, i := range part.items {
			price := ""
			if i.HourlyUSD > 0 {
				price = cmdutil.PerHour(i.HourlyUSD)
			}
			t.Row(part.outcome, i.Service, i.Type, i.ID, price, i.Reason)
		}
	}
	return t.Render()
}

// showReport shows what a run did; failure is its error. That nothing is left is said only when the account was asked.
func showReport(opts *Options, info stack.Info, p cleanup.Plan, r cleanup.Report, failure error) error {
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, p.Document(info.Target, info.Simulated, r))
	}
	if err := showOutcomes(opts, r); err != nil {
		return err
	}
	text := counts(p, r, failure)
	for _, s := range r.Skipped {
		text += fmt.Sprintf("skipped: %s: %s\n", s.Phase, s.Why)
	}
	if r.Forgotten > 0 {
		text += fmt.Sprintf("%s left the state without being deleted: they went with the cluster\n",
			cmdutil.Count(r.Forgotten, "Kubernetes object", "Kubernetes objects"))
	}
	for _, s := range r.Savepoints {
		fate := "deleted with its bucket"
		if s.Kept {
			fate = "kept"
		}
		text += fmt.Sprintf("savepoint of %s: %s (%s)\n", s.Job, s.Path, fate)
	}
	for _, i := range r.Unexpected {
		if i.Command != "" {
			text += fmt.Sprintf("delete %s %s by hand: %s\n", i.Type, i.ID, i.Command)
		}
	}
	_, err := fmt.Fprint(opts.IO.Out, text)
	for _, l := range r.Warnings {
		_, _ = fmt.Fprintf(opts.IO.ErrOut, "%s %s\n", opts.IO.ErrPalette().Yellow("warning:"), l)
	}
	cmdutil.PrintSimulated(opts.IO, info.Simulated)
	return err
}

// counts sums a run up, with what was not looked at.
func counts(p cleanup.Plan, r cleanup.Report, failure error) string {
	text := fmt.Sprintf("%d deleted, %d left as expected, %d left unexpectedly\n",
		len(r.Deleted), len(r.ExpectedResidue), len(r.Unexpected))
	switch {
	case len(r.NotChecked) > 0:
		for _, u := range r.NotChecked {
			text += fmt.Sprintf("not checked: %s: %s\n", u.What, u.Why)
		}
	case !r.Verified:
		text = fmt.Sprintf("%d deleted; the cleanup did not finish: what is left was not listed\n", len(r.Deleted))
	case failure == nil && len(r.ExpectedResidue)+len(r.Unexpected)+len(r.Errors) == 0:
		if n := p.Unlisted(r); n > 0 {
			text += fmt.Sprintf("%d of the %d recorded resources have no line of their own: "+
				"they were parts of these, or in the cluster\n", n, p.Resources)
		}
		text += "nothing is left\n"
	}
	return text
}
