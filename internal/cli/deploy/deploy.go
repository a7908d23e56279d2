// SPDX-License-Identifier: Apache-2.0

// Package deploy is the command that creates or updates the deployment of a stack.
package deploy

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"emrflink/internal/check"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/deploy"
	"emrflink/internal/flinkjob"
	"emrflink/internal/iostreams"
	"emrflink/internal/plans"
	"emrflink/internal/preview"
	"emrflink/internal/stack"
)

// Stack is a stack on its target.
type Stack interface {
	Info() stack.Info
	// CheckOrigin refuses settings that would make the stack another deployment than it was made as, in name, region or account;
	// with rename, another name is accepted.
	CheckOrigin(ctx context.Context, rename bool) error
	// Preflight looks for what would make a deploy fail; with adopt, log groups of an earlier deployment would not.
	Preflight(ctx context.Context, adopt bool) ([]check.Check, error)
	Deployment(ctx context.Context, o deploy.Options) (deploy.Deployment, error)
	Close() error
}

// Options are the dependencies and the flags of the command.
type Options struct {
	IO        *iostreams.IOStreams
	Globals   *cmdutil.Globals
	Interrupt *cmdutil.Interrupt
	Info      func() (stack.Info, error)
	Now       func() time.Time
	Operations

	Yes          bool
	Adopt        bool
	Refresh      bool
	Rename       bool
	AllowReplace []string
	Plan         string
	SkipChecks   []string
	Output       cmdutil.Format
}

// Operations are what the command asks of the domain.
type Operations struct {
	Open func(context.Context) (Stack, error)
	// CheckPlan checks a saved plan without contacting anybody.
	CheckPlan func(file string) error
}

const long = `Create or update everything that the settings of the stack describe. You can repeat a deploy at any
time: what is already as described stays as it is, and an interrupted deploy continues where it stopped.

Steps:
  1. read and validate the settings of the stack
  2. open the target (the local target is started if it is stopped) and run the checks of "doctor": credentials,
     quotas, names. A problem ends the deploy before anything is changed; a warning is shown
  3. show the plan, what is lost by it, and the resources that are billed by the hour, with their prices, and ask. When
     the settings have another emrRelease: also each job of another release, with what "job upgrade" would start it from
     and what it would refuse. A deploy moves no job: each keeps its release until it is upgraded
  4. create or update network, checkpoint bucket, cluster, core nodes, addons, Karpenter, node pools, Flink operator and
     teams; the custom resource definitions of a chart that gets another version go before it, since Helm leaves them
  5. print the commands to run next

The plan compares the settings with the recorded state. With --refresh every resource is read from the account first,
and what was changed or deleted there is restored ("drift" shows it).

Cost: on the aws target what step 3 shows, from the creation of the resources until a cleanup. The local target costs
nothing.

A plan that deletes or replaces the cluster, its network, a node group, the bucket, its key, or a namespace with Flink
jobs is carried out only after you have typed the name of the stack. --yes does not answer for it: name each with
--allow-replace, by its type or its name.

A stack stays the deployment that it was made as. Settings with another name would replace everything in it, and are
refused: another stack (--stack) is what they need, or --rename if that is what you want. --rename is for the name only:
another region or another account is always refused, because nothing can be moved there, or deleted from here.

Log groups of an earlier deployment can be left over, because EKS writes its last events after the cluster is gone.
They end the deploy in step 2. With --adopt they become part of the stack: their events stay, their retention and tags
are set as the settings say, and a cleanup deletes them.

When a deploy fails, the existing resources are kept and recorded, and the commands to continue and to remove them are
printed. The first Ctrl-C starts nothing new, stops waiting for the operations in progress and records what exists;
AWS still completes what it has begun. A second Ctrl-C kills the deploy, and the next deploy finds out how the
operations in progress ended.

With --plan the deploy runs only if it is the one that "emrflink preview --save-plan" wrote: the same stack, settings,
build of this program and deployed state, and a new plan with exactly the same steps. Otherwise it is refused before
the first change, and the differences are printed. Its limits: it does not see drift that the state does not know of,
it does not check values that only a deployment gives, and it does not prevent changes between the check and the
deploy.

Exit codes: 0 deployed, or nothing to change; 1 failed; 2 settings, flags, a problem of step 2, a plan that is
refused, no terminal and no --yes, or a loss that --allow-replace does not name; 3 credentials; 130 declined or
interrupted.`

