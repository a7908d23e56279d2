// SPDX-License-Identifier: Apache-2.0

package stacks_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/components/componenttest"
	"emrflink/components/network"
	"emrflink/stacks"
)

func TestOptionProblems(t *testing.T) {
	t.Parallel()
	const vpc = `"id":"vpc-0123456789abcdef0"`
	for _, c := range []struct {
		name          string
		values        map[string]any
		at, why, hint string
	}{
		{"a service without an endpoint", map[string]any{"interfaceEndpoints": `["ecr-api"]`}, "interfaceEndpoints[0]",
			"not one of", "ecr.api"},
		{"flow logs of everything", map[string]any{"flowLogs": "everything"}, "flowLogs", "", ""},
		{"flow logs of a VPC of others", map[string]any{
			"flowLogs":    "all",
			"existingVpc": `{` + vpc + `,"privateSubnetIds":["subnet-00000001","subnet-00000002"]}`,
		}, "flowLogs", "nothing is made in an existing VPC", "none"},
		{"a service that is listed twice", map[string]any{"interfaceEndpoints": `["sts","sts"]`}, "interfaceEndpoints[1]",
			"listed twice", ""},
		{"a word for true", map[string]any{"podIdentity": "yes"}, "podIdentity", "expected: true or false", ""},
		{"endpoints in somebody's VPC", map[string]any{
			"interfaceEndpoints": `["sts"]`,
			"existingVpc":        `{` + vpc + `,"privateSubnetIds":["subnet-00000001","subnet-00000002"]}`,
		}, "interfaceEndpoints", "nothing is made in an existing VPC", "[]"},
		{"subnets without their VPC", map[string]any{"existingVpc": `{"privateSubnetIds":["subnet-00000001","subnet-00000002"]}`},
			"existingVpc.id", "without a VPC", ""},
		{"a VPC by name", map[string]any{"existingVpc": `{"id":"main","privateSubnetIds":["subnet-00000001","subnet-00000002"]}`},
			"existingVpc.id", "not the ID", ""},
		{"one private subnet", map[string]any{"existingVpc": `{` + vpc + `,"privateSubnetIds":["subnet-00000001"]}`},
			"existingVpc.privateSubnetIds", "at least 2", ""},
		{"a public subnet by name", map[string]any{
			"existingVpc": `{` + vpc +
				`,"privateSubnetIds":["subnet-00000001","subnet-00000002"],"publicSubnetIds":["public-a"]}`,
		},
			"existingVpc.publicSubnetIds[0]", "not the ID", ""},
		{"a subnet that is private and public", map[string]any{
			"existingVpc": `{` + vpc +
				`,"privateSubnetIds":["subnet-00000001","subnet-00000002"],"publicSubnetIds":["subnet-00000001"]}`,
		}, "existingVpc.publicSubnetIds[0]", "listed twice", ""},
		{"an unknown field of the VPC", map[string]any{"existingVpc": `{"publicSubnetsIds":[]}`}, "existingVpc.publicSubnetsIds",
			"unknown key", "publicSubnetIds"},
		{"a key that is gone too soon", map[string]any{"kmsKey": `{"enabled":true,"deletionWindowDays":1}`},
			"kmsKey.deletionWindowDays", "7 to 30", "7"},
		{"a boundary by name", map[string]any{"permissionsBoundary": "workload-boundary"}, "permissionsBoundary",
			"neither none nor the ARN of an IAM policy", ""},
		{"an addon that is none of ours", map[string]any{"addonVersions": `{"core-dns":"v1.12.4-eksbuild.1"}`},
			"addonVersions.core-dns", "no addon of the blueprint", "coredns"},
		{"an addon in another form", map[string]any{"addonVersions": `{"coredns":"1.12.4"}`}, "addonVersions.coredns",
			"not the version of an EKS addon", ""},
		{"an image that moves", map[string]any{"nodeImage": "al2023@latest"}, "nodeImage", "not a pinned alias", ""},
		{"a path without its slashes", map[string]any{"rolePath": "data-platform"}, "rolePath",
			"begins and ends with a slash", ""},
		{"a path of AWS", map[string]any{"rolePath": "/aws-service-role/x/"}, "rolePath", "its own roles", "/"},
		{"nothing to scale", map[string]any{"clusterAutoscaler": "true", "coreNodes": `{"min":3,"max":3}`}, "clusterAutoscaler",
			"nothing to scale", "false"},
		{"a Prometheus that there is not", map[string]any{"observability": `{"prometheus":"incluster"}`},
			"observability.prometheus", "not one of none, inCluster", "inCluster"},
		{"Grafana without metrics", map[string]any{"observability": `{"grafana":"inCluster"}`}, "observability.grafana",
			"no metrics to show", "none"},
		{"rules without Prometheus", map[string]any{"observability": `{"alerts":true}`}, "observability.alerts",
			"nothing evaluates the rules", "false"},
		{"a volume without room", map[string]any{"observability": `{"volumeGiB":5}`}, "observability.volumeGiB",
			"10 to 16384", "10"},
		{"metrics for ever", map[string]any{"observability": `{"retentionDays":0}`}, "observability.retentionDays",
			"1 to 1095", "1"},
		{"a team in the namespace of Prometheus", map[string]any{"observability": `{"prometheus":"inCluster"}`,
			"teams": `["monitoring"]`}, "teams[0]", "the namespace of Prometheus", ""},
		{"a Kubernetes version without its autoscaler", map[string]any{"clusterAutoscaler": "true", "kubernetesVersion": "1.34"},
			"kubernetesVersion", "cluster-autoscaler 1.35.0 (chart 9.59.0) supports 1.35 to 1.35", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := stacks.Parse("Pulumi.x.yaml", c.values)
			var configErr *stacks.ConfigError
			require.ErrorAs(t, err, &configErr)
			require.Len(t, configErr.Problems, 1, "%v", err)
			p := configErr.Problems[0]
			require.Equal(t, c.at, p.Key)
			require.Contains(t, p.Why, c.why)
			if c.hint != "" {
				require.Equal(t, c.hint, p.Nearest)
			}
		})
	}
}

