// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
	"emrflink/internal/localtarget"
)

// Faults are those of the simulated account.
type Faults interface {
	// Faults lists them; none when the target does not run: they end with it.
	Faults(ctx context.Context) (localtarget.Faults, error)
	SetFault(ctx context.Context, f localtarget.Fault) error
	// ClearFaults clears the faults of an action, "" = all, and returns how many there were.
	ClearFaults(ctx context.Context, action string) (int, error)
}

// FaultOptions are the dependencies and the flags of the commands below `local fault`.
type FaultOptions struct {
	IO *iostreams.IOStreams
	Operations

	Args   []string
	Fault  localtarget.Fault
	Delay  time.Duration
	Edit   localtarget.Change
	Output cmdutil.Format
}

// NewFaultCmd returns the command that breaks the local target on purpose.
func NewFaultCmd(f *cmdutil.Factory, o Operations) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "fault COMMAND",
		Short: "Break the local target on purpose",
		Long: `Make the simulated account fail, answer late or differ from what was deployed, to see how emrflink and
a job react.

A fault makes the calls of an AWS action return an AWS error or answer late. Faults are kept in the memory of the
local target: a fault applies until it is cleared or used up, or until the local target stops. "local status" shows
the faults. A fault of a cluster is an object in it, and stays until it is cleared.

On a stack whose target is aws, all of these commands are refused.

Exit codes: 0 done; see the subcommands.`,
		Example: `  emrflink local fault set eks:CreateCluster --error ThrottlingException
  emrflink local fault clear`,
	}
	return cmdutil.Group(cmd, NewFaultListCmd(f, o, nil), NewFaultSetCmd(f, o, nil), NewFaultClearCmd(f, o, nil),
		NewFaultDriftCmd(f, o, nil))
}

func faultRunner(
	opts *FaultOptions, runF, run func(context.Context, *FaultOptions) error,
) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		opts.Args = args
		if runF != nil {
			return runF(cmd.Context(), opts)
		}
		return run(cmd.Context(), opts)
	}
}

// NewFaultListCmd returns the command that lists the faults.
func NewFaultListCmd(f *cmdutil.Factory, o Operations, runF func(context.Context, *FaultOptions) error) *cobra.Command {
	opts := &FaultOptions{IO: f.IO, Operations: o}
	cmd := &cobra.Command{
		Use:   "list [flags]",
		Short: "List the faults that are set",
		Long: `List the faults that are set. Nothing is started: a local target that does not run has no faults.

Cost: none.

Exit codes: 0 listed; 1 failed; 2 flags, or the stack's target is aws.`,
		Example: `  emrflink local fault list
  emrflink local fault list --output json`,
		Args: cmdutil.NoArgs,
		RunE: faultRunner(opts, runF, faultList),
	}
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

func faultList(ctx context.Context, opts *FaultOptions) error {
	fs, err := opts.Faults()
	if err != nil {
		return err
	}
	list, err := fs.Faults(ctx)
	if err != nil {
		return fmt.Errorf("list faults: %w", err)
	}
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, list)
	}
	if err := faultTable(opts.IO, list.Faults); err != nil || len(list.Faults) > 0 {
		return err
	}
	_, err = fmt.Fprintln(opts.IO.ErrOut, "no fault is set")
	return err
}

// faultTable prints faults; nothing when there is none.
func faultTable(ios *iostreams.IOStreams, list []localtarget.Fault) error {
	t := ios.NewTable("FAULT", "MATCH", "ERROR", "DELAY", "LEFT")
	for _, f := range list {
		left := "always"
		if f.Left >= 0 {
			left = strconv.Itoa(f.Left)
		}
		delay := ""
		if f.DelaySeconds > 0 {
			delay = time.Duration(f.DelaySeconds * float64(time.Second)).String()
		}
		t.Row(f.Action, f.Match, f.Error, delay, left)
	}
	if t.Len() == 0 {
		return nil
	}
	return t.Render()
}

