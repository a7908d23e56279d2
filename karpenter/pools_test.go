// SPDX-License-Identifier: Apache-2.0

package karpenter_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/components/componenttest"
	"emrflink/karpenter"
)

func TestCatalogueIsValid(t *testing.T) {
	t.Parallel()
	for _, p := range karpenter.Catalog() {
		require.Empty(t, p.Check(), p.Name)
	}
}

func TestCheckNamesEveryProblem(t *testing.T) {
	t.Parallel()
	bad := karpenter.Pool{
		Name: "Flink", Arch: "x86", NodeGroupType: "a b", Families: []string{"C5D"}, MinVcpu: 8, MaxVcpu: 4,
		CapacityTypes: []string{"reserved"}, CPULimit: "lots", MemoryLimit: "4 GB", ConsolidateAfter: "soon",
		ExpireAfter: "1d", TerminationGracePeriod: "Never", Weight: 101,
	}
	require.Len(t, bad.Check(), 12)
}

func TestJobManagersAreOnDemandAndTaskManagersMayFallBack(t *testing.T) {
	t.Parallel()
	for _, p := range karpenter.Catalog() {
		pools := p.NodePools()
		require.Len(t, pools, 2)
		tasks, jobs := pools[0], pools[1]
		require.Equal(t, p.Name, tasks.Name)
		require.Equal(t, p.Name+karpenter.JobManagerSuffix, jobs.Name)
		require.Equal(t, []string{karpenter.Spot, karpenter.OnDemand}, tasks.CapacityTypes)
		require.Equal(t, []string{karpenter.OnDemand}, jobs.CapacityTypes)
		require.Nil(t, template(t, tasks)["taints"], "jobs of the old blueprint tolerate nothing")
		require.Equal(t, []any{map[string]any{"key": "FlinkRole", "value": "jobmanager", "effect": "NoSchedule"}},
			template(t, jobs)["taints"])
		for _, n := range pools {
			require.Equal(t, map[string]string{"NodeGroupType": p.NodeGroupType, "FlinkRole": n.FlinkRole}, n.Labels())
		}
	}
}

func template(t *testing.T, n karpenter.NodePool) map[string]any {
	t.Helper()
	spec := n.Spec(karpenter.NodeClass)
	return spec["template"].(map[string]any)["spec"].(map[string]any)
}

func TestNodePoolsPinWhatMustBePinned(t *testing.T) {
	t.Parallel()
	n := karpenter.Catalog()[1].NodePools()[0]
	want := map[string][]any{
		"kubernetes.io/arch In":                    {"arm64"},
		"kubernetes.io/os In":                      {"linux"},
		"karpenter.sh/capacity-type In":            {"spot", "on-demand"},
		"karpenter.k8s.aws/instance-family In":     {"r6gd", "r7gd"},
		"karpenter.k8s.aws/instance-hypervisor In": {"nitro"},
		"karpenter.k8s.aws/instance-cpu Gt":        {"3"},
		"karpenter.k8s.aws/instance-cpu Lt":        {"49"},
	}
	got := map[string][]any{}
	for _, r := range template(t, n)["requirements"].([]any) {
		m := r.(map[string]any)
		got[m["key"].(string)+" "+m["operator"].(string)] = m["values"].([]any)
	}
	require.Empty(t, cmp.Diff(want, got))
	require.Equal(t, "15m", template(t, n)["terminationGracePeriod"], "finite, or a drain never ends")
}

func TestDeletionOutlastsTheDrain(t *testing.T) {
	t.Parallel()
	n := karpenter.Pool{Name: "p", TerminationGracePeriod: "2h"}.NodePools()[0]
	require.Equal(t, 2*time.Hour+15*time.Minute, n.DeleteTimeout())
}

func makePools(pools []karpenter.Pool, ami string, after bool) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		provider, err := kubernetes.NewProvider(ctx, "k8s", &kubernetes.ProviderArgs{})
		if err != nil {
			return err
		}
		args := &karpenter.PoolsArgs{
			Deployment: testDeployment("demo"), Pools: pools, AMIAlias: ami, DiskGiB: 50,
			SubnetIds: pulumi.ToStringArray([]string{"subnet-1"}), SecurityGroupId: pulumi.String("sg-1"),
			InstanceProfile: pulumi.String("profile"), Kubernetes: provider,
		}
		if after {
			args.After = []pulumi.CustomResource{provider}
		}
		_, err = karpenter.NewPools(ctx, "pools", args)
		return err
	}
}

