// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/drift"
	"emrflink/internal/plans"
)

// fake is an engine and an account; fails names the call that does not work.
type fake struct {
	fails   string
	cluster *awsapi.Cluster // recorded as protected
}

func (f fake) result(call string) error {
	if call == f.fails {
		return errors.New(call)
	}
	return nil
}

func (f fake) Observe(context.Context) ([]plans.Observed, error) {
	return []plans.Observed{
		{URN: "a", Type: "aws:s3/bucketV2:BucketV2", Name: "b", ID: "bucket", Diff: []plans.PropertyDiff{}},
		{URN: "u", Type: "aws:iam/policy:Policy", Name: "n", ID: "i", Diff: []plans.PropertyDiff{{
			Path: "policy", Kind: "update", Old: `{"Statement":[{"Action":"s3:GetObject"}]}`,
			New: `{"Statement":[{"Action":"s3:*"}]}`,
		}}},
		{URN: "c", Type: "aws:cloudwatch/logGroup:LogGroup", Name: "l", ID: "/logs", Missing: true},
		{URN: "k", Type: clusterType, Name: "k", ID: "emr"},
	}, f.result("observe")
}

func (f fake) Resources(context.Context) ([]plans.StateResource, error) {
	return []plans.StateResource{
		{ID: "sg-1"}, {ID: "q", Outputs: map[string]any{"arn": "arn:q"}},
		{URN: "k", Type: clusterType, ID: "emr", Protect: f.cluster != nil},
	}, f.result("resources")
}

func (f fake) DescribeCluster(_ context.Context, name string) (awsapi.Cluster, error) {
	if name != "emr" || f.cluster == nil {
		return awsapi.Cluster{}, errors.New("another cluster, or one that is not protected")
	}
	return *f.cluster, f.result("cluster")
}

func (f fake) DeploymentResources(_ context.Context, d awsapi.Deployment) ([]awsapi.Resource, error) {
	if d.Name != "d" {
		return nil, errors.New("another deployment")
	}
	tags := map[string]string{"k": "v", "more": "tags"}
	return []awsapi.Resource{
		{Service: "sqs", Type: "queue", ID: "https://q", ARN: "arn:q", CreatedBy: "user", Tags: tags},
		{Service: "ec2", Type: "security-group", ID: "sg-1", CreatedBy: "user", Tags: tags},
		{Service: "ec2", Type: "security-group", ID: "sg-3", CreatedBy: "user", Tags: tags},
		{Service: "ec2", Type: "security-group", ID: "sg-2", CreatedBy: "user", Tags: tags},
		{Service: "ec2", Type: "instance", ID: "i-1", CreatedBy: "karpenter", Tags: tags},
		{Service: "ec2", Type: "vpc", ID: "vpc-1", CreatedBy: "user"},
	}, f.result("account")
}

func TestTheReportNamesWhatDiffers(t *testing.T) {
	t.Parallel()
	r, err := detector(fake{}).Run(t.Context())
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, r.Text(&b, "local"))
	require.Equal(t, strings.TrimPrefix(`
changed aws:iam/policy:Policy "n" (i)
  policy: the documents differ
    Statement[0].Action: expected "s3:GetObject", actual "s3:*"
missing aws:cloudwatch/logGroup:LogGroup "l" (/logs)
unmanaged ec2 security-group sg-2: it carries the deployment's tags and is not in its state
unmanaged ec2 security-group sg-3: it carries the deployment's tags and is not in its state
stack local: drift: 4 checked, 1 changed, 1 missing, 0 ignored, 2 unmanaged
`, "\n"), b.String())
}

func TestAProtectionThatWasTurnedOffIsDrift(t *testing.T) {
	t.Parallel()
	r, err := detector(fake{cluster: &awsapi.Cluster{}}).Run(t.Context())
	require.NoError(t, err)
	i := slices.IndexFunc(r.Resources, func(o drift.Resource) bool { return o.ID == "emr" })
	require.GreaterOrEqual(t, i, 0, "%+v", r.Resources)
	require.Equal(t, []drift.Diff{{Path: "deletionProtection", Expected: true, Actual: false}}, r.Resources[i].Diff)

	r, err = detector(fake{cluster: &awsapi.Cluster{DeletionProtection: true}}).Run(t.Context())
	require.NoError(t, err)
	require.False(t, slices.ContainsFunc(r.Resources, func(o drift.Resource) bool { return o.ID == "emr" }))

	_, err = detector(fake{cluster: &awsapi.Cluster{}, fails: "cluster"}).Run(t.Context())
	require.ErrorContains(t, err, "cluster")
}