// NewFaultSetCmd returns the command that sets a fault.
func NewFaultSetCmd(f *cmdutil.Factory, o Operations, runF func(context.Context, *FaultOptions) error) *cobra.Command {
	opts := &FaultOptions{IO: f.IO, Operations: o}
	cmd := &cobra.Command{
		Use:   "set ACTION [flags]",
		Short: "Make an AWS action fail or answer late, or break a cluster",
		Long: `Make the calls of an AWS action return an AWS error, or answer late. ACTION is written as in an IAM
policy, with * and ? as wildcards: "s3:CreateBucket", "iam:Create*". An action that nothing on the local target calls
is refused.

The providers of a deploy call an action to create, change or delete a resource; Karpenter and emrflink call the AWS
API. --match limits a fault to a resource: its name or ARN, or for ec2:RunInstances "TYPE CAPACITY ZONE". A second
fault for the same calls replaces the first.

An action "kubernetes:..." breaks the clusters that run instead, until it is cleared. --match narrows it down:
` + disorders(localtarget.ClusterFaults()) + `
An action "account:..." leaves something in the account, for each cluster or bucket, that no stack records and that
stays until it is deleted:
` + disorders(localtarget.Leftovers()) + `
An action "instance:..." takes running instances away, which nothing brings back: Karpenter starts others. The notice of
an interruption is two minutes divided by the speed, and at least 15 s.
` + disorders(localtarget.InstanceFaults()) + `
The simulated providers do not repeat a throttled call; the providers of a real deploy repeat it for some minutes.

Cost: none. The local target is started if it is stopped.

Exit codes: 0 set; 1 failed; 2 flags, an action that nothing calls, or the stack's target is aws.`,
		Example: `  emrflink local fault set eks:CreateCluster --error ThrottlingException --times 1
  emrflink local fault set 'iam:Create*' --error AccessDenied
  emrflink local fault set ec2:RunInstances --error InsufficientInstanceCapacity --match '* spot *'
  emrflink local fault set ec2:CreateNatGateway --delay 5m
  emrflink local fault set kubernetes:StuckNamespace --match flink-team-a
  emrflink local fault set account:LostInterface
  emrflink local fault set instance:SpotInterruption`,
		Args: cmdutil.ExactArgs("ACTION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if opts.Fault.Error == "" && opts.Delay == 0 && localtarget.IsAWS(args[0]) {
				return &cmdutil.UsageError{Err: errors.New("a fault needs --error, --delay or both"), Usage: cmd.UseLine()}
			}
			if opts.Fault.Times < 0 || opts.Delay < 0 {
				return &cmdutil.UsageError{Err: errors.New("--times and --delay cannot be negative"), Usage: cmd.UseLine()}
			}
			return faultRunner(opts, runF, faultSet)(cmd, args)
		},
	}
	cmd.Flags().StringVar(&opts.Fault.Error, "error", "", "AWS error code to return, such as AccessDenied")
	cmd.Flags().StringVar(&opts.Fault.Message, "message", "", "text of the error")
	cmd.Flags().StringVar(&opts.Fault.Match, "match", "", "only calls for a resource that matches this pattern, with * and ?")
	cmd.Flags().IntVar(&opts.Fault.Times, "times", 0, "how many calls it applies to (default: all, until it is cleared)")
	cmd.Flags().DurationVar(&opts.Delay, "delay", 0, "how long to wait before the answer, such as 30s; not divided by the speed")
	return cmd
}

// disorders lists them for the help.
func disorders(list []localtarget.Disorder) string {
	var out strings.Builder
	for _, f := range list {
		fmt.Fprintf(&out, "  %-28s%s", f.Action, f.Does)
		if f.Match != "" {
			fmt.Fprintf(&out, "; match: %s", f.Match)
		}
		out.WriteByte('\n')
	}
	return out.String()
}

func faultSet(ctx context.Context, opts *FaultOptions) error {
	fs, err := opts.Faults()
	if err != nil {
		return err
	}
	opts.Fault.Action, opts.Fault.DelaySeconds = opts.Args[0], opts.Delay.Seconds()
	if err := fs.SetFault(ctx, opts.Fault); err != nil {
		return fmt.Errorf("set a fault for %q: %w", opts.Fault.Action, err)
	}
	for prefix, done := range map[string]string{
		localtarget.LeftoverPrefix: "left in the account, until somebody deletes it",
		localtarget.InstancePrefix: "begun; Karpenter starts another instance for the pods that need one",
	} {
		if strings.HasPrefix(opts.Fault.Action, prefix) {
			_, err = fmt.Fprintln(opts.IO.Out, done)
			return err
		}
	}
	_, err = fmt.Fprintf(opts.IO.Out, "the fault is set; forget it with: %s\n",
		cmdutil.Command("local", "fault", "clear", opts.Fault.Action))
	return err
}

