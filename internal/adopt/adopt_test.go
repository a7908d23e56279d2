// SPDX-License-Identifier: Apache-2.0

package adopt

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/components/helm"
	"emrflink/internal/awsapi"
	"emrflink/internal/awskind"
	"emrflink/internal/engine"
	"emrflink/internal/untyped"
)

// fakeAccount answers with one inventory after the other and stays at the last. What is looked up by its name exists, in one
// state after the other, and has tags.
type fakeAccount struct {
	inventories [][]awsapi.Resource
	states      []string
	tags        map[string]string
	keys, roles []awsapi.Resource
	looks       int
	err         error
}

func ownTags() map[string]string {
	return map[string]string{"emrflink:deployment": "demo", "emrflink:managed-by": "emrflink"}
}

func next[T any](list *[]T) T {
	var now T
	if len(*list) > 0 {
		now = (*list)[0]
	}
	if len(*list) > 1 {
		*list = (*list)[1:]
	}
	return now
}

func (f *fakeAccount) Identity(context.Context) (awsapi.Identity, error) {
	return awsapi.Identity{Account: "111122223333", Partition: "aws-cn", ARN: "arn:aws-cn:iam::111122223333:user/a"}, nil
}

func (f *fakeAccount) DeploymentResources(context.Context, awsapi.Deployment) ([]awsapi.Resource, error) {
	return next(&f.inventories), f.err
}

func (f *fakeAccount) Lookup(_ context.Context, name, id string) (awsapi.Resource, bool, error) {
	f.looks++
	state := next(&f.states)
	if name == awskind.PodIdentity {
		id = "a-1"
	}
	return awsapi.Resource{Type: name, ID: id, State: state, Tags: f.tags}, f.tags != nil && state != "gone", f.err
}

func (f *fakeAccount) TaggedKeys(context.Context, map[string]string) ([]awsapi.Resource, error) {
	return f.keys, f.err
}

func (f *fakeAccount) TaggedRoles(context.Context, map[string]string) ([]awsapi.Resource, error) {
	return f.roles, f.err
}

func look(t *testing.T, f *fakeAccount, p engine.PendingCreate) (string, bool, error) {
	t.Helper()
	return Finder(Options{
		Account: f, Region: "cn-north-1", Deployment: "demo", Tags: ownTags(), Poll: time.Millisecond,
	})(t.Context(), p)
}

func find(t *testing.T, p engine.PendingCreate, inventories ...[]awsapi.Resource) (string, bool) {
	t.Helper()
	id, found, err := look(t, &fakeAccount{inventories: inventories, tags: ownTags()}, p)
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
		"an alias's is its name": {"aws:kms/alias:Alias", map[string]any{"name": "alias/a"}, "alias/a"},
		"a single tag's is where it is": {
			"aws:ec2/tag:Tag", map[string]any{"resourceId": "subnet-1", "key": "kubernetes.io/cluster/demo"},
			"subnet-1,kubernetes.io/cluster/demo",
		},
		"an association of a service account has AWS's": {"aws:eks/podIdentityAssociation:PodIdentityAssociation",
			map[string]any{"clusterName": "c", "namespace": "n", "serviceAccount": "s"}, "a-1"},
		"a route's is the provider's checksum": {"aws:ec2/route:Route",
			map[string]any{"routeTableId": "rtb-1", "destinationCidrBlock": "0.0.0.0/0"}, "r-rtb-11080289494"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := awsapi.Resource{Type: awsapi.TypeRouteTable, ID: "rtb-1", Tags: ownTags()}
			id, found := find(t, engine.PendingCreate{Type: c.typ, Name: "x", Inputs: c.in}, []awsapi.Resource{table})
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
			require.NotContains(t, search{words: words}.fill(k.Adopt), "{", k.Type)
		}
	}
}

