// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"fmt"
	"slices"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/deploy"
	"emrflink/internal/preview"
	"emrflink/internal/stack"
)

// losses are steps that nobody has agreed to.
type losses []preview.Step

// Error counts them; they are listed below it.
func (l losses) Error() string {
	return "--yes does not answer for " + cmdutil.Count(len(l), "loss", "losses")
}

// ProblemLines lists each with what is lost.
func (l losses) ProblemLines() []string {
	var lines []string
	for _, s := range l {
		lines = append(lines, fmt.Sprintf("%s %s %q: %s", s.Op, s.Type, s.Name, s.Destroys))
	}
	return lines
}

// consent returns nil when the user agrees to a plan that changes something. What no deploy brings back needs more than a yes:
// the name of the stack, or --allow-replace for each.
func consent(
	ctx context.Context, opts *Options, info stack.Info, d deploy.Deployment, plan preview.Report, question string,
) error {
	grave, err := d.Grave(ctx, plan)
	if err != nil {
		return fmt.Errorf("deploy stack %q: look at what would be lost: %w", info.Stack, err)
	}
	open := slices.DeleteFunc(losses(grave), func(s preview.Step) bool {
		return slices.Contains(opts.AllowReplace, s.Type) || slices.Contains(opts.AllowReplace, s.Name)
	})
	switch {
	case len(open) == 0 && opts.Yes:
		return nil
	case len(open) == 0:
		return opts.IO.Confirm(ctx, question, "--yes")
	case !opts.Yes:
		return opts.IO.ConfirmName(ctx, info.Stack, fmt.Sprintf(
			"%s of what is listed above cannot be undone. Type %s to deploy:",
			cmdutil.Count(len(open), "loss", "losses"), info.Stack),
			"--yes --allow-replace TYPE|NAME")
	}
	words := []string{"deploy", "--stack", info.Stack, "--yes"}
	for _, s := range open {
		if !slices.Contains(words, s.Type) {
			words = append(words, "--allow-replace", s.Type)
		}
	}
	return &cmdutil.Error{
		What:  fmt.Sprintf("deploy stack %q: nothing was changed, %s", info.Stack, open),
		Cause: open, ID: "losses", Exit: cmdutil.ExitUsage,
		Next: cmdutil.Command("preview", "--stack", info.Stack) + "\n" + cmdutil.Command(words...) + "   # loses what is listed",
	}
}
