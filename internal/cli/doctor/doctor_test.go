// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/session"
)

type localFake struct {
	binary, status error
}

func (localFake) Paths() (string, string)   { return "/s/local", "/s/local/daemon.log" }
func (l localFake) Binary() (string, error) { return "/bin/localkube", l.binary }
func (l localFake) Status(context.Context) (session.LocalStatus, error) {
	return session.LocalStatus{PID: 7, URL: "http://127.0.0.1:1"}, l.status
}

// healthy is a machine on which everything is in order; a test breaks parts of it.
func healthy(t *testing.T, target string) (*cmdtest.Run, *Options) {
	t.Helper()
	r := cmdtest.New(t)
	home := t.TempDir()
	info := cmdtest.Info()
	info.Home, info.Target = filepath.Join(home, "not", "made", "yet"), target
	info.Needs = map[string]session.Needs{
		"local": {Daemon: true}, "aws": {Credentials: true, Programs: []string{"aws", "kubectl"}},
	}[target]
	return r, &Options{
		IO: r.Factory.IO, Output: cmdutil.JSON,
		Info:  func() (session.Info, error) { return info, nil },
		Home:  func() (string, error) { return home, nil },
		Local: func() (control, error) { return localFake{}, nil },
		Identity: func(context.Context) (session.Identity, error) {
			return session.Identity{Account: "1", ARN: "arn:aws:iam::1:user/u"}, nil
		},
		LookPath: func(p string) (string, error) { return "/usr/bin/" + p, nil },
		Free:     func(string) (uint64, error) { return 10 * gib, nil },
	}
}

// states runs the checks and returns the state of each.
func states(t *testing.T, r *cmdtest.Run, opts *Options) (map[string]string, int) {
	t.Helper()
	code := cmdtest.Code(run(t.Context(), opts))
	var doc document
	require.NoError(t, json.Unmarshal(r.Out.Bytes(), &doc))
	got := map[string]string{}
	for _, c := range doc.Checks {
		got[c.Name] = c.State
		if c.State == failed {
			require.NotEmptyf(t, c.Fix, "%s has a fix", c.Name)
		}
	}
	require.Equal(t, code == 0, doc.OK)
	return got, code
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	fine := map[string]string{"settings": ok, "state folder": ok, "free space": ok}
	with := func(extra map[string]string) map[string]string {
		m := map[string]string{}
		for _, part := range []map[string]string{fine, extra} {
			for k, v := range part {
				m[k] = v
			}
		}
		return m
	}
	for name, c := range map[string]struct {
		target string
		break_ func(*Options)
		want   map[string]string
		code   int
	}{
		"local, running": {"local", func(*Options) {}, with(map[string]string{"control plane": ok, "local target": ok}), 0},
		"local, stopped": {"local", func(o *Options) {
			o.Local = func() (control, error) { return localFake{status: session.ErrNotRunning}, nil }
		}, with(map[string]string{"control plane": ok, "local target": ok, "port": ok}), 0},
		"local, everything is wrong": {"local", func(o *Options) {
			o.Local = func() (control, error) { return localFake{errors.New("no binary"), errors.New("refused")}, nil }
			o.Free = func(string) (uint64, error) { return gib / 8, nil }
		}, with(map[string]string{"free space": failed, "control plane": failed, "local target": failed}), 1},
		"little space is a warning": {"local", func(o *Options) { o.Free = func(string) (uint64, error) { return gib, nil } },
			with(map[string]string{"free space": warning, "control plane": ok, "local target": ok}), 0},
		"aws": {"aws", func(*Options) {}, with(map[string]string{"credentials": ok, "aws": ok, "kubectl": ok}), 0},
		"aws, everything is wrong": {"aws", func(o *Options) {
			o.Identity = func(context.Context) (session.Identity, error) { return session.Identity{}, errors.New("ExpiredToken") }
			o.LookPath = func(string) (string, error) { return "", errors.New("not found") }
		}, with(map[string]string{"credentials": failed, "aws": failed, "kubectl": failed}), 1},
		"wrong settings leave the target out": {"local", func(o *Options) {
			o.Info = func() (session.Info, error) { return session.Info{}, errors.New("read settings: unknown key") }
		}, with(map[string]string{"settings": failed}), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, opts := healthy(t, c.target)
			c.break_(opts)
			got, code := states(t, r, opts)
			require.Equal(t, c.want, got)
			require.Equal(t, c.code, code)
		})
	}
}

func TestAPortInUseIsFound(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	require.NoError(t, err)
	r, opts := healthy(t, "local")
	opts.Local = func() (control, error) { return localFake{status: session.ErrNotRunning}, nil }
	r.Factory.IO.SetEnv(func(k string) string { return map[string]string{"EMRFLINK_LOCAL_PORT": port}[k] })
	got, code := states(t, r, opts)
	require.Equal(t, failed, got["port"])
	require.Equal(t, 1, code)
}

func TestTextNamesEveryProblemAndItsFix(t *testing.T) {
	t.Parallel()
	r, opts := healthy(t, "aws")
	opts.Output = cmdutil.Text
	opts.LookPath = func(string) (string, error) { return "", errors.New("not found") }
	require.Equal(t, 1, cmdtest.Code(run(t.Context(), opts)))
	require.Contains(t, r.Out.String(), "x failed   kubectl: not on the PATH; pulumi-eks refuses to make a cluster without it\n           fix: https://kubernetes.io/docs/tasks/tools/\n")
	require.Contains(t, r.Out.String(), "2 problems found\n")
	require.Empty(t, r.Err.String())
}

func TestTheRealDiskHasSomeSpace(t *testing.T) {
	t.Parallel()
	free, err := freeBytes(t.TempDir())
	require.NoError(t, err)
	require.Positive(t, free)
}
