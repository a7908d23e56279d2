// SPDX-License-Identifier: Apache-2.0

// Package root builds the tree of commands, runs one and turns its error into an exit code.
package root

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cleanup"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/completion"
	"emrflink/internal/cli/config"
	"emrflink/internal/cli/cost"
	"emrflink/internal/cli/deploy"
	"emrflink/internal/cli/docs"
	"emrflink/internal/cli/doctor"
	"emrflink/internal/cli/drift"
	"emrflink/internal/cli/ekstoken"
	"emrflink/internal/cli/graph"
	"emrflink/internal/cli/initcmd"
	"emrflink/internal/cli/job"
	"emrflink/internal/cli/jobs"
	"emrflink/internal/cli/jobstate"
	"emrflink/internal/cli/jobupgrade"
	"emrflink/internal/cli/kubeconfig"
	"emrflink/internal/cli/local"
	"emrflink/internal/cli/mcp"
	"emrflink/internal/cli/outputs"
	"emrflink/internal/cli/policy"
	"emrflink/internal/cli/preview"
	"emrflink/internal/cli/pulumi"
	"emrflink/internal/cli/samplejob"
	"emrflink/internal/cli/stack"
	"emrflink/internal/cli/state"
	"emrflink/internal/cli/status"
	"emrflink/internal/cli/version"
	"emrflink/internal/cli/versions"
	"emrflink/internal/runlog"
)

const long = `Provision Amazon EMR on EKS with Apache Flink: a network, an EKS cluster, Karpenter node pools, roles, a checkpoint
bucket and the EMR Flink operator; run Flink jobs on it; and remove it completely.

A stack describes what is deployed: its settings are in Pulumi.STACK.yaml. The stack "local" needs no file and no AWS
account: it deploys the same blueprint to a simulated account and a real Kubernetes control plane on this machine.

Exit codes: see "emrflink help exit-codes".`

// Operations are what single commands ask of the domain; what several of them need is in the factory.
type Operations struct {
	Cost      cost.Pricer
	Policy    policy.Deriver
	Doctor    doctor.Operations
	Deploy    deploy.Operations
	Preview   preview.Operations
	Graph     func(context.Context) (graph.Planner, error)
	Cleanup   func(context.Context) (cleanup.Stack, error)
	Status    func(context.Context) (status.Stack, error)
	Outputs   func(context.Context) (outputs.Stack, error)
	Job       job.Open
	Jar       job.Fetch
	Jobs      jobs.Open
	JobState  jobstate.Open
	SampleJob samplejob.Open
	State     func(context.Context) (state.Stack, error)
	Stacks    stack.List
	Drift     drift.Detector
	Versions  versions.Reader
	Local     local.Operations
	Pulumi    pulumi.Main
	Access
}

// Access is how kubectl gets into a cluster.
type Access struct {
	Kubeconfig kubeconfig.Reader
	Token      ekstoken.Maker
}

// New builds the tree of commands over a factory and the operations.
func New(f *cmdutil.Factory, o Operations) *cobra.Command {
	root := &cobra.Command{
		Use:   "emrflink COMMAND",
		Short: "Provision Amazon EMR on EKS with Apache Flink",
		Long:  long,
		Example: `  emrflink preview --offline
  emrflink deploy
  emrflink sample-job run basic
  emrflink cleanup`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetOut(f.IO.Out)
	root.SetErr(f.IO.ErrOut)
	root.SetFlagErrorFunc(cmdutil.FlagError)
	f.Globals.Bind(root)
	cmdutil.CompleteFlagFrom(root, "stack", f.Complete.Stacks)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := f.Globals.ApplyEnvironment(cmd.Flags(), f.IO.Getenv); err != nil {
			return err
		}
		f.IO.SetColor(f.Globals.Color)
		f.IO.SetQuiet(cmdutil.WantsJSON(cmd, nil))
		return nil
	}
	cmdutil.Group(root)
	root.Flags().Bool("version", false, "print the version")
	const main, run, other = "main", "run", "other"
	root.AddGroup(&cobra.Group{ID: main, Title: "Deployments:"}, &cobra.Group{ID: run, Title: "Using them:"},
		&cobra.Group{ID: other, Title: "Other commands:"})
	add(root, main, initcmd.NewCmd(f, nil), config.NewCmd(f), doctor.NewCmd(f, o.Doctor, nil), preview.NewCmd(f, o.Preview, nil),
		graph.NewCmd(f, o.Graph, nil), cost.NewCmd(f, o.Cost, nil), policy.NewCmd(f, o.Policy, nil),
		deploy.NewCmd(f, o.Deploy, nil),
		status.NewCmd(f, o.Status, nil), drift.NewCmd(f, o.Drift, nil), outputs.NewCmd(f, o.Outputs, nil),
		versions.NewCmd(f, o.Versions, nil), cleanup.NewCmd(f, o.Cleanup, nil))
	running := append(jobs.NewCmds(f, o.Jobs), jobstate.NewCmd(f, o.JobState))
	running = append(running, jobupgrade.NewCmds(f, o.JobState)...)
	add(root, run, kubeconfig.NewCmd(f, o.Kubeconfig, nil), job.NewCmd(f, o.Job, o.Jar, running...),
		samplejob.NewCmd(f, o.SampleJob))
	add(root, other, local.NewCmd(f, o.Local), stack.NewCmd(f, o.Stacks), state.NewCmd(f, o.State),
		ekstoken.NewCmd(f, o.Token, nil), mcp.NewCmd(f, nil), pulumi.NewCmd(o.Pulumi, nil), version.NewCmd(f, nil),
		completion.NewCmd(f, nil))
	root.AddCommand(docs.NewCmd(f, nil),
		topic("exit-codes", "What the exit codes mean", cmdutil.ExitCodesHelp),
		topic("environment", "Environment variables and settings of a stack",
			func() string { return cmdutil.EnvironmentHelp(f.Reference.Keys()) }))
	root.SetHelpCommandGroupID(other)
	versionFlag(root)
	strictHelp(root)
	return root
}

