// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
)

// Cluster is an EKS cluster as eks:DescribeCluster answers.
type Cluster struct {
	Name, ARN          string
	Status             string // "CREATING", "ACTIVE", "DELETING", "FAILED", "UPDATING"
	Version            string // "1.35"
	PlatformVersion    string
	Endpoint           string // "" while it is being created
	CABase64           string // base64 of the PEM certificate, as a kubeconfig wants it
	Issuer             string // OIDC issuer URL
	RoleARN            string
	VPC                string
	SecurityGroup      string // the cluster security group that EKS made
	ServiceCIDR        string
	AuthenticationMode string
	Tags               map[string]string
	CreatedAt          time.Time
	DeletionProtection bool     // EKS refuses to delete it
	Health             []string // "CODE: message" of each issue
}

// DescribeCluster reads one cluster; IsNotFound tells that there is none.
func (c *Client) DescribeCluster(ctx context.Context, name string) (Cluster, error) {
	out, err := c.eks.DescribeCluster(ctx, &eks.DescribeClusterInput{Name: &name})
	if err != nil {
		return Cluster{}, wrap("eks:DescribeCluster", name, err)
	}
	k := out.Cluster
	r := Cluster{
		Name: aws.ToString(k.Name), ARN: aws.ToString(k.Arn), Status: string(k.Status), Version: aws.ToString(k.Version),
		PlatformVersion: aws.ToString(k.PlatformVersion), Endpoint: aws.ToString(k.Endpoint), RoleARN: aws.ToString(k.RoleArn),
		Tags: k.Tags, CreatedAt: aws.ToTime(k.CreatedAt), DeletionProtection: aws.ToBool(k.DeletionProtection),
	}
	if k.CertificateAuthority != nil {
		r.CABase64 = aws.ToString(k.CertificateAuthority.Data)
	}
	if k.Identity != nil && k.Identity.Oidc != nil {
		r.Issuer = aws.ToString(k.Identity.Oidc.Issuer)
	}
	if v := k.ResourcesVpcConfig; v != nil {
		r.VPC, r.SecurityGroup = aws.ToString(v.VpcId), aws.ToString(v.ClusterSecurityGroupId)
	}
	if n := k.KubernetesNetworkConfig; n != nil {
		r.ServiceCIDR = aws.ToString(n.ServiceIpv4Cidr)
	}
	if a := k.AccessConfig; a != nil {
		r.AuthenticationMode = string(a.AuthenticationMode)
	}
	if k.Health != nil {
		for _, i := range k.Health.Issues {
			r.Health = append(r.Health, string(i.Code)+": "+aws.ToString(i.Message))
		}
	}
	return r, nil
}

// SetDeletionProtection says whether EKS is to refuse to delete a cluster.
func (c *Client) SetDeletionProtection(ctx context.Context, name string, on bool) error {
	_, err := c.eks.UpdateClusterConfig(ctx, &eks.UpdateClusterConfigInput{Name: &name, DeletionProtection: &on})
	return wrap("eks:UpdateClusterConfig", name, err)
}

// ListClusters returns the names of the region's clusters.
func (c *Client) ListClusters(ctx context.Context) ([]string, error) {
	var names []string
	p := eks.NewListClustersPaginator(c.eks.ListClusters, &eks.ListClustersInput{})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, wrap("eks:ListClusters", "", err)
		}
		names = append(names, page.Clusters...)
	}
	return names, nil
}

// NodeGroup is a managed node group.
type NodeGroup struct {
	Name, ARN, Status         string
	Version, AMIType          string
	CapacityType              string // "ON_DEMAND", "SPOT"
	InstanceTypes             []string
	Min, Desired, Max         int
	NodeRole, AutoScalingName string
	Health                    []string // "CODE: message" of each issue
	Tags                      map[string]string
}

// NodeGroups lists the managed node groups of a cluster with their state.
func (c *Client) NodeGroups(ctx context.Context, cluster string) ([]NodeGroup, error) {
	var groups []NodeGroup
	p := eks.NewListNodegroupsPaginator(c.eks.ListNodegroups, &eks.ListNodegroupsInput{ClusterName: &cluster})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, wrap("eks:ListNodegroups", cluster, err)
		}
		for _, name := range page.Nodegroups {
			g, err := c.describeNodeGroup(ctx, cluster, name)
			if err != nil {
				return nil, err
			}
			groups = append(groups, g)
		}
	}
	return groups, nil
}

