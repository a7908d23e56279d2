// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/flinkhome"
	"emrflink/internal/localtarget"
)

type fake struct {
	running bool
	failed  bool // its control plane
	full    bool
	done    string
	served  localtarget.ServeOptions

	deployed []localtarget.Deployed
	locked   error
}

func (f *fake) cluster() localtarget.Cluster {
	c := localtarget.Cluster{Name: "c", Endpoint: "https://127.0.0.1:2", PID: 8, State: localtarget.Running}
	if f.failed {
		c.PID, c.State, c.Reason = 0, localtarget.Failed, "the disk is full"
	}
	return c
}

func (f *fake) Paths() (string, string) { return "/state/local", "/state/local/daemon.log" }
func (f *fake) Status(context.Context) (localtarget.Status, error) {
	if !f.running {
		return localtarget.Status{
			SchemaVersion: 1, State: localtarget.Stopped, Dir: "/state/local", Log: "/state/local/daemon.log",
			Clusters: []localtarget.Cluster{}, Faults: []localtarget.Fault{},
		}, localtarget.ErrNotRunning
	}
	return localtarget.Status{
		SchemaVersion: 1, State: localtarget.Running, Log: "/state/local/daemon.log", Faults: []localtarget.Fault{},
		PID: 7, URL: "http://127.0.0.1:1", Dir: "/state/local", Region: "us-west-2", AccountID: "111122223333", Speed: 200,
		Version: "v1", StartedAt: "2026-01-02T03:04:05Z", Resources: 1,
		Clusters: []localtarget.Cluster{f.cluster()},
	}, nil
}

func (f *fake) Deployed(context.Context) ([]localtarget.Deployed, error) { return f.deployed, f.locked }

func (f *fake) Inventory(context.Context) (localtarget.Inventory, error) {
	if !f.full {
		return localtarget.Inventory{SchemaVersion: 1, Resources: []localtarget.Resource{}}, nil
	}
	return localtarget.Inventory{SchemaVersion: 1, HourlyUSD: 0.1, Resources: []localtarget.Resource{
		{Service: "eks", Type: "cluster", ID: "c", ARN: "arn:aws:eks:c", CreatedBy: "pulumi", HourlyUSD: 0.1},
	}}, nil
}

func (f *fake) Stop(context.Context) error {
	if !f.running {
		return localtarget.ErrNotRunning
	}
	f.done = "stop"
	return nil
}
func (f *fake) Reset(context.Context) error { f.done = "reset"; return nil }
func (f *fake) Serve(_ context.Context, o localtarget.ServeOptions) error {
	f.served = o
	return nil
}

// simulated is the line of a status when no Flink is installed.
const simulated = "flink:     jobs are simulated: no Flink is installed for the local target\n"

func noFlink(t *testing.T) func() (flinkhome.Homes, error) {
	t.Helper()
	folder := t.TempDir()
	return func() (flinkhome.Homes, error) { return flinkhome.Homes{Folder: folder}, nil }
}

func exec(t *testing.T, f *fake, env map[string]string, args string) (*cmdtest.Run, error) {
	t.Helper()
	r := cmdtest.New(t)
	r.Factory.IO.SetEnv(func(k string) string { return env[k] })
	o := Operations{Open: func() (Target, error) { return f, nil }, Serve: f.Serve, Flink: noFlink(t)}
	words := strings.Fields(args)
	cmd := map[string]func(*cmdutil.Factory, Operations, func(context.Context, *Options) error) *cobra.Command{
		"status": NewStatusCmd, "inventory": NewInventoryCmd, "stop": NewStopCmd, "reset": NewResetCmd, "serve": NewServeCmd,
	}[words[0]]
	return r, r.Exec(t, cmd(r.Factory, o, nil), words[1:]...)
}

