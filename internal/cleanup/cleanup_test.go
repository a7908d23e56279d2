// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"context"
	"encoding/json"
	"errors"
	"sort"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/awskind"
	"emrflink/internal/cost"
	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
)

func ids(items []Item) []string {
	out := []string{}
	for _, i := range items {
		out = append(out, i.ID)
	}
	sort.Strings(out)
	return out
}

func TestAUsedDeploymentGoesInTheSafeOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	report, err := w.run(t)
	require.NoError(t, err)
	w.inOrder(t,
		"gone FlinkSessionJob session", "gone FlinkDeployment basic", "gone Ingress ui", "gone Service public",
		"gone PersistentVolumeClaim data", "gone NodePool flink", "gone NodeClaim flink-abc", "gone EC2NodeClass flink",
		"engine")
	w.inOrder(t, "gone FlinkDeployment basic", "empty our-bucket", "engine") // its writers are gone, and the rest goes on
	require.NotContains(t, w.journal, "gone Service internal", "only load balancers are deleted")
	require.Empty(t, report.Unexpected)
	require.True(t, report.Verified)
	require.Empty(t, report.Warnings)
	require.Zero(t, report.HourlyUSD)
	require.Contains(t, ids(report.Deleted), "vpc-1")
	require.Contains(t, ids(report.Deleted), "i-node")
	require.Contains(t, ids(report.Deleted), "team/basic")
	require.Equal(t, 2, report.EngineDeleted)
}

// Emptying a large bucket takes as long as everything else in the cluster, and the next phase but the engine waits for neither.
func TestABucketIsEmptiedBesideTheRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.slowBucket = time.Minute
	report, err := w.run(t)
	require.NoError(t, err)
	w.inOrder(t, "empty our-bucket", "gone PersistentVolumeClaim data", "gone EC2NodeClass flink", "emptied our-bucket", "engine")
	require.Less(t, report.ElapsedSeconds, 75.0)
	var beside, progress bool
	for i, p := range w.said {
		if p.Phase.Name == PhaseBuckets {
			beside = beside || w.said[i-1].Phase.Name == PhaseNodePools
			progress = progress || strings.Contains(p.Cause, "1 of more than 2 versions deleted")
		}
	}
	require.True(t, beside, "its progress is told between that of others: %v", w.said)
	require.True(t, progress)
}

func TestASecondRunFindsNothingAndSucceeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.run(t)
	require.NoError(t, err)
	w.said = nil
	report, err := w.run(t)
	require.NoError(t, err)
	require.Empty(t, report.Deleted)
	require.True(t, w.engine.forgot, "the state's objects of a cluster that is gone are dropped")
	skipped := 0
	for _, p := range w.said {
		if p.State == StateSkipped {
			skipped++
			require.Contains(t, p.Cause, "does not exist (AWS says so)")
		}
	}
	require.Equal(t, 5, skipped)
}

