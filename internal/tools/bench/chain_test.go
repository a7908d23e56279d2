// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/tools/terraform"
)

func node(name, typ string, on ...string) terraform.Node {
	return terraform.Node{URN: name, Name: name, Type: typ, DependsOn: on, Inputs: map[string]any{"addonName": name}}
}

func TestTheLongestChainIsWhatAWSMakesWait(t *testing.T) {
	t.Parallel()
	nodes := []terraform.Node{
		node("network-nat", natGateway), node("cluster", cluster, "network-nat"), node("vpc-cni", addon, "cluster"),
		node("core", nodeGroup, "cluster", "vpc-cni", "network-nat"), node("aws-ebs-csi-driver", addon, "core", "cluster"),
		node("chart", "kubernetes:helm.sh/v3:Release", "aws-ebs-csi-driver"),
	}
	c := longest(nodes, everything, creates, creation)
	require.Equal(t, "cluster 617 s, vpc-cni 15 s, core 119 s, aws-ebs-csi-driver 54 s", c.String())
	require.Equal(t, 805*time.Second, c.length())
	c = longest(nodes, everything, deletes, deletion)
	slices.Reverse(c)
	require.Equal(t, "core 379 s, cluster 204 s", c.String(), "addons go with the cluster")

	sum, each := staged(nodes, creates, creation)
	require.Equal(t, []string{"network 106 s", "cluster and nodes 751 s", "the rest 54 s"}, each)
	require.Equal(t, 911*time.Second, sum)
}