func TestNewPoolsMakesOneClassAndTwoNodePoolsEach(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, makePools(karpenter.Catalog(), "al2023@v20261023", true))
	require.Len(t, g.Names("kubernetes:karpenter.sh/v1:NodePool"), 4)
	require.Equal(t, []string{"pools-nodeclass"}, g.Names("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"))
	class := g.Find(t, "pools-nodeclass")
	require.Equal(t, "profile", class.At("spec", "instanceProfile"))
	require.Nil(t, class.At("spec", "role"), "a role would make Karpenter create a profile that outlives it")
	require.EqualValues(t, 1, class.At("spec", "metadataOptions", "httpPutResponseHopLimit"))
	require.Equal(t, "subnet-1", class.At("spec", "subnetSelectorTerms", 0, "id"))
	require.Equal(t, true, class.At("spec", "blockDeviceMappings", 0, "ebs", "encrypted"))
	for _, name := range g.Names("kubernetes:karpenter.sh/v1:NodePool") {
		require.Contains(t, g.Find(t, name).Dependencies, "pools-nodeclass")
		require.Equal(t, "30m0s", g.Find(t, name).DeleteTimeout)
	}
}

func TestNewPoolsRefuses(t *testing.T) {
	t.Parallel()
	duplicate := append(karpenter.Catalog(), karpenter.Catalog()[0])
	for name, program := range map[string]pulumi.RunFunc{
		"a moving image":               makePools(karpenter.Catalog(), "al2023@latest", true),
		"pools that outlive Karpenter": makePools(karpenter.Catalog(), "al2023@v20261023", false),
		"two pools of a name":          makePools(duplicate, "al2023@v20261023", true),
		"no pools":                     makePools(nil, "al2023@v20261023", true),
		"a pool without architecture":  makePools([]karpenter.Pool{{Name: "p"}}, "al2023@v20261023", true),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := componenttest.TryRun(program)
			require.Error(t, err)
		})
	}
}

// Karpenter ends expired nodes whatever a budget says: those of one job would go together.
func TestNodesDoNotExpireTogether(t *testing.T) {
	t.Parallel()
	for _, p := range karpenter.Catalog() {
		for _, np := range p.NodePools() {
			spec := np.Spec("class")["template"].(map[string]any)["spec"].(map[string]any)
			require.Equal(t, "Never", spec["expireAfter"], np.Name)
		}
	}
}

func TestKarpenter(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, func(ctx *pulumi.Context) error {
		provider, err := kubernetes.NewProvider(ctx, "k8s", &kubernetes.ProviderArgs{})
		if err != nil {
			return err
		}
		_, err = karpenter.NewKarpenter(ctx, "karpenter", &karpenter.Args{
			Deployment: testDeployment("demo"), ClusterName: pulumi.String("demo"),
			OidcProviderArn: pulumi.String("arn:aws:iam::111122223333:oidc-provider/x"),
			OidcIssuer:      pulumi.String(componenttest.Issuer), Kubernetes: provider, After: []pulumi.CustomResource{provider},
		})
		return err
	})
	require.Len(t, g.Names("aws:cloudwatch/eventRule:EventRule"), 5)
	require.Equal(t, "EC2_LINUX", g.Find(t, "karpenter-node-access").Inputs["type"])
	require.Equal(t, true, g.Find(t, "karpenter-chart").Inputs["skipCrds"])
	require.True(t, g.DependsOn("karpenter-chart", "karpenter-crds"))
	for _, needed := range []string{
		"karpenter-node-access", "karpenter-node-profile", "karpenter-queue-policy",
		"karpenter-controller-node-lifecycle-attachment", "karpenter-spot-interruption-target",
		"karpenter-node-AmazonEKSWorkerNodePolicy",
	} {
		require.True(t, g.DependsOn("karpenter-chart", needed), "the controller goes before %s", needed)
	}
	trust := g.Find(t, "karpenter-controller-role").JSON(t, "assumeRolePolicy")
	condition := trust["Statement"].([]any)[0].(map[string]any)["Condition"].(map[string]any)["StringEquals"].(map[string]any)
	require.Equal(t, "system:serviceaccount:kube-system:karpenter",
		condition["oidc.eks.us-west-2.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF:sub"])
}