func TestNothingOfOthersIsTouched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := map[string]string{
		"kubernetes.io/cluster/" + cluster + "-2": "owned", "emrflink:deployment": cluster + "-2", "eks:eks-cluster-name": "x",
	}
	decoys := []awsapi.Resource{
		{Service: "ec2", Type: awsapi.TypeInstance, ID: "i-other", State: "running", Tags: other, CreatedBy: "karpenter"},
		{
			Service: "ec2", Type: awsapi.TypeInstance, ID: "i-shared", State: "running",
			Tags: map[string]string{"kubernetes.io/cluster/" + cluster: "shared"},
		},
		{
			Service: "ec2", Type: awsapi.TypeNetworkInterface, ID: "eni-other", State: "available",
			Tags: map[string]string{"node.k8s.amazonaws.com/instance_id": "i-x", "cluster.k8s.amazonaws.com/name": "other"},
		},
		{Service: "ec2", Type: awsapi.TypeVolume, ID: "vol-untagged", State: "available"},
		{
			Service: "logs", Type: awsapi.TypeLogGroup, ID: "/aws/eks/" + cluster + "-2/cluster",
			Tags: map[string]string{"kubernetes.io/cluster/" + cluster: "owned"},
		},
		{
			Service: "iam", Type: awsapi.TypeInstanceProfile, ID: "p",
			ARN: "arn:aws:iam::1:instance-profile/karpenter/us-west-2/" + cluster + "-2/p",
		},
		{Service: "s3", Type: awsapi.TypeBucket, ID: "their-bucket", Tags: map[string]string{"emrflink:deployment": "theirs"}},
		{Service: "sqs", Type: awsapi.TypeQueue, ID: "https://sqs/q", Name: "q"},
	}
	w.add(decoys...)
	report, err := w.run(t)
	var incomplete *IncompleteError
	require.ErrorAs(t, err, &incomplete)
	require.Equal(t, 7, incomplete.ExitCode())
	for _, d := range decoys {
		require.Contains(t, w.resources, d.ID)
		require.Contains(t, ids(report.Unexpected), d.ID)
	}
	for _, entry := range w.journal {
		require.False(t, strings.HasPrefix(entry, "sweep "), entry)
	}
	require.NotContains(t, w.journal, "empty their-bucket")
	require.Contains(t, report.Unexpected[0].Reason, "not touched")
	require.InDelta(t, 0.5*float64(len(decoys)), report.HourlyUSD, 1e-9)
	require.Contains(t, incomplete.Hint(), "emrflink cleanup --stack local")
}

func TestLeftoversAreSweptByExactMarksAfterTheClusterIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mine := map[string]string{"kubernetes.io/cluster/" + cluster: "owned"}
	w.add(
		awsapi.Resource{Service: "logs", Type: awsapi.TypeLogGroup, ID: "/aws/eks/" + cluster + "/cluster", CreatedBy: "eks"},
		awsapi.Resource{
			Service: "ec2", Type: awsapi.TypeLaunchTemplate, ID: "lt-1", Tags: map[string]string{"eks:eks-cluster-name": cluster},
			CreatedBy: "karpenter",
		},
		awsapi.Resource{
			Service: "ec2", Type: awsapi.TypeInstance, ID: "i-leaked", State: "running", Tags: mine, CreatedBy: "karpenter",
		},
		awsapi.Resource{
			Service: "ec2", Type: awsapi.TypeInstance, ID: "i-going", State: "shutting-down", Tags: mine, CreatedBy: "karpenter",
		},
		awsapi.Resource{
			Service: "ec2", Type: awsapi.TypeVolume, ID: "vol-1", State: "available", Tags: mine, CreatedBy: "kubernetes",
		},
		awsapi.Resource{
			Service: "iam", Type: awsapi.TypeInstanceProfile, ID: "prof",
			ARN: "arn:aws:iam::1:instance-profile/karpenter/us-west-2/" + cluster + "/uid/prof", CreatedBy: "karpenter",
		},
	)
	w.late = []awsapi.Resource{
		{Service: "logs", Type: awsapi.TypeLogGroup, ID: "/aws/eks/" + cluster + "/cluster", CreatedBy: "eks"},
	}
	report, err := w.run(t)
	require.NoError(t, err)
	require.Equal(t, []string{"i-going"}, ids(report.ExpectedResidue))
	require.Contains(t, report.ExpectedResidue[0].Reason, "AWS is deleting it")
	w.inOrder(t, "engine", "sweep i-leaked")
	w.inOrder(t, "terminated [i-leaked]", "sweep vol-1")
	n := 0
	for _, e := range w.journal {
		if e == "sweep /aws/eks/"+cluster+"/cluster" {
			n++
		}
	}
	require.Equal(t, 2, n, "the group that came back is deleted again")
}

