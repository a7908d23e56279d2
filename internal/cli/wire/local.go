// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"time"

	"emrflink/components/flinkoperator"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/local"
	"emrflink/internal/dashboards"
	"emrflink/internal/flinkhome"
	"emrflink/internal/flinkjob"
	"emrflink/internal/localtarget"
	"emrflink/internal/outofband"
	"emrflink/internal/plans"
	"emrflink/internal/stack"
	"emrflink/internal/target"
	"emrflink/karpenter"
	"emrflink/observability"
)

// local controls the local target of the state folder.
func (a *app) local() (*target.LocalTarget, error) {
	home, err := cmdutil.Home(a.io.Getenv)
	if err != nil {
		return nil, err
	}
	// The region counts only when the target has to be started to be asked; it then has a state that knows it.
	o := target.Options{
		Kind: target.Local, Home: home, Region: "us-west-2", Version: a.version, Logger: a.log().Logger, Waiting: a.waiting,
	}
	if s, err := a.settings(); err == nil {
		o.Region = s.config.Region
	}
	return target.OpenLocal(o), nil
}

// flink is the Flink of the state folder.
func (a *app) flink() (flinkhome.Homes, error) {
	home, err := cmdutil.Home(a.io.Getenv)
	return flinkhome.Homes{Folder: home, Env: a.io.Getenv(flinkhome.EnvVar)}, err
}

func (a *app) examineFlink(ctx context.Context) (flinkhome.Status, error) {
	homes, err := a.flink()
	if err != nil {
		return flinkhome.Status{}, err
	}
	return homes.Examine(ctx, a.io.Getenv), nil
}

// serve is the local target. Its records go to standard error, which the command that starts it makes its log file.
func (a *app) serve(ctx context.Context, o localtarget.ServeOptions) error {
	home, err := cmdutil.Home(a.io.Getenv)
	if err != nil {
		return err
	}
	level := slog.LevelInfo
	if a.io.Getenv("EMRFLINK_LOCAL_LOG") == "debug" {
		level = slog.LevelDebug
	}
	return target.Serve(ctx, target.ServeOptions{
		ServeOptions: o, Home: home, Version: a.version,
		Logger: slog.New(slog.NewJSONHandler(a.io.ErrOut, &slog.HandlerOptions{Level: level})),
	})
}

// simulatedTarget is the local target of a stack; a stack on a target that is no simulation is refused.
func (a *app) simulatedTarget(what, why, next string) (*target.LocalTarget, error) {
	s, err := a.settings()
	if err != nil {
		return nil, err
	}
	if !stack.NeedsOf(s.config.Target).Daemon {
		return nil, &cmdutil.Error{
			What:  fmt.Sprintf("%s of stack %q", what, s.info.Stack),
			Cause: fmt.Errorf("its target is %q: %s", s.config.Target, why),
			Next:  next, ID: "not-local", Exit: cmdutil.ExitUsage,
		}
	}
	return a.local()
}

// board is the board of a stack that is open as long as it.
type board struct {
	*dashboards.Board
	stack *onTarget
}

// Close ends the board and then what it looks at.
func (b board) Close() error { return errors.Join(b.Board.Close(), b.stack.Close()) }

// dashboards collects and shows the metrics of a stack on the local target.
func (a *app) dashboards(ctx context.Context, l net.Listener, since time.Duration) (local.Board, error) {
	t, err := a.simulatedTarget("show the dashboards", "its cluster can have a Grafana (observability in its settings)",
		"kubectl --namespace monitoring port-forward service/kube-prometheus-stack-grafana 3000:80")
	if err != nil {
		return nil, err
	}
	s, err := a.openStack()
	if err != nil {
		return nil, err
	}
	b, err := s.board(ctx, t, l, since)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return board{b, s}, nil
}

func (s *onTarget) board(ctx context.Context, t *target.LocalTarget, l net.Listener, since time.Duration) (
	*dashboards.Board, error) {
	values, err := s.values(ctx)
	if err != nil {
		return nil, err
	}
	namespaces, err := flinkjob.Namespaces(values)
	if err != nil {
		return nil, err
	}
	name, _ := values["clusterName"].(string) // values checks it
	_, cluster, err := s.cluster(ctx, name)
	if err != nil {
		return nil, err
	}
	const standIn = "the Flink operator is a stand-in, which offers no metrics: its panels have no data, and the alert that it " +
		"is down is left out"
	targets := observability.Targets(namespaces, flinkoperator.Namespace, karpenter.Namespace)
	ofOperator := func(t observability.Target) bool { return t.Name == observability.OperatorTarget }
	isDown := func(a observability.Alert) bool { return a.Name == observability.OperatorDown }
	return dashboards.Open(ctx, dashboards.Source{
		Title: "Stack " + s.settings.info.Stack, Cluster: cluster,
		Simulated: append(slices.Clone(s.settings.info.Simulated), standIn),
		Targets:   slices.DeleteFunc(targets, ofOperator), Alerts: slices.DeleteFunc(observability.Alerts(), isDown),
		Dir: filepath.Join(t.Dir(), "prometheus", s.settings.info.Stack),
	}, l, since)
}

// breakable is the target of a stack whose faults can be set.
func (a *app) breakable() (*target.LocalTarget, error) {
	return a.simulatedTarget("break the target", "faults and drift are made on the local target only",
		cmdutil.Command("local", "fault", "list", "--stack", "local"))
}

// change changes a recorded resource out of band.
func (a *app) change(ctx context.Context, c localtarget.Change) (plans.StateResource, error) {
	t, err := a.breakable()
	if err != nil {
		return plans.StateResource{}, err
	}
	st, err := a.openStack()
	if err != nil {
		return plans.StateResource{}, err
	}
	defer st.Close() // the local target goes on
	return outofband.Changer{
		Account:  t,
		Recorded: st.resources,
		Cluster: func(ctx context.Context) (outofband.Cluster, error) {
			values, err := st.values(ctx)
			if err != nil {
				return nil, err
			}
			_, client, err := st.cluster(ctx, values["clusterName"].(string)) // values checks it
			return client, err
		},
	}.Change(ctx, c)
}

func (a *app) openTarget(ctx context.Context, kind, region string) (*target.Target, error) {
	home, err := cmdutil.Home(a.io.Getenv)
	if err != nil {
		return nil, err
	}
	try, err := cmdutil.LocalPolicies(a.io.Getenv)
	if err != nil {
		return nil, err
	}
	return target.Open(ctx, target.Options{
		Kind: kind, Home: home, Region: region, Version: a.version, Logger: a.log().Logger, Waiting: a.waiting, Try: try,
	})
}

// waiting says what a command waits for.
func (a *app) waiting(what string) { a.io.Say(what) }
