// SPDX-License-Identifier: Apache-2.0

package componenttest_test

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/components/checkpoints"
	"emrflink/components/componenttest"
	"emrflink/components/deployment"
)

func TestBucket(t *testing.T) {
	t.Parallel()
	d := &deployment.Deployment{Name: "demo", Region: "us-west-2", AccountID: componenttest.Account, Partition: "aws-cn"}
	g := componenttest.Run(t, func(ctx *pulumi.Context) error {
		_, err := checkpoints.NewBucket(ctx, "state", &checkpoints.Args{Deployment: d, LogRetentionDays: 30})
		return err
	})
	require.Equal(t, "demo-111122223333-us-west-2-checkpoints", g.Find(t, "state-bucket").Inputs["bucket"])
	require.Equal(t, "Enabled", g.Find(t, "state-versioning").At("versioningConfiguration", "status"))
	for _, key := range []string{"blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"} {
		require.Equal(t, true, g.Find(t, "state-public-access").Inputs[key], key)
	}
	require.Equal(t, "AES256",
		g.Find(t, "state-encryption").At("rules", 0, "applyServerSideEncryptionByDefault", "sseAlgorithm"))
	rules := g.Find(t, "state-lifecycle").Inputs["rules"].([]any)
	require.Len(t, rules, 3)
	require.Equal(t, "logs/", g.Find(t, "state-lifecycle").At("rules", 2, "filter", "prefix"))
	require.True(t, g.DependsOn("state-lifecycle", "state-versioning"))
	require.True(t, g.DependsOn("state-policy", "state-public-access"), "S3 answers 409 to both at once")
	require.Contains(t, g.Find(t, "state-policy").Inputs["policy"],
		`"Resource":["arn:aws-cn:s3:::demo-111122223333-us-west-2-checkpoints",`+
			`"arn:aws-cn:s3:::demo-111122223333-us-west-2-checkpoints/*"]`)
}

func TestTeamPaths(t *testing.T) {
	t.Parallel()
	require.Equal(t, checkpoints.Paths{
		Checkpoints: "s3://b/blue/checkpoints", Savepoints: "s3://b/blue/savepoints", JobManager: "s3://b/blue/jobmanager",
		Jars: "s3://b/blue/jars", Logs: "s3://b/logs/blue",
	}, checkpoints.TeamPaths("b", "blue"))
}

func TestBucketRefuses(t *testing.T) {
	t.Parallel()
	for name, args := range map[string]*checkpoints.Args{
		"nothing":       nil,
		"no deployment": {LogRetentionDays: 30},
		"no retention":  {Deployment: &deployment.Deployment{Name: "d", Region: "r", AccountID: "1", Partition: "aws"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := componenttest.TryRun(func(ctx *pulumi.Context) error {
				_, err := checkpoints.NewBucket(ctx, "state", args)
				return err
			})
			require.Error(t, err)
		})
	}
}
