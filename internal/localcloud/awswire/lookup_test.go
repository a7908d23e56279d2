// SPDX-License-Identifier: Apache-2.0

package awswire_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/awskind"
	"emrflink/internal/localcloud/account"
)

// Each look-up of the catalogue finds what exists, with its tags, and says of the rest that it does not.
func TestClientLooksUpOneOfEachKindWithItsTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.client()
	tags := map[string]string{"emrflink:deployment": "demo", "emrflink:managed-by": "emrflink"}
	tagged := func(p account.Props) account.Props {
		p["tags"] = account.Props{"emrflink:deployment": "demo", "emrflink:managed-by": "emrflink"}
		return p
	}
	role := w.role("demo-nodes", "ec2.amazonaws.com", "")
	require.NoError(t, w.account.SetTags(account.KindRole, role.ID, tags, nil))
	cluster := w.cluster("demo")
	require.NoError(t, w.account.SetTags(account.KindCluster, cluster.ID, tags, []string{"team"}))
	made := func(k account.Kind, p account.Props) account.Resource { return w.create(k, tagged(p)) }
	key := made(account.KindKey, account.Props{})
	ids := map[string]string{
		awsapi.TypeCluster: "demo", awsapi.TypeRole: role.ID, awsapi.TypeKey: key.ID,
		awsapi.TypeNodeGroup: made(account.KindNodeGroup, account.Props{
			"clusterName": "demo", "nodeGroupName": "core", "nodeRoleArn": role.ARN, "subnetIds": []any{w.subnets[0]},
			"instanceTypes": []any{"m5.large"}, "scalingConfig": account.Props{"minSize": 0, "maxSize": 1, "desiredSize": 0},
		}).ID,
		awsapi.TypeAddon: made(account.KindAddon, account.Props{"clusterName": "demo", "addonName": "coredns"}).ID,
		awskind.AccessEntry: made(account.KindAccessEntry, account.Props{
			"clusterName": "demo", "principalArn": w.role("viewer", "ec2.amazonaws.com", "").ARN,
		}).ID,
		awskind.PodIdentity: "demo:team/" + made(account.KindPodIdentityAssociation, account.Props{
			"clusterName": "demo", "namespace": "team", "serviceAccount": "job", "roleArn": role.ARN,
		}).Props["serviceAccount"].(string),
		awsapi.TypePolicy: made(account.KindPolicy, account.Props{
			"name": "own", "policy": allow("*", "", "s3:GetObject"),
		}).ID,
		awsapi.TypeInstanceProfile: made(account.KindInstanceProfile, account.Props{"name": "nodes"}).ID,
		awsapi.TypeOIDCProvider: made(account.KindOIDCProvider, account.Props{
			"url": account.Value(cluster.Attrs, "identities.oidcs.issuer"), "clientIdLists": []any{"sts.amazonaws.com"},
		}).ID,
		awsapi.TypeBucket: made(account.KindBucket, account.Props{"bucket": "demo-data"}).ID,
		awsapi.TypeQueue:  made(account.KindQueue, account.Props{"name": "demo"}).ID,
		awsapi.TypeRule: made(account.KindEventRule, account.Props{
			"name": "demo", "eventPattern": `{"source":["aws.ec2"]}`,
		}).ID,
		awsapi.TypeLogGroup: made(account.KindLogGroup, account.Props{"name": "/emr/demo"}).ID,
	}
	other := strings.NewReplacer("demo", "dem0", "core", "c0re", "nodes", "n0des", "own", "0wn", "/id/", "/1d/", key.ID, "0")
	for _, k := range awskind.All() {
		if k.Show == "" {
			continue
		}
		name, _, _ := strings.Cut(k.Owner, " ")
		if name == "" {
			name = k.Inventory
		}
		require.NotEmpty(t, ids[name], "make one of %s", k.Type)
		r, exists, err := c.Lookup(t.Context(), name, ids[name])
		require.NoError(t, err, name)
		require.True(t, exists, name)
		require.Equal(t, tags, r.Tags, name)
		require.Equal(t, name, r.Type)
		if name != awskind.PodIdentity {
			require.Equal(t, ids[name], r.ID)
		}
		absent := other.Replace(ids[name])
		_, exists, err = c.Lookup(t.Context(), name, absent)
		require.NoError(t, err, "%s %s", name, absent)
		require.False(t, exists, "%s %s", name, absent)
	}

	byTags, err := c.Tagged(t.Context(), tags)
	require.NoError(t, err)
	found := map[string]string{}
	for _, r := range byTags {
		require.Equal(t, tags, r.Tags)
		found[r.Type] = r.ID
	}
	for _, typ := range []string{
		awsapi.TypeBucket, awsapi.TypeQueue, awsapi.TypeRule, awsapi.TypeLogGroup, awsapi.TypePolicy, awsapi.TypeInstanceProfile,
		awsapi.TypeOIDCProvider,
	} {
		require.Equal(t, ids[typ], found[typ], typ)
	}
	require.NotEmpty(t, found[awsapi.TypeRole], "which no list of tagged resources has")
	require.Equal(t, key.ID, found[awsapi.TypeKey])
	none, err := c.Tagged(t.Context(), map[string]string{"emrflink:deployment": "dem"})
	require.NoError(t, err)
	require.Empty(t, none)

	half := w.create(account.KindKey, account.Props{"tags": account.Props{"emrflink:deployment": "demo"}})
	keys, err := c.TaggedKeys(t.Context(), tags)
	require.NoError(t, err)
	require.Len(t, keys, 1, "not %s", half.ID)
	require.Equal(t, key.ID, keys[0].ID)
	require.NoError(t, w.account.Delete(t.Context(), account.Caller{}, account.KindKey, key.ID))
	keys, err = c.TaggedKeys(t.Context(), tags)
	require.NoError(t, err)
	require.Empty(t, keys, "a key that is about to be deleted is nobody's")
	_, exists, err := c.Lookup(t.Context(), awsapi.TypeKey, key.ARN)
	require.NoError(t, err)
	require.False(t, exists)

	rs, err := c.DeploymentResources(t.Context(), awsapi.Deployment{
		Name: "demo", Cluster: "none", Policies: []string{ids[awsapi.TypePolicy], "arn:aws:iam::111122223333:policy/gone"},
	})
	require.NoError(t, err)
	require.Len(t, rs, 1, "policies are in the inventory")
	require.Equal(t, tags, rs[0].Tags)
}