// delta says which resources an option adds, takes away and changes, compared with the default.
func delta(t *testing.T, change func(*stacks.Config)) (with *componenttest.Graph, added, removed, changed []string) {
	t.Helper()
	with = componenttest.Run(t, compose(change))
	before, after := map[string]componenttest.Resource{}, map[string]componenttest.Resource{}
	for _, r := range componenttest.Run(t, compose(plain)).Resources {
		before[r.Name] = r
	}
	for _, r := range with.Resources {
		after[r.Name] = r
		old, ok := before[r.Name]
		switch {
		case !ok:
			added = append(added, r.Name)
		case !cmp.Equal(old.Inputs, r.Inputs):
			changed = append(changed, r.Name)
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			removed = append(removed, name)
		}
	}
	slices.Sort(added)
	slices.Sort(removed)
	slices.Sort(changed)
	return with, added, removed, changed
}

func TestVersionsOfAStackAreItsOwn(t *testing.T) {
	t.Parallel()
	g, added, removed, changed := delta(t, func(c *stacks.Config) {
		c.AddonVersions, c.NodeImage = map[string]string{"coredns": "v1.12.4-eksbuild.1"}, "al2023@v20260930"
	})
	require.Empty(t, added)
	require.Empty(t, removed)
	require.Equal(t, []string{"addons-coredns", "pools-nodeclass"}, changed)
	require.Equal(t, "v1.12.4-eksbuild.1", g.Find(t, "addons-coredns").Inputs["addonVersion"])
	require.Equal(t, "al2023@v20260930", g.Find(t, "pools-nodeclass").At("spec", "amiSelectorTerms", 0, "alias"))
}

