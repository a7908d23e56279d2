// SPDX-License-Identifier: Apache-2.0

// Package status is the command that shows the resources of a stack and the health of its cluster.
package status

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
	"emrflink/internal/observe"
	"emrflink/internal/plans"
	"emrflink/internal/stack"
)

// Stack is what the command needs of a stack.
type Stack interface {
	Info() stack.Info
	State(ctx context.Context) (stack.State, error)
	Cluster(ctx context.Context) (observe.Cluster, error)
	Close() error
}

// Options are the dependencies and the flags of the command.
type Options struct {
	IO   *iostreams.IOStreams
	Open func(context.Context) (Stack, error)

	Output cmdutil.Format
}

// NewCmd returns the command.
func NewCmd(
	f *cmdutil.Factory, open func(context.Context) (Stack, error), runF func(context.Context, *Options) error,
) *cobra.Command {
	opts := &Options{IO: f.IO, Open: open}
	cmd := &cobra.Command{
		SuggestFor: []string{"show", "get", "describe", "list", "ls"},
		Use:        "status [flags]",
		Short:      "Show the resources of a stack and the health of its cluster",
		Long: `Show the recorded resources of a stack, who is changing the stack now, the operations that an
interrupted run did not finish, and the live state of the cluster: its health, nodes and Flink jobs.

Cost: none. Nothing is changed; the local target is started if it is stopped.

Exit codes: 0 shown; 1 the state of the cluster cannot be read (the recorded part is shown); 2 settings or flags; 3
credentials; 4 the stack was never deployed.`,
		Example: `  emrflink status
  emrflink status --stack dev --output json`,
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return run(cmd.Context(), opts)
		},
	}
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

// document is the JSON contract of the command.
type document struct {
	SchemaVersion int            `json:"schemaVersion"`
	Stack         string         `json:"stack"`
	Target        string         `json:"target"`
	Region        string         `json:"region"`
	Deployment    string         `json:"deployment"`
	Resources     int            `json:"resources"`
	ByService     map[string]int `json:"byService"`
	LockedBy      string         `json:"lockedBy"`
	// Pending are the operations whose end was not recorded.
	Pending   []plans.Pending `json:"pending"`
	Cluster   observe.Cluster `json:"cluster"`
	Simulated []string        `json:"simulated"`
}

func run(ctx context.Context, opts *Options) error {
	s, err := opts.Open(ctx)
	if err != nil {
		return fmt.Errorf("read status: %w", err)
	}
	defer s.Close() // nothing was changed
	st, err := s.State(ctx)
	if err != nil {
		return fmt.Errorf("read status of stack %q: %w", s.Info().Stack, err)
	}
	var c observe.Cluster
	if st.Resources > 0 {
		c, err = s.Cluster(ctx)
	}
	if err != nil {
		err = &cmdutil.Error{
			What: fmt.Sprintf("ask the cluster of stack %q", s.Info().Stack), Cause: err, Next: cmdutil.Command("doctor"),
		}
	}
	if perr := show(opts, s.Info(), st, c, err != nil); perr != nil {
		return perr
	}
	return err
}

func show(opts *Options, info stack.Info, st stack.State, c observe.Cluster, unknown bool) error {
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, newDocument(info, st, c))
	}
	w := opts.IO.Out
	line(w, "stack", info.Stack)
	line(w, "target", info.Target+", region "+info.Region)
	line(w, "deployment", info.Deployment)
	line(w, "resources", fmt.Sprintf("%d recorded%s", st.Resources, breakdown(st.ByService)))
	if st.Resources == 0 && len(st.Pending) == 0 {
		line(w, "state", "nothing is deployed")
	}
	if st.LockedBy != "" {
		line(w, "in use by", st.LockedBy)
	}
	showPending(w, info, st)
	if c.Name == "" && st.Resources > 0 && !unknown {
		line(w, "cluster", "none yet: the deploy was not completed; go on with "+cmdutil.Command("deploy", "--stack", info.Stack))
	}
	if c.Name != "" {
		if err := showCluster(opts.IO, c); err != nil {
			return err
		}
	}
	cmdutil.PrintSimulated(opts.IO, info.Simulated)
	return nil
}

// showPending lists what is under way, or what a killed run left unfinished.
func showPending(w io.Writer, info stack.Info, st stack.State) {
	label := "unfinished"
	if st.LockedBy != "" {
		label = "under way"
	}
	for _, p := range st.Pending {
		line(w, label, p.Kind+" "+p.Type+" "+p.Name)
	}
	if len(st.Pending) == 0 || st.LockedBy != "" {
		return
	}
	why := "an earlier run was killed"
	if info.State != "" && !strings.HasPrefix(info.State, "file://") { // only the backend knows who works on it
		why = "another run works on it, or an earlier one was killed"
	}
	line(w, "next", why+"; a deploy finds out how these ended, and continues: "+cmdutil.Command("deploy", "--stack", info.Stack))
}

func line(w io.Writer, label, text string) {
	_, _ = fmt.Fprintf(w, "%-12s %s\n", label+":", text)
}

func showCluster(ios *iostreams.IOStreams, c observe.Cluster) error {
	status := c.Status
	if status == "" {
		status = "does not exist"
	}
	line(ios.Out, "cluster", strings.TrimSpace(c.Name+" "+status+" "+version(c.Version)))
	for _, h := range c.Health {
		line(ios.Out, "unhealthy", h)
	}
	nodes := ios.NewTable("NODE", "INSTANCE TYPE", "CAPACITY", "NODE POOL")
	for _, n := range c.Nodes {
		nodes.Row(n.Name, n.InstanceType, n.CapacityType, n.NodePool)
	}
	jobs := ios.NewTable("FLINK JOB", "NAMESPACE", "STATE", "SAMPLE")
	for _, j := range c.Jobs {
		jobs.Row(j.Job, j.Namespace, j.State, j.Sample)
	}
	if err := nodes.Render(); err != nil {
		return err
	}
	return jobs.Render()
}

func version(v string) string {
	if v == "" {
		return ""
	}
	return "(Kubernetes " + v + ")"
}

func breakdown(by map[string]int) string {
	if len(by) == 0 {
		return ""
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(by)) {
		parts = append(parts, fmt.Sprintf("%s %d", k, by[k]))
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func newDocument(info stack.Info, st stack.State, c observe.Cluster) document {
	d := document{
		SchemaVersion: cmdutil.SchemaVersion, Stack: info.Stack, Target: info.Target, Region: info.Region,
		Deployment: info.Deployment, Resources: st.Resources, ByService: map[string]int{}, LockedBy: st.LockedBy,
		Pending: cmdutil.List(st.Pending), Simulated: cmdutil.List(info.Simulated),
		Cluster: c,
	}
	d.Cluster.Health, d.Cluster.Nodes, d.Cluster.Jobs = cmdutil.List(c.Health), cmdutil.List(c.Nodes), cmdutil.List(c.Jobs)
	maps.Copy(d.ByService, st.ByService)
	return d
}