func TestAKeyThatWaitsForItsDeletionIsExpectedAndDated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add(awsapi.Resource{
		Service: "kms", Type: awsapi.TypeKey, ID: "k-1", State: "PendingDeletion", CreatedBy: "user",
		Detail: map[string]string{"deletionDate": "2026-12-01"},
	})
	report, err := w.run(t)
	require.NoError(t, err)
	require.Equal(t, []string{"k-1"}, ids(report.ExpectedResidue))
	require.Contains(t, report.ExpectedResidue[0].Reason, "KMS deletes it on 2026-12-01")
	require.Empty(t, report.Unexpected)
}

func TestTheEngineHasASecondTurnWhenALeakWasInItsWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add(awsapi.Resource{Service: "ec2", Type: awsapi.TypeNetworkInterface, ID: "eni-late", State: "available",
		CreatedBy: "kubernetes",
		Tags:      map[string]string{"cluster.k8s.amazonaws.com/name": cluster}})
	w.engine.block = "eni-late"
	report, err := w.run(t)
	require.NoError(t, err)
	require.Equal(t, 2, w.engine.runs)
	require.Contains(t, strings.Join(report.Warnings, " "), "DependencyViolation")
}

func TestInterfacesThatLostTheirNodeGoBeforeTheEngine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tags := func(instance string) map[string]string {
		return map[string]string{"cluster.k8s.amazonaws.com/name": cluster, "node.k8s.amazonaws.com/instance_id": instance}
	}
	w.add(
		awsapi.Resource{Service: "ec2", Type: awsapi.TypeInstance, ID: "i-core", State: "running", Tags: ours()},
		awsapi.Resource{
			Service: "ec2", Type: awsapi.TypeNetworkInterface, ID: "eni-lost", State: "available", Tags: tags("i-gone"),
			CreatedBy: "kubernetes",
		},
		awsapi.Resource{
			Service: "ec2", Type: awsapi.TypeNetworkInterface, ID: "eni-warm", State: "available", Tags: tags("i-core"),
			CreatedBy: "kubernetes",
		},
	)
	_, err := w.run(t)
	require.NoError(t, err)
	// An interface of a live node is not pulled away.
	w.inOrder(t, "sweep eni-lost", "engine", "sweep eni-warm")
}

func TestTheGateRefusesBeforeAnythingIsTouched(t *testing.T) {
	t.Parallel()
	unreachable := kube.NewError("connect", kube.Ref{}, kube.ReasonUnreachable, "dial tcp: i/o timeout")
	for name, tc := range map[string]struct {
		change func(*world)
		want   string
		exit   int
	}{
		"another account":     {func(w *world) { w.id = "999999999999" }, "credentials belong to account 999999999999", 2},
		"no account recorded": {func(w *world) { w.c.Scope.Account = "" }, "the account id is empty", 2},
		"no cluster name":     {func(w *world) { w.c.Scope.Deployment.Cluster = "" }, "the cluster name is empty", 2},
		"no deployment name": {
			func(w *world) { w.c.Scope.Deployment.Name = "" }, "the deployment name is empty", 2,
		},
		"no region":                         {func(w *world) { w.c.Scope.Region = "" }, "the region is empty", 2},
		"an inventory that cannot be asked": {func(w *world) { w.fail["inventory"] = errors.New("no id") }, "no id", 0},
		"a state that is locked":            {func(w *world) { w.engine.locked = errors.New("StackLocked") }, "StackLocked", 0},
		"a cluster that cannot be described is not gone": {func(w *world) { w.fail["describe"] = errors.New("AccessDenied") },
			"AccessDenied", 0},
		"a cluster that does not answer is not gone": {func(w *world) {
			w.c.Connect = func(context.Context, awsapi.Cluster) (Cluster, error) { return nil, unreachable }
		}, "exists but its API cannot be used", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			tc.change(w)
			_, err := w.run(t)
			require.ErrorContains(t, err, tc.want)
			require.Empty(t, w.journal)
			require.Empty(t, w.kube.Calls())
			if tc.exit != 0 {
				var coded interface{ ExitCode() int }
				require.ErrorAs(t, err, &coded)
				require.Equal(t, tc.exit, coded.ExitCode())
			}
		})
	}
}

func TestAStuckNodeIsNamedAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.kube = kubetest.New(kubetest.Object(kube.KindNodePool, "", "flink",
		map[string]any{"metadata": map[string]any{"finalizers": []any{"stuck/here"}}}))
	w.c.Timeouts = map[string]time.Duration{PhaseNodePools: 20 * time.Second}
	report, err := w.run(t)
	require.NoError(t, err, "the node is swept, so the end is clean")
	require.Contains(t, strings.Join(report.Warnings, "\n"), `NodePool "flink" waits for finalizer`)
	require.Contains(t, strings.Join(report.Warnings, "\n"), "stuck/here")
	require.Equal(t, 1, w.engine.runs)
	require.Contains(t, w.journal, "sweep i-node")
}

func TestAnEngineThatFailsIsNoSuccessAndNothingIsSweptBesideALiveCluster(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.engine.err = errors.New("AccessDenied: eks:DeleteCluster")
	w.add(awsapi.Resource{
		Service: "ec2", Type: awsapi.TypeVolume, ID: "vol-1", State: "available", Tags: ours(), CreatedBy: "kubernetes",
	})
	report, err := w.run(t)
	var incomplete *IncompleteError
	require.ErrorAs(t, err, &incomplete)
	require.ErrorContains(t, err, "eks:DeleteCluster")
	require.NotContains(t, w.journal, "sweep vol-1")
	require.Contains(t, ids(report.Unexpected), "vpc-1")
	require.Contains(t, report.Unexpected[0].Reason, "cluster still exists")
}

func TestTheSlowestDeletionIsShownWithACount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.engine.slow = time.Minute
	w.engine.events = []EngineEvent{
		{Resource: "aws:eks/nodeGroup:NodeGroup core", Begun: true}, {Resource: "aws:sqs/queue:Queue q", Begun: true},
		{Resource: "aws:sqs/queue:Queue q", Ended: true, Deleted: true}, {Resource: "aws:iam/role:Role r", Begun: true},
	}
	_, err := w.run(t)
	require.NoError(t, err)
	var causes []string
	for _, p := range w.said {
		causes = append(causes, p.Cause)
	}
	require.Contains(t, causes, "0 deleted, 1 being deleted, the slowest for 0s: aws:eks/nodeGroup:NodeGroup core")
	require.Contains(t, causes, "1 deleted, 2 being deleted, the slowest for 45s: aws:eks/nodeGroup:NodeGroup core")
}

func TestASilentEngineStillShowsLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.engine.slow = 5*time.Minute + time.Second
	w.c.Heartbeat = 15 * time.Second
	_, err := w.run(t)
	require.NoError(t, err)
	beats := 0
	for _, p := range w.said {
		if p.Phase.Name == PhaseEngine && p.State == StateWait && strings.Contains(p.Cause, "aws:ec2/vpc:Vpc main") {
			beats++
			require.Positive(t, p.Phase.Expected)
		}
	}
	require.Equal(t, 1+20, beats, "what it does, then a sign of life every 15 seconds")
}

func TestAnInterruptStopsBeforeTheNextPhase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var states []string
	var report Report
	var err error
	synctest.Test(t, func(t *testing.T) {
		defer w.controlling.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		report, err = w.c.Run(ctx, func(p Progress) {
			if p.Phase.Name == PhaseJobs {
				states = append(states, p.State)
				cancel()
			}
		})
	})
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, report.Verified, "nobody looked what is left")
	require.Equal(t, StateStopped, states[len(states)-1], "what an interrupt stops has not failed")
	require.Zero(t, w.engine.runs)
	require.NotContains(t, w.journal, "empty our-bucket")
}

func TestThePlanDeletesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, err := w.c.Plan(t.Context())
	require.NoError(t, err)
	require.Empty(t, w.journal)
	require.Empty(t, w.kube.Calls())
	require.Equal(t, "reachable", p.Cluster)
	require.Equal(t, []string{"our-bucket"}, p.Buckets)
	require.Contains(t, ids(p.Kubernetes), "team/basic")
	require.NotContains(t, ids(p.Kubernetes), "team/internal")
	require.Equal(t, []string{"i-node", "our-bucket", "vpc-1"}, ids(p.Inventory))
	require.InDelta(t, 1.5, p.HourlyUSD, 1e-9)
}