// The role of the cluster is in the provider of pulumi-eks: a test of package adopt runs that.
func TestBoundaryAndPathAreThoseOfEveryRole(t *testing.T) {
	t.Parallel()
	const boundary = "arn:aws:iam::111122223333:policy/workload-boundary"
	const path = "/data-platform/emr/"
	g, added, removed, changed := delta(t, func(c *stacks.Config) {
		c.PermissionsBoundary, c.RolePath = boundary, path
	})
	require.Empty(t, added)
	require.Empty(t, removed)
	roles := g.Names("aws:iam/role:Role")
	require.ElementsMatch(t, append(roles, "karpenter-controller-iam-integration"), changed)
	require.Contains(t, g.Find(t, "karpenter-controller-iam-integration").Inputs["policy"],
		":role"+path+"emr-eks-flink-us-west-2-karpenter-node", "Karpenter hands on the role where it is")
	require.Greater(t, len(roles), 5)
	for _, name := range roles {
		require.Equal(t, boundary, g.Find(t, name).Inputs["permissionsBoundary"], name)
		require.Equal(t, path, g.Find(t, name).Inputs["path"], name)
	}
}

func TestInterfaceEndpoints(t *testing.T) {
	t.Parallel()
	g, added, removed, changed := delta(t, func(c *stacks.Config) { c.InterfaceEndpoints = []string{"sts", "ecr.api"} })
	require.Equal(t, []string{"network-endpoint-ecr-api", "network-endpoint-sts", "network-endpoints"}, added)
	require.Empty(t, removed)
	require.Empty(t, changed)
	sts := g.Find(t, "network-endpoint-sts")
	require.Equal(t, "com.amazonaws.us-west-2.sts", sts.Inputs["serviceName"])
	require.Equal(t, true, sts.Inputs["privateDnsEnabled"])
	require.Len(t, sts.Inputs["subnetIds"], 3, "one interface per zone, and a preview can price them")
	require.Equal(t, []any{"10.0.0.0/16"}, g.Find(t, "network-endpoints").At("ingress", 0, "cidrBlocks"))
	require.True(t, g.DependsOn("core-group", "network-endpoint-sts"), "nodes that drain still call the services")
	componenttest.Run(t, compose(func(c *stacks.Config) { c.InterfaceEndpoints = network.EndpointServices() }))
}

func TestFlowLogs(t *testing.T) {
	t.Parallel()
	for choice, traffic := range map[string]string{network.FlowLogsRejected: "REJECT", network.FlowLogsAll: "ALL"} {
		g, added, removed, changed := delta(t, func(c *stacks.Config) {
			c.FlowLogs, c.LogRetentionDays, c.RolePath = choice, 30, "/platform/"
		})
		require.Equal(t, []string{"network-flow-log", "network-flow-logs", "network-flow-logs-policy", "network-flow-logs-role"},
			added)
		require.Empty(t, removed)
		require.NotContains(t, changed, "network-vpc")
		log, role := g.Find(t, "network-flow-log"), g.Find(t, "network-flow-logs-role")
		require.Equal(t, traffic, log.Inputs["trafficType"])
		require.Equal(t, "network-vpc-id", log.Inputs["vpcId"])
		require.True(t, g.DependsOn("network-flow-log", "network-flow-logs-policy"), "else its first events are lost")
		require.Equal(t, "/platform/", role.Inputs["path"])
		require.Contains(t, role.Inputs["assumeRolePolicy"], "vpc-flow-logs.amazonaws.com")
		group := g.Find(t, "network-flow-logs")
		require.Equal(t, "/aws/emr-flink/emr-eks-flink/vpc-flow-logs", group.Inputs["name"])
		require.InDelta(t, 30, group.Inputs["retentionInDays"], 0)
		require.NotContains(t, g.Find(t, "network-flow-logs-policy").Inputs["policy"], "CreateLogGroup",
			"the service would make the group again after a cleanup")
	}
}

