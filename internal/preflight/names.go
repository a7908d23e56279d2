// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"emrflink/internal/awsapi"
	"emrflink/internal/check"
)

// names answers whether names are taken.
type names interface {
	BucketExists(ctx context.Context, bucket string) (bool, error)
	LogGroupExists(ctx context.Context, name string) (bool, error)
	DescribeCluster(ctx context.Context, name string) (awsapi.Cluster, error)
}

// set says which setting to change, and where.
func (d Deploy) set(key, value string) string {
	if d.File == "" {
		return fmt.Sprintf("emrflink init --stack %s --set region=%s --set %s=%s", d.Stack, d.Region, key, value)
	}
	return d.at(key, value)
}

// otherName gives the deployment another name.
func (d Deploy) otherName() string { return d.set("name", d.Name+"-2") }

// otherVPCs looks for a VPC that carries the deployment's name without being the stack's, and for networks with the same
// addresses. The latter is no problem until somebody connects the two.
func (a Account) otherVPCs(vpcs []awsapi.VPC) check.Check {
	const id = "vpc"
	d := a.Deploy
	var overlapping []string
	own, err := netip.ParsePrefix(d.Cidr)
	for _, v := range vpcs {
		if v.ID == d.Recorded.VPC {
			continue
		}
		if v.Tags[d.Tag] == d.Name && d.Recorded.VPCs == 0 {
			return check.Check{
				ID: id, Status: check.Warning,
				What: fmt.Sprintf("%s belongs to a deployment %s that the stack did not make", v.ID, d.Name),
				Why: "the leftovers of two deployments with one name cannot be distinguished; it was made with another " +
					"state, or left over",
				Fix: d.otherName(),
			}
		}
		for _, cidr := range v.CIDRs {
			if other, perr := netip.ParsePrefix(cidr); err == nil && perr == nil && own.Overlaps(other) {
				overlapping = append(overlapping, v.ID+" ("+cidr+")")
			}
		}
	}
	c := fine(id, "no other network has addresses of %s", d.Cidr)
	if len(overlapping) > 0 {
		c.What = d.Cidr + " overlaps with " + strings.Join(overlapping, ", ") +
			"; it matters only if the networks are to be connected"
	}
	return c
}

// unknownCluster explains a cluster of the deployment's name that is not in the state. One with the deployment's tag is what
// a stack has left whose state was lost.
func (a Account) unknownCluster(ctx context.Context) check.Check {
	d := a.Deploy
	c := check.Check{
		ID: "cluster-name", Status: check.Error, What: "there is a cluster " + d.Name + " that the stack did not make",
		Why: "ResourceInUseException: EKS refuses a second cluster of that name in the region", Fix: d.otherName(),
	}
	if k, err := a.AWS.DescribeCluster(ctx, d.Name); err == nil && k.Tags[d.Tag] == d.Name {
		c.What = "there is a cluster " + d.Name + " with the tags of this deployment that the state does not have"
		c.Why += "; its state was lost, or is another one"
		c.Fix = "aws resourcegroupstaggingapi get-resources --tag-filters Key=" + d.Tag + ",Values=" + d.Name +
			"   # what is there of it; emrflink state restore brings a copy of the state back\n" + c.Fix
	}
	return c
}

// bucket checks that the bucket is the stack's or does not exist.
func (a Account) bucket(ctx context.Context, who awsapi.Identity) []check.Check {
	const id = "bucket-name"
	name := a.Deploy.Bucket(who)
	if a.Deploy.Recorded.Names[name] {
		return []check.Check{fine(id, "%s is the stack's", name)}
	}
	exists, err := a.AWS.BucketExists(ctx, name)
	if err != nil {
		return []check.Check{unknown(id, "bucket "+name, err)}
	}
	if !exists {
		return []check.Check{fine(id, "no other bucket is called %s", name)}
	}
	return []check.Check{{
		ID: id, Status: check.Error, What: "there is a bucket " + name + " that the stack did not make",
		Why: "BucketAlreadyOwnedByYou: it was made with another state, or left over; it may hold checkpoints",
		Fix: a.Deploy.otherName(),
	}}
}

// leftOver returns the log groups of the deployment that are there without being in the stack's state, sorted. EKS writes
// the last lines when the cluster is gone already and makes its group anew, which then never expires.
func (a Account) leftOver(ctx context.Context) ([]string, error) {
	var left []string
	for _, name := range a.Deploy.LogGroups {
		if a.Deploy.Recorded.Names[name] {
			continue
		}
		exists, err := a.AWS.LogGroupExists(ctx, name)
		if err != nil {
			return nil, err
		}
		if exists {
			left = append(left, name)
		}
	}
	slices.Sort(left)
	return left, nil
}

// logGroups looks for log groups of an earlier deployment.
func (a Account) logGroups(ctx context.Context, _ awsapi.Identity) []check.Check {
	const id = "log-groups"
	left, err := a.leftOver(ctx)
	if err != nil {
		return []check.Check{unknown(id, "log groups that are left over", err)}
	}
	if len(left) == 0 {
		return []check.Check{fine(id, "none is left over")}
	}
	var deletes strings.Builder
	for _, name := range left {
		fmt.Fprintf(&deletes, "\naws logs delete-log-group --log-group-name %s --region %s", name, a.Deploy.Region)
	}
	if a.Deploy.Adopt {
		return []check.Check{{
			ID: id, Status: check.Warning, What: "taken into the stack, with the events in them: " + strings.Join(left, ", "),
			Why: "they are left over from an earlier deployment; from now on a cleanup deletes them",
			Fix: "to begin with empty ones instead:" + deletes.String(), Adopts: left,
		}}
	}
	return []check.Check{{
		ID: id, Status: check.Error, What: "left over from an earlier deployment: " + strings.Join(left, ", "),
		Why: "ResourceAlreadyExistsException: the deploy would not make them a second time",
		Fix: "emrflink deploy --adopt --stack " + a.Deploy.Stack + "   # takes them into the stack, with the events in them" +
			deletes.String(),
	}}
}
