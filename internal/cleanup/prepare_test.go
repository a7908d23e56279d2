// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/plans"
)

// optionsOf are those of a stack "dev" with the default deployment.
func optionsOf(t *testing.T) Options {
	t.Helper()
	return Options{
		Stack: "dev", Region: "us-west-2", Deployment: "emr-eks-flink", Folder: t.TempDir(), NameTag: "emrflink:deployment",
		Tags: func(name string) map[string]string {
			return map[string]string{"emrflink:deployment": name, "emrflink:managed-by": "emrflink"}
		},
	}
}

// custom is a recorded resource with what the provider answered.
func custom(typ, id string, out map[string]any) plans.StateResource {
	return plans.StateResource{Type: typ, ID: id, Custom: true, Outputs: out, Inputs: map[string]any{}}
}

func TestTheScopeOfAHalfMadeDeploymentComesFromItsResources(t *testing.T) {
	t.Parallel()
	o := optionsOf(t)
	vpc := custom("aws:ec2/vpc:Vpc", "vpc-1", map[string]any{"arn": "arn:aws:ec2:us-west-2:111122223333:vpc/vpc-1"})
	vpc.Inputs["tags"] = map[string]any{"emrflink:deployment": "older-name"}
	resources := []plans.StateResource{
		{Type: "emrflink:network:Network"},
		vpc,
		custom("aws:s3/bucketV2:BucketV2", "b-1", nil),
		custom("aws:cloudwatch/logGroup:LogGroup", "g", map[string]any{"name": "/aws/x"}),
		custom("aws:sqs/queue:Queue", "https://q", map[string]any{"name": "q"}),
		custom("aws:iam/role:Role", "r", map[string]any{"name": "r"}),
	}
	sc, known, err := readScope(o, Record{Resources: resources})
	require.NoError(t, err)
	require.True(t, known)
	require.Equal(t, "111122223333", sc.Account)
	require.Empty(t, cmp.Diff(awsapi.Deployment{
		Name: "older-name", Cluster: "older-name", VPC: "vpc-1", Buckets: []string{"b-1"}, LogGroups: []string{"/aws/x"},
		Queues: []string{"q"}, Roles: []string{"r"},
		Tags: map[string]string{"emrflink:deployment": "older-name", "emrflink:managed-by": "emrflink"},
	}, sc.Deployment))

	// The state forgets as the engine works; what was written down stays.
	require.NoError(t, sc.save())
	again, known, err := readScope(o, Record{})
	require.NoError(t, err)
	require.True(t, known)
	require.Empty(t, cmp.Diff(sc.Scope, again.Scope))
	require.NoError(t, again.forget())
	require.NoError(t, again.forget())
	_, known, err = readScope(o, Record{})
	require.NoError(t, err)
	require.False(t, known, "nothing is recorded, so nothing may be deleted")
}

func TestACreationThatWasInterruptedIsSomethingToCleanUp(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]bool{plans.Creating: true, "updating": false} {
		pending := plans.Pending{Kind: kind, Type: "aws:iam/role:Role", Inputs: map[string]any{"name": "r"}}
		sc, known, err := readScope(optionsOf(t), Record{Pending: []plans.Pending{pending}})
		require.NoError(t, err)
		require.Equal(t, want, known)
		require.Empty(t, sc.Deployment.Roles, "it may be somebody else's")
	}
}

func TestAVPCThatTheStateDoesNotHaveIsNobodysToCleanUp(t *testing.T) {
	t.Parallel()
	o := optionsOf(t)
	sc, known, err := readScope(o, Record{
		Resources: []plans.StateResource{
			custom("aws:ec2/tag:Tag", "subnet-1,kubernetes.io/cluster/x", nil), custom("aws:kms/key:Key", "k-1", nil),
		},
		Outputs: map[string]plans.Output{"vpcId": {Value: "vpc-of-others"}},
	})
	require.NoError(t, err)
	require.True(t, known)
	require.Empty(t, sc.Deployment.VPC, "what is inside it belongs to others")
	require.Equal(t, []string{"k-1"}, sc.Deployment.Keys)
}

func TestPrices(t *testing.T) {
	t.Parallel()
	price := ListPrice("us-west-2")
	require.InDelta(t, 0.10,
		price(awsapi.Resource{Type: awsapi.TypeCluster, ID: "c", Detail: map[string]string{"version": "1.35"}}), 1e-9)
	require.Positive(t,
		price(awsapi.Resource{
			Type: awsapi.TypeVolume, ID: "v", Detail: map[string]string{"volumeType": "gp3", "sizeGiB": "100"},
		}))
	require.Zero(t, price(awsapi.Resource{Type: awsapi.TypeVPC, ID: "vpc-1"}))
}

// recorder is the record of a stack in memory.
type recorder struct {
	record  Record
	err     error
	removed bool
}

func (r *recorder) Record(context.Context) (Record, error) { return r.record, r.err }
func (r *recorder) Remove(context.Context) error           { r.removed = true; return r.err }

func TestAStackOfWhichNothingIsRecordedIsForgottenAndTheAccountNotAsked(t *testing.T) {
	t.Parallel()
	for _, exists := range []bool{true, false} {
		o, r := optionsOf(t), &recorder{record: Record{Exists: exists}}
		o.Recorder, o.Open = r, func(context.Context) (World, error) { return World{}, errors.New("opened") }
		teardown, err := Prepare(t.Context(), o)
		require.NoError(t, err)
		require.True(t, teardown.Plan().Empty())
		require.Equal(t, exists, r.removed)
	}
}

func TestWhatIsPreparedIsCountedDeletedAndForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.account.cluster = false
	o := optionsOf(t)
	o.Settle = w.c.Settle
	r := &recorder{record: Record{Exists: true, Resources: []plans.StateResource{
		custom("aws:ec2/vpc:Vpc", "vpc-1", map[string]any{"arn": "arn:aws:ec2:us-west-2:" + w.account.id + ":vpc/vpc-1"}),
	}}}
	o.Recorder = r
	o.Open = func(context.Context) (World, error) {
		return World{Account: w.account, Inventory: w.account, Engine: w.c.Engine, Connect: w.c.Connect}, nil
	}
	teardown, err := Prepare(t.Context(), o)
	require.NoError(t, err)
	plan := teardown.Plan()
	require.False(t, plan.Empty())
	require.Equal(t, 1, plan.Resources)
	require.Equal(t, map[string]int{"ec2": 1}, plan.ByService)
	report, err := teardown.Run(t.Context(), func(Progress) {})
	require.NoError(t, err)
	require.True(t, report.Verified)
	require.Empty(t, report.Errors)
	require.True(t, r.removed)
	_, known, err := Known(Options{Folder: o.Folder, Stack: o.Stack, Tags: o.Tags}, Record{})
	require.NoError(t, err)
	require.False(t, known, "what was written down is gone")

	w.account.fail["inventory"] = errors.New("ec2:DescribeVolumes: UnauthorizedOperation")
	report, err = teardown.Run(t.Context(), func(Progress) {})
	require.Error(t, err)
	require.Len(t, report.Errors, 1)
	require.Contains(t, report.Errors[0], "UnauthorizedOperation")
}