func TestNatGatewayPerZone(t *testing.T) {
	t.Parallel()
	g, added, removed, changed := delta(t, func(c *stacks.Config) { c.NatGateways = network.NatPerZone })
	require.Equal(t, []string{
		"network-nat-usw2-az2", "network-nat-usw2-az2-eip", "network-nat-usw2-az3", "network-nat-usw2-az3-eip",
	}, added)
	require.Empty(t, removed)
	require.Equal(t, []string{"network-private-usw2-az2-routes-default", "network-private-usw2-az3-routes-default"}, changed)
	require.Equal(t, "network-nat-usw2-az3-id", g.Find(t, "network-private-usw2-az3-routes-default").Inputs["natGatewayId"])
}

func TestPrivateEndpoint(t *testing.T) {
	t.Parallel()
	g, added, removed, changed := delta(t, func(c *stacks.Config) {
		c.EndpointAccess = stacks.EndpointAccess{Private: true, PublicCidrs: []string{}}
	})
	require.Empty(t, append(added, removed...))
	require.Equal(t, []string{"cluster-emr-eks-flink"}, changed)
	require.Equal(t, false, g.Find(t, "cluster-emr-eks-flink").Inputs["endpointPublicAccess"])
}

func TestExistingVpcMakesAndDeletesNothingOfIt(t *testing.T) {
	t.Parallel()
	g, added, removed, changed := delta(t, func(c *stacks.Config) {
		c.ExistingVpc = stacks.ExistingVpc{
			ID: "vpc-1", PrivateSubnetIds: []string{"subnet-1", "subnet-2"}, PublicSubnetIds: []string{},
		}
	})
	require.Equal(t, []string{"network-subnet-1-cluster", "network-subnet-2-cluster"}, added)
	for _, name := range removed {
		require.True(t, strings.HasPrefix(name, "network-"), name)
	}
	require.Equal(t, []string{"cluster-emr-eks-flink", "core-group", "pools-nodeclass"}, changed)
	for _, r := range g.Resources {
		if strings.HasPrefix(r.Type, "aws:ec2/") {
			require.Contains(t, []string{"aws:ec2/tag:Tag", "aws:ec2/launchTemplate:LaunchTemplate"}, r.Type)
		}
	}
	tag := g.Find(t, "network-subnet-1-cluster")
	require.Equal(t, map[string]any{
		"resourceId": "subnet-1", "key": "kubernetes.io/cluster/emr-eks-flink", "value": "shared",
	}, tag.Inputs)
	require.Equal(t, "subnet-2", g.Find(t, "pools-nodeclass").At("spec", "subnetSelectorTerms", 1, "id"))
	require.Equal(t, "vpc-1", g.Outputs["vpcId"])
}

func TestCustomerManagedKey(t *testing.T) {
	t.Parallel()
	g, added, removed, changed := delta(t, func(c *stacks.Config) {
		c.KmsKey = stacks.KmsKey{Enabled: true, DeletionWindowDays: 7}
	})
	require.Equal(t, []string{"data", "data-alias", "data-key"}, added)
	require.Empty(t, removed)
	require.Equal(t, []string{
		"addons-gp3", "checkpoints-encryption", "cluster-emr-eks-flink", "cluster-logs", "core-template", "flink-operator-logs",
		"metrics-logs", "pools-nodeclass", "team-flink-team-a-logs",
	}, changed)
	arn := g.Find(t, "cluster-emr-eks-flink").Inputs["encryptionConfigKeyArn"]
	require.Equal(t, "arn:aws:kms:us-west-2:111122223333:key/data-key", arn)
	require.Equal(t, arn, g.Find(t, "core-template").At("blockDeviceMappings", 0, "ebs", "kmsKeyId"))
	require.Equal(t, arn, g.Find(t, "pools-nodeclass").At("spec", "blockDeviceMappings", 0, "ebs", "kmsKeyID"))
	require.Equal(t, arn, g.Find(t, "addons-gp3").At("parameters", "kmsKeyId"))
	rule := g.Find(t, "checkpoints-encryption")
	require.Equal(t, "aws:kms", rule.At("rules", 0, "applyServerSideEncryptionByDefault", "sseAlgorithm"))
	require.Equal(t, true, rule.At("rules", 0, "bucketKeyEnabled"))
	require.Equal(t, "alias/emrflink/emr-eks-flink", g.Find(t, "data-alias").Inputs["name"])
	require.EqualValues(t, 7, g.Find(t, "data-key").Inputs["deletionWindowInDays"])
	for _, name := range changed {
		require.True(t, g.DependsOn(name, "data-key"), "%s goes before the key", name)
	}
}

