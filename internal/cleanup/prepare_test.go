// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

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

func TestNothingIsCalledEmptyWithoutHavingAsked(t *testing.T) {
	t.Parallel()
	denied := &awsapi.Error{Op: "sts:GetCallerIdentity", Code: "CredentialsUnavailable"}
	vpc := awsapi.Resource{Service: "ec2", Type: awsapi.TypeVPC, ID: "vpc-1"}
	for name, c := range map[string]struct {
		found []awsapi.Resource
		err   error
		says  string
	}{
		"nothing has the tags": {},
		"something has them":   {found: []awsapi.Resource{vpc}, says: "vpc-1"},
		"AWS does not say":     {err: denied, says: "CredentialsUnavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, r := optionsOf(t), &recorder{record: Record{Exists: true}}
			o.Recorder = r
			o.Tagged = func(context.Context) (string, []awsapi.Resource, error) { return "111122223333", c.found, c.err }
			teardown, err := Prepare(t.Context(), o)
			require.Equal(t, c.says == "", r.removed, "what may be left is not forgotten")
			if c.says == "" {
				require.NoError(t, err)
				require.True(t, teardown.Plan().Empty())
				require.True(t, teardown.Plan().Asked)
				require.Equal(t, "111122223333", teardown.Plan().Account)
				return
			}
			require.ErrorContains(t, err, c.says)
			var incomplete *IncompleteError
			if c.err == nil {
				require.ErrorAs(t, err, &incomplete)
				require.Equal(t, 7, incomplete.ExitCode())
				require.Contains(t, incomplete.Hint(), "--from-tags --dry-run --stack dev")
				return
			}
			require.ErrorIs(t, err, denied)
			require.NotErrorAs(t, err, &incomplete)
		})
	}
}

func TestWhatIsPreparedIsCountedDeletedAndForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.account.cluster = false
	o := optionsOf(t)
	o.Settle = time.Millisecond
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

// prepared is a teardown over the world of w, by a stack with that record.
func prepared(t *testing.T, w *world, o Options, r *recorder) (*Teardown, error) {
	t.Helper()
	o.Settle, o.Recorder = time.Millisecond, r
	o.Open = func(context.Context) (World, error) {
		return World{Account: w.account, Inventory: w.account, Engine: w.c.Engine, Connect: w.c.Connect}, nil
	}
	return Prepare(t.Context(), o)
}

// unfinished writes down what a cleanup that was killed leaves.
func unfinished(t *testing.T, o Options, s Scope) {
	t.Helper()
	sc := savedScope{path: filepath.Join(o.Folder, o.Stack+".json"), Scope: s}
	require.NoError(t, sc.save())
}

func TestACleanupThatWasKilledIsRunToItsEndAndForgotten(t *testing.T) {
	t.Parallel()
	w, o := newWorld(t), optionsOf(t)
	w.account.cluster, w.resources = false, map[string]awsapi.Resource{}
	unfinished(t, o, Scope{Stack: "dev", Account: w.account.id, Region: "us-west-2", Deployment: awsapi.Deployment{
		Name: cluster, Cluster: cluster, VPC: "vpc-1"}})
	teardown, err := prepared(t, w, o, &recorder{})
	require.NoError(t, err)
	require.False(t, teardown.Plan().Empty(), "AWS writes log groups late: one look does not prove anything")
	_, err = teardown.Run(t.Context(), func(Progress) {})
	require.NoError(t, err)
	again, err := prepared(t, w, o, &recorder{})
	require.NoError(t, err)
	require.True(t, again.Plan().Empty())
	require.False(t, again.Plan().Asked)
}

