// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatWasSeenIsMarkedAndWhatIsLackingIsAdded(t *testing.T) {
	t.Parallel()
	heading, rows, err := parse("# heading\naws_vpc\tcreate\tec2:CreateVpc\t-\tsource\n" +
		"aws_vpc\tdelete\tec2:DeleteVpc\t-\tmeasured\n" +
		"aws_eks_cluster\tcreate\tiam:PassRole\troleArn\thttps://docs.aws.amazon.com/x\n")
	require.NoError(t, err)
	require.Equal(t, "# heading\n", heading)
	rows, lacked := mark(rows, map[call]bool{
		{"aws_vpc", "create", "ec2:CreateVpc"}: true, {"aws_vpc", "read", "ec2:DescribeVpcs"}: true,
		{"aws_eks_cluster", "update", "eks:CreateCluster"}: true,
	})
	require.Equal(t, []string{"aws_vpc read ec2:DescribeVpcs"}, lacked)
	var lines []string
	for _, r := range rows {
		lines = append(lines, r.String())
	}
	require.Equal(t, []string{
		"aws_eks_cluster\tcreate\tiam:PassRole\troleArn\thttps://docs.aws.amazon.com/x",
		"aws_vpc\tcreate\tec2:CreateVpc\t-\tmeasured",
		"aws_vpc\tdelete\tec2:DeleteVpc\t-\tsource",
		"aws_vpc\tread\tec2:DescribeVpcs\t-\tmeasured",
	}, lines)
}

func TestTheLogOfTheProviderIsRead(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "log")
	require.NoError(t, os.WriteFile(log, []byte(`{"@message":"HTTP Request Sent","tf_resource_type":"aws_s3_bucket",`+
		`"tf_rpc":"ApplyResourceChange","rpc.service":"S3","rpc.method":"HeadBucket"}
{"@message":"HTTP Request Sent","tf_resource_type":"aws_cloudwatch_event_rule","tf_rpc":"ReadResource",`+
		`"rpc.service":"EventBridge","rpc.method":"DescribeRule"}
{"@message":"something else"}
no JSON
`), 0o600))
	seen := map[call]bool{}
	require.NoError(t, read(log, "create", seen))
	require.Equal(t, map[call]bool{
		{"aws_s3_bucket", "create", "s3:ListBucket"}: true, {"aws_cloudwatch_event_rule", "read", "events:DescribeRule"}: true,
	}, seen)
}