func TestWhatCannotBeFoundAgainIsAnError(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{"aws:ebs/volume:Volume", "aws:rds/instance:Instance"} {
		_, _, err := look(t, &fakeAccount{}, engine.PendingCreate{Type: typ})
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
	mine := map[string]string{"Name": "demo", "emrflink:deployment": "demo", "emrflink:managed-by": "emrflink", "more": "x"}
	other := map[string]string{"Name": "demo", "emrflink:deployment": "other", "emrflink:managed-by": "emrflink"}

	id, found := find(t, asked, []awsapi.Resource{vpc("vpc-other", "available", other), vpc("vpc-mine", "available", mine)})
	require.True(t, found)
	require.Equal(t, "vpc-mine", id)

	_, found = find(t, asked, []awsapi.Resource{vpc("vpc-other", "available", other)})
	require.False(t, found, "another deployment's is not taken")

	_, found = find(t, asked, []awsapi.Resource{vpc("vpc-mine", "deleting", mine)})
	require.False(t, found, "one that goes away is not taken")

	asked.Taken = []string{"vpc-mine"}
	_, found = find(t, asked, []awsapi.Resource{vpc("vpc-mine", "available", mine)})
	require.False(t, found, "one that the state has is another with the same tags")

	asked.Taken = nil
	id, _ = find(t, asked, []awsapi.Resource{vpc("vpc-mine", "pending", mine)},
		[]awsapi.Resource{vpc("vpc-mine", "available", mine)})
	require.Equal(t, "vpc-mine", id, "one that is still made is waited for")
}

func TestAnAssociationIsFoundByItsEnds(t *testing.T) {
	t.Parallel()
	table := awsapi.Resource{
		Service: "ec2", Type: awsapi.TypeRouteTable, ID: "rtb-1",
		Tags:   ownTags(),
		Detail: map[string]string{"association/subnet-1": "rtbassoc-1"},
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

func TestWhatAWSIsStillAtIsWaitedFor(t *testing.T) {
	t.Parallel()
	var told []string
	cluster := engine.PendingCreate{
		Type: "aws:eks/cluster:Cluster", Inputs: map[string]any{"name": "demo"},
		Notice: func(text string) { told = append(told, text) },
	}
	f := &fakeAccount{states: []string{"CREATING", "CREATING", "ACTIVE"}, tags: ownTags()}
	id, found, err := look(t, f, cluster)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "demo", id)
	require.Equal(t, 3, f.looks)
	require.Equal(t, []string{"waiting for AWS: cluster demo is CREATING"}, told, "once")

	f = &fakeAccount{states: []string{"DELETING", "gone"}, tags: ownTags()}
	_, found, err = look(t, f, cluster)
	require.NoError(t, err)
	require.False(t, found, "it is made anew when the old one has gone")
}

// A log group that EKS made when it still had something to write has no tags and is the cluster's.
func TestTheLogGroupThatEKSMakesIsTheClusters(t *testing.T) {
	t.Parallel()
	group := func(name string) engine.PendingCreate {
		return engine.PendingCreate{Type: "aws:cloudwatch/logGroup:LogGroup", Inputs: map[string]any{"name": name}}
	}
	none := &fakeAccount{tags: map[string]string{}}
	id, found, err := look(t, none, group("/aws/eks/demo/cluster"))
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "/aws/eks/demo/cluster", id)
	for _, name := range []string{"/aws/eks/demo2/cluster", "/aws/eks/demo/cluster2", "/emr/demo"} {
		_, _, err = look(t, none, group(name))
		require.ErrorAs(t, err, new(*engine.ForeignError), name)
	}
	_, _, err = look(t, &fakeAccount{tags: map[string]string{"team": "x"}}, group("/aws/eks/demo/cluster"))
	require.ErrorAs(t, err, new(*engine.ForeignError), "somebody has tagged it")
}

// The name of the deployment was changed in between. What it asked for by its old name may be another stack's by now.
func TestAStackThatWasRenamedIsToldToTakeItsNameBack(t *testing.T) {
	t.Parallel()
	_, found, err := look(t, &fakeAccount{tags: map[string]string{"emrflink:deployment": "old"}}, engine.PendingCreate{
		Type: "aws:iam/role:Role", Inputs: map[string]any{
			"name": "old-node", "tags": map[string]any{"emrflink:deployment": "old", "emrflink:managed-by": "emrflink"},
		},
	})
	require.ErrorContains(t, err, "the tag emrflink:deployment=old: give the stack that name again")
	require.False(t, found)
}

func TestWhatAWSCouldNotMakeIsOnlyGoodForDeletion(t *testing.T) {
	t.Parallel()
	_, found, err := look(t, &fakeAccount{states: []string{"CREATING", "FAILED"}, tags: ownTags()},
		engine.PendingCreate{Type: "aws:eks/cluster:Cluster", Inputs: map[string]any{"name": "demo"}})
	var broken *engine.BrokenError
	require.ErrorAs(t, err, &broken)
	require.Equal(t, engine.BrokenError{ID: "demo", State: "FAILED"}, *broken)
	require.False(t, found)
}

// pulumi-eks asks for an access entry without tags. It is a part of the cluster.
func TestAnAccessEntryWithoutTagsIsTheClusters(t *testing.T) {
	t.Parallel()
	asked := engine.PendingCreate{
		Type: "aws:eks/accessEntry:AccessEntry", Inputs: map[string]any{"clusterName": "demo", "principalArn": "arn:x"},
	}
	id, found := find(t, asked)
	require.True(t, found)
	require.Equal(t, "demo:arn:x", id)
	_, _, err := look(t, &fakeAccount{tags: map[string]string{"team": "x"}}, asked)
	require.ErrorAs(t, err, new(*engine.ForeignError), "the cluster is somebody else's")
}

// lost looks as a cleanup does whose state is lost.
func lost(t *testing.T, f *fakeAccount, asked ...engine.PendingCreate) (ids []string) {
	t.Helper()
	finder := Finder(Options{
		Account: f, Region: "r", Deployment: "demo", Tags: ownTags(), Poll: time.Millisecond, Lost: true,
	})
	for _, p := range asked {
		id, _, err := finder(t.Context(), p)
		require.NoError(t, err)
		ids = append(ids, id)
	}
	return ids
}

func TestOfALostStateARoleIsFoundWhoseNamePulumiMade(t *testing.T) {
	t.Parallel()
	role := func(program, name string, taken ...string) engine.PendingCreate {
		return engine.PendingCreate{
			Type: "aws:iam/role:Role", Name: program, Inputs: map[string]any{"name": name}, Taken: taken,
		}
	}
	f := &fakeAccount{states: []string{"gone"}, tags: ownTags(), roles: []awsapi.Resource{
		{Type: awsapi.TypeRole, ID: "cluster-role-abc1234"}, {Type: awsapi.TypeRole, ID: "cluster-role-extra-abc1234"},
		{Type: awsapi.TypeRole, ID: "cluster-other"},
	}}
	require.Equal(t, []string{"cluster-role-abc1234", "", "", ""}, lost(t, f,
		role("cluster-role", "cluster-role-0000000"), role("cluster-role", "cluster-role-0000000", "cluster-role-abc1234"),
		role("cluster", "cluster-0000000"), role("cluster-role", "a-name-of-our-own")))
	_, found, err := look(t, f, role("cluster-role", "cluster-role-0000000"))
	require.NoError(t, err)
	require.False(t, found, "a state that is there has the name")
}

func TestOfALostStateTheInventoryIsAskedForOnceUnlessItIsWaitedFor(t *testing.T) {
	t.Parallel()
	asked := func(name string) engine.PendingCreate {
		return engine.PendingCreate{Type: "aws:ec2/vpc:Vpc", Inputs: map[string]any{"tags": map[string]any{"Name": name}}}
	}
	tags := func(name string) map[string]string {
		own := ownTags()
		own["Name"] = name
		return own
	}
	f := &fakeAccount{inventories: [][]awsapi.Resource{
		{vpc("vpc-1", "available", tags("a")), vpc("vpc-2", "pending", tags("b"))}, {vpc("vpc-2", "available", tags("b"))},
	}}
	require.Equal(t, []string{"vpc-1", "vpc-1", "vpc-2", ""}, lost(t, f, asked("a"), asked("a"), asked("b"), asked("a")))
}

// An id that only a resource has which was not found is no reason to take anything for it.
func TestWhatIsAskedForByWhatIsNotKnownIsNotFound(t *testing.T) {
	t.Parallel()
	for _, k := range made() {
		p := request(k)
		for name := range p.Inputs {
			p.Inputs[name] = "x" + untyped.Unknown
		}
		p.Inputs["tags"] = map[string]any{"Name": untyped.Unknown}
		_, found, err := look(t, holding(k, ownTags()), p)
		require.NoError(t, err, k.Type)
		require.False(t, found, k.Type)
	}
}

func TestTheAccountIsAskedAgainAfterAPause(t *testing.T) {
	t.Parallel()
	for poll, want := range map[time.Duration]time.Duration{0: 10 * time.Second, time.Minute: 2 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			_, found, err := Finder(Options{
				Account:    &fakeAccount{states: []string{"CREATING", "CREATING", "ACTIVE"}, tags: ownTags()},
				Deployment: "demo", Tags: ownTags(), Poll: poll,
			})(t.Context(), engine.PendingCreate{Type: "aws:eks/cluster:Cluster", Inputs: map[string]any{"name": "demo"}})
			require.NoError(t, err)
			require.True(t, found)
			require.Equal(t, want, time.Since(start))
		})
	}
}