func (c *Client) describeNodeGroup(ctx context.Context, cluster, name string) (NodeGroup, error) {
	out, err := c.eks.DescribeNodegroup(ctx, &eks.DescribeNodegroupInput{ClusterName: &cluster, NodegroupName: &name})
	if err != nil {
		return NodeGroup{}, wrap("eks:DescribeNodegroup", name, err)
	}
	n := out.Nodegroup
	g := NodeGroup{
		Name: name, ARN: aws.ToString(n.NodegroupArn), Status: string(n.Status), Version: aws.ToString(n.Version),
		AMIType: string(n.AmiType), CapacityType: string(n.CapacityType), InstanceTypes: n.InstanceTypes,
		NodeRole: aws.ToString(n.NodeRole), Tags: n.Tags,
	}
	if s := n.ScalingConfig; s != nil {
		g.Min, g.Desired, g.Max = int(aws.ToInt32(s.MinSize)), int(aws.ToInt32(s.DesiredSize)), int(aws.ToInt32(s.MaxSize))
	}
	if n.Resources != nil {
		for _, a := range n.Resources.AutoScalingGroups {
			g.AutoScalingName = aws.ToString(a.Name)
		}
	}
	if n.Health != nil {
		for _, i := range n.Health.Issues {
			g.Health = append(g.Health, string(i.Code)+": "+aws.ToString(i.Message))
		}
	}
	return g, nil
}

// Addons returns the names of a cluster's EKS addons.
func (c *Client) Addons(ctx context.Context, cluster string) ([]string, error) {
	var names []string
	p := eks.NewListAddonsPaginator(c.eks.ListAddons, &eks.ListAddonsInput{ClusterName: &cluster})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, wrap("eks:ListAddons", cluster, err)
		}
		names = append(names, page.Addons...)
	}
	return names, nil
}

// AccessEntries returns the principal ARNs of a cluster's access entries.
func (c *Client) AccessEntries(ctx context.Context, cluster string) ([]string, error) {
	var arns []string
	p := eks.NewListAccessEntriesPaginator(c.eks.ListAccessEntries, &eks.ListAccessEntriesInput{ClusterName: &cluster})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, wrap("eks:ListAccessEntries", cluster, err)
		}
		arns = append(arns, page.AccessEntries...)
	}
	return arns, nil
}

// AddonVersion is a version of an EKS addon.
type AddonVersion struct {
	Addon, Version string
	Default        bool // for the Kubernetes version that was asked for
}

// AddonVersions lists the versions of all addons that suit a Kubernetes version, as EKS orders them: the newest first.
func (c *Client) AddonVersions(ctx context.Context, kubernetes string) ([]AddonVersion, error) {
	var out []AddonVersion
	in := &eks.DescribeAddonVersionsInput{KubernetesVersion: &kubernetes}
	for {
		page, err := c.eks.DescribeAddonVersions(ctx, in)
		if err != nil {
			return nil, wrap("eks:DescribeAddonVersions", "", err)
		}
		for _, a := range page.Addons {
			for _, v := range a.AddonVersions {
				one := AddonVersion{Addon: aws.ToString(a.AddonName), Version: aws.ToString(v.AddonVersion)}
				for _, suits := range v.Compatibilities {
					one.Default = one.Default || suits.DefaultVersion && aws.ToString(suits.ClusterVersion) == kubernetes
				}
				out = append(out, one)
			}
		}
		if in.NextToken = page.NextToken; aws.ToString(in.NextToken) == "" {
			return out, nil
		}
	}
}

// ClusterVersion is a Kubernetes version that EKS offers.
type ClusterVersion struct {
	Version            string
	Status             string // "STANDARD_SUPPORT", "EXTENDED_SUPPORT", "UNSUPPORTED"
	Default            bool
	EndOfStandard      time.Time // zero when not announced
	EndOfExtended      time.Time
	DefaultPlatformVer string
}

// ClusterVersions lists the Kubernetes versions that EKS offers in the region.
func (c *Client) ClusterVersions(ctx context.Context) ([]ClusterVersion, error) {
	var vs []ClusterVersion
	p := eks.NewDescribeClusterVersionsPaginator(c.eks.DescribeClusterVersions, &eks.DescribeClusterVersionsInput{})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, wrap("eks:DescribeClusterVersions", "", err)
		}
		for _, v := range page.ClusterVersions {
			vs = append(vs, ClusterVersion{
				Version: aws.ToString(v.ClusterVersion), Status: string(v.VersionStatus), Default: v.DefaultVersion,
				EndOfStandard: aws.ToTime(v.EndOfStandardSupportDate), EndOfExtended: aws.ToTime(v.EndOfExtendedSupportDate),
				DefaultPlatformVer: aws.ToString(v.DefaultPlatformVersion),
			})
		}
	}
	return vs, nil
}
