// SPDX-License-Identifier: Apache-2.0

package account

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// keyPolicy delegates to IAM and lets CloudWatch Logs use the key for one group.
func keyPolicy(group string) string {
	return `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + DefaultAccountID + `:root"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"Service":"logs.us-west-2.amazonaws.com"},` +
		`"Action":["kms:Encrypt*","kms:Decrypt*","kms:ReEncrypt*","kms:GenerateDataKey*","kms:Describe*"],
		 "Resource":"*","Condition":{"ArnLike":{"kms:EncryptionContext:aws:logs:arn":"arn:aws:logs:us-west-2:` +
		DefaultAccountID + `:log-group:` + group + `"}}}]}`
}

func TestAKeyThatIsDeletedIsKeptForItsWaitingPeriod(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	key := w.make(KindKey, Props{"policy": keyPolicy("/demo/*"), "deletionWindowInDays": 7.0})
	require.Equal(t, "Enabled", key.State)
	require.Positive(t, key.HourlyUSD)
	w.make(KindKeyAlias, Props{"name": "alias/emrflink/demo", "targetKeyId": key.ID})
	w.make(KindLogGroup, Props{"name": "/demo/a", "kmsKeyId": key.ARN})

	w.drop(KindKeyAlias, "alias/emrflink/demo")
	w.drop(KindKey, key.ID)
	kept, ok := w.Get(KindKey, key.ID)
	require.True(t, ok)
	require.Equal(t, StatePendingDeletion, kept.State)
	require.Zero(t, kept.HourlyUSD)
	date, err := time.Parse(time.RFC3339, str(kept.Attrs, "deletionDate"))
	require.NoError(t, err)
	require.WithinDuration(t, kept.CreatedAt.Add(7*24*time.Hour), date, time.Minute)

	w.refused("KMSInvalidStateException", w.Delete(t.Context(), Caller{}, KindKey, key.ID))
	_, err = w.Create(t.Context(), Caller{}, KindLogGroup, Props{"name": "/demo/b", "kmsKeyId": key.ARN})
	w.refused("AccessDeniedException", err)
	_, err = w.Create(t.Context(), Caller{}, KindKeyAlias, Props{"name": "alias/emrflink/again", "targetKeyId": key.ID})
	w.refused("NotFoundException", err)
}

func TestOptionalCreationsAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := f.make(KindKey, Props{"policy": keyPolicy("/demo/*")})
	f.make(KindKeyAlias, Props{"name": "alias/taken", "targetKeyId": key.ID})
	other := f.make(KindSubnet, Props{"vpcId": f.n.vpc.ID, "cidrBlock": "10.0.8.0/24", "availabilityZone": "us-west-2a"})
	association := Props{"clusterName": "demo", "namespace": "a", "serviceAccount": "b", "roleArn": f.nodeRole.ARN}
	f.make(KindPodIdentityAssociation, association)
	endpoint := func(dns bool, subnets ...any) Props {
		return Props{
			"vpcId": f.n.vpc.ID, "serviceName": "com.amazonaws.us-west-2.sts", "vpcEndpointType": "Interface",
			"subnetIds": subnets, "privateDnsEnabled": dns,
		}
	}
	logs := f.make(KindLogGroup, Props{"name": "/demo/flows"})
	flow := func(traffic, destination string) Props {
		return Props{
			"vpcId": f.n.vpc.ID, "trafficType": traffic, "logDestination": destination, "iamRoleArn": f.nodeRole.ARN,
		}
	}
	f.make(KindFlowLog, flow("REJECT", logs.ARN))
	f.allRefused(map[string]refusal{
		"a key with a short waiting period": {KindKey, Props{"deletionWindowInDays": 6.0}, "ValidationException"},
		"a key that locks its owner out":    {KindKey, Props{"policy": allow("kms:*", "*")}, "MalformedPolicyDocumentException"},
		"an alias that exists": {
			KindKeyAlias, Props{"name": "alias/taken", "targetKeyId": key.ID}, "AlreadyExistsException",
		},
		"an alias of AWS": {KindKeyAlias, Props{"name": "alias/aws/x", "targetKeyId": key.ID}, "InvalidAliasNameException"},
		"a log group that the key's policy bars": {
			KindLogGroup, Props{"name": "/other/a", "kmsKeyId": key.ARN}, "AccessDeniedException",
		},
		"a tag on nothing": {
			KindResourceTag, Props{"resourceId": "subnet-0", "key": "k", "value": "v"}, "InvalidID",
		},
		"a second role for a service account": {KindPodIdentityAssociation, association, "ResourceInUseException"},
		"a role that does not exist": {KindPodIdentityAssociation,
			Props{"clusterName": "demo", "namespace": "a", "serviceAccount": "c", "roleArn": "arn:aws:iam::1:role/none"},
			"InvalidParameterException"},
		"two interfaces in one zone": {
			KindVPCEndpoint, endpoint(false, f.n.subnets[0].ID, other.ID), "DuplicateSubnetsInSameZone",
		},
		"a flow log of unknown traffic": {KindFlowLog, flow("NONE", logs.ARN), "InvalidParameter"},
		"a second flow log":             {KindFlowLog, flow("ALL", logs.ARN), "FlowLogAlreadyExists"},
		"a flow log into nothing": {
			KindFlowLog, flow("ALL", strings.Replace(logs.ARN, "/demo/flows", "/demo/none", 1)), "ResourceNotFoundException",
		},
		"private DNS in a VPC without DNS": {KindVPCEndpoint, endpoint(true, f.n.subnets[0].ID), "InvalidParameter"},
	})
}