func TestWhatDoesNotExistIsNotForeign(t *testing.T) {
	t.Parallel()
	_, found, err := look(t, &fakeAccount{}, engine.PendingCreate{Type: "aws:iam/role:Role", Inputs: map[string]any{"name": "r"}})
	require.NoError(t, err)
	require.False(t, found)
}

// What a part hangs on is the one of that type and id, with the tags of the deployment.
func TestAPartHangsOnTheVeryOneThatIsAskedFor(t *testing.T) {
	t.Parallel()
	table := func(typ, id string, tags map[string]string) awsapi.Resource {
		return awsapi.Resource{Type: typ, ID: id, Tags: tags}
	}
	asked := engine.PendingCreate{Type: "aws:ec2/route:Route", Inputs: map[string]any{
		"routeTableId": "rtb-1", "destinationCidrBlock": "0.0.0.0/0"}}
	for name, c := range map[string]struct {
		there awsapi.Resource
		want  bool
	}{
		"the table":           {table(awsapi.TypeRouteTable, "rtb-1", ownTags()), true},
		"another table":       {table(awsapi.TypeRouteTable, "rtb-2", ownTags()), false},
		"another's table":     {table(awsapi.TypeRouteTable, "rtb-1", nil), false},
		"another of that id":  {table(awsapi.TypeSubnet, "rtb-1", ownTags()), false},
		"another's other one": {table(awsapi.TypeSubnet, "rtb-2", nil), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, found := find(t, asked, []awsapi.Resource{c.there})
			require.Equal(t, c.want, found)
		})
	}
}

// A release is looked for in the cluster, and nothing else is; without a cluster none is found.
func TestReleasesAndResourcesAreNotMixedUp(t *testing.T) {
	t.Parallel()
	role := engine.PendingCreate{Type: "aws:iam/role:Role", Inputs: map[string]any{"name": "r"}}
	id, found, err := Finder(Options{
		Account: &fakeAccount{tags: ownTags()}, Deployment: "demo", Tags: ownTags(), Releases: &Releases{},
	})(t.Context(), role)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "r", id)
	_, found, err = Finder(Options{Account: &fakeAccount{}})(t.Context(), engine.PendingCreate{Type: helm.Token})
	require.NoError(t, err)
	require.False(t, found)
}
