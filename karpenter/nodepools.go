// SPDX-License-Identifier: Apache-2.0

package karpenter

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/deployment"
	"emrflink/components/manifest"
)

// PoolsToken is the Pulumi type of the node pools.
const PoolsToken = "emrflink:karpenter:NodePools"

// NodeClass is the name of the node class of every Flink node pool.
const NodeClass = "flink"

// PrefixMaxPods is the number of pods of a node whose interfaces have blocks of addresses. Karpenter does not know the
// VPC CNI's configuration and counts single addresses unless it is given a number. EKS recommends 110 below 30 vCPU;
// larger nodes get the same number, because all nodes have one node class. Source: EKS User Guide, "Increase the
// available IP addresses for your Amazon EKS node".
const PrefixMaxPods = 110

const (
	nodeClassGroup   = "karpenter.k8s.aws"
	nodeClassKind    = "EC2NodeClass"
	nodeClassTimeout = "15m"
)

// PoolsArgs describe the node pools.
type PoolsArgs struct {
	// Deployment is the deployment of the nodes.
	Deployment *deployment.Deployment
	// Pools are the pools; see Catalog.
	Pools []Pool
	// AMIAlias is the image, pinned: family@version.
	AMIAlias string
	// DiskGiB is the size of the root volume. Flink's own files are on the NVMe disks.
	DiskGiB int
	// KmsKeyArn encrypts the root volumes; nil is EBS's own key.
	KmsKeyArn pulumi.StringPtrInput
	// MaxPods is the number of pods per node; 0 lets Karpenter compute it from the single addresses of the node's
	// network interfaces.
	MaxPods int
	// SubnetIds and SecurityGroupId are where nodes are launched. IDs, not tags: tags of another stack could match.
	SubnetIds       pulumi.StringArrayInput
	SecurityGroupId pulumi.StringInput
	// InstanceProfile is the name of the instance profile of nodes.
	InstanceProfile pulumi.StringInput
	// Kubernetes is the provider of the cluster.
	Kubernetes *kubernetes.Provider
	// After must outlive every node: the Karpenter component, core nodes, addons of nodes, the internet access.
	After []pulumi.CustomResource
}

// Pools are the node pools.
type Pools struct {
	pulumi.ResourceState

	// NodePools are the NodePools that were made; resources with pods on their nodes depend on them.
	NodePools []pulumi.CustomResource
	// Catalog describes them, in the order in which they were made.
	Catalog []NodePool
}

// NewPools makes the node class and the NodePools.
func NewPools(ctx *pulumi.Context, name string, args *PoolsArgs, opts ...pulumi.ResourceOption) (*Pools, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("node pools %q: %w", name, err)
	}
	p := &Pools{}
	if err := ctx.RegisterComponentResource(PoolsToken, name, p, opts...); err != nil {
		return nil, fmt.Errorf("register %s %q: %w", PoolsToken, name, err)
	}
	common := []pulumi.ResourceOption{pulumi.Parent(p), pulumi.Provider(args.Kubernetes)}
	class, err := manifest.New(ctx, name+"-nodeclass", &manifest.Args{
		APIVersion: nodeClassGroup + "/v1", Kind: nodeClassKind, Name: NodeClass, Annotations: deployment.Owned(),
		Fields: pulumi.Map{"spec": args.nodeClassSpec()},
	}, append(common, deployment.DependsOn(args.After...), pulumi.Timeouts(&pulumi.CustomTimeouts{Delete: nodeClassTimeout}))...)
	if err != nil {
		return nil, err
	}
	// What the node class depends on, its pools depend on through it.
	after := []pulumi.CustomResource{class}
	for _, pool := range args.Pools {
		for _, np := range pool.NodePools() {
			made, err := manifest.New(ctx, name+"-"+np.Name, &manifest.Args{
				APIVersion: "karpenter.sh/v1", Kind: "NodePool", Name: np.Name, Annotations: deployment.Owned(),
				Fields: pulumi.Map{"spec": pulumi.ToMap(np.Spec(NodeClass))},
			}, append(common, deployment.DependsOn(after...),
				pulumi.Timeouts(&pulumi.CustomTimeouts{Delete: np.DeleteTimeout().String()}))...)
			if err != nil {
				return nil, err
			}
			p.NodePools = append(p.NodePools, made)
			p.Catalog = append(p.Catalog, np)
		}
	}
	return p, ctx.RegisterResourceOutputs(p, pulumi.Map{})
}