func TestASingleTagComesAndGoesWithoutTheResource(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	subnet := w.network().subnets[0]
	tag := w.make(KindResourceTag, Props{"resourceId": subnet.ID, "key": "kubernetes.io/cluster/demo", "value": "shared"})
	require.Equal(t, subnet.ID+",kubernetes.io/cluster/demo", tag.ID)
	tagged, _ := w.Get(KindSubnet, subnet.ID)
	require.Equal(t, "shared", tagged.Tags["kubernetes.io/cluster/demo"])
	w.drop(KindResourceTag, tag.ID)
	bare, _ := w.Get(KindSubnet, subnet.ID)
	require.NotContains(t, bare.Tags, "kubernetes.io/cluster/demo")
}

func TestInterfaceEndpointsHoldTheirSubnetsAndGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	vpc := w.make(KindVPC, Props{"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": true})
	a := w.make(KindSubnet, Props{"vpcId": vpc.ID, "cidrBlock": "10.0.0.0/24", "availabilityZone": "us-west-2a"})
	b := w.make(KindSubnet, Props{"vpcId": vpc.ID, "cidrBlock": "10.0.1.0/24", "availabilityZone": "us-west-2b"})
	group := w.make(KindSecurityGroup, Props{"vpcId": vpc.ID, "name": "endpoints"})
	props := Props{
		"vpcId": vpc.ID, "serviceName": "com.amazonaws.us-west-2.sts", "vpcEndpointType": "Interface", "privateDnsEnabled": true,
		"subnetIds": []any{a.ID, b.ID}, "securityGroupIds": []any{group.ID},
	}
	endpoint := w.make(KindVPCEndpoint, props)
	require.InDelta(t, 0.02, endpoint.HourlyUSD, 1e-9)
	_, err := w.Create(t.Context(), Caller{}, KindVPCEndpoint, props)
	w.refused("InvalidParameter", err)
	w.refused("DependencyViolation", w.Delete(t.Context(), Caller{}, KindSubnet, a.ID))
	w.refused("DependencyViolation", w.Delete(t.Context(), Caller{}, KindSecurityGroup, group.ID))
	w.drop(KindVPCEndpoint, endpoint.ID)
	for _, r := range []Resource{group, a, b, vpc} {
		w.drop(r.Kind, r.ID)
	}
}