func TestClusterAutoscaler(t *testing.T) {
	t.Parallel()
	g, added, removed, changed := delta(t, func(c *stacks.Config) { c.ClusterAutoscaler = true })
	require.Equal(t, []string{
		"autoscaler", "autoscaler-chart", "autoscaler-irsa", "autoscaler-irsa-role", "autoscaler-irsa-scale",
		"autoscaler-irsa-scale-attachment",
	}, added)
	require.Empty(t, append(removed, changed...))
	document := g.Find(t, "autoscaler-irsa-scale").JSON(t, "policy")
	for _, s := range document["Statement"].([]any) {
		statement := s.(map[string]any)
		if statement["Sid"] == "Resize" {
			require.Equal(t, map[string]any{"StringEquals": map[string]any{
				"aws:ResourceTag/k8s.io/cluster-autoscaler/emr-eks-flink": "owned",
			}}, statement["Condition"])
		}
	}
	require.Equal(t, "emr-eks-flink", g.Find(t, "autoscaler-chart").At("values", "autoDiscovery", "clusterName"))
	require.True(t, g.DependsOn("autoscaler-chart", "core-group"))
}

func TestPrometheusInTheCluster(t *testing.T) {
	t.Parallel()
	g, added, removed, changed := delta(t, func(c *stacks.Config) {
		c.Observability.Prometheus, c.Observability.Grafana, c.Observability.Alerts = stacks.InCluster, stacks.InCluster, true
		c.Teams = append(c.Teams, stacks.NamedTeams("orders")...)
		c.Teams[0].MetricsFrom = "elsewhere"
	})
	require.Empty(t, append(removed, changed...))
	for _, name := range []string{
		"monitoring-namespace", "monitoring-chart", "monitoring-closed", "monitoring-flink-jobs", "monitoring-karpenter",
		"monitoring-flink-operator", "monitoring-rules", "monitoring-emrflink-job", "team-flink-team-a-from-metrics",
		"team-orders-from-metrics",
	} {
		require.Contains(t, added, name)
	}
	spec := g.Find(t, "monitoring-chart").At("values", "prometheus", "prometheusSpec")
	require.NotNil(t, spec)
	require.Equal(t, "40Gi", g.Find(t, "monitoring-chart").At("values", "prometheus", "prometheusSpec", "storageSpec",
		"volumeClaimTemplate", "spec", "resources", "requests", "storage"), "by the two teams")
	require.Equal(t, []any{"flink-team-a", "orders"}, g.Find(t, "monitoring-flink-jobs").At("spec", "namespaceSelector",
		"matchNames"))
	peers := g.Find(t, "team-flink-team-a-from-metrics").At("spec", "ingress", 0, "from")
	require.Len(t, peers, 2, "the namespace of Prometheus, and that which the team lets in itself")
	require.True(t, g.DependsOn("monitoring-chart", "core-group"))
	require.True(t, g.DependsOn("monitoring-namespace", "addons-gp3"), "the driver deletes the volume, so it goes later")
	require.True(t, g.DependsOn("monitoring-rules", "monitoring-chart"), "which has the CRD")
	require.Equal(t, true, g.Find(t, "monitoring-chart").At("values", "grafana", "grafana.ini", "auth", "disable_login_form"))
}

