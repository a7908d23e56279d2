// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
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

// One deployment goes through everything that can happen to it; the steps depend on each other. It has no stack file.
func TestADeploymentFromFirstToLast(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	var offline, planned summary
	var own []string // what the first stack made
	u.json("preview --offline", &offline)
	require.Greater(t, offline.Summary.Create, 80)
	unchanged := func(t *testing.T) {
		t.Helper()
		u.json("preview", &planned)
		require.Zerof(t, planned.changes(), "a preview plans changes: %+v", planned)
		require.Equal(t, offline.Summary.Create, planned.Summary.Same, "the deployed graph is the offline one")
	}
	steps := []struct {
		name string
		run  func(*testing.T)
	}{
		{"a deploy that is killed in the middle", u.killDeploy},
		{"the next deploy takes it up", func(t *testing.T) {
			r := u.ok("deploy --yes")
			require.Contains(t, r.stdout+r.stderr, "simulated", "a local deploy says that it was one")
		}},
		{"a preview plans no change", unchanged},
		{"kubectl works", func(t *testing.T) { checkKubectl(t, u) }},
		{"a crashed daemon is started again with its state", func(t *testing.T) { crash(t, u); unchanged(t) }},
		{"a control plane that was killed is started again, on another port if need be", func(t *testing.T) { lostPort(t, u) }},
		{"edits are previewed in three ways", func(t *testing.T) { threeWays(t, u) }},
		{"a change by hand is seen and put back", func(t *testing.T) { driftOfTheGuide(t, u) }},
		{"what somebody deleted is named and made again", func(t *testing.T) { deletedByHand(t, u) }},
		{"what destroys everything is refused", func(t *testing.T) { nothingIsLostUnasked(t, u) }},
		{"Helm releases that were cut off are put right", func(t *testing.T) {
			u.ok("local fault set kubernetes:PendingRelease")
			r := u.ok("deploy --yes")
			require.Contains(t, r.stdout+r.stderr, "was cut off")
			unchanged(t)
		}},
		{"a corrupt state file is named and kept", func(t *testing.T) { corrupt(t, u) }},
		{"a second stack is deployed into the account", func(t *testing.T) {
			for _, r := range u.inventory().Resources {
				own = append(own, r.Type+" "+r.ID)
			}
			neighbour(t, u)
		}},
		{"with much in its way, a destroy fails", func(t *testing.T) { own = append(own, inTheWay(t, u)...) }},
		{"a cleanup leaves nothing but the second stack, and that unchanged", func(t *testing.T) {
			r := u.ok("cleanup --stack local --yes")
			require.Contains(t, r.stderr, "of about 10 versions deleted")
			u.ok("local fault clear") // in the second stack's cluster
			for _, left := range u.inventory().Resources {
				require.NotContains(t, own, left.Type+" "+left.ID, r.stdout)
			}
			u.json("preview --stack "+neighbourName, &planned)
			require.Zerof(t, planned.changes(), "%+v", planned)
		}},
		{"a second cleanup says that there is nothing to do", func(t *testing.T) {
			r := u.ok("cleanup --stack local --yes")
			require.Contains(t, strings.ToLower(r.stdout+r.stderr), "nothing")
		}},
		{"a deploy under the same name works", func(t *testing.T) { u.ok("deploy --yes"); unchanged(t) }},
	}
	for _, s := range steps {
		if !t.Run(s.name, s.run) {
			return // what follows stands on it
		}
	}
}

// neighbourName is a stack, and the deployment that it makes.
const neighbourName = "neighbour"

// neighbour deploys a second stack, which differs in its name only.
func neighbour(t *testing.T, u *user) {
	t.Helper()
	file := "config:\n  emrflink:name: " + neighbourName + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(u.work, "Pulumi."+neighbourName+".yaml"), []byte(file), 0o600))
	u.ok("deploy --yes --stack " + neighbourName)
	require.Zero(t, u.exec(t.Context(), "preview", "--exit-code").code, "the first stack is as it was")
}

// checkJob holds the topology that the blueprint promises.
func checkJob(t *testing.T, text string) {
	t.Helper()
	var job jobRun
	require.NoError(t, json.Unmarshal([]byte(text), &job))
	require.Equal(t, 1, job.SchemaVersion)
	require.Equal(t, "RUNNING", job.State)
	require.Regexp(t, `^s3://.+/chk-\d+$`, job.Checkpoint.URI)
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
	cmd := exec.CommandContext(t.Context(), kubectl, "--kubeconfig", config, "get",
		"nodepools,nodeclaims,flinkdeployments,pods", "-A")
	cmd.Env = append(u.env, "PATH="+filepath.Dir(binary(t, "emrflink")))
	out, err := cmd.CombinedOutput()
	require.NoErrorf(t, err, "%s", out)
	require.Contains(t, string(out), "flink-compute-optimized")
}

// killDeploy kills the command and its engine, without a chance to write
// anything down, while AWS and the cluster are being changed.
func (u *user) killDeploy(t *testing.T) {
	cmd := u.cmd(t.Context(), "deploy", "--yes")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool { return u.accountHolds(25) }, 2*time.Minute, 100*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGKILL))
	_ = cmd.Wait()
}

// accountHolds says whether the account of a running daemon has at least n resources.
func (u *user) accountHolds(n int) bool {
	var s struct{ Resources int }
	r := u.exec(u.t.Context(), "local", "status", "--output", "json")
	return r.code == 0 && json.Unmarshal([]byte(r.stdout), &s) == nil && s.Resources >= n
}

// crash kills the daemon; what it had started dies with it.
func crash(t *testing.T, u *user) {
	before := u.inventory()
	var status struct{ PID int }
	u.json("local status", &status)
	require.NoError(t, syscall.Kill(status.PID, syscall.SIGKILL))
	require.Eventually(t, func() bool { return len(u.processes()) == 0 }, time.Minute, 50*time.Millisecond,
		"what the daemon started outlives it")
	require.Empty(t, cmp.Diff(before, u.inventory()))
}

// corrupt cuts the state file in half: the next deploy must refuse and keep it.
func corrupt(t *testing.T, u *user) {
	state := filepath.Join(u.home, "backend", ".pulumi", "stacks", "emrflink", "local.json")
	good, err := os.ReadFile(state)
	require.NoError(t, err)
	bad := good[:len(good)/2]
	require.NoError(t, os.WriteFile(state, bad, 0o600))
	r := u.exec(t.Context(), "deploy", "--yes")
	require.Equalf(t, 2, r.code, "%s", r.stderr)
	require.Contains(t, r.stderr, state)
	require.Contains(t, r.stderr, "backup")
	after, err := os.ReadFile(state)
	require.NoError(t, err)
	require.Equal(t, string(bad), string(after), "the corrupt file was touched")
	require.NoError(t, os.WriteFile(state, good, 0o600))
}
