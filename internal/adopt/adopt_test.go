// SPDX-License-Identifier: Apache-2.0

package adopt

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/awskind"
	"emrflink/internal/engine"
)

// fakeAccount answers with one inventory after the other and stays at the last.
type fakeAccount struct{ inventories [][]awsapi.Resource }

func (f *fakeAccount) Identity(context.Context) (awsapi.Identity, error) {
	return awsapi.Identity{Account: "111122223333", Partition: "aws-cn", ARN: "arn:aws-cn:iam::111122223333:user/a"}, nil
}

func (f *fakeAccount) DeploymentResources(context.Context, awsapi.Deployment) ([]awsapi.Resource, error) {
	now := f.inventories[0]
	if len(f.inventories) > 1 {
		f.inventories = f.inventories[1:]
	}
	return now, nil
}

func find(t *testing.T, p engine.PendingCreate, inventories ...[]awsapi.Resource) (string, bool) {
	t.Helper()
	if len(inventories) == 0 {
		inventories = [][]awsapi.Resource{nil}
	}
	finder := Finder(Options{
		Account: &fakeAccount{inventories}, Region: "cn-north-1", Deployment: "demo",
		Tags: map[string]string{"emrflink:deployment": "demo"}, Poll: time.Millisecond,
	})
	id, found, err := finder(t.Context(), p)
	require.NoError(t, err)
	return id, found
}

func TestIdsThatFollowFromTheRequest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		typ  string
		in   map[string]any
		want string
	}{
		"a role's is its name":  {"aws:iam/role:Role", map[string]any{"name": "r"}, "r"},
		"a policy's is its ARN": {"aws:iam/policy:Policy", map[string]any{"name": "p"}, "arn:aws-cn:iam::111122223333:policy/p"},
		"an OIDC provider's is its ARN": {"aws:iam/openIdConnectProvider:OpenIdConnectProvider",
			map[string]any{"url": "https://oidc.eks/id/A"},
			"arn:aws-cn:iam::111122223333:oidc-provider/oidc.eks/id/A"},
		"a queue's is its URL": {"aws:sqs/queue:Queue", map[string]any{"name": "q"},
			"https://sqs.cn-north-1.amazonaws.com.cn/111122223333/q"},
		"a part of a bucket has the bucket's": {"aws:s3/bucketPolicy:BucketPolicy", map[string]any{"bucket": "b"}, "b"},
		"an access entry's names both ends": {
			"aws:eks/accessEntry:AccessEntry", map[string]any{"clusterName": "c", "principalArn": "arn:x"}, "c:arn:x",
		},
		"an alias's is its name":        {"aws:kms/alias:Alias", map[string]any{"name": "alias/a"}, "alias/a"},
		"a single tag's is where it is": {"aws:ec2/tag:Tag", map[string]any{"resourceId": "subnet-1", "key": "k"}, "subnet-1,k"},
		"a route's is the provider's checksum": {"aws:ec2/route:Route",
			map[string]any{"routeTableId": "rtb-1", "destinationCidrBlock": "0.0.0.0/0"}, "r-rtb-11080289494"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id, found := find(t, engine.PendingCreate{Type: c.typ, Name: "x", Inputs: c.in})
			require.True(t, found)
			require.Equal(t, c.want, id)
		})
	}
}

// Every word of a rule is one that this package makes, or an input of the type.
func TestEveryRuleOfTheCatalogueCanBeFollowed(t *testing.T) {
	t.Parallel()
	words := account{}.words(engine.PendingCreate{})
	for _, k := range awskind.All() {
		for _, quoted := range placeholder.FindAllString(k.Adopt, -1) {
			name := strings.Trim(quoted, "{}")
			_, made := words[name]
			require.Equal(t, strings.HasPrefix(name, "@"), made, "%s: {%s}", k.Type, name)
		}
		if strings.Contains(k.Adopt, "{") {
			id := derived(k.Adopt, engine.PendingCreate{Type: k.Type, Name: "x"}, account{"r", "1", "aws"})
			require.NotContains(t, id, "{", k.Type)
		}
	}
}

func TestWhatCannotBeFoundAgainIsAnError(t *testing.T) {
	t.Parallel()
	finder := Finder(Options{Account: &fakeAccount{}})
	for _, typ := range []string{"aws:kms/key:Key", "aws:rds/instance:Instance"} {
		_, _, err := finder(t.Context(), engine.PendingCreate{Type: typ})
		require.ErrorContains(t, err, typ+" cannot be looked up in the account")
	}
}

func vpc(id, state string, tags map[string]string) awsapi.Resource {
	return awsapi.Resource{Service: "ec2", Type: awsapi.TypeVPC, ID: id, State: state, Tags: tags}
}

func TestWhatAWSNamesIsFoundByAllItsTags(t *testing.T) {
	t.Parallel()
	asked := engine.PendingCreate{Type: "aws:ec2/vpc:Vpc", Name: "v", Inputs: map[string]any{
		"tags": map[string]any{"Name": "demo", "emrflink:deployment": "demo"},
	}}
	mine := map[string]string{"Name": "demo", "emrflink:deployment": "demo", "more": "x"}
	other := map[string]string{"Name": "demo", "emrflink:deployment": "other"}

	id, found := find(t, asked, []awsapi.Resource{vpc("vpc-other", "available", other), vpc("vpc-mine", "available", mine)})
	require.True(t, found)
	require.Equal(t, "vpc-mine", id)

	_, found = find(t, asked, []awsapi.Resource{vpc("vpc-other", "available", other)})
	require.False(t, found, "another deployment's is not taken")

	_, found = find(t, asked, []awsapi.Resource{vpc("vpc-mine", "deleting", mine)})
	require.False(t, found, "one that goes away is not taken")

	id, _ = find(t, asked, []awsapi.Resource{vpc("vpc-mine", "pending", mine)},
		[]awsapi.Resource{vpc("vpc-mine", "available", mine)})
	require.Equal(t, "vpc-mine", id, "one that is still made is waited for")
}

func TestAnAssociationIsFoundByItsEnds(t *testing.T) {
	t.Parallel()
	table := awsapi.Resource{
		Service: "ec2", Type: awsapi.TypeRouteTable, ID: "rtb-1", Detail: map[string]string{"association/subnet-1": "rtbassoc-1"},
	}
	asked := engine.PendingCreate{
		Type: "aws:ec2/routeTableAssociation:RouteTableAssociation", Inputs: map[string]any{
			"routeTableId": "rtb-1", "subnetId": "subnet-1",
		},
	}
	id, found := find(t, asked, []awsapi.Resource{table})
	require.True(t, found)
	require.Equal(t, "rtbassoc-1", id)
	asked.Inputs["subnetId"] = "subnet-2"
	_, found = find(t, asked, []awsapi.Resource{table})
	require.False(t, found)
}

func TestKubernetesObjectsAreAppliedAgain(t *testing.T) {
	t.Parallel()
	_, found := find(t, engine.PendingCreate{Type: "kubernetes:core/v1:Namespace"})
	require.False(t, found)
}
