// SPDX-License-Identifier: Apache-2.0

package account

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAPullNeedsAWayAndAPermission: what a node pulls comes by a route to the internet or, from ECR of the region alone, by
// endpoints; and ECR asks what the node's role may.
func TestAPullNeedsAWayAndAPermission(t *testing.T) {
	t.Parallel()
	const own = "111122223333.dkr.ecr.us-west-2.amazonaws.com/quay/a/b:1"
	const eks = "602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/a"
	w := newWorld(t, Options{})
	vpc := w.make(KindVPC, Props{"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": true})
	subnet := w.make(KindSubnet, Props{"vpcId": vpc.ID, "cidrBlock": "10.0.0.0/24", "availabilityZone": "us-west-2a"})
	role := w.make(KindRole, Props{"name": "node", "assumeRolePolicy": trust("ec2.amazonaws.com")})
	profile := w.make(KindInstanceProfile, Props{"name": "node", "role": role.ID})
	list, err := w.RunInstances(t.Context(), Caller{}, RunRequest{
		InstanceType: "m5.large", SubnetID: subnet.ID, ImageID: "ami-0123456789abcdef0", InstanceProfile: profile.ID,
	})
	require.NoError(t, err)
	node := list[0].ID
	for _, image := range []string{"quay.io/a/b:1", "grafana/grafana", "busybox", own, eks} {
		require.ErrorContains(t, w.Pull(node, image), "i/o timeout", image)
	}
	require.NoError(t, w.Pull(node, "harbor.example.com/a/b:1"), "somewhere in the network")
	require.NoError(t, w.Pull("i-gone", "quay.io/a/b:1"))

	group := w.make(KindSecurityGroup, Props{"vpcId": vpc.ID, "name": "endpoints"})
	for _, service := range []string{"ecr.api", "ecr.dkr"} {
		require.ErrorContains(t, w.Pull(node, own), "no endpoint of "+service)
		w.make(KindVPCEndpoint, Props{
			"vpcId": vpc.ID, "serviceName": "com.amazonaws.us-west-2." + service, "vpcEndpointType": "Interface",
			"subnetIds": []any{subnet.ID}, "securityGroupIds": []any{group.ID},
		})
	}
	require.ErrorContains(t, w.Pull(node, own), "no endpoint of s3", "the layers are there")
	w.make(KindVPCEndpoint, Props{"vpcId": vpc.ID, "serviceName": "com.amazonaws.us-west-2.s3", "vpcEndpointType": "Gateway"})
	require.ErrorContains(t, w.Pull(node, own), "ecr:GetAuthorizationToken")
	w.make(KindRolePolicyAttachment, Props{
		"role": "node", "policyArn": "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly",
	})
	require.NoError(t, w.Pull(node, eks))
	require.ErrorContains(t, w.Pull(node, own), "ecr:CreateRepository", "the cache is empty")
	w.make(KindRolePolicy, Props{
		"role": "node", "name": "mirrors", "policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
			`"Action":"ecr:CreateRepository","Resource":"arn:aws:ecr:us-west-2:111122223333:repository/quay/*"}]}`,
	})
	require.NoError(t, w.Pull(node, own))
	require.ErrorContains(t, w.Pull(node, "111122223333.dkr.ecr.us-west-2.amazonaws.com/hub/a:1"), "ecr:CreateRepository")
	require.ErrorContains(t, w.Pull(node, "111122223333.dkr.ecr.eu-west-1.amazonaws.com/quay/a:1"), "no route to the internet")
	require.ErrorContains(t, w.Pull(node, "quay.io/a/b:1"), "i/o timeout")

	gateway := w.make(KindInternetGateway, Props{"vpcId": vpc.ID})
	table := w.make(KindRouteTable, Props{"vpcId": vpc.ID})
	w.make(KindRoute, Props{"routeTableId": table.ID, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": gateway.ID})
	require.Error(t, w.Pull(node, "quay.io/a/b:1"), "the subnet has the VPC's main table")
	w.make(KindRouteTableAssociation, Props{"subnetId": subnet.ID, "routeTableId": table.ID})
	require.NoError(t, w.Pull(node, "quay.io/a/b:1"))
}
