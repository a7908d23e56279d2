// SPDX-License-Identifier: Apache-2.0

package batch

import (
	"fmt"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apiextensions"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/deployment"
	"emrflink/components/versions"
)

// nodeClass is the node class of both pools.
const nodeClass = "batch"

// pool is one NodePool: what its nodes are, and how much of them.
type pool struct {
	name, capacity string
	families       []string
	cpuLimit       string
}

// catalog has the drivers, which must not be interrupted, and the executors, which may.
func catalog() []pool {
	return []pool{
		{name: "batch-drivers", capacity: "on-demand", families: []string{"m6i", "m7i"}, cpuLimit: "32"},
		{name: "batch-executors", capacity: "spot", families: []string{"c6i", "c7i", "m6i", "m7i", "r6i"}, cpuLimit: "512"},
	}
}

// makePools makes the node class and the node pools. Karpenter drains the nodes of a pool that is deleted, so
// Karpenter, its role and the internet access are in After, and are deleted later.
func (p *platform) makePools(ctx *pulumi.Context) error {
	class, err := p.custom(ctx, "nodeclass", "karpenter.k8s.aws/v1", "EC2NodeClass", nodeClass, p.classSpec(),
		p.ready(p.karpenter.Needs...))
	if err != nil {
		return err
	}
	for _, c := range catalog() {
		made, err := p.custom(ctx, c.name, "karpenter.sh/v1", "NodePool", c.name, c.spec(), []pulumi.CustomResource{class})
		if err != nil {
			return err
		}
		p.pools = append(p.pools, made)
	}
	return nil
}

// custom makes a custom resource of the cluster; its deletion may take as long as a drain.
func (p *platform) custom(ctx *pulumi.Context, resource, version, kind, name string, spec pulumi.Map,
	after []pulumi.CustomResource) (pulumi.CustomResource, error) {
	made, err := apiextensions.NewCustomResource(ctx, resource, &apiextensions.CustomResourceArgs{
		ApiVersion:  pulumi.String(version),
		Kind:        pulumi.String(kind),
		Metadata:    metav1.ObjectMetaArgs{Name: pulumi.String(name)},
		OtherFields: kubernetes.UntypedArgs{"spec": spec},
	}, pulumi.Provider(p.cluster.Kubernetes), deployment.DependsOn(after...),
		pulumi.Timeouts(&pulumi.CustomTimeouts{Delete: "30m"}))
	if err != nil {
		return nil, fmt.Errorf("create %s %q: %w", kind, name, err)
	}
	return made, nil
}

// classSpec is what a node is: image, place, role and disk.
func (p *platform) classSpec() pulumi.Map {
	subnets := p.network.PrivateSubnetIds.ApplyT(func(ids []string) []map[string]string {
		terms := make([]map[string]string, 0, len(ids))
		for _, id := range ids {
			terms = append(terms, map[string]string{"id": id})
		}
		return terms
	})
	return pulumi.Map{
		"amiSelectorTerms":           pulumi.MapArray{pulumi.Map{"alias": pulumi.String(versions.AMIAlias)}},
		"instanceProfile":            p.karpenter.InstanceProfile,
		"subnetSelectorTerms":        subnets,
		"securityGroupSelectorTerms": pulumi.MapArray{pulumi.Map{"id": p.cluster.SecurityGroupId}},
		"metadataOptions": pulumi.Map{
			"httpTokens": pulumi.String("required"), "httpPutResponseHopLimit": pulumi.Int(1),
		},
		"tags": pulumi.ToStringMap(p.deployment.PlainTags()),
	}
}

// spec is the NodePool's spec: its nodes carry the pool's name as a label and go when they are empty.
func (c pool) spec() pulumi.Map {
	requirement := func(key string, values ...string) pulumi.Map {
		return pulumi.Map{"key": pulumi.String(key), "operator": pulumi.String("In"), "values": pulumi.ToStringArray(values)}
	}
	return pulumi.Map{
		"template": pulumi.Map{
			"metadata": pulumi.Map{"labels": pulumi.Map{"pool": pulumi.String(c.name)}},
			"spec": pulumi.Map{
				"nodeClassRef": pulumi.Map{
					"group": pulumi.String("karpenter.k8s.aws"), "kind": pulumi.String("EC2NodeClass"),
					"name": pulumi.String(nodeClass),
				},
				"requirements": pulumi.MapArray{
					requirement("kubernetes.io/arch", "amd64"),
					requirement("karpenter.sh/capacity-type", c.capacity),
					requirement("karpenter.k8s.aws/instance-family", c.families...),
				},
				"terminationGracePeriod": pulumi.String("15m"),
			},
		},
		"disruption": pulumi.Map{"consolidationPolicy": pulumi.String("WhenEmpty"), "consolidateAfter": pulumi.String("2m")},
		"limits":     pulumi.Map{"cpu": pulumi.String(c.cpuLimit)},
	}
}
