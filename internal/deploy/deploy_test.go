// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPhaseOfAResource(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ chain, want string }{
		"a VPC of the network":        {"emrflink:network:Network$aws:ec2/vpc:Vpc", Network},
		"a role inside Karpenter":     {"emrflink:karpenter:Karpenter$emrflink:irsa:Role$aws:iam/role:Role", Karpenter},
		"a node pool of Karpenter":    {"emrflink:karpenter:Karpenter$kubernetes:karpenter.sh/v1:NodePool", NodePools},
		"a node group of the cluster": {"emrflink:cluster:Cluster$aws:eks/nodeGroup:NodeGroup", CoreNodes},
		"a component inside another": {
			"emrflink:stack:Blueprint$emrflink:team:Team$kubernetes:core/v1:Namespace", Teams,
		},
		"a bucket on its own":                  {"aws:s3/bucketV2:BucketV2", Bucket},
		"something that nobody thought of yet": {"random:index:Pet", Everything},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			typ := c.chain[max(0, lastDollar(c.chain)):]
			require.Equal(t, c.want, PhaseOf("urn:pulumi:s::p::"+c.chain+"::n", typ))
		})
	}
}

func lastDollar(s string) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '$' {
			return i + 1
		}
	}
	return 0
}
