// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"emrflink/internal/check"
	"emrflink/internal/cli/cmdutil"
)

// problems are checks that would make the deploy fail.
type problems struct {
	checks  []check.Check
	verdict cmdutil.Verdict
}

// Error counts them; they are listed below it.
func (p *problems) Error() string { return cmdutil.Count(p.verdict.Errors, "problem", "problems") }

// ProblemLines lists each with its cause and its fix.
func (p *problems) ProblemLines() []string {
	var lines []string
	for _, c := range p.checks {
		if c.Status == check.Error {
			lines = append(lines, fmt.Sprintf("%s: %s\nwhy: %s\nfix: %s", c.ID, c.What, c.Why, c.Fix))
		}
	}
	return lines
}

// checked makes the checks that a deploy begins with. An error ends the deploy, a warning is shown.
func checked(ctx context.Context, opts *Options, s Stack, stack string) ([]check.Check, error) {
	checks, err := s.Preflight(ctx, opts.Adopt)
	if err != nil {
		return nil, fmt.Errorf("deploy stack %q: %w", stack, err)
	}
	if err := skip(checks, opts.SkipChecks); err != nil {
		return nil, err
	}
	if opts.Output != cmdutil.JSON || opts.IO.IsErrTTY() {
		cmdutil.PrintChecks(opts.IO.ErrOut, opts.IO.ErrPalette(), opts.IO.Glyphs(), warnings(checks))
	}
	verdict := cmdutil.Judge(checks)
	if verdict.Errors == 0 {
		return checks, nil
	}
	p := &problems{checks: checks, verdict: verdict}
	return nil, &cmdutil.Error{
		What: fmt.Sprintf("deploy stack %q: nothing was touched, %s would make it fail", stack, p), Cause: p,
		Next: cmdutil.Command("doctor", "--stack", stack), ID: "preflight", Exit: verdict.Exit,
	}
}

// warnings are the checks that found something and do not stop the deploy.
func warnings(checks []check.Check) []check.Check {
	return slices.DeleteFunc(slices.Clone(checks), func(c check.Check) bool { return c.Status != check.Warning })
}

// skip takes checks out by their names. A name that is none is refused: it would be skipped in vain.
func skip(checks []check.Check, names []string) error {
	known := make([]string, 0, len(checks))
	for i, c := range checks {
		known = append(known, c.ID)
		if slices.Contains(names, c.ID) && c.Status != check.OK {
			checks[i].Status = check.Skipped
		}
	}
	return exist(names, known)
}

// skippable refuses the name of a check that there is not, before anything is opened.
func (o *Options) skippable(known func() []string) error {
	if known == nil {
		return nil
	}
	return exist(o.SkipChecks, known())
}

// exist refuses a name that no check has.
func exist(names, known []string) error {
	for _, name := range names {
		if !slices.Contains(known, name) {
			return cmdutil.Usagef("--skip-checks %s: there is no such check; there are %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}