func TestLocal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args           string
		fake           fake
		code           int
		done           string
		stdout, stderr string
	}{
		"status of a running target": {
			"status", fake{running: true}, 0, "",
			"the local target runs: process 7, since 2026-01-02T03:04:05Z, version v1\n" +
				"AWS API:   http://127.0.0.1:1 (account 111122223333, region us-west-2, AWS's durations divided by 200)\n" +
				"resources: 1\nstate:     /state/local\nlog:       /state/local/daemon.log\n" + simulated +
				"CLUSTER\tENDPOINT\tPROCESS\nc\thttps://127.0.0.1:2\t8\n", "",
		},
		"status with a control plane that cannot be started": {
			"status", fake{running: true, failed: true}, 0, "",
			"the local target runs: process 7, since 2026-01-02T03:04:05Z, version v1\n" +
				"AWS API:   http://127.0.0.1:1 (account 111122223333, region us-west-2, AWS's durations divided by 200)\n" +
				"resources: 1\nstate:     /state/local\nlog:       /state/local/daemon.log\n" + simulated +
				"CLUSTER\tENDPOINT\tPROCESS\nc\thttps://127.0.0.1:2\tfailed\ncluster c: the disk is full\n" +
				"it is tried again from time to time; look for the cause: emrflink doctor\n", "",
		},
		"status of a stopped one": {
			"status", fake{}, 0, "",
			"the local target is stopped; a command that needs it starts it\nstate:     /state/local\nlog:       " +
				"/state/local/daemon.log\n" + simulated, "",
		},
		"an empty account": {"inventory", fake{}, 0, "", "", "the simulated account is empty\n"},
		"a full account": {
			"inventory", fake{full: true}, 0, "",
			"SERVICE\tTYPE\tID\tMADE BY\tUSD/HOUR\neks\tcluster\tc\tpulumi\t$0.1000\n",
			"1 resource in the simulated account; AWS would bill $0.1000 per hour, $73.00 per month, use not included\n",
		},
		"stop": {
			"stop", fake{running: true}, 0, "stop", "the local target is stopped; its state is kept\n", "",
		},
		"stop what is stopped": {"stop", fake{}, 0, "", "the local target was not running\n", ""},
		"reset asks":           {"reset", fake{}, 2, "", "", ""},
		"reset --yes":          {"reset --yes", fake{}, 0, "reset", "the simulated account is gone\n", ""},
		"reset says what is forgotten": {"reset --yes", fake{deployed: []localtarget.Deployed{
			{Stack: "local", Folder: "/src", Resources: 129}, {Stack: "old", Resources: 1},
		}}, 0, "reset", "the simulated account is gone\n", "" +
			"lost for good: stack local (129 resources, deployed from /src); clean it up first: " +
			"emrflink cleanup --stack local\n" +
			"lost for good: stack old (1 resource); clean it up first: emrflink cleanup --stack old\n"},
		"reset during a deploy":          {"reset --yes", fake{locked: errors.New("deploy by ann")}, 1, "", "", ""},
		"serve refuses a negative port":  {"serve --port -1", fake{}, 2, "", "", ""},
		"serve refuses a negative speed": {"serve --speed -2", fake{}, 2, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := exec(t, &c.fake, nil, c.args)
			require.Equal(t, c.code, cmdtest.Code(err), err)
			require.Equal(t, c.done, c.fake.done)
			require.Equal(t, c.stdout, r.Out.String())
			require.Equal(t, c.stderr, r.Err.String())
		})
	}
}

func TestServeReadsFlagsThenEnvironment(t *testing.T) {
	t.Parallel()
	env := map[string]string{"EMRFLINK_SPEED": "50", "EMRFLINK_LOCAL_PORT": "4599"}
	f := &fake{}
	_, err := exec(t, f, env, "serve --region eu-west-1")
	require.NoError(t, err)
	require.Equal(t, localtarget.ServeOptions{Region: "eu-west-1", Speed: 50, Port: 4599}, f.served)
	_, err = exec(t, f, env, "serve --speed 1 --port 80")
	require.NoError(t, err)
	require.Equal(t, localtarget.ServeOptions{Region: "us-west-2", Speed: 1, Port: 80}, f.served)
	_, err = exec(t, f, map[string]string{"EMRFLINK_SPEED": "fast"}, "serve")
	require.Equal(t, 2, cmdtest.Code(err))
}

func TestJSONHasTheAgreedFields(t *testing.T) {
	t.Parallel()
	r, err := exec(t, &fake{full: true}, nil, "inventory -o json")
	require.NoError(t, err)
	cmdtest.Fields(t, r.Out.Bytes(), "schemaVersion", "hourlyUSD", "resources", "resources[].service", "resources[].type",
		"resources[].id", "resources[].arn", "resources[].createdBy", "resources[].hourlyUSD")
	r, err = exec(t, &fake{}, nil, "inventory -o json")
	require.NoError(t, err)
	cmdtest.Fields(t, r.Out.Bytes(), "schemaVersion", "hourlyUSD", "resources")
	r, err = exec(t, &fake{running: true}, nil, "status -o json")
	require.NoError(t, err)
	always := []string{"schemaVersion", "state", "doing", "pid", "url", "dir", "log", "region", "accountId", "speed", "version",
		"startedAt", "resources", "clusters", "faults", "flink"}
	cmdtest.Fields(t, r.Out.Bytes(), append([]string{"clusters[].name", "clusters[].endpoint", "clusters[].pid",
		"clusters[].state", "clusters[].reason"}, always...)...)
	require.Contains(t, r.Out.String(), `"state": "running"`)
	r, err = exec(t, &fake{}, nil, "status -o json")
	require.NoError(t, err)
	cmdtest.Fields(t, r.Out.Bytes(), always...)
	require.Contains(t, r.Out.String(), `"state": "stopped"`)
}

func TestADeclinedResetForgetsNothing(t *testing.T) {
	t.Parallel()
	r, f := cmdtest.New(t), fake{running: true}
	r.Factory.IO.SetTTY(true, false, true)
	r.In.WriteString("n\n")
	err := r.Exec(t, NewResetCmd(r.Factory, Operations{Open: func() (Target, error) { return &f, nil }}, nil))
	require.Equal(t, 130, cmdtest.Code(err))
	require.Empty(t, f.done)
}
