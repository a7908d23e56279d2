// SPDX-License-Identifier: Apache-2.0

package awswire_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/cleanup"
	"emrflink/internal/localcloud/account"
)

// What the account bills and what a cleanup says that it costs is the same, resource by resource.
func TestACleanupPricesWhatTheAccountBills(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tags := account.Props{"team": "a", "elbv2.k8s.aws/cluster": "demo"}
	w.cluster("demo")
	w.create(account.KindInternetGateway, account.Props{"vpcId": w.vpc})
	eip := w.create(account.KindEIP, account.Props{"domain": "vpc", "tags": tags})
	w.create(account.KindNATGateway, account.Props{"subnetId": w.subnets[0], "allocationId": eip.ID})
	w.create(account.KindVPCEndpoint, account.Props{"vpcId": w.vpc, "serviceName": "com.amazonaws.us-west-2.s3"})
	w.create(account.KindVPCEndpoint, account.Props{
		"vpcId": w.vpc, "serviceName": "com.amazonaws.us-west-2.sts", "vpcEndpointType": "Interface",
		"subnetIds": []any{w.subnets[0], w.subnets[1]},
	})
	w.create(account.KindVolume, account.Props{"availabilityZone": region + "a", "size": 100.0, "type": "gp3", "tags": tags})
	w.create(account.KindLoadBalancer, account.Props{
		"name": "mine", "loadBalancerType": "network", "internal": true, "subnets": []any{w.subnets[0]}, "tags": tags,
	})
	key := w.create(account.KindKey, account.Props{"description": "mine"})
	rs, err := w.client().DeploymentResources(t.Context(), awsapi.Deployment{
		Name: "demo", Cluster: "demo", VPC: w.vpc, Tags: map[string]string{"team": "a"}, Keys: []string{key.ID},
	})
	require.NoError(t, err)
	bills := map[string]float64{}
	for _, r := range w.account.Inventory() {
		bills[r.ID] = r.HourlyUSD
	}
	price := cleanup.ListPrice(region)
	billed := map[string]bool{}
	for _, r := range rs {
		require.InDelta(t, bills[r.ID], price(r), 1e-6, "%s %s", r.Type, r.ID)
		billed[r.Type] = billed[r.Type] || price(r) > 0
	}
	for _, typ := range []string{
		awsapi.TypeCluster, awsapi.TypeAddress, awsapi.TypeNatGateway, awsapi.TypeVPCEndpoint, awsapi.TypeVolume,
		awsapi.TypeLoadBalancer, awsapi.TypeKey,
	} {
		require.True(t, billed[typ], typ)
	}
}
