// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"emrflink/internal/awskind"
)

// ErrNotSwept is the code of Delete's error for a type that a sweep never
// deletes: it has an owner in the state of the deployment.
const ErrNotSwept = "NotSwept"

// Delete deletes one resource of the inventory: the things that controllers
// leave behind, by their exact id. What is gone already is no error. Types that
// only the engine may delete (VPCs, clusters, roles...) are refused with the
// code ErrNotSwept.
func (c *Client) Delete(ctx context.Context, r Resource) error {
	if r.ID == "" {
		return &Error{Op: "sweep", Resource: r.Type, Code: "InvalidParameter", Message: "the resource has no id"}
	}
	err := c.delete(ctx, r)
	if IsNotFound(err) {
		return nil
	}
	return err
}

func (c *Client) delete(ctx context.Context, r Resource) error {
	remove := c.deleters()[r.Type]
	if remove == nil || !CanDelete(r.Type) {
		return &Error{
			Op: "sweep", Resource: r.ID, Code: ErrNotSwept,
			Message: "a sweep does not delete a resource of type " + r.Service + " " + r.Type,
		}
	}
	return remove(ctx, r.ID)
}

// deleters delete the types that have a place in the order of a sweep.
func (c *Client) deleters() map[string]func(ctx context.Context, id string) error {
	return map[string]func(context.Context, string) error{
		TypeInstance:         func(ctx context.Context, id string) error { return c.TerminateInstances(ctx, id) },
		TypeVolume:           c.DeleteVolume,
		TypeVPCEndpoint:      c.deleteVPCEndpoint,
		TypeNetworkInterface: c.DeleteNetworkInterface,
		TypeSecurityGroup:    c.DeleteSecurityGroup,
		TypeLaunchTemplate:   c.DeleteLaunchTemplate,
		TypeInstanceProfile:  c.DeleteInstanceProfile,
		TypeLogGroup:         c.DeleteLogGroup,
		TypeLoadBalancer:     c.DeleteLoadBalancer,
		TypeClassicBalancer:  c.deleteClassicBalancer,
		TypeQueue:            c.DeleteQueue,
		TypeBucket:           c.DeleteBucket,
	}
}

// CanDelete says whether Delete accepts a type.
func CanDelete(typ string) bool {
	k, _ := awskind.OfInventory(typ)
	return k.Sweep > 0
}

// TerminateInstances starts the termination of instances; it does not wait.
func (c *Client) TerminateInstances(ctx context.Context, ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := c.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: ids})
	return wrap("ec2:TerminateInstances", ids[0], err)
}

// WaitTerminated waits until instances are terminated or gone, at most limit.
func (c *Client) WaitTerminated(ctx context.Context, limit time.Duration, ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	in := &ec2.DescribeInstancesInput{InstanceIds: ids}
	err := ec2.NewInstanceTerminatedWaiter(c.ec2.DescribeInstances).Wait(ctx, in, limit,
		func(o *ec2.InstanceTerminatedWaiterOptions) { o.MinDelay, o.MaxDelay = time.Second, 15*time.Second })
	if err = wrap("ec2:DescribeInstances", ids[0], err); IsNotFound(err) {
		return nil
	}
	return err
}

// DeleteVolume deletes a volume that is not attached.
func (c *Client) DeleteVolume(ctx context.Context, id string) error {
	_, err := c.ec2.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: &id})
	return wrap("ec2:DeleteVolume", id, err)
}

// deleteVPCEndpoint deletes an endpoint with its interfaces. EC2 answers with success and a list of what it did not do.
func (c *Client) deleteVPCEndpoint(ctx context.Context, id string) error {
	out, err := c.ec2.DeleteVpcEndpoints(ctx, &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{id}})
	if err == nil && len(out.Unsuccessful) > 0 && out.Unsuccessful[0].Error != nil {
		e := out.Unsuccessful[0].Error
		return &Error{Op: "ec2:DeleteVpcEndpoints", Resource: id, Code: aws.ToString(e.Code), Message: aws.ToString(e.Message)}
	}
	return wrap("ec2:DeleteVpcEndpoints", id, err)
}

// DeleteNetworkInterface deletes an interface that is not attached.
func (c *Client) DeleteNetworkInterface(ctx context.Context, id string) error {
	_, err := c.ec2.DeleteNetworkInterface(ctx, &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: &id})
	return wrap("ec2:DeleteNetworkInterface", id, err)
}

// DeleteSecurityGroup deletes a group that nothing uses or refers to.
func (c *Client) DeleteSecurityGroup(ctx context.Context, id string) error {
	_, err := c.ec2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &id})
	return wrap("ec2:DeleteSecurityGroup", id, err)
}

// DeleteLaunchTemplate deletes a template by id, with all its versions.
func (c *Client) DeleteLaunchTemplate(ctx context.Context, id string) error {
	_, err := c.ec2.DeleteLaunchTemplate(ctx, &ec2.DeleteLaunchTemplateInput{LaunchTemplateId: &id})
	return wrap("ec2:DeleteLaunchTemplate", id, err)
}

// DeleteInstanceProfile takes the role out of a profile and deletes it.
func (c *Client) DeleteInstanceProfile(ctx context.Context, name string) error {
	out, err := c.iam.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: &name})
	if err != nil {
		return wrap("iam:GetInstanceProfile", name, err)
	}
	for _, role := range out.InstanceProfile.Roles {
		_, err := c.iam.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{
			InstanceProfileName: &name, RoleName: role.RoleName,
		})
		if err = wrap("iam:RemoveRoleFromInstanceProfile", name, err); err != nil && !IsNotFound(err) {
			return err
		}
	}
	_, err = c.iam.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: &name})
	return wrap("iam:DeleteInstanceProfile", name, err)
}

// InstanceProfilesOfRole lists the profiles that still hold a role: IAM does
// not delete the role before they are gone.
func (c *Client) InstanceProfilesOfRole(ctx context.Context, role string) ([]Resource, error) {
	var rs []Resource
	p := iam.NewListInstanceProfilesForRolePaginator(c.iam.ListInstanceProfilesForRole,
		&iam.ListInstanceProfilesForRoleInput{RoleName: &role})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err = wrap("iam:ListInstanceProfilesForRole", role, err); err != nil {
			if IsNotFound(err) {
				return nil, nil
			}
			return rs, err
		}
		for _, ip := range page.InstanceProfiles {
			rs = append(rs, profileResource(ip, "user"))
		}
	}
	return rs, nil
}

// DeleteLogGroup deletes a log group with its streams and events.
func (c *Client) DeleteLogGroup(ctx context.Context, name string) error {
	return c.logs(ctx, "DeleteLogGroup", name, map[string]string{"logGroupName": name}, nil)
}

// DeleteLoadBalancer deletes a load balancer by ARN; its interfaces go later.
func (c *Client) DeleteLoadBalancer(ctx context.Context, arn string) error {
	_, err := c.elb.DeleteLoadBalancer(ctx, &elbv2.DeleteLoadBalancerInput{LoadBalancerArn: &arn})
	return wrap("elasticloadbalancing:DeleteLoadBalancer", arn, err)
}

// DeleteQueue deletes an SQS queue by URL.
func (c *Client) DeleteQueue(ctx context.Context, url string) error {
	return c.raw.call(ctx, sqsService(), "DeleteQueue", url, map[string]string{"QueueUrl": url}, nil)
}

// DeleteBucket deletes an empty bucket; see EmptyBucket.
func (c *Client) DeleteBucket(ctx context.Context, name string) error {
	_, err := c.s3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String(name)})
	return wrap("s3:DeleteBucket", name, err)
}
