// SPDX-License-Identifier: Apache-2.0

package stacks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/components/componenttest"
	"emrflink/internal/deploy"
	"emrflink/internal/graphcheck"
	"emrflink/stacks"
)

func compose(change func(*stacks.Config)) pulumi.RunFunc {
	config := stacks.Default()
	change(&config)
	return func(ctx *pulumi.Context) error { return stacks.Compose(ctx, config) }
}

func plain(*stacks.Config) {}

// TestDeletionOrder: what needs what for as long as it exists is deleted first. graphcheck has the pairs, with reasons.
func TestDeletionOrder(t *testing.T) {
	t.Parallel()
	require.Empty(t, graphcheck.Order(&graphcheck.World{Graph: componenttest.Run(t, compose(plain))}))
}

// notTaggable are AWS types without tags.
var notTaggable = []string{
	"RolePolicyAttachment", "RouteTableAssociation", "Route", "QueuePolicy", "EventTarget", "BucketVersioningV2",
	"BucketPublicAccessBlock", "BucketServerSideEncryptionConfigurationV2", "BucketPolicy", "BucketLifecycleConfigurationV2",
	"BucketOwnershipControls", "AccessPolicyAssociation",
}

func TestEveryAWSResourceIsTagged(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, compose(func(c *stacks.Config) {
		c.Tags = map[string]string{"cost-centre": "42"}
		c.Admins = []string{"arn:aws:iam::111122223333:role/admin"}
	}))
	untagged := map[string]bool{}
	for _, r := range g.Resources {
		kind := r.Type[strings.LastIndex(r.Type, ":")+1:]
		if !strings.HasPrefix(r.Type, "aws:") && !strings.HasPrefix(r.Type, "eks:") {
			continue
		}
		if slices.Contains(notTaggable, kind) {
			untagged[kind] = true
			continue
		}
		require.Equal(t, "emr-eks-flink", r.Tags()["emrflink:deployment"], r.Name)
		require.Equal(t, "42", r.Tags()["cost-centre"], r.Name)
	}
	require.Len(t, untagged, len(notTaggable), "each type of the list is in the graph")
}

// limits are AWS's limits on names, in characters.
var limits = map[string]int{
	"aws:iam/role:Role": 64, "aws:iam/policy:Policy": 128, "aws:iam/instanceProfile:InstanceProfile": 128,
	"aws:sqs/queue:Queue": 80, "aws:cloudwatch/eventRule:EventRule": 64, "aws:cloudwatch/logGroup:LogGroup": 512,
	"aws:ec2/launchTemplate:LaunchTemplate": 125, "eks:index:Cluster": 100, "aws:eks/nodeGroup:NodeGroup": 63,
	"aws:ec2/securityGroup:SecurityGroup": 255, "aws:kms/alias:Alias": 256,
}

// ownNames are the names that AWS knows resources by.
func ownNames(t *testing.T, g *componenttest.Graph) []string {
	t.Helper()
	var out []string
	for _, r := range g.Resources {
		for _, key := range []string{"name", "bucket", "nodeGroupName"} {
			name, ok := r.Inputs[key].(string)
			isOwn := strings.HasPrefix(r.Type, "aws:") || strings.HasPrefix(r.Type, "eks:")
			if key == "bucket" && r.Type != "aws:s3/bucketV2:BucketV2" || !ok || !isOwn {
				continue
			}
			if limit, known := limits[r.Type]; known {
				require.LessOrEqual(t, len(name), limit, "%s of %s", name, r.Type)
			}
			out = append(out, r.Type+" "+name)
		}
	}
	return out
}

func TestLongestNamesFitAWS(t *testing.T) {
	t.Parallel()
	g, err := componenttest.TryRun(compose(func(c *stacks.Config) {
		c.Name, c.Region = strings.Repeat("n", 20), "ap-southeast-2"
		c.Teams = stacks.NamedTeams(strings.Repeat("t", 24))
	}), componenttest.Options{Region: "ap-southeast-2"})
	require.NoError(t, err)
	names := ownNames(t, g)
	require.Greater(t, len(names), 20)
	for _, n := range names {
		if strings.HasPrefix(n, "aws:s3/") {
			require.LessOrEqual(t, len(strings.Fields(n)[1]), 63)
		}
	}
}

func TestTwoDeploymentsShareNoName(t *testing.T) {
	t.Parallel()
	here := ownNames(t, componenttest.Run(t, compose(plain)))
	other := ownNames(t, componenttest.Run(t, compose(func(c *stacks.Config) { c.Name = "second" })))
	require.Len(t, other, len(here))
	for _, name := range other {
		require.NotContains(t, here, name)
	}
	elsewhere := ownNames(t, componenttest.Run(t, compose(func(c *stacks.Config) { c.Region = "eu-west-1" }),
		componenttest.Options{Region: "eu-west-1"}))
	require.Len(t, elsewhere, len(here))
	for _, name := range elsewhere {
		if strings.HasPrefix(name, "aws:iam/") || strings.HasPrefix(name, "aws:s3/") {
			require.NotContains(t, here, name, "kept per account")
		}
	}
}

func TestAddingATeamTouchesOnlyItsOwnResources(t *testing.T) {
	t.Parallel()
	one := componenttest.Run(t, compose(plain))
	two := componenttest.Run(t, compose(func(c *stacks.Config) { c.Teams = append(c.Teams, stacks.Team{Name: "flink-team-b"}) }))
	old := map[string]componenttest.Resource{}
	for _, r := range one.Resources {
		old[r.Name] = r
	}
	added := 0
	for _, r := range two.Resources {
		before, ok := old[r.Name]
		if !ok {
			require.True(t, strings.HasPrefix(r.Name, "team-flink-team-b"), r.Name)
			added++
			continue
		}
		require.Empty(t, cmp.Diff(before, r))
	}
	require.Equal(t, len(two.Resources)-len(one.Resources), added)
}

