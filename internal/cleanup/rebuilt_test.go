// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/plans"
)

// fromTags are the options of a cleanup whose record is lost, and what it has written down as the record.
func fromTags(t *testing.T, w *world, r Rebuilt) (o Options, kept *int) {
	t.Helper()
	kept = new(int)
	r.Keep = func(context.Context) error { *kept++; w.note("keep"); return w.fail["keep"] }
	o = optionsOf(t)
	o.Tags = func(string) map[string]string { return ours() }
	o.Settle, o.FromTags = time.Millisecond, true
	o.Recorder = &recorder{err: errors.New("StateLost")}
	o.Rebuild = func(context.Context) (Rebuilt, error) { return r, w.fail["rebuild"] }
	o.Open = func(context.Context) (World, error) {
		return World{Account: w.account, Inventory: w.account, Engine: w.engine, Connect: w.c.Connect}, nil
	}
	return o, kept
}

func ownVPC(w *world) []plans.StateResource {
	return []plans.StateResource{
		custom("aws:ec2/vpc:Vpc", "vpc-1", map[string]any{"arn": "arn:aws:ec2:us-west-2:" + w.account.id + ":vpc/vpc-1"}),
		custom("aws:ec2/route:Route", "r-1", nil),
	}
}

func TestWithoutARecordTheAccountSaysWhatIsDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.account.cluster = false
	const foreign = `the bucket "b" exists and is not of this deployment`
	w.engine.locked = errors.New("StateLost")
	o, kept := fromTags(t, w, Rebuilt{Resources: ownVPC(w), Foreign: []string{foreign}, Remains: true})
	o.Recorder = &recorder{}
	teardown, err := Prepare(t.Context(), o)
	require.NoError(t, err)
	plan := teardown.Plan()
	require.False(t, plan.Empty())
	require.NoError(t, plan.NotReady, "the state is made before anything is deleted")
	require.Equal(t, 2, plan.Resources)
	require.Contains(t, plan.Warnings, foreign)
	var ids []string
	for _, i := range plan.Outside {
		ids = append(ids, i.ID)
	}
	require.Subset(t, ids, []string{"vpc-1", "r-1", "i-node"}, "each is named")
	require.Zero(t, *kept, "nothing is changed before the question")
	w.engine.locked = nil
	report, err := teardown.Run(t.Context(), func(Progress) {})
	require.NoError(t, err)
	require.Equal(t, 1, *kept)
	w.inOrder(t, "keep", "engine")
	require.Contains(t, report.Warnings, foreign)
	require.True(t, o.Recorder.(*recorder).removed)
}

func TestWithoutARecordNothingIsTouchedWhenItCannotBeKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.account.cluster = false
	o, _ := fromTags(t, w, Rebuilt{Resources: ownVPC(w)})
	w.fail["keep"] = errors.New("disk full")
	teardown, err := Prepare(t.Context(), o)
	require.NoError(t, err)
	_, err = teardown.Run(t.Context(), func(Progress) {})
	require.ErrorIs(t, err, w.fail["keep"])
	require.Equal(t, []string{"keep"}, w.journal)

	w.fail["rebuild"] = errors.New("throttled")
	_, err = Prepare(t.Context(), o)
	require.ErrorIs(t, err, w.fail["rebuild"])
}

// The names of nodes, volumes and load balancers have nothing but the name of the cluster.
func TestWithoutARecordAForeignClusterOfTheNameStopsTheRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tags    map[string]string
		refused bool
	}{
		"its own":     {ours(), false},
		"without tag": {nil, true},
		"another's":   {map[string]string{"emrflink:deployment": cluster + "2"}, true},
	} {
		w := newWorld(t)
		w.account.tags = c.tags
		o, _ := fromTags(t, w, Rebuilt{Resources: ownVPC(w)})
		_, err := Prepare(t.Context(), o)
		var refused *RefusedError
		require.Equal(t, c.refused, errors.As(err, &refused), "%s: %v", name, err)
		require.Empty(t, w.journal)
	}
	w := newWorld(t)
	o, _ := fromTags(t, w, Rebuilt{})
	w.fail["describe"] = errors.New("throttled")
	_, err := Prepare(t.Context(), o)
	require.ErrorIs(t, err, w.fail["describe"], "not known is not absent")
}

func TestWithoutARecordAnAccountWithNothingIsSaidToBeEmpty(t *testing.T) {
	t.Parallel()
	for _, remains := range []bool{true, false} {
		w := newWorld(t)
		w.account.cluster, w.account.resources = false, map[string]awsapi.Resource{}
		o, _ := fromTags(t, w, Rebuilt{Remains: remains})
		teardown, err := Prepare(t.Context(), o)
		require.NoError(t, err)
		require.True(t, teardown.Plan().Asked)
		require.Equal(t, !remains, teardown.Plan().Empty(), "what is left of the record is forgotten by a run")
	}
}

func TestWithoutARecordWhatNoSettingDescribesIsKnownByItsTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.account.cluster = false
	o, _ := fromTags(t, w, Rebuilt{Resources: ownVPC(w), Tagged: []awsapi.Resource{
		{Type: awsapi.TypeBucket, ID: "b"}, {Type: awsapi.TypeRole, ID: "r", Name: "r"},
		{Type: awsapi.TypePolicy, ID: "arn:p", Name: "p"}, {Type: awsapi.TypeQueue, ID: "https://q", Name: "q"},
		{Type: awsapi.TypeLogGroup, ID: "/g", Name: "/g"}, {Type: awsapi.TypeKey, ID: "k", Name: "a key of ours"},
		{Type: awsapi.TypeVolume, ID: "vol-1"},
	}})
	teardown, err := Prepare(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, awsapi.Deployment{
		Name: cluster, Cluster: cluster, VPC: "vpc-1", Tags: ours(), Buckets: []string{"b"}, LogGroups: []string{"/g"},
		Queues: []string{"q"}, Roles: []string{"r"}, Policies: []string{"arn:p"}, Keys: []string{"k"},
	}, teardown.scope.Deployment)
}
