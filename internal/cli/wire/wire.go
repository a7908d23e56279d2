// SPDX-License-Identifier: Apache-2.0

// Package wire makes the concrete dependencies of the commands: it reads the stack file, opens the target, the engine
// and the clients, and translates their types into those of package session. It is the only package below
// internal/cli that knows them.
package wire

import (
	"context"
	"os"
	"sync"
	"time"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/local"
	"emrflink/internal/cli/root"
	"emrflink/internal/cli/session"
	"emrflink/internal/engine"
	"emrflink/internal/findings"
	"emrflink/internal/flinkjob"
	"emrflink/internal/iostreams"
	"emrflink/internal/preview"
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

	log      func() *cmdutil.Log
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
	}
	a.log = sync.OnceValue(a.newLog)
	a.settings = sync.OnceValues(a.readSettings)
	f := &cmdutil.Factory{
		IO: a.io, Globals: a.globals, Version: a.version, Interrupt: a.interrupt, Now: a.now, Log: a.log,
		Info: func() (session.Info, error) {
			s, err := a.settings()
			return s.info, err
		},
		Session:  a.session,
		Offline:  a.offline,
		Baseline: a.baseline, CheckPlan: a.checkPlan,
		Reference: cmdutil.Reference{
			Samples: flinkjob.Samples, Keys: stacks.Keys, Matrix: target.Simulated, Rules: findings.Rules, Check: check,
		},
		Local: func() (cmdutil.LocalTarget, error) { return a.local() },
	}
	return f, root.Operations{
		Cost: a.cost, Drift: a.drift, Kubeconfig: a.kubeconfig, Token: a.token, Pulumi: engine.Main,
		Local: local.Operations{
			Open:  func() (local.Target, error) { return a.local() },
			Serve: a.serve, Change: a.change,
			Faults: func() (local.Faults, error) { return a.simulatedTarget() },
		},
	}
}

func (a *app) newLog() *cmdutil.Log {
	home, err := cmdutil.Home(a.io.Getenv)
	if err != nil {
		home = os.TempDir() // the run goes on; what needs the folder says so itself
	}
	return cmdutil.NewLog(cmdutil.LogOptions{
		IO: a.io, Home: home, Command: a.command, Verbose: a.globals.Verbose, Quiet: a.io.IsQuiet(), Now: a.now(),
	})
}

// check validates settings.
func check(file string, values map[string]any) error {
	_, err := stackconfig.Parse(file, values)
	return classify(err)
}

// offline computes plans in this process.
func (a *app) offline(ctx context.Context) (session.Planner, error) {
	s, err := a.settings()
	if err != nil {
		return nil, err
	}
	return a.openOffline(ctx, s)
}

// baseline computes plans in this process against a file, which is read before anything is started.
func (a *app) baseline(ctx context.Context, file string) (session.Planner, error) {
	s, err := a.settings()
	if err != nil {
		return nil, err
	}
	b, err := preview.ReadBaseline(file, cmdutil.Project, s.info.Stack, engine.ParseExported)
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

// session works on the stack on its target.
func (a *app) session(context.Context) (session.Session, error) { return a.openStack() }

func (a *app) openStack() (*stack, error) {
	s, err := a.settings()
	if err != nil {
		return nil, err
	}
	return &stack{app: a, settings: s}, nil
}
