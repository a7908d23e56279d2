// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/plans"
)

func TestAnIncompleteCleanupNamesWhatIsLeft(t *testing.T) {
	t.Parallel()
	items := func(n int) (out []Item) {
		for i := range n {
			out = append(out, Item{Type: "vpc", ID: strconv.Itoa(i)})
		}
		return out
	}
	unknown := []Unknown{{What: "volumes"}, {What: "keys"}}
	for want, err := range map[string]*IncompleteError{
		"cleanup is incomplete":                                                  {},
		"cleanup is incomplete: boom":                                            {Cause: errors.New("boom")},
		"cleanup is incomplete: 1 resources are left (vpc 0)":                    {Left: items(1)},
		"cleanup is incomplete; AWS did not say whether there are volumes, keys": {NotChecked: unknown},
		"cleanup is incomplete: 5 resources are left (vpc 0, vpc 1, vpc 2, vpc 3, vpc 4); AWS did not say whether there are " +
			"volumes, keys: boom": {Left: items(5), NotChecked: unknown, Cause: errors.New("boom")},
		"cleanup is incomplete: 6 resources are left (vpc 0, vpc 1, vpc 2, vpc 3, vpc 4, ...)": {Left: items(6)},
	} {
		require.EqualError(t, err, want)
	}
}

func TestWhatIsLeftAndWhatIsNotKnownAreNoSuccessTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add(awsapi.Resource{Service: "ec2", Type: awsapi.TypeVolume, ID: "vol-others", State: "available"})
	w.fail["inventory"] = &awsapi.InventoryError{Parts: []awsapi.UnknownPart{{What: "keys", Err: errors.New("denied")}}}
	report, err := w.run(t)
	var incomplete *IncompleteError
	require.ErrorAs(t, err, &incomplete)
	require.Len(t, report.Unexpected, 1)
	require.Len(t, report.NotChecked, 1)
}

func TestRetainedDataSaysWhatItIsBilledBy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		resource awsapi.Resource
		price    float64
		want     string
	}{
		"a bucket without a price": {
			awsapi.Resource{Type: awsapi.TypeBucket, ID: "our-bucket", Tags: ours()}, 0,
			"it was asked to be retained; it is billed by what it holds",
		},
		"a key without a price": {
			awsapi.Resource{Type: awsapi.TypeKey, ID: "k-1", Tags: ours()}, 0, "it was asked to be retained",
		},
		"a key": {
			awsapi.Resource{Type: awsapi.TypeKey, ID: "k-1", Tags: ours()}, 0.01,
			"it was asked to be retained; it costs 7.30 USD a month",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.c.Scope.RetainData, w.c.Price = true, func(awsapi.Resource) float64 { return c.price }
			w.resources = map[string]awsapi.Resource{c.resource.ID: c.resource}
			r := newRun(w.c, nil)
			require.NoError(t, r.verify(t.Context()))
			require.Len(t, r.report.ExpectedResidue, 1)
			require.Equal(t, c.want, r.report.ExpectedResidue[0].Reason)
		})
	}
}

func TestEachDeletionIsAscribedToItsPhase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add(awsapi.Resource{
		Service: "ec2", Type: awsapi.TypeVolume, ID: "vol-1", State: "available", Tags: mine(), CreatedBy: "kubernetes",
	})
	report, err := w.run(t)
	require.NoError(t, err)
	phases := map[string]string{}
	for _, i := range report.Deleted {
		phases[i.ID] = i.Phase
	}
	for id, phase := range map[string]string{
		"vpc-1": PhaseEngine, "our-bucket": PhaseEngine, "i-node": PhaseNodePools, "vol-1": PhaseSweep, "team/basic": PhaseJobs,
		"team/public": PhaseBalancers, "team/data": PhaseVolumes, "flink-abc": PhaseNodePools,
	} {
		require.Equal(t, phase, phases[id], id)
	}
}

func TestWhatIsLeftSaysWhy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		gone     bool
		resource awsapi.Resource
		want     string
	}{
		"the cluster is there": {
			false, awsapi.Resource{Type: awsapi.TypeVolume}, "the cluster still exists, so nothing was swept",
		},
		"the engine's": {
			true, awsapi.Resource{Type: awsapi.TypeCluster}, "it belongs to the deployment's state; the engine did not delete it",
		},
		"another's": {
			true, awsapi.Resource{Type: awsapi.TypeVolume},
			"it has none of the deployment's exact tags or names; it is not touched",
		},
		"ours": {
			true, awsapi.Resource{Type: awsapi.TypeVolume, Tags: ours()}, "it could not be deleted; see the warnings",
		},
	} {
		w := newWorld(t)
		r := newRun(w.c, nil)
		r.gone = c.gone
		require.Equal(t, c.want, r.whyLeft(c.resource), name)
	}
}

func TestThePlanSaysWhatIsLostAndWhoMadeIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, err := w.c.Plan(t.Context())
	require.NoError(t, err)
	require.Empty(t, p.Warnings)
	require.Equal(t, []string{
		"volume of claim team/data", "bucket our-bucket: checkpoints, savepoints, jars and logs, all versions",
	}, p.DataLoss)
	require.Equal(t, ids(append([]Item{{ID: "i-node"}}, p.Kubernetes...)), ids(p.Outside))

	w.account.cluster = false
	p, err = w.c.Plan(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{`cluster "` + cluster + `" does not exist (AWS says so)`}, p.Warnings)
	require.Equal(t, []string{"i-node"}, ids(p.Outside))
}

func TestTheDocumentOfADryRunNamesTheDeployment(t *testing.T) {
	t.Parallel()
	p := newPlan(Scope{Stack: "dev", Account: "1", Region: "r", Deployment: awsapi.Deployment{Name: "d"}})
	require.Equal(t, newReport("dev", "1", "r", "d"), p.Document("local", nil, Report{}).Report)
	done := newReport("other", "2", "s", "e")
	d := p.Document("local", []string{"kms"}, done)
	require.Equal(t, done, d.Report)
	require.Equal(t, []string{"kms"}, d.Simulated)
}

// Counts add up: every recorded resource is listed, or counted as a part of what is.
func TestRecordedResourcesWithoutALineAreCounted(t *testing.T) {
	t.Parallel()
	recorded := func(typ, id string) plans.StateResource {
		return plans.StateResource{Type: typ, ID: id, Custom: !strings.HasPrefix(typ, "emrflink:")}
	}
	p := Plan{recorded: []plans.StateResource{
		recorded("emrflink:network:Network", ""), recorded("aws:ec2/vpc:Vpc", "vpc-1"),
		recorded("aws:s3/bucketV2:BucketV2", "data"),
		recorded("aws:s3/bucketPolicy:BucketPolicy", "data"), recorded("kubernetes:core/v1:Namespace", "team"),
		recorded("kubernetes:karpenter.sh/v1:NodePool", "pool"), recorded("aws:iam/role:Role", "kept"),
	}}
	r := Report{
		Deleted:         []Item{{ID: "vpc-1"}, {ID: "data"}, {ID: "pool"}, {ID: "i-of-a-controller"}},
		ExpectedResidue: []Item{{ID: "kept"}},
	}
	require.Equal(t, 2, p.Unlisted(r), "the policy of the bucket, and the namespace")
}

func TestPhasesHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range Phases(Choices{StopWithSavepoint: true}) {
		require.False(t, seen[p.Label()], p.Label())
		require.NotContains(t, p.Label(), "-")
		seen[p.Label()] = true
	}
	require.Len(t, seen, 12)
}
