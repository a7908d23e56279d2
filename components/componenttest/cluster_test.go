// SPDX-License-Identifier: Apache-2.0

package componenttest_test

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/components/cluster"
	"emrflink/components/componenttest"
	"emrflink/components/deployment"
)

func clusterDeployment() *deployment.Deployment {
	return &deployment.Deployment{
		Name: "emr-eks-flink", Region: componenttest.Region, AccountID: componenttest.Account, Partition: "aws",
	}
}

func clusterArgs() *cluster.Args {
	subnets := pulumi.ToStringArray([]string{"subnet-1", "subnet-2"})
	return &cluster.Args{
		Deployment: clusterDeployment(), Version: "1.35", VpcId: pulumi.String("vpc-1"), PrivateSubnetIds: subnets,
		PublicSubnetIds: subnets, PublicEndpoint: true, PublicAccessCidrs: []string{"203.0.113.0/24"}, PrivateEndpoint: true,
		LogRetentionDays: 30,
		Admins: []string{
			"arn:aws:iam::111122223333:role/team/deployer", "arn:aws:iam::111122223333:role/admin",
		},
	}
}

func TestCluster(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, func(ctx *pulumi.Context) error {
		c, err := cluster.NewCluster(ctx, "cluster", clusterArgs())
		if err != nil {
			return err
		}
		ctx.Export("issuer", c.OidcIssuer)
		ctx.Export("group", c.SecurityGroupId)
		return nil
	})
	eks := g.Find(t, "cluster-emr-eks-flink")
	require.Equal(t, "API", eks.Inputs["authenticationMode"])
	require.Equal(t, true, eks.Inputs["skipDefaultNodeGroup"])
	require.Equal(t, true, eks.Inputs["useDefaultVpcCni"], "else it runs kubectl")
	require.Equal(t, "172.20.0.0/16", eks.Inputs["kubernetesServiceIpAddressRange"])
	require.Equal(t, []any{"203.0.113.0/24"}, eks.Inputs["publicAccessCidrs"])
	require.True(t, g.DependsOn("cluster-emr-eks-flink", "cluster-logs"), "EKS would make the group without retention")
	require.Equal(t, "/aws/eks/emr-eks-flink/cluster", g.Find(t, "cluster-logs").Inputs["name"])
	require.Equal(t, componenttest.Issuer, g.Find(t, "cluster-oidc").Inputs["url"])
	require.Nil(t, g.Find(t, "cluster-oidc").Inputs["thumbprintLists"])
	require.Equal(t, componenttest.Issuer, g.Outputs["issuer"])
	require.Equal(t, "sg-0123456789abcdef0", g.Outputs["group"])
	var principals []string
	for _, entry := range g.Names("aws:eks/accessEntry:AccessEntry") {
		principals = append(principals, g.Find(t, entry).Inputs["principalArn"].(string))
		require.True(t, g.DependsOn("cluster-k8s", entry))
	}
	require.ElementsMatch(t, clusterArgs().Admins, principals)
}

func TestProviderHasAnIdentityAndNoSecret(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, func(ctx *pulumi.Context) error {
		_, err := cluster.NewCluster(ctx, "cluster", clusterArgs())
		return err
	})
	provider := g.Find(t, "cluster-k8s")
	require.Equal(t, "arn:aws:eks:us-west-2:111122223333:cluster/emr-eks-flink", provider.Inputs["clusterIdentifier"])
	user := provider.JSON(t, "kubeconfig")["users"].([]any)[0].(map[string]any)["user"].(map[string]any)
	require.Equal(t, map[string]any{"exec": map[string]any{
		"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "emrflink", "interactiveMode": "Never",
		"args": []any{"eks-token", "--cluster", "emr-eks-flink", "--region", "us-west-2"},
	}}, user)
}

func TestSamePrincipal(t *testing.T) {
	t.Parallel()
	const session = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0123/me@example.com"
	for principal, want := range map[string]bool{
		"arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_0123":                                          true,
		"arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123": true,
		"arn:aws:iam::444455556666:role/AWSReservedSSO_Admin_0123":                                          false,
		"arn:aws:iam::111122223333:role/Admin":                                                              false,
		"arn:aws:iam::111122223333:user/AWSReservedSSO_Admin_0123":                                          false,
		"nonsense": false,
	} {
		require.Equal(t, want, cluster.SamePrincipal(principal, session), principal)
	}
	require.True(t, cluster.SamePrincipal(componenttest.Caller, componenttest.Caller))
}

func coreNodes(change func(*cluster.NodesArgs)) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		a := &cluster.NodesArgs{
			Deployment: clusterDeployment(), ClusterName: pulumi.String("emr-eks-flink"), Version: "1.35",
			SubnetIds: pulumi.ToStringArray([]string{"subnet-1"}), InstanceTypes: []string{"m5.xlarge"},
			Desired: 3, Min: 1, Max: 9, DiskGiB: 100,
		}
		change(a)
		_, err := cluster.NewNodes(ctx, "core", a)
		return err
	}
}

func TestNodes(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, coreNodes(func(*cluster.NodesArgs) {}))
	group := g.Find(t, "core-group")
	require.Equal(t, map[string]any{"NodeGroupType": "core", "WorkerType": "ON_DEMAND"}, group.Inputs["labels"])
	for _, policy := range cluster.NodePolicies() {
		require.Contains(t, group.Dependencies, "core-node-"+policy, "a node loses what the policy allows")
	}
	template := g.Find(t, "core-template")
	require.Equal(t, "required", template.At("metadataOptions", "httpTokens"))
	require.Equal(t, "true", template.At("blockDeviceMappings", 0, "ebs", "encrypted"))
	require.Equal(t, "gp3", template.At("blockDeviceMappings", 0, "ebs", "volumeType"))
	require.Nil(t, template.Inputs["vpcSecurityGroupIds"], "EKS adds the cluster's own")
}

func TestArgumentsThatWouldFailLater(t *testing.T) {
	t.Parallel()
	control := func(change func(*cluster.Args)) pulumi.RunFunc {
		return func(ctx *pulumi.Context) error {
			a := clusterArgs()
			change(a)
			_, err := cluster.NewCluster(ctx, "cluster", a)
			return err
		}
	}
	for name, program := range map[string]pulumi.RunFunc{
		"no version":                 control(func(a *cluster.Args) { a.Version = "" }),
		"no endpoint":                control(func(a *cluster.Args) { a.PublicEndpoint, a.PrivateEndpoint = false, false }),
		"a public endpoint for none": control(func(a *cluster.Args) { a.PublicAccessCidrs = nil }),
		"no retention":               control(func(a *cluster.Args) { a.LogRetentionDays = 0 }),
		"no VPC":                     control(func(a *cluster.Args) { a.VpcId = nil }),
		"sizes out of order":         coreNodes(func(a *cluster.NodesArgs) { a.Desired = 10 }),
		"no instance type":           coreNodes(func(a *cluster.NodesArgs) { a.InstanceTypes = nil }),
		"a small disk":               coreNodes(func(a *cluster.NodesArgs) { a.DiskGiB = 8 }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := componenttest.TryRun(program)
			require.Error(t, err)
		})
	}
}