func detector(f fake) Detector {
	return Detector{Engine: f, Account: f, Deployment: awsapi.Deployment{Name: "d", Tags: map[string]string{"k": "v"}}}
}

func TestWithoutTagsNothingIsUnmanaged(t *testing.T) {
	t.Parallel()
	d := detector(fake{})
	d.Deployment.Tags = nil
	r, err := d.Run(t.Context())
	require.NoError(t, err)
	require.Empty(t, r.Unmanaged)
}

// TestWhatIsRecordedUnderAnyNameIsManaged: the inventory names a resource as its service does, the state by one of these.
func TestWhatIsRecordedUnderAnyNameIsManaged(t *testing.T) {
	t.Parallel()
	tags := map[string]string{"k": "v", "l": "w"}
	made := awsapi.Resource{Service: "s", Type: "t", ID: "x", ARN: "arn:x", CreatedBy: "user", Tags: tags}
	ids := func(recorded []plans.StateResource, inventory ...awsapi.Resource) []string {
		ids := []string{}
		for _, u := range unmanaged(recorded, inventory, tags) {
			ids = append(ids, u.ID)
		}
		return ids
	}
	for _, key := range []string{"arn", "name", "url", "id", "allocationId", "nodeGroupName"} {
		require.Empty(t, ids([]plans.StateResource{{ID: "y", Outputs: map[string]any{key: "x"}}}, made), key)
	}
	require.Equal(t, []string{"x"}, ids([]plans.StateResource{{ID: "y"}}, made))
	require.Empty(t, ids([]plans.StateResource{{ID: "x"}}, made))
	require.Empty(t, ids([]plans.StateResource{{ID: "arn:x"}}, made))

	half := made
	half.Tags = map[string]string{"k": "v"}
	ours := made
	ours.CreatedBy = "karpenter"
	unnamed := made
	unnamed.ARN = ""
	require.Equal(t, []string{"x"}, ids([]plans.StateResource{{ID: ""}}, half, ours, unnamed))
}

func TestAReportIsWholeOrNone(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"observe", "resources", "account"} {
		_, err := detector(fake{fails: call}).Run(t.Context())
		require.ErrorContains(t, err, call)
	}
}

func TestWhatIsRecordedAndNotThereIsMissing(t *testing.T) {
	t.Parallel()
	of := func(typ, id string, outputs map[string]any) plans.StateResource {
		return plans.StateResource{Type: typ, ID: id, Custom: true, Outputs: outputs}
	}
	nat, deleted := of("aws:ec2/natGateway:NatGateway", "nat-2", nil), of("aws:ec2/natGateway:NatGateway", "nat-3", nil)
	recorded := []plans.StateResource{
		of("aws:ec2/natGateway:NatGateway", "nat-1", nil), nat, deleted,
		of("aws:eks/accessEntry:AccessEntry", "c:role", nil), // which no inventory lists
		of("aws:eks/nodeGroup:NodeGroup", "c:core", map[string]any{"nodeGroupName": "core"}),
		of("aws:s3/bucketV2:BucketV2", "b", map[string]any{"arn": "arn:aws:s3:::b"}),
		of("aws:s3/bucketPolicy:BucketPolicy", "other", nil), // no kind of an inventory
		of("kubernetes:core/v1:Namespace", "n", nil),
	}
	recorded[1].Outputs = map[string]any{"allocationId": "eip-1"} // the name of something else, which is there
	nat = recorded[1]
	require.Equal(t, []plans.StateResource{nat, deleted}, Missing(recorded, []awsapi.Resource{
		{Type: awsapi.TypeNatGateway, ID: "nat-3", State: "deleted"}, {Type: awsapi.TypeCluster, ID: "c"},
		{Type: awsapi.TypeNatGateway, ID: "nat-1"}, {Type: awsapi.TypeNodeGroup, ID: "core"},
		{Type: awsapi.TypeAddress, ID: "eip-1"}, {Type: awsapi.TypeBucket, ID: "b"},
	}))
}
