// SPDX-License-Identifier: Apache-2.0

// Package deployment describes one deployment of the platform: its name, where it runs, and how its resources are named
// and tagged. Every component takes a *Deployment, so that partition, account and region are looked up once and never
// hard-coded, and so that one account can have two deployments: names that are unique per account contain the
// deployment's name and the region, names that are unique per region contain the deployment's name.
package deployment

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/mirror"
)

const (
	// TagDeployment is the tag key whose value is the deployment's name. Cost reports and cleanup filter by it.
	TagDeployment = "emrflink:deployment"
	// TagManagedBy is the tag key that marks a resource as ours.
	TagManagedBy = "emrflink:managed-by"
	// ManagedBy is the value of TagManagedBy.
	ManagedBy = "emrflink"

	// MaxNameLength bounds a deployment's name, in characters. It follows from IAM's limit of 64 for a role name:
	// name (20) + "-" + region (14) + "-" + team (24) + "-job" is exactly 64.
	MaxNameLength = 20
	// MaxRoleName is IAM's limit for the name of a role, in characters.
	MaxRoleName = 64
)

// Owned are the annotations of all our Kubernetes objects: with them, a deployment overwrites fields that someone else
// has changed, with kubectl for example. Without them, server-side apply would refuse with a conflict of field managers
// (pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply).
func Owned() pulumi.StringMap {
	return pulumi.StringMap{"pulumi.com/patchForce": pulumi.String("true")}
}

// DependsOn makes a resource wait for others, and be deleted before them. It takes no components: Pulumi replaces a
// component by those of its children that are registered at that moment, so that the graph would differ from run to
// run. A component that others wait for has a field with the resources that matter.
func DependsOn(resources ...pulumi.CustomResource) pulumi.ResourceOption {
	all := make([]pulumi.Resource, 0, len(resources))
	for _, r := range resources {
		all = append(all, r)
	}
	return pulumi.DependsOn(all)
}

// Deployment is one deployment in one account and region.
type Deployment struct {
	// Name is the deployment's name and the name of its EKS cluster.
	Name string
	// Region, AccountID and Partition are those of the AWS provider in use.
	Region, AccountID, Partition string
	// PermissionsBoundary is the ARN of the policy that limits what every role of the deployment may be allowed; empty is none.
	PermissionsBoundary string
	// RolePath is the IAM path of every role of the deployment; empty is "/".
	RolePath string
	// Protect keeps the engine from deleting or replacing the cluster and the bucket.
	Protect bool
	// AddonVersions are versions of EKS addons by their names; one that is not there has EKS's default version.
	AddonVersions map[string]string
	// Mirrors are where images and charts are pulled from instead of their public registries.
	Mirrors mirror.Mirrors
	// Tags are the user's tags; the deployment's own are added by ResourceTags.
	Tags map[string]string
}

// Lookup asks the AWS provider in use for its identity, partition and region. The user's tags are copied.
func Lookup(ctx *pulumi.Context, name string, tags map[string]string, opts ...pulumi.InvokeOption) (*Deployment, error) {
	if name == "" || len(name) > MaxNameLength {
		return nil, fmt.Errorf("deployment name %q: 1 to %d characters", name, MaxNameLength)
	}
	identity, err := aws.GetCallerIdentity(ctx, nil, opts...)
	if err != nil {
		return nil, fmt.Errorf("look up the caller's identity: %w", err)
	}
	partition, err := aws.GetPartition(ctx, nil, opts...)
	if err != nil {
		return nil, fmt.Errorf("look up the partition: %w", err)
	}
	region, err := aws.GetRegion(ctx, nil, opts...)
	if err != nil {
		return nil, fmt.Errorf("look up the region: %w", err)
	}
	return &Deployment{
		Name:      name,
		Region:    region.Name,
		AccountID: identity.AccountId,
		Partition: partition.Partition,
		Tags:      maps.Clone(tags),
	}, nil
}