func TestPrefixDelegation(t *testing.T) {
	t.Parallel()
	g, added, removed, changed := delta(t, func(c *stacks.Config) { c.PrefixDelegation = true })
	require.Empty(t, append(added, removed...))
	require.Equal(t, []string{"bootstrap-vpc-cni", "pools-nodeclass"}, changed)
	require.Equal(t, map[string]any{
		"enableNetworkPolicy": "true", "env": map[string]any{"ENABLE_PREFIX_DELEGATION": "true", "WARM_PREFIX_TARGET": "1"},
	}, g.Find(t, "bootstrap-vpc-cni").JSON(t, "configurationValues"))
	require.EqualValues(t, 110, g.Find(t, "pools-nodeclass").At("spec", "kubelet", "maxPods"))
}

func TestPodIdentity(t *testing.T) {
	t.Parallel()
	g, added, removed, changed := delta(t, func(c *stacks.Config) { c.PodIdentity = true })
	require.Equal(t, []string{
		"addons-ebs-csi-pod-identity-ebs-csi-controller-sa", "karpenter-controller-pod-identity-karpenter",
		"metrics-agent-pod-identity-cloudwatch-agent",
	}, added)
	require.Empty(t, removed)
	require.Equal(t, []string{
		"addons-aws-ebs-csi-driver", "addons-ebs-csi-role", "karpenter-chart", "karpenter-controller-role", "metrics-agent-role",
		"metrics-chart",
		"team-flink-team-a-to-services",
	}, changed, "roles of the Flink operator and of jobs keep IRSA")
	statement := g.Find(t, "karpenter-controller-role").JSON(t, "assumeRolePolicy")["Statement"].([]any)[0].(map[string]any)
	require.Equal(t, map[string]any{"Service": "pods.eks.amazonaws.com"}, statement["Principal"])
	require.Equal(t, []any{"sts:AssumeRole", "sts:TagSession"}, statement["Action"])
	require.Equal(t, map[string]any{"StringEquals": map[string]any{
		"aws:RequestTag/eks-cluster-arn":            "arn:aws:eks:us-west-2:111122223333:cluster/emr-eks-flink",
		"aws:RequestTag/kubernetes-namespace":       "kube-system",
		"aws:RequestTag/kubernetes-service-account": "karpenter",
	}}, statement["Condition"])
	require.Empty(t, g.Find(t, "karpenter-chart").At("values", "serviceAccount", "annotations"))
	require.NotContains(t, g.Find(t, "addons-aws-ebs-csi-driver").Inputs, "serviceAccountRoleArn")
	require.True(t, g.DependsOn("karpenter-chart", "karpenter-controller-pod-identity-karpenter"),
		"a pod that starts before has no role")
	require.True(t, g.DependsOn("addons-aws-ebs-csi-driver", "addons-ebs-csi-pod-identity-ebs-csi-controller-sa"))
}

// TestOptionsTogether: everything that is allowed at the same time, tagged and within AWS's limits like the default.
func TestOptionsTogether(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, compose(func(c *stacks.Config) { everything(c); mirrored(c) }))
	for _, r := range g.Resources {
		kind := r.Type[strings.LastIndex(r.Type, ":")+1:]
		if !strings.HasPrefix(r.Type, "aws:") || slices.Contains(notTaggable, kind) || kind == "Alias" {
			continue
		}
		require.Equal(t, "emr-eks-flink", r.Tags()["emrflink:deployment"], r.Name)
	}
	require.Contains(t, g.Names("aws:eks/podIdentityAssociation:PodIdentityAssociation"),
		"autoscaler-irsa-pod-identity-cluster-autoscaler")
}
