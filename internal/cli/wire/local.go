// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"errors"
	"log/slog"

	"emrflink/internal/awsapi"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/session"
	"emrflink/internal/kube"
	"emrflink/internal/target"
)

// local controls the local target of the state folder.
type local struct {
	app  *app
	home string
	t    *target.LocalTarget
}

var _ session.Local = (*local)(nil)

func (a *app) local() (session.Local, error) { return a.openLocal() }

func (a *app) openLocal() (*local, error) {
	home, err := cmdutil.Home(a.io.Getenv)
	if err != nil {
		return nil, err
	}
	// The region counts only when the target has to be started to be asked; it then has a state that knows it.
	o := target.Options{Kind: target.Local, Home: home, Region: "us-west-2", Version: a.version, Logger: a.log().Logger}
	if s, err := a.settings(); err == nil {
		o.Region = s.config.Region
	}
	return &local{app: a, home: home, t: target.OpenLocal(o)}, nil
}

// Paths names the state and the log file.
func (l *local) Paths() (dir, log string) { return l.t.Dir(), l.t.LogPath() }

// Binary finds the binary of the control plane.
func (l *local) Binary() (string, error) { return target.Localkube() }

// Status asks the running target.
func (l *local) Status(ctx context.Context) (session.LocalStatus, error) {
	s, err := l.t.Status(ctx)
	if err != nil {
		return session.LocalStatus{}, notRunning(err)
	}
	out := session.LocalStatus{
		PID: s.PID, URL: s.URL, Dir: s.Dir, Region: s.Region, AccountID: s.AccountID, Speed: s.Speed, Version: s.Version,
		StartedAt: s.StartedAt, Resources: s.Resources,
	}
	for _, c := range s.Clusters {
		out.Clusters = append(out.Clusters, session.LocalCluster(c))
	}
	for _, f := range s.Faults {
		out.Faults = append(out.Faults, session.Fault(f))
	}
	return out, nil
}

// Inventory lists the simulated account.
func (l *local) Inventory(ctx context.Context) (session.Inventory, error) {
	i, err := l.t.Inventory(ctx)
	if err != nil {
		return session.Inventory{}, err
	}
	out := session.Inventory{HourlyUSD: i.HourlyUSD}
	for _, r := range i.Resources {
		out.Resources = append(out.Resources, session.InventoryResource(r))
	}
	return out, nil
}

// Stop ends the target.
func (l *local) Stop(ctx context.Context) error { return notRunning(l.t.Stop(ctx)) }

// Reset forgets the simulated account.
func (l *local) Reset(ctx context.Context) error { return l.t.Reset(ctx) }

// Serve is the target. Its records go to standard error, which the command that starts it makes its log file.
func (l *local) Serve(ctx context.Context, o session.ServeOptions) error {
	return target.Serve(ctx, target.ServeOptions{
		Home: l.home, Region: o.Region, Version: l.app.version, Speed: o.Speed, Port: o.Port,
		Logger: slog.New(slog.NewJSONHandler(l.app.io.ErrOut, &slog.HandlerOptions{Level: slog.LevelInfo})),
	})
}

func notRunning(err error) error {
	if errors.Is(err, target.ErrNotRunning) {
		return session.ErrNotRunning
	}
	return err
}

// token makes an exec credential. Without a target the environment says where AWS is, as the provider sets it.
func (a *app) token(ctx context.Context, r session.TokenRequest) ([]byte, error) {
	o := awsapi.Options{Region: r.Region, Env: environment(a.io.Getenv)}
	if r.Target != "" {
		t, err := a.openTarget(ctx, r.Target, r.Region)
		if err != nil {
			return nil, err
		}
		defer t.Close() // it holds nothing that could be lost
		o.Env = t.Env()
	}
	c, err := awsapi.New(ctx, o)
	if err != nil {
		return nil, classify(err)
	}
	token, expires, err := c.EKSToken(ctx, r.Cluster)
	if err != nil {
		return nil, classify(err)
	}
	return kube.ExecCredential(token, expires, a.io.Getenv(kube.ExecInfoVariable))
}

// environment picks from the process's environment what tells AWS's endpoint: a child of the engine has it there.
func environment(getenv func(string) string) map[string]string {
	if getenv(awsapi.EnvEndpoint) == "" {
		return nil
	}
	env := map[string]string{}
	for _, k := range []string{
		awsapi.EnvEndpoint, awsapi.EnvAccessKey, awsapi.EnvSecretKey, awsapi.EnvSessionToken, awsapi.EnvRegion,
	} {
		if v := getenv(k); v != "" {
			env[k] = v
		}
	}
	return env
}

func (a *app) openTarget(ctx context.Context, kind, region string) (*target.Target, error) {
	home, err := cmdutil.Home(a.io.Getenv)
	if err != nil {
		return nil, err
	}
	return target.Open(ctx, target.Options{Kind: kind, Home: home, Region: region, Version: a.version, Logger: a.log().Logger})
}