// Validate reports what is missing from a Deployment that was not made by Lookup.
func (d *Deployment) Validate() error {
	if d == nil {
		return errors.New("deployment is nil")
	}
	var missing []string
	for _, f := range []struct{ name, value string }{
		{"Name", d.Name}, {"Region", d.Region}, {"AccountID", d.AccountID}, {"Partition", d.Partition},
	} {
		if f.value == "" {
			missing = append(missing, f.name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("deployment has no %s", strings.Join(missing, ", "))
	}
	return nil
}

// OwnTags are the tags that identify the deployment; a bill or an inventory filtered by them is complete.
func (d *Deployment) OwnTags() map[string]string {
	return map[string]string{TagDeployment: d.Name, TagManagedBy: ManagedBy}
}

// PlainTags are the user's tags overlaid with the deployment's own.
func (d *Deployment) PlainTags() map[string]string {
	tags := map[string]string{}
	maps.Copy(tags, d.Tags)
	maps.Copy(tags, d.OwnTags())
	return tags
}

// ResourceTags are the tags of one resource: the user's, then the deployment's own, then a Name, then what is extra.
func (d *Deployment) ResourceTags(name string, extra ...map[string]string) pulumi.StringMap {
	tags := d.PlainTags()
	tags["Name"] = name
	for _, e := range extra {
		maps.Copy(tags, e)
	}
	return pulumi.ToStringMap(tags)
}

// ResourceName names something that AWS keeps apart per region: <name>-<suffix>.
func (d *Deployment) ResourceName(suffix string) string { return d.Name + "-" + suffix }

// AccountName names something that AWS keeps apart per account only, such as an IAM role: <name>-<region>-<suffix>.
func (d *Deployment) AccountName(suffix string) string {
	return d.Name + "-" + d.Region + "-" + suffix
}

// ARN builds an ARN in the deployment's partition, region and account.
func (d *Deployment) ARN(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", d.Partition, service, d.Region, d.AccountID, resource)
}

// IAMARN builds the ARN of an IAM resource, which has no region.
func (d *Deployment) IAMARN(resource string) string {
	return fmt.Sprintf("arn:%s:iam::%s:%s", d.Partition, d.AccountID, resource)
}

// ManagedPolicyARN builds the ARN of a policy that AWS owns.
func (d *Deployment) ManagedPolicyARN(name string) string {
	return fmt.Sprintf("arn:%s:iam::aws:policy/%s", d.Partition, name)
}

// Boundary is the permissions boundary of a role, nil for none.
func (d *Deployment) Boundary() pulumi.StringPtrInput {
	if d.PermissionsBoundary == "" {
		return nil
	}
	return pulumi.String(d.PermissionsBoundary)
}

// Path is the path of a role, nil for "/".
func (d *Deployment) Path() pulumi.StringPtrInput {
	if d.RolePath == "" || d.RolePath == "/" {
		return nil
	}
	return pulumi.String(d.RolePath)
}

// RoleARN is the ARN of a role of the deployment. It is known before the role exists.
func (d *Deployment) RoleARN(name string) string {
	return d.IAMARN("role" + cmp.Or(d.RolePath, "/") + name)
}

// ClusterARN is the ARN of the deployment's EKS cluster. It is known before the cluster exists, which keeps previews
// free of unknowns.
func (d *Deployment) ClusterARN() string { return d.ARN("eks", "cluster/"+d.Name) }

// EndsWithCluster is for objects of Kubernetes that own nothing in AWS, such as the
// namespaces of charts: when the cluster of the provider is deleted in the same
// operation they are not deleted one by one, which takes seconds to minutes each and
// changes nothing. A change that keeps the cluster deletes them as usual.
func EndsWithCluster(kubernetes pulumi.ProviderResource) pulumi.ResourceOption {
	return pulumi.DeletedWith(kubernetes)
}
