// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/check"
	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/disk"
	"emrflink/internal/flinkhome"
	"emrflink/internal/localtarget"
	"emrflink/internal/stack"
)

type localFake struct {
	binary, status error
	cluster        localtarget.Cluster
}

func (localFake) Paths() (string, string)   { return "/s/local", "/s/local/daemon.log" }
func (l localFake) Binary() (string, error) { return "/bin/localkube", l.binary }
func (l localFake) Status(context.Context) (localtarget.Status, error) {
	s := localtarget.Status{PID: 7, URL: "http://127.0.0.1:1"}
	if l.cluster.State != "" {
		s.Clusters = append(s.Clusters, l.cluster)
	}
	return s, l.status
}

// healthy is a machine on which everything is in order; a test breaks parts of it.
func healthy(t *testing.T, target string) (*cmdtest.Run, *Options) {
	t.Helper()
	r := cmdtest.New(t)
	home := t.TempDir()
	info := cmdtest.Info()
	info.Home, info.Target = filepath.Join(home, "not", "made", "yet"), target
	info.Needs = map[string]stack.Needs{
		"local": {Daemon: true}, "aws": {Credentials: true, Programs: []string{"aws", "kubectl"}},
	}[target]
	return r, &Options{
		IO: r.Factory.IO, Output: cmdutil.JSON,
		Info: func() (stack.Info, error) { return info, nil },
		Home: func() (string, error) { return home, nil },
		Operations: Operations{
			Local: func() (LocalTarget, error) { return localFake{}, nil },
			Flink: func(context.Context) (flinkhome.Status, error) {
				return flinkhome.Status{State: flinkhome.Missing, Problem: "none is installed", Next: "install one"}, nil
			},
			State: func(context.Context) error { return nil },
			Preflight: func(context.Context) ([]check.Check, error) {
				return []check.Check{{ID: "credentials", Status: good, What: "arn:aws:iam::1:user/u"}}, nil
			},
		},
		Free: func(string) (uint64, error) { return 10 * gib, nil },
	}
}

const (
	good    = check.OK
	warning = check.Warning
	bad     = check.Error
	skipped = check.Skipped
)

// finding is a check with a problem.
func finding(id string, status check.Status, denied bool) check.Check {
	return check.Check{ID: id, Status: status, What: "w", Why: "y", Fix: "f", Denied: denied}
}

type found = map[string]check.Status

