// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

// jobRun is the contract of `sample-job run --output json`.
type jobRun struct {
	SchemaVersion int
	Job           string
	Namespace     string
	State         string
	Checkpoint    struct {
		URI   string
		Bytes int
		At    time.Time
	}
	Nodes []struct {
		Name, InstanceType, CapacityType, NodePool string
		Roles                                      []string
	}
	ElapsedSeconds float64
}

func TestTheBlueprintGoesUpRunsAJobAndLeavesNothing(t *testing.T) {
	u := newUser(t)
	var first, second summary
	u.json("preview --offline", &first)
	require.Greater(t, first.Summary.Create, 80)

	r := u.ok("deploy --yes")
	require.Contains(t, r.stdout+r.stderr, "simulated", "a local deploy says that it was one")
	u.json("preview", &second)
	require.Zerof(t, second.changes(), "a second preview plans changes: %+v", second)
	require.Equal(t, first.Summary.Create, second.Summary.Same, "the offline graph is the deployed one")
	checkKubectl(t, u)

	var job jobRun
	u.json("sample-job run basic", &job)
	checkJob(t, job)

	r = u.ok("cleanup --stack local --yes")
	require.Empty(t, u.inventory().Resources, r.stdout)
	r = u.ok("cleanup --stack local --yes")
	require.Contains(t, strings.ToLower(r.stdout+r.stderr), "nothing", "a second cleanup says that there is nothing to do")

	u.ok("deploy --yes")
	u.ok("cleanup --stack local --yes")
	require.Empty(t, u.inventory().Resources)
}

// checkJob holds the topology that the blueprint promises.
func checkJob(t *testing.T, job jobRun) {
	t.Helper()
	require.Equal(t, 1, job.SchemaVersion)
	require.Equal(t, "RUNNING", job.State)
	require.Regexp(t, `^s3p?://.+/chk-\d+/_metadata$`, job.Checkpoint.URI)
	require.Positive(t, job.Checkpoint.Bytes)
	require.NotEmpty(t, job.Nodes)
	for _, n := range job.Nodes {
		family, _, _ := strings.Cut(n.InstanceType, ".")
		require.Contains(t, []string{"c5d", "c6id"}, family)
		for _, role := range n.Roles {
			want := map[string]string{"jobmanager": "on-demand", "taskmanager": "spot"}[role]
			require.Equalf(t, want, n.CapacityType, "%s on %s", role, n.Name)
		}
	}
}

// checkKubectl reads the cluster as kubectl does, when there is one on the PATH;
// `kubeconfig` itself is checked either way.
func checkKubectl(t *testing.T, u *user) {
	t.Helper()
	config := filepath.Join(u.work, "kubeconfig")
	u.ok("kubeconfig --file " + config)
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Log("no kubectl on the PATH: its view of the cluster was not checked")
		return
	}
	cmd := exec.CommandContext(t.Context(), kubectl, "--kubeconfig", config, "get", "nodepools,nodeclaims,flinkdeployments,pods", "-A")
	cmd.Env = append(u.env, "PATH="+filepath.Dir(binary(t, "emrflink")))
	out, err := cmd.CombinedOutput()
	require.NoErrorf(t, err, "%s", out)
	require.Contains(t, string(out), "flink-compute-optimized")
}

func TestAKilledDeployIsTakenUpAgain(t *testing.T) {
	u := newUser(t)
	cmd := u.cmd(t.Context(), "deploy", "--yes")
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool { return len(u.processes()) > 1 && accountHas(u, 25) }, 2*time.Minute, 100*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGKILL))
	_ = cmd.Wait()

	u.ok("deploy --yes")
	var again summary
	u.json("preview", &again)
	require.Zero(t, again.changes())
	interrupted := kinds(u.inventory())

	u.ok("cleanup --stack local --yes")
	require.Empty(t, u.inventory().Resources)

	u.ok("deploy --yes")
	require.Empty(t, cmp.Diff(kinds(u.inventory()), interrupted), "the interrupted deploy made another graph (-straight +interrupted)")
	u.ok("cleanup --stack local --yes")
	require.Empty(t, u.inventory().Resources)
}

// accountHas says whether the running daemon's account holds at least n resources.
func accountHas(u *user, n int) bool {
	r := u.exec(u.t.Context(), "local", "status", "--output", "json")
	if r.code != 0 {
		return false
	}
	return len(u.inventory().Resources) >= n
}

// kinds are the types of an account's resources, sorted: ids differ between runs.
func kinds(i inventory) []string {
	var all []string
	for _, r := range i.Resources {
		all = append(all, r.Service+":"+r.Type)
	}
	sort.Strings(all)
	return all
}

func TestACrashedDaemonIsStartedAgainWithItsState(t *testing.T) {
	u := newUser(t)
	u.ok("deploy --yes")
	before := u.inventory()
	var status struct{ PID int }
	u.json("local status", &status)
	require.NoError(t, syscall.Kill(status.PID, syscall.SIGKILL))
	require.Eventually(t, func() bool { return len(u.processes()) == 0 }, 20*time.Second, 50*time.Millisecond,
		"what the daemon started dies with it")

	var again summary
	u.json("preview", &again)
	require.Zero(t, again.changes())
	require.Empty(t, cmp.Diff(before, u.inventory()))
	u.ok("cleanup --stack local --yes")
	require.Empty(t, u.inventory().Resources)
}