func TestAnotherRegionThanTheProvidersIsRefused(t *testing.T) {
	t.Parallel()
	_, err := componenttest.TryRun(compose(plain), componenttest.Options{Region: "eu-west-1"})
	require.ErrorContains(t, err, `set aws:region or AWS_REGION to "us-west-2"`)
}

func TestBlueprintReadsTheStacksConfiguration(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, stacks.Blueprint, componenttest.Options{Config: map[string]string{
		"emrflink:name": "second", "emrflink:teams": `["a","b"]`, "emrflink:logRetentionDays": "7",
	}})
	require.Equal(t, "second", g.Outputs["deploymentName"])
	require.Len(t, g.Outputs["teams"], 2)
	require.EqualValues(t, 7, g.Find(t, "cluster-logs").Inputs["retentionInDays"])
}

func TestBlueprintRefusesAWrongConfigurationBeforeAnythingIsMade(t *testing.T) {
	t.Parallel()
	_, err := componenttest.TryRun(stacks.Blueprint, componenttest.Options{Config: map[string]string{
		"emrflink:vpcCidr": "10.0.0.0/24", "emrflink:teams": `["Team A"]`,
	}})
	require.ErrorContains(t, err, "configuration has 2 problems")
}

func TestOutputsAreTheContract(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, stacks.Blueprint)
	for _, name := range strings.Fields(`region accountId partition deploymentName clusterName clusterArn clusterEndpoint
		clusterCertificateAuthority clusterVersion clusterOidcIssuer oidcProviderArn configureKubectl vpcId privateSubnetIds
		publicSubnetIds nodeSecurityGroupId checkpointBucket checkpointUri savepointUri jobmanagerUri logsUri emrReleaseLabel
		flinkVersion flinkOperatorNamespace flinkOperatorRoleArn karpenterQueue karpenterNodeRoleArn
		karpenterControllerRoleArn nodePools teams costTags configure_kubectl flink_job_execution_role_arn
		flink_operator_role_arn flink_operator_bucket`) {
		require.Contains(t, g.Outputs, name)
		require.NotEmpty(t, g.Outputs[name], name)
	}
	require.Len(t, g.Outputs, 35)
}

// TestTeamsComeAndGoAlone: whatever list of teams follows another, only resources of teams that are in one of the two
// appear or disappear, and everything else is as it was.
func TestTeamsComeAndGoAlone(t *testing.T) {
	t.Parallel()
	graph := func(teams ...string) map[string]componenttest.Resource {
		out := map[string]componenttest.Resource{}
		g := componenttest.Run(t, compose(func(c *stacks.Config) { c.Teams = stacks.NamedTeams(teams...) }))
		for _, r := range g.Resources {
			out[r.Name] = r
		}
		return out
	}
	team := func(name string) string {
		return strings.SplitN(strings.TrimPrefix(name, "team-"), "-", 2)[0]
	}
	before, many := graph("a", "b"), graph("d", "c", "b", "a")
	require.Empty(t, cmp.Diff(many, graph("a", "b", "c", "d")), "the order of the list means nothing")
	for name, r := range before {
		require.Empty(t, cmp.Diff(r, many[name]), name)
	}
	for name := range many {
		if _, ok := before[name]; !ok {
			require.Contains(t, []string{"c", "d"}, team(name), name)
		}
	}
	after := graph("b", "c")
	for name, r := range before {
		if now, ok := after[name]; ok {
			require.Empty(t, cmp.Diff(r, now), name)
		} else {
			require.Equal(t, "a", team(name), name)
		}
	}
}

// Every component of a platform, of whatever settings, belongs to a phase that a deploy shows.
func TestEveryComponentHasAPhase(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, change := range []func(*stacks.Config){
		func(*stacks.Config) {},
		func(c *stacks.Config) { c.KmsKey.Enabled, c.ClusterAutoscaler, c.PodIdentity = true, true, true },
		func(c *stacks.Config) { c.Observability.Prometheus = stacks.InCluster },
		func(c *stacks.Config) {
			c.ExistingVpc = stacks.ExistingVpc{
				ID: "vpc-0a1b2c3d4e5f60718", PrivateSubnetIds: []string{"subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719"},
			}
		},
	} {
		for _, r := range componenttest.Run(t, compose(change)).Resources {
			// A role is inside another component.
			if strings.HasPrefix(r.Type, "emrflink:") && !strings.HasPrefix(r.Type, "emrflink:irsa:") {
				seen[r.Type] = true
				require.NotEmpty(t, deploy.ComponentPhase(r.Type), r.Type)
			}
		}
	}
	require.True(t, seen["emrflink:encryption:Key"])
	require.True(t, seen["emrflink:network:Existing"])
	require.True(t, seen["emrflink:addons:ClusterAutoscaler"])
	require.True(t, seen["emrflink:monitoring:InCluster"])
}

// A region that an account has to enable is one that Hadoop's S3 client does not find by itself.
func TestTheS3ClientKnowsARegionThatHadToBeEnabled(t *testing.T) {
	t.Parallel()
	for region, told := range map[string]bool{"eu-west-1": false, "me-central-1": true} {
		g := componenttest.Run(t, compose(func(c *stacks.Config) { c.Region = region }), componenttest.Options{Region: region})
		values := g.Find(t, "flink-operator-chart").Inputs["values"]
		require.Equal(t, told, strings.Contains(fmt.Sprint(values), "fs.s3a.endpoint.region: "+region), region)
	}
}