// states runs the checks and returns the state of each.
func states(t *testing.T, r *cmdtest.Run, opts *Options) (found, int) {
	t.Helper()
	code := cmdtest.Code(run(t.Context(), opts))
	var doc document
	require.NoError(t, json.Unmarshal(r.Out.Bytes(), &doc))
	got := found{}
	for _, c := range doc.Checks {
		got[c.ID] = c.Status
		if c.Status == bad || c.Status == warning {
			require.NotEmptyf(t, c.Why, "%s has a cause", c.ID)
			require.NotEmptyf(t, c.Fix, "%s has a fix", c.ID)
		}
	}
	require.Equal(t, code == 0, doc.OK)
	return got, code
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	with := func(extra found) found {
		m := found{"settings": good, "state-folder": good, "free-space": good}
		maps.Copy(m, extra)
		if m["control-plane"] != "" {
			m["flink"] = skipped // jobs are simulated
		}
		return m
	}
	account := func(checks []check.Check, err error) func(*Options) {
		return func(o *Options) { o.Preflight = func(context.Context) ([]check.Check, error) { return checks, err } }
	}
	for name, c := range map[string]struct {
		target string
		break_ func(*Options)
		want   found
		code   int
	}{
		"local, running": {
			"local", func(*Options) {}, with(found{"control-plane": good, "local-target": good, "credentials": good}), 0,
		},
		"local, a control plane that cannot be started": {"local", func(o *Options) {
			o.Local = func() (LocalTarget, error) {
				return localFake{cluster: localtarget.Cluster{State: localtarget.Failed, Reason: "the disk is full"}}, nil
			}
		}, with(found{"control-plane": good, "local-target": good, "cluster": bad, "credentials": good}), 2},
		"local, a control plane that is being started": {"local", func(o *Options) {
			o.Local = func() (LocalTarget, error) {
				return localFake{cluster: localtarget.Cluster{State: localtarget.Starting}}, nil
			}
		}, with(found{"control-plane": good, "local-target": good, "cluster": warning, "credentials": good}), 0},
		"local, stopped": {"local", func(o *Options) {
			o.Local = func() (LocalTarget, error) { return localFake{status: localtarget.ErrNotRunning}, nil }
			o.Preflight = func(context.Context) ([]check.Check, error) { return nil, errors.New("this would start it") }
		}, with(found{"control-plane": good, "local-target": good, "port": good, "aws-account": skipped}), 0},
		"local, everything is wrong": {"local", func(o *Options) {
			o.Local = func() (LocalTarget, error) {
				return localFake{binary: errors.New("no binary"), status: errors.New("refused")}, nil
			}
			o.Free = func(string) (uint64, error) { return gib / 8, nil }
		}, with(found{"free-space": bad, "control-plane": bad, "local-target": bad, "aws-account": skipped}), 2},
		"little space is a warning": {"local", func(o *Options) { o.Free = func(string) (uint64, error) { return gib, nil } },
			with(found{"free-space": warning, "control-plane": good, "local-target": good, "credentials": good}), 0},
		"aws": {"aws", func(*Options) {}, with(found{"credentials": good}), 0},
		"aws, problems of the account": {
			"aws", account([]check.Check{finding("quota-vpc", bad, false), finding("spot-role", warning, false)}, nil),
			with(found{"quota-vpc": bad, "spot-role": warning}), 2,
		},
		"aws, credentials among the problems": {
			"aws", account([]check.Check{finding("credentials", bad, true), finding("program-aws", bad, false)}, nil),
			with(found{"credentials": bad, "program-aws": bad}), 3,
		},
		"aws, warnings only": {
			"aws", account([]check.Check{finding("session", warning, false)}, nil), with(found{"session": warning}), 0,
		},
		"the account cannot be opened": {
			"aws", account(nil, &cmdutil.Error{What: "read the state", Cause: errors.New("corrupt"), Exit: 2}),
			with(found{"aws-account": bad}), 2,
		},
		"local, stopped, and the state was lost": {"local", func(o *Options) {
			o.Local = func() (LocalTarget, error) { return localFake{status: localtarget.ErrNotRunning}, nil }
			o.State = func(context.Context) error { return errors.New("the state is gone") }
		}, with(found{"control-plane": good, "local-target": good, "port": good, "state": bad}), 2},
		"aws, private API": {"aws", func(o *Options) {
			info, err := o.Info()
			info.PrivateAPI = true
			o.Info = func() (stack.Info, error) { return info, err }
		}, with(found{"credentials": good, "kubernetes-api": warning}), 0},
		"wrong settings leave the target out": {"local", func(o *Options) {
			o.Info = func() (stack.Info, error) { return stack.Info{}, errors.New("read settings: unknown key") }
		}, with(found{"settings": bad}), 2},
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

func TestAFolderThatCannotBeWrittenIsFound(t *testing.T) {
	t.Parallel()
	file := func(t *testing.T) string {
		t.Helper()
		return filepath.Join(withFile(t, "file"), "file")
	}
	for name, c := range map[string]struct {
		break_ func(t *testing.T, info *stack.Info)
		id     string
	}{
		"the state folder is a file":     {func(t *testing.T, i *stack.Info) { i.Home = file(t) }, "state-folder"},
		"a part of its path is a file":   {func(t *testing.T, i *stack.Info) { i.Home = file(t) + "/a/b" }, "state-folder"},
		"another file does no harm":      {func(t *testing.T, i *stack.Info) { i.Home = withFile(t, "file") }, ""},
		"the folder of logs is a file":   {func(t *testing.T, i *stack.Info) { i.Home = withFile(t, "logs") }, "state-folder"},
		"the folder of states is a file": {func(t *testing.T, i *stack.Info) { i.State = "file://" + file(t) }, "state-backend"},
		"the folder of states is new":    {func(t *testing.T, i *stack.Info) { i.State = "file://" + t.TempDir() + "/new" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, opts := healthy(t, "aws")
			info, err := opts.Info()
			require.NoError(t, err)
			c.break_(t, &info)
			opts.Info = func() (stack.Info, error) { return info, nil }
			got, code := states(t, r, opts)
			if c.id == "" {
				require.Zero(t, code)
				return
			}
			require.Equal(t, bad, got[c.id])
			require.Equal(t, 2, code)
		})
	}
}

// withFile is a state folder in which there is a file.
func withFile(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	return dir
}

func TestAPortInUseIsFound(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	require.NoError(t, err)
	r, opts := healthy(t, "local")
	opts.Local = func() (LocalTarget, error) { return localFake{status: localtarget.ErrNotRunning}, nil }
	r.Factory.IO.SetEnv(func(k string) string { return map[string]string{"EMRFLINK_LOCAL_PORT": port}[k] })
	got, code := states(t, r, opts)
	require.Equal(t, bad, got["port"])
	require.Equal(t, 2, code)
}

func TestTextNamesEveryProblemWithItsCauseAndItsFix(t *testing.T) {
	t.Parallel()
	r, opts := healthy(t, "aws")
	opts.Output = cmdutil.Text
	left := func(id string) check.Check {
		return check.Check{ID: id, Status: skipped, What: "not looked at", Why: "see credentials"}
	}
	opts.Preflight = func(context.Context) ([]check.Check, error) {
		return []check.Check{
			{ID: "quota-vpc", Status: bad, What: "need 1, have 5, limit 5", Why: "VpcLimitExceeded", Fix: "aws service-quotas"},
			{
				ID: "log-groups", Status: warning, What: "left over: a, b", Why: "ResourceAlreadyExistsException",
				Fix: "delete a\ndelete b",
			},
			left("account"), left("region"),
		}, nil
	}
	require.Equal(t, 2, cmdtest.Code(run(t.Context(), opts)))
	require.Contains(t, r.Out.String(), `x error    quota-vpc: need 1, have 5, limit 5
           why: VpcLimitExceeded
           fix: aws service-quotas
! warning  log-groups: left over: a, b
           why: ResourceAlreadyExistsException
           fix: delete a
                delete b
- skipped  account, region: not looked at
           why: see credentials
1 problem found, 1 warning
`)
	require.Empty(t, r.Err.String())
}

func TestDoctorAsJSONHasTheAgreedFields(t *testing.T) {
	t.Parallel()
	r, opts := healthy(t, "aws")
	require.NoError(t, run(t.Context(), opts))
	cmdtest.Fields(t, r.Out.Bytes(), "schemaVersion", "stack", "target", "ok", "checks",
		"checks[].id", "checks[].status", "checks[].what", "checks[].why", "checks[].fix")
}

func TestTheRealDiskHasSomeSpace(t *testing.T) {
	t.Parallel()
	free, err := disk.Free(t.TempDir())
	require.NoError(t, err)
	require.Positive(t, free)
}

func TestFetchComesBeforeTheChecks(t *testing.T) {
	t.Parallel()
	r, opts := healthy(t, "aws")
	opts.Fetch = true
	var did []string
	opts.FetchPlugins = func(context.Context) error { did = append(did, "fetch"); return nil }
	opts.Preflight = func(context.Context) ([]check.Check, error) { did = append(did, "check"); return nil, nil }
	_, code := states(t, r, opts)
	require.Zero(t, code)
	require.Equal(t, []string{"fetch", "check"}, did)

	opts.FetchPlugins = func(context.Context) error { return errors.New("no network") }
	require.ErrorContains(t, run(t.Context(), opts), "fetch the provider plugins: no network")
	require.Len(t, did, 2)
}