// NewFaultClearCmd returns the command that clears faults.
func NewFaultClearCmd(f *cmdutil.Factory, o Operations, runF func(context.Context, *FaultOptions) error) *cobra.Command {
	opts := &FaultOptions{IO: f.IO, Operations: o}
	return &cobra.Command{
		Use:   "clear [ACTION]",
		Short: "Clear faults",
		Long: `Clear all faults, or only those that were set for ACTION, written as it was when they were set. What
they broke stays broken: run a failed deploy again. What a fault has put into a cluster is taken away.

Cost: none.

Exit codes: 0 cleared, also when there was none; 1 failed; 2 flags, or the stack's target is aws.`,
		Example: `  emrflink local fault clear
  emrflink local fault clear eks:CreateCluster`,
		Args: cmdutil.AtMost("ACTION"),
		RunE: faultRunner(opts, runF, faultClear),
	}
}

func faultClear(ctx context.Context, opts *FaultOptions) error {
	fs, err := opts.Faults()
	if err != nil {
		return err
	}
	action := ""
	if len(opts.Args) > 0 {
		action = opts.Args[0]
	}
	n, err := fs.ClearFaults(ctx, action)
	if err != nil {
		return fmt.Errorf("clear faults: %w", err)
	}
	_, err = fmt.Fprintf(opts.IO.Out, "%s cleared\n", cmdutil.Count(n, "fault", "faults"))
	return err
}

// NewFaultDriftCmd returns the command that changes a resource outside emrflink.
func NewFaultDriftCmd(f *cmdutil.Factory, o Operations, runF func(context.Context, *FaultOptions) error) *cobra.Command {
	opts := &FaultOptions{IO: f.IO, Operations: o}
	cmd := &cobra.Command{
		Use:   "drift RESOURCE [flags]",
		Short: "Change or delete a deployed resource outside emrflink",
		Long: `Change or delete a deployed resource in the simulated account or in the cluster, as a person with a
console or kubectl would. The recorded state does not change: "drift" then shows the difference, and
"deploy --refresh" restores the resource.

RESOURCE is a name as preview and drift show it, an id, or a URN. PATH is written as they show it: tags.owner,
cidrBlocks[0], spec.hard["requests.cpu"]. VALUE is JSON, or plain text where the property is text. AWS's own rules
apply: what AWS would refuse is refused.

Cost: none. The local target is started if it is stopped.

Exit codes: 0 changed; 1 failed; 2 flags, no such resource or property, AWS refuses it, or the stack's target is aws;
4 the stack was never deployed.`,
		Example: `  emrflink local fault drift checkpoints-bucket --set tags.owner=somebody
  emrflink local fault drift team-flink-team-a-logs --delete
  emrflink local fault drift team-flink-team-a-quota --set spec.hard.pods=1`,
		Args: cmdutil.ExactArgs("RESOURCE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			changes := len(opts.Edit.Set) + len(opts.Edit.Unset)
			if opts.Edit.Delete == (changes > 0) {
				return &cmdutil.UsageError{Err: errors.New("give --delete, or --set and --unset"), Usage: cmd.UseLine()}
			}
			return faultRunner(opts, runF, faultDrift)(cmd, args)
		},
	}
	cmd.Flags().StringArrayVar(&opts.Edit.Set, "set", nil, "PATH=VALUE: set a property to a value; can be repeated")
	cmd.Flags().StringArrayVar(&opts.Edit.Unset, "unset", nil, "PATH: remove a property; can be repeated")
	cmd.Flags().BoolVar(&opts.Edit.Delete, "delete", false, "delete the resource")
	return cmd
}

func faultDrift(ctx context.Context, opts *FaultOptions) error {
	opts.Edit.Resource = opts.Args[0]
	r, err := opts.Change(ctx, opts.Edit)
	if err != nil {
		return fmt.Errorf("change %q outside emrflink: %w", opts.Args[0], err)
	}
	done := "changed"
	if opts.Edit.Delete {
		done = "deleted"
	}
	_, err = fmt.Fprintf(opts.IO.Out, "%s %s %q (%s); see it with: %s\n", done, r.Type, r.Name, r.ID, cmdutil.Command("drift"))
	return err
}