func TestJSONHasNoNullListsAndTheContractsFields(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(emptyReport(Scope{}))
	require.NoError(t, err)
	require.NotContains(t, string(raw), "null")
	var m map[string]any
	require.NoError(t, json.Unmarshal(raw, &m))
	keys := []string{}
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	require.Empty(t,
		cmp.Diff([]string{"account", "deleted", "deployment", "elapsedSeconds", "engineDeleted", "errors", "expectedResidue",
			"forgotten", "hourlyUSD", "notChecked", "region", "savepoints", "schemaVersion", "skipped", "stack", "unexpected",
			"verified", "warnings"}, keys))
}

func TestEveryLeftTypeHasACommandOrNone(t *testing.T) {
	t.Parallel()
	require.Equal(t, "aws ec2 terminate-instances --instance-ids i-1 --region eu-west-1",
		command(awsapi.Resource{Type: awsapi.TypeInstance, ID: "i-1"}, "eu-west-1"))
	require.Equal(t, "aws s3 rb --force s3://b --region eu-west-1",
		command(awsapi.Resource{Type: awsapi.TypeBucket, ID: "b"}, "eu-west-1"))
	for _, typ := range awskind.Swept() {
		require.True(t, awsapi.CanDelete(typ), typ)
		require.NotEmpty(t, command(awsapi.Resource{Type: typ, ID: "x"}, "r"), typ)
	}
}

func TestWhatIsLeftOfAClusterHasACommandOfItsOwn(t *testing.T) {
	t.Parallel()
	require.Equal(t, "aws eks delete-nodegroup --cluster-name demo --nodegroup-name core --region r",
		command(awsapi.Resource{Type: awsapi.TypeNodeGroup, ID: "demo:core"}, "r"))
	for _, k := range awskind.All() {
		if k.Inventory != awskind.NotListed {
			require.NotContains(t, command(awsapi.Resource{Type: k.Inventory, ID: "a:b"}, "r"), "{", k.Type)
		}
	}
	require.Empty(t, command(awsapi.Resource{Type: "database", ID: "d"}, "r"))
}

func TestListPrices(t *testing.T) {
	t.Parallel()
	price := ListPrice("us-west-2")
	for name, c := range map[string]struct {
		resource awsapi.Resource
		want     float64
	}{
		"a cluster": {awsapi.Resource{Type: awsapi.TypeCluster, Detail: map[string]string{"version": "1.35"}}, 0.10},
		"a volume": {
			awsapi.Resource{Type: awsapi.TypeVolume, Detail: map[string]string{"volumeType": "gp3", "sizeGiB": "730"}}, 0.08,
		},
		"an interface endpoint, per zone": {
			awsapi.Resource{
				Type: awsapi.TypeVPCEndpoint, Detail: map[string]string{"endpointType": "Interface", "subnets": "a,b"},
			}, 0.02,
		},
		"a gateway endpoint": {
			awsapi.Resource{Type: awsapi.TypeVPCEndpoint, Detail: map[string]string{"endpointType": "Gateway"}}, 0,
		},
		"a key": {awsapi.Resource{Type: awsapi.TypeKey, State: "Enabled"},
			cost.Round(1.0/730, 6)},
		"a key that goes":                        {awsapi.Resource{Type: awsapi.TypeKey, State: "PendingDeletion"}, 0},
		"a node group: its instances are listed": {awsapi.Resource{Type: awsapi.TypeNodeGroup, ID: "c:n"}, 0},
		"what is free":                           {awsapi.Resource{Type: awsapi.TypeVPC}, 0},
		"what nobody knows":                      {awsapi.Resource{Type: "database"}, 0},
	} {
		require.InDelta(t, c.want, price(c.resource), 1e-9, name)
	}
}
