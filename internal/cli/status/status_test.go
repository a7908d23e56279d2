// SPDX-License-Identifier: Apache-2.0

package status

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/flinkjob"
	"emrflink/internal/kube"
	"emrflink/internal/observe"
	"emrflink/internal/plans"
	"emrflink/internal/stack"
)

type fake struct {
	state      stack.State
	stateErr   error
	cluster    observe.Cluster
	clusterErr error
	asked      bool
	backend    string // URL of the state
}

func (f *fake) Info() stack.Info {
	info := cmdtest.Info()
	info.State = f.backend
	return info
}

func (f *fake) Close() error                               { return nil }
func (f *fake) State(context.Context) (stack.State, error) { return f.state, f.stateErr }
func (f *fake) Cluster(context.Context) (observe.Cluster, error) {
	f.asked = true
	return f.cluster, f.clusterErr
}

func deployed() *fake {
	return &fake{
		state: stack.State{
			Resources: 3, ByService: map[string]int{"s3": 1, "ec2": 2}, LockedBy: "ann, process 7",
		},
		cluster: observe.Cluster{
			Name: "emr-eks-flink", Status: "ACTIVE", Version: "1.35", Health: []string{"AccessDenied: x"},
			Nodes: []kube.Node{{Name: "ip-10-0-1-2", InstanceType: "m5.xlarge", CapacityType: "on-demand"}},
			Jobs:  []flinkjob.Summary{{Job: "basic", Namespace: "flink-team-a", State: "RUNNING", Sample: "basic"}},
		},
	}
}

func exec(t *testing.T, f *fake, format cmdutil.Format) (*cmdtest.Run, error) {
	t.Helper()
	r := cmdtest.New(t)
	return r, run(t.Context(), &Options{
		IO: r.Factory.IO, Output: format, Open: func(context.Context) (Stack, error) { return f, nil },
	})
}

func TestStatusAsText(t *testing.T) {
	t.Parallel()
	r, err := exec(t, deployed(), cmdutil.Text)
	require.NoError(t, err)
	require.Equal(t, `stack:       local
target:      local, region us-west-2
deployment:  emr-eks-flink
resources:   3 recorded (ec2 2, s3 1)
in use by:   ann, process 7
cluster:     emr-eks-flink ACTIVE (Kubernetes 1.35)
unhealthy:   AccessDenied: x
NODE	INSTANCE TYPE	CAPACITY	NODE POOL
ip-10-0-1-2	m5.xlarge	on-demand	`+`
FLINK JOB	NAMESPACE	STATE	SAMPLE
basic	flink-team-a	RUNNING	basic
`, r.Out.String())
	require.Equal(t, "simulated: the AWS account is simulated\n", r.Err.String())
}

func TestStatusAsJSONHasTheAgreedFields(t *testing.T) {
	t.Parallel()
	r, err := exec(t, deployed(), cmdutil.JSON)
	require.NoError(t, err)
	cmdtest.Fields(t, r.Out.Bytes(),
		"schemaVersion", "stack", "target", "region", "deployment", "resources", "byService", "byService.ec2", "byService.s3",
		"lockedBy", "pending", "simulated", "cluster", "cluster.name", "cluster.status", "cluster.version", "cluster.health",
		"cluster.nodes", "cluster.nodes[].name", "cluster.nodes[].instanceType", "cluster.nodes[].capacityType",
		"cluster.nodes[].nodePool",
		"cluster.jobs", "cluster.jobs[].name", "cluster.jobs[].namespace", "cluster.jobs[].state", "cluster.jobs[].sample",
		"cluster.jobs[].kind", "cluster.jobs[].health", "cluster.jobs[].cause", "cluster.jobs[].lifecycle",
		"cluster.jobs[].parallelism", "cluster.jobs[].restarts", "cluster.jobs[].release", "cluster.jobs[].notAssessed")
	require.Empty(t, r.Err.String())
}

func TestAnEmptyStackAsksNoCluster(t *testing.T) {
	t.Parallel()
	f := &fake{}
	r, err := exec(t, f, cmdutil.Text)
	require.NoError(t, err)
	require.False(t, f.asked)
	require.Contains(t, r.Out.String(), "nothing is deployed")
}

func TestAnInterruptedDeploySaysHowToGoOn(t *testing.T) {
	t.Parallel()
	f := deployed()
	f.cluster = observe.Cluster{}
	r, err := exec(t, f, cmdutil.Text)
	require.NoError(t, err)
	require.Contains(t, r.Out.String(),
		"cluster:     none yet: the deploy was not completed; go on with emrflink deploy --stack local\n")
}

func TestUnfinishedOperationsAreListed(t *testing.T) {
	t.Parallel()
	pending := []plans.Pending{{Kind: "creating", Type: "aws:eks/cluster:Cluster", Name: "c", URN: "urn:c"}}
	for name, c := range map[string]struct {
		lockedBy, state string
		want            []string
		not             string
	}{
		"of a state whose lock only the backend knows": {"", "s3://b", []string{
			"unfinished:  creating aws:eks/cluster:Cluster c\n",
			"next:        another run works on it, or an earlier one was killed; a deploy",
		}, "under way"},
		"of a run that was killed": {"", "", []string{
			"unfinished:  creating aws:eks/cluster:Cluster c\n",
			"next:        an earlier run was killed; a deploy finds out how these ended, and continues: " +
				"emrflink deploy --stack local\n",
		}, "under way"},
		"of a run that goes on": {"ann, process 7", "", []string{"under way:   creating aws:eks/cluster:Cluster c\n"}, "next:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := deployed()
			f.state.Pending, f.state.LockedBy, f.backend = pending, c.lockedBy, c.state
			r, err := exec(t, f, cmdutil.Text)
			require.NoError(t, err)
			for _, w := range c.want {
				require.Contains(t, r.Out.String(), w)
			}
			require.NotContains(t, r.Out.String(), c.not)
			r, err = exec(t, f, cmdutil.JSON)
			require.NoError(t, err)
			var doc struct{ Pending []map[string]string }
			require.NoError(t, json.Unmarshal(r.Out.Bytes(), &doc))
			require.Equal(t,
				[]map[string]string{{"kind": "creating", "type": "aws:eks/cluster:Cluster", "name": "c", "urn": "urn:c"}},
				doc.Pending)
		})
	}
}

func TestAClusterThatCannotBeAskedIsAnErrorAfterTheRecordedPart(t *testing.T) {
	t.Parallel()
	f := deployed()
	f.cluster, f.clusterErr = observe.Cluster{}, errors.New("eks:DescribeCluster: timeout")
	r, err := exec(t, f, cmdutil.Text)
	require.Equal(t, 1, cmdtest.Code(err))
	require.Contains(t, r.Out.String(), "3 recorded")
	require.Equal(t, "eks:DescribeCluster: timeout", cmdutil.Describe(err).Cause)
}

func TestAStackThatWasNeverDeployedIsNotFound(t *testing.T) {
	t.Parallel()
	f := &fake{stateErr: &cmdutil.Error{What: "never deployed", Exit: cmdutil.ExitNotFound}}
	r, err := exec(t, f, cmdutil.Text)
	require.Equal(t, 4, cmdtest.Code(err))
	require.Empty(t, r.Out.String())
}
