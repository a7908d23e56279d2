// SPDX-License-Identifier: Apache-2.0

// Package wire makes the concrete dependencies of the commands: it reads the stack file, opens the target, the engine
// and the clients, hands them to the operations, and gives their errors hints and exit codes. No other package of
// internal/cli imports them.
package wire

import (
	"context"
	"os"
	"sync"
	"time"

	"emrflink/internal/check"
	cleanupcmd "emrflink/internal/cli/cleanup"
	"emrflink/internal/cli/cmdutil"
	deploycmd "emrflink/internal/cli/deploy"
	"emrflink/internal/cli/doctor"
	"emrflink/internal/cli/graph"
	"emrflink/internal/cli/job"
	jobscmd "emrflink/internal/cli/jobs"
	"emrflink/internal/cli/jobstate"
	"emrflink/internal/cli/local"
	"emrflink/internal/cli/outputs"
	previewcmd "emrflink/internal/cli/preview"
	"emrflink/internal/cli/root"
	"emrflink/internal/cli/samplejob"
	"emrflink/internal/cli/state"
	"emrflink/internal/cli/status"
	"emrflink/internal/engine"
	"emrflink/internal/findings"
	"emrflink/internal/flinkjob"
	"emrflink/internal/iostreams"
	"emrflink/internal/preview"
	"emrflink/internal/runlog"
	"emrflink/internal/stack"
	"emrflink/internal/stackconfig"
	"emrflink/internal/target"
	"emrflink/stacks"
)

// app is one run of the tool.
type app struct {
	io        *iostreams.IOStreams
	globals   *cmdutil.Globals
	interrupt *cmdutil.Interrupt
	version   string
	command   string // for the name of the log file
	now       func() time.Time
	last      *engine.LastState // parsed once for all engines of the command

	log      func() *runlog.Log
	settings func() (settings, error)
}

// Options are what a run starts with.
type Options struct {
	IO        *iostreams.IOStreams
	Interrupt *cmdutil.Interrupt
	Version   string
	Command   string // the words of the command, for the name of the log file
}

// New returns the factory and the operations of a run. It does nothing else: everything is made when a command asks for
// it.
func New(o Options) (*cmdutil.Factory, root.Operations) {
	a := &app{
		io: o.IO, globals: &cmdutil.Globals{}, interrupt: o.Interrupt, version: o.Version, command: o.Command, now: time.Now,
		last: &engine.LastState{},
	}
	a.log = sync.OnceValue(a.newLog)
	a.settings = sync.OnceValues(a.readSettings)
	f := &cmdutil.Factory{
		IO: a.io, Globals: a.globals, Version: a.version, Interrupt: a.interrupt, Now: a.now, Log: a.log,
		Info: func() (stack.Info, error) {
			s, err := a.settings()
			return s.info, err
		},
		Complete: a.completions(),
		Reference: cmdutil.Reference{
			Samples: flinkjob.Samples, Keys: stacks.Keys, Matrix: target.Simulated, Rules: findings.Rules,
			Read: a.readFile, Schema: stacks.Schema, Value: stackconfig.ReadValue, Check: checkSettings,
		},
	}
	return f, a.operations()
}

func (a *app) newLog() *runlog.Log {
	home, err := cmdutil.Home(a.io.Getenv)
	if err != nil {
		home = os.TempDir() // the run goes on; what needs the folder says so itself
	}
	return runlog.New(runlog.Options{
		IO: a.io, Home: home, Command: a.command, Verbose: a.globals.Verbose, Quiet: a.io.IsQuiet(), Now: a.now(),
	})
}

// checkSettings validates settings.
func checkSettings(file string, values map[string]any) error {
	_, err := stackconfig.Parse(file, values)
	return classify(err)
}

// offline computes plans in this process.
func (a *app) offline(ctx context.Context) (*inProcess, error) {
	s, err := a.settings()
	if err != nil {
		return nil, err
	}
	return a.openOffline(ctx, s)
}