// NewCmd returns the command.
func NewCmd(f *cmdutil.Factory, o Operations, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO, Globals: f.Globals, Interrupt: f.Interrupt, Info: f.Info, Now: f.Now, Operations: o}
	cmd := &cobra.Command{
		SuggestFor: []string{"up", "apply", "create", "install", "update", "upgrade"},
		Use:        "deploy [flags]",
		Short:      "Create or update the deployment of a stack",
		Long:       long,
		Example: `  emrflink deploy
  emrflink deploy --stack dev --yes
  emrflink deploy --stack dev --plan plan.json
  emrflink deploy --yes --skip-checks quota-vcpu-on-demand
  emrflink deploy --yes --allow-replace aws:eks/nodeGroup:NodeGroup
  emrflink deploy --refresh
  emrflink deploy --adopt
  emrflink deploy --yes --output json`,
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.Adopt && opts.Plan != "" {
				return &cmdutil.UsageError{
					Err:   errors.New("--adopt and --plan exclude each other: a saved plan makes what --adopt takes over"),
					Usage: cmd.UseLine(),
				}
			}
			if opts.Refresh && opts.Plan != "" {
				return &cmdutil.UsageError{
					Err: errors.New("--refresh and --plan exclude each other: " +
						"a saved plan was compared with the recorded state"),
					Usage: cmd.UseLine(),
				}
			}
			if err := opts.skippable(f.Complete.Checks); err != nil {
				return err
			}
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return run(cmd.Context(), opts)
		},
	}
	cmdutil.AddYesFlag(cmd, &opts.Yes, "deploy without asking")
	cmd.Flags().StringSliceVar(&opts.SkipChecks, "skip-checks", nil,
		"checks that do not stop the deploy, by the names that doctor prints")
	cmdutil.CompleteFlagFrom(cmd, "skip-checks", f.Complete.Checks)
	cmd.Flags().BoolVar(&opts.Adopt, "adopt", false, "take over log groups that an earlier deployment left")
	cmd.Flags().BoolVar(&opts.Refresh, "refresh", false, "read the account first, and restore what was changed there")
	cmd.Flags().BoolVar(&opts.Rename, "rename", false, "let the settings give the deployment another name: all of it is replaced")
	cmd.Flags().StringArrayVar(&opts.AllowReplace, "allow-replace", nil,
		"with --yes: also replace or delete what is lost by it, by `TYPE|NAME`; can be repeated")
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	cmd.Flags().StringVar(&opts.Plan, "plan", "", "run only the deploy of this file, which preview --save-plan wrote")
	return cmd
}

func run(ctx context.Context, opts *Options) error {
	info, err := opts.Info()
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Deploy stack %q?", info.Stack)
	if !opts.Yes && !opts.IO.CanPrompt() {
		return &iostreams.NoPromptError{Question: question, Flag: "--yes"}
	}
	if opts.Plan != "" {
		if err := opts.CheckPlan(opts.Plan); err != nil {
			return err
		}
	}
	s, err := opts.Open(ctx)
	if err != nil {
		return fmt.Errorf("deploy stack %q: %w", info.Stack, err)
	}
	defer s.Close() // the engine has saved the state by then
	if err := s.CheckOrigin(ctx, opts.Rename); err != nil {
		return fmt.Errorf("deploy stack %q: nothing was changed: %w", info.Stack, err)
	}
	checks, err := checked(ctx, opts, s, info.Stack)
	if err != nil {
		return err
	}
	d, err := s.Deployment(ctx, deploy.Options{Refresh: opts.Refresh, Adopt: check.Adopted(checks)})
	if err != nil {
		return fmt.Errorf("deploy stack %q: %w", info.Stack, err)
	}
	plan, moves, err := agreed(ctx, opts, s.Info(), d, question)
	if err != nil {
		return err
	}
	resume := cmdutil.Command("deploy", "--stack", info.Stack)
	if opts.Rename {
		resume += " --rename"
	}
	opts.Interrupt.Say("stopping: no new operation is started, " +
		"operations in progress are not waited for, and what exists is recorded\n" +
		"press Ctrl-C again to kill the run; continue later with: " + resume)
	defer opts.Interrupt.Say("")
	t := track(opts.IO, plan.Document.Steps, s.Info().Timed())
	res, err := d.Deploy(ctx, func(e plans.Event) { opts.follow(t, e) })
	t.end(err == nil)
	if cmdutil.Locked(err) {
		return fmt.Errorf("deploy stack %q: nothing was changed: %w", info.Stack, err)
	}
	if err != nil {
		return &cmdutil.Error{
			What: fmt.Sprintf("deploy stack %q", info.Stack), Cause: err,
			Next: resume + "\n" + cmdutil.Command("cleanup", "--stack", info.Stack) + "   # removes what exists",
		}
	}
	return report(opts, s.Info(), deploy.NewDocument(s.Info(), res, warnings(checks), moves, nextCommands(info.Stack)))
}

// nextCommands are those that a deploy is usually followed by.
func nextCommands(stack string) []string {
	return []string{
		cmdutil.Command("kubeconfig", "--stack", stack),
		cmdutil.Command("sample-job", "run", "basic", "--stack", stack),
		cmdutil.Command("cleanup", "--stack", stack),
	}
}