// nodeClassSpec makes the node class. The hop limit of 1 keeps pods from the instance metadata and so from the node's
// role. RAID0 puts the kubelet's and the container runtime's files, and so Flink's, on the NVMe disks.
func (a *PoolsArgs) nodeClassSpec() pulumi.Map {
	ids := a.SubnetIds.ToStringArrayOutput().ApplyT(func(ids []string) []map[string]string {
		terms := make([]map[string]string, 0, len(ids))
		for _, id := range ids {
			terms = append(terms, map[string]string{"id": id})
		}
		return terms
	})
	tags := a.Deployment.PlainTags()
	ebs := pulumi.Map{
		"volumeSize": pulumi.Sprintf("%dGi", a.DiskGiB), "volumeType": pulumi.String("gp3"),
		"encrypted": pulumi.Bool(true), "deleteOnTermination": pulumi.Bool(true),
	}
	if a.KmsKeyArn != nil {
		ebs["kmsKeyID"] = a.KmsKeyArn.ToStringPtrOutput().Elem()
	}
	spec := pulumi.Map{
		"amiSelectorTerms":           pulumi.MapArray{pulumi.Map{"alias": pulumi.String(a.AMIAlias)}},
		"instanceProfile":            a.InstanceProfile,
		"subnetSelectorTerms":        ids,
		"securityGroupSelectorTerms": pulumi.MapArray{pulumi.Map{"id": a.SecurityGroupId}},
		"instanceStorePolicy":        pulumi.String("RAID0"),
		"metadataOptions": pulumi.Map{
			"httpEndpoint": pulumi.String("enabled"), "httpTokens": pulumi.String("required"),
			"httpPutResponseHopLimit": pulumi.Int(1), "httpProtocolIPv6": pulumi.String("disabled"),
		},
		"blockDeviceMappings": pulumi.MapArray{pulumi.Map{
			"deviceName": pulumi.String("/dev/xvda"), "ebs": ebs,
		}},
		"tags": pulumi.ToStringMap(tags),
	}
	if a.MaxPods > 0 {
		spec["kubelet"] = pulumi.Map{"maxPods": pulumi.Int(a.MaxPods)}
	}
	return spec
}

func (a *PoolsArgs) validate() error {
	switch {
	case a == nil:
		return errors.New("no arguments")
	case len(a.Pools) == 0:
		return errors.New("no pools")
	case !strings.Contains(a.AMIAlias, "@v"):
		return fmt.Errorf("image %q is not pinned: an alias such as al2023@v20261023", a.AMIAlias)
	case a.MaxPods < 0:
		return fmt.Errorf("%d pods per node", a.MaxPods)
	case a.DiskGiB < 20:
		return fmt.Errorf("root volume of %d GiB: the image needs 20", a.DiskGiB)
	case a.SubnetIds == nil || a.SecurityGroupId == nil || a.InstanceProfile == nil:
		return errors.New("no subnets, security group or instance profile")
	case a.Kubernetes == nil:
		return errors.New("no Kubernetes provider")
	case len(a.After) == 0:
		return errors.New("nothing to outlive the nodes: without it a deletion leaves instances behind")
	}
	seen := map[string]bool{}
	for _, p := range a.Pools {
		if problems := p.Check(); len(problems) > 0 {
			return fmt.Errorf("pool %q: %s", p.Name, strings.Join(problems, "; "))
		}
		for _, np := range p.NodePools() {
			if seen[np.Name] {
				return fmt.Errorf("two node pools have the name %q", np.Name)
			}
			seen[np.Name] = true
		}
	}
	return a.Deployment.Validate()
}