// The name of a deployment was given to another one after a cleanup was killed: that one is not touched.
func TestAnUnfinishedCleanupDoesNotDeleteWhatTookItsName(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		vpc  string
		left []string
	}{
		"nothing is left of the earlier one":    {"vpc-0", nil},
		"the earlier one's network is still up": {"vpc-0", []string{"subnet-0", "vpc-0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, o := newWorld(t), optionsOf(t)
			unfinished(t, o, Scope{Stack: "dev", Account: w.account.id, Region: "us-west-2", Deployment: awsapi.Deployment{
				Name: cluster, Cluster: cluster, VPC: c.vpc, Tags: o.Tags(cluster), Buckets: []string{"our-bucket"}}})
			for _, id := range []string{"vpc-1", "our-bucket"} {
				r := w.resources[id]
				r.Tags = o.Tags(cluster)
				w.resources[id] = r
			}
			for _, id := range c.left {
				w.add(awsapi.Resource{
					Service: "ec2", Type: map[bool]string{true: awsapi.TypeVPC, false: awsapi.TypeSubnet}[id == "vpc-0"],
					ID: id, Detail: map[string]string{"vpc": "vpc-0"},
				})
			}
			before := len(w.resources)
			teardown, err := prepared(t, w, o, &recorder{})
			require.Empty(t, w.journal)
			require.Len(t, w.resources, before)
			if c.left == nil {
				require.NoError(t, err)
				require.True(t, teardown.Plan().Empty())
				require.Contains(t, teardown.Plan().Warnings[0], "the name is another's by now (VPC vpc-1)")
				require.NoFileExists(t, filepath.Join(o.Folder, "dev.json"))
				return
			}
			var incomplete *IncompleteError
			require.ErrorAs(t, err, &incomplete)
			require.Equal(t, c.left, ids(incomplete.Left))
			require.ErrorContains(t, err, "nothing was touched")
		})
	}
}

func TestAStateOfAnotherDeploymentLeavesTheUnfinishedCleanupAlone(t *testing.T) {
	t.Parallel()
	o := optionsOf(t)
	unfinished(t, o, Scope{Stack: "dev", Account: "111122223333", Region: "us-west-2", Deployment: awsapi.Deployment{
		Name: "older", Cluster: "older", VPC: "vpc-0", Buckets: []string{"older-bucket"}}})
	sc, known, err := readScope(o, Record{Resources: []plans.StateResource{
		custom("aws:ec2/vpc:Vpc", "vpc-1", map[string]any{"arn": "arn:aws:ec2:us-west-2:111122223333:vpc/vpc-1"}),
	}})
	require.NoError(t, err)
	require.True(t, known)
	require.Equal(t, "vpc-1", sc.Deployment.VPC)
	require.Empty(t, sc.Deployment.Buckets)
	require.Contains(t, sc.warnings[0], "of deployment older")
}

func TestWhatAnEarlierCleanupWroteDownAndCannotBeReadIsSetAside(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{", `{"Stack":`} {
		o := optionsOf(t)
		path := filepath.Join(o.Folder, "dev.json")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		sc, known, err := readScope(o, Record{Resources: []plans.StateResource{custom("aws:ec2/vpc:Vpc", "vpc-1", nil)}})
		require.NoError(t, err)
		require.True(t, known)
		require.Contains(t, sc.warnings[0], path+".broken")
		require.FileExists(t, path+".broken")
	}
	o := optionsOf(t)
	unfinished(t, Options{Stack: "dev", Folder: o.Folder}, Scope{Stack: "renamed"})
	_, _, err := readScope(o, Record{})
	require.ErrorContains(t, err, `was written for stack "renamed"`)
}

func TestWhatSomebodyElseDeletedIsNamed(t *testing.T) {
	t.Parallel()
	recorded := []plans.StateResource{
		custom("aws:ec2/natGateway:NatGateway", "nat-1", nil), custom("aws:ec2/natGateway:NatGateway", "nat-2", nil),
	}
	inventory := []Item{
		{Type: awsapi.TypeNatGateway, ID: "nat-1"}, {Type: awsapi.TypeNatGateway, ID: "nat-2", State: "deleted"},
	}
	of := func(p Plan) []string { return (&Teardown{plan: p}).goneAlready(recorded) }
	require.Equal(t, []string{"NatGateway nat-2 is gone from the account already: somebody else deleted it"},
		of(Plan{Inventory: inventory}))
	require.Empty(t, of(Plan{Inventory: inventory, NotChecked: []Unknown{{}}}), "what AWS does not answer for is not gone")
	for range 20 {
		recorded = append(recorded, custom("aws:ec2/natGateway:NatGateway", "nat-3", nil))
	}
	lines := of(Plan{})
	require.Len(t, lines, 9)
	require.Equal(t, "and 14 more are gone from the account already", lines[8])
}