// agreed is the plan to carry out: the one that was saved, if one was named, and what the user said yes to.
func agreed(ctx context.Context, opts *Options, info stack.Info, d deploy.Deployment, question string) (
	plan preview.Report, moves []flinkjob.Move, err error) {
	if plan, err = planned(ctx, opts, info, d); err != nil {
		return plan, nil, fmt.Errorf("deploy stack %q: %w", info.Stack, err)
	}
	if opts.Plan != "" {
		if err := d.Matches(ctx, plan, opts.Plan); err != nil {
			return plan, nil, err
		}
	}
	if plan.Document.Summary.Changes() > 0 {
		if moves, err = moved(ctx, opts, d); err == nil {
			err = consent(ctx, opts, info, d, plan, question)
		}
	}
	return plan, moves, err
}

// planned computes the plan and shows it with its prices, all on standard error.
func planned(ctx context.Context, opts *Options, info stack.Info, d deploy.Deployment) (preview.Report, error) {
	progress := opts.IO.NewProgress(iostreams.Phase{Name: "plan"})
	progress.Start("plan")
	plan, err := d.Plan(ctx)
	if err != nil {
		progress.Fail("plan")
		progress.Stop()
		return preview.Report{}, err
	}
	progress.Done("plan")
	progress.Stop()
	if opts.Output == cmdutil.JSON && !opts.IO.IsErrTTY() {
		return plan, nil
	}
	return plan, showPlan(opts.IO, info, plan, opts.Globals.Verbose)
}

func showPlan(ios *iostreams.IOStreams, info stack.Info, plan preview.Report, verbose bool) error {
	file := info.File
	if file == "" {
		file = "defaults"
	}
	w, s := ios.ErrOut, plan.Document.Summary
	_, _ = fmt.Fprintf(w, "\nstack %s (%s), target %s, region %s, deployment %s\n", info.Stack, file, info.Target, info.Region,
		info.Deployment)
	may := ""
	if n := plan.MayReplace(); n > 0 {
		may = fmt.Sprintf(" (%d of them may be replaced)", n)
	}
	_, _ = fmt.Fprintf(w, "plan: %d to create, %d to update%s, %d to replace, %d to delete, %d unchanged\n",
		s.Create, s.Update, may, s.Replace, s.Delete, s.Same)
	if n := plan.InStateOnly(); n > 0 {
		_, _ = fmt.Fprintf(w, "%d of these changes are of components and providers, which exist in the state only\n", n)
	}
	_, _ = fmt.Fprintln(w)
	if err := plan.Losses(w, preview.TextOptions{Color: ios.ErrPalette().Enabled()}); err != nil {
		return err
	}
	t := ios.NewErrTable("BILLED BY THE HOUR", "WHAT", "USD/HOUR", "USD/MONTH")
	for _, i := range plan.After.Items {
		what := strconv.FormatFloat(i.Quantity, 'g', -1, 64) + " x " + i.What
		if i.Note != "" {
			what += " (" + i.Note + ")"
		}
		t.Row(i.Name, what, cmdutil.PerHour(i.HourlyUSD), cmdutil.PerMonth(i.HourlyUSD))
	}
	if t.Len() > 0 {
		total := plan.After.HourlyUSD
		t.Row("total", "at AWS's list prices", cmdutil.PerHour(total), cmdutil.PerMonth(total))
	}
	if err := t.Render(); err != nil {
		return err
	}
	cmdutil.PrintNotIncluded(w, "not in the total", plan.After.NotIncluded, verbose)
	cmdutil.PrintNotIncluded(w, "not priced", plan.After.Unpriced, true)
	cmdutil.PrintSimulated(ios, info.Simulated)
	_, _ = fmt.Fprintln(w)
	return nil
}

// follow shows one event.
func (o *Options) follow(t *tracker, e plans.Event) {
	if e.Interrupted {
		return
	}
	switch e.Kind {
	case plans.EventDiagnostic, plans.EventNotice:
		if o.Output == cmdutil.JSON && !o.IO.IsErrTTY() {
			return
		}
		_, _ = fmt.Fprintf(o.IO.ErrOut, "%s: %s\n", e.Kind, strings.TrimSpace(e.Message))
	default:
		t.event(e)
	}
}

func report(opts *Options, info stack.Info, doc deploy.Document) error {
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, doc)
	}
	w, s := opts.IO.Out, doc.Summary
	_, _ = fmt.Fprintf(w, "deployed stack %s in %s: %d created, %d updated, %d replaced, %d deleted, %d unchanged\n",
		info.Stack, iostreams.Duration(time.Duration(doc.DurationSeconds*float64(time.Second))), s.Create, s.Update, s.Replace,
		s.Delete, s.Same)
	for i, what := range []string{"use kubectl", "run a Flink job", "remove everything"} {
		_, _ = fmt.Fprintf(w, "  %-18s %s\n", what+":", opts.IO.OutPalette().Cyan(doc.Next[i]))
	}
	cmdutil.PrintSimulated(opts.IO, info.Simulated)
	return nil
}