// versionFlag lets --version do what the command does.
func versionFlag(root *cobra.Command) {
	help := root.RunE
	root.RunE = func(c *cobra.Command, args []string) error {
		if asked, err := c.Flags().GetBool("version"); err != nil || !asked {
			return help(c, args)
		}
		v, _, err := c.Find([]string{"version"})
		if err != nil {
			return err
		}
		return v.RunE(v, args)
	}
}

// strictHelp makes help for what does not exist an error; cobra would print the help of the whole tool.
func strictHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, err := root.Find([]string{"help"})
	if err != nil {
		return
	}
	help.Run = nil
	help.RunE = func(_ *cobra.Command, args []string) error {
		c, rest, err := root.Find(args)
		if err != nil {
			return err
		}
		if len(rest) > 0 {
			return cmdutil.NoCommand(c, rest[0])
		}
		c.InitDefaultHelpFlag() // as if the command had run
		return c.Help()
	}
}

func add(root *cobra.Command, group string, cmds ...*cobra.Command) {
	for _, c := range cmds {
		c.GroupID = group
		root.AddCommand(c)
	}
}

// topic is a help text that is no command. The text is made when it is asked for.
func topic(name, short string, text func() string) *cobra.Command {
	c := &cobra.Command{Use: name, Short: short}
	c.SetHelpFunc(func(c *cobra.Command, _ []string) { _, _ = fmt.Fprint(c.OutOrStdout(), text()) })
	return c
}

// Execute runs the command line and returns the exit code.
func Execute(ctx context.Context, f *cmdutil.Factory, o Operations, args []string) (code int) {
	defer f.IO.ReleaseTerminal()
	defer func() {
		if r := recover(); r != nil {
			f.IO.ReleaseTerminal()
			cmdutil.PrintBug(f.IO.ErrOut, f.Version, commandWords(args), r)
			code = cmdutil.ExitBug
		}
	}()
	root := New(f, o)
	root.SetArgs(args)
	cmd, err := root, cmdutil.Misnamed(root, args)
	if err == nil {
		cmd, err = root.ExecuteContextC(ctx)
	}
	if err == nil {
		return cmdutil.ExitOK
	}
	f.IO.ReleaseTerminal()
	code = cmdutil.ExitCode(ctx, err)
	var log *runlog.Log
	if f.Log != nil {
		log = f.Log()
		if code != cmdutil.ExitUsage {
			log.Info("command ended", "exit", code, "error", err.Error())
		}
	}
	var sig *cmdutil.SignalError
	if errors.As(context.Cause(ctx), &sig) {
		err = interrupted(sig, err)
	}
	cmdutil.PrintError(f.IO, cmdutil.WithHelp(err, cmd), code, cmdutil.WantsJSON(cmd, args), log.Path())
	return code
}

// interrupted says that a signal ended the command, and keeps what the command says about going on.
func interrupted(sig *cmdutil.SignalError, err error) error {
	r := cmdutil.Describe(err)
	cause := error(sig)
	var o interface{ Outcome() string }
	if errors.As(err, &o) && o.Outcome() != "" {
		cause = fmt.Errorf("%w: %s", sig, o.Outcome())
	}
	return &cmdutil.Error{What: r.Error, Cause: cause, Next: strings.Join(r.Next, "\n"), ID: sig.Code()}
}

// commandWords keeps the words of a command line that are no values: flags may carry what should not be in a report.
func commandWords(args []string) string {
	words := []string{"emrflink"}
	for _, a := range args {
		if strings.HasPrefix(a, "-") {
			flag, _, _ := strings.Cut(a, "=")
			words = append(words, flag)
			continue
		}
		if len(words) < 3 {
			words = append(words, a)
		}
	}
	return strings.Join(words, " ")
}