// baseline computes plans in this process against a file, which is read before anything is started.
func (a *app) baseline(ctx context.Context, file string) (*inProcess, error) {
	s, err := a.settings()
	if err != nil {
		return nil, err
	}
	b, err := preview.ReadBaseline(file, stack.Project, s.info.Stack, engine.ParseExported)
	if err != nil {
		return nil, noBaseline(err, s.info.Stack, file)
	}
	o, err := a.openOffline(ctx, s)
	if err != nil {
		return nil, err
	}
	o.baseline = &b
	return o, nil
}

// openStack works on the stack on its target.
func (a *app) openStack() (*onTarget, error) {
	s, err := a.settings()
	if err != nil {
		return nil, err
	}
	return &onTarget{app: a, settings: s, hold: &engine.Hold{}}, nil
}

// named is the same run for another stack, "" = the same.
func (a *app) named(stack string) *app {
	if stack == "" || stack == a.globals.Stack {
		return a
	}
	other, globals := *a, *a.globals
	globals.Stack, globals.ConfigFile = stack, ""
	other.globals = &globals
	other.settings = sync.OnceValues(other.readSettings)
	return &other
}

// operations are what single commands ask of the domain.
func (a *app) operations() root.Operations {
	return root.Operations{
		Cost: a.cost, Policy: a.policy,
		Deploy: deploycmd.Operations{
			Open: func(context.Context) (deploycmd.Stack, error) { return a.openStack() }, CheckPlan: a.checkPlan,
		},
		Preview: previewcmd.Operations{
			OpenStack:    func(context.Context) (previewcmd.Stack, error) { return a.openStack() },
			OpenOffline:  func(ctx context.Context) (previewcmd.Planner, error) { return a.offline(ctx) },
			OpenBaseline: func(ctx context.Context, file string) (previewcmd.Planner, error) { return a.baseline(ctx, file) },
		},
		Graph:     func(ctx context.Context) (graph.Planner, error) { return a.offline(ctx) },
		Cleanup:   func(context.Context) (cleanupcmd.Stack, error) { return a.openStack() },
		Status:    func(context.Context) (status.Stack, error) { return a.openStack() },
		Outputs:   func(context.Context) (outputs.Stack, error) { return a.openStack() },
		Job:       func(context.Context) (job.Stack, error) { return a.openStack() },
		Jar:       a.readJar,
		Jobs:      func(context.Context) (jobscmd.Stack, error) { return a.openStack() },
		JobState:  func(_ context.Context, name string) (jobstate.Stack, error) { return a.named(name).openStack() },
		SampleJob: func(context.Context) (samplejob.Stack, error) { return a.openStack() },
		State:     func(context.Context) (state.Stack, error) { return a.openStack() },
		Stacks:    a.stacks,
		Doctor: doctor.Operations{
			Local: func() (doctor.LocalTarget, error) { return a.local() }, State: a.checkState, Preflight: a.preflight,
			Flink: a.examineFlink, FetchPlugins: a.fetchPlugins,
		},
		Drift: a.drift, Versions: a.versions, Access: root.Access{Kubeconfig: a.kubeconfig, Token: a.token}, Pulumi: a.pulumi,
		Local: local.Operations{
			Open: func() (local.Target, error) {
				t, err := a.local()
				return &sharedTarget{LocalTarget: t, app: a}, err
			},
			Serve: a.serve, Change: a.change, Dashboards: a.dashboards,
			Faults: func() (local.Faults, error) { return a.breakable() }, Flink: a.flink,
		},
	}
}

// fetchPlugins downloads what the target of the stack needs.
func (a *app) fetchPlugins(ctx context.Context) error {
	s, err := a.openStack()
	if err != nil {
		return err
	}
	defer s.Close() // nothing of the stack was changed
	return s.FetchPlugins(ctx)
}

// preflight makes the checks that a deploy begins with.
func (a *app) preflight(ctx context.Context) ([]check.Check, error) {
	s, err := a.openStack()
	if err != nil {
		return nil, err
	}
	defer s.Close() // nothing was changed
	return s.Preflight(ctx, false)
}
