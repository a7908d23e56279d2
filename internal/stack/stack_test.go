// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEachKindSaysWhatItNeeds(t *testing.T) {
	t.Parallel()
	require.Equal(t, Needs{Daemon: true}, NeedsOf(Local))
	require.Equal(t, Needs{
		Credentials: true, Plugins: true, Programs: []string{"aws", "kubectl"}, Registries: []string{"public.ecr.aws"},
	}, NeedsOf(AWS))
}

func TestTheServiceOfAType(t *testing.T) {
	t.Parallel()
	for typ, want := range map[string]string{
		"aws:ec2/vpc:Vpc": "ec2", "aws:s3/bucketV2:BucketV2": "s3", "kubernetes:core/v1:Namespace": "kubernetes",
		"eks:index:Cluster": "eks",
	} {
		require.Equal(t, want, service(typ))
	}
}
