// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// ClusterLogGroup is where EKS writes the logs of a cluster's control plane. EKS makes it, without tags, when it is missing.
func ClusterLogGroup(cluster string) string { return "/aws/eks/" + cluster + "/cluster" }

// karpenterPath is the IAM path of the instance profiles that Karpenter makes.
func karpenterPath(region, cluster string) string {
	return "/karpenter/" + region + "/" + cluster + "/"
}

// findCluster lists the cluster with its node groups and addons.
func (c *Client) findCluster(ctx context.Context, d Deployment) ([]Resource, error) {
	k, err := c.DescribeCluster(ctx, d.Cluster)
	if IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	rs := []Resource{clusterResource(k)}
	groups, gerr := c.NodeGroups(ctx, d.Cluster)
	for _, g := range groups {
		rs = append(rs, nodeGroupResource(d.Cluster, g))
	}
	addons, aerr := c.Addons(ctx, d.Cluster)
	for _, a := range addons {
		rs = append(rs, Resource{Service: "eks", Type: TypeAddon, ID: d.Cluster + ":" + a, Name: a, CreatedBy: "user",
			Detail: map[string]string{"cluster": d.Cluster}})
	}
	return rs, errors.Join(gerr, aerr)
}

func clusterResource(k Cluster) Resource {
	return Resource{
		Service: "eks", Type: TypeCluster, ID: k.Name, ARN: k.ARN, Name: k.Name, State: k.Status, Tags: k.Tags, CreatedBy: "user",
		Detail: map[string]string{"version": k.Version, "issuer": k.Issuer},
	}
}

func nodeGroupResource(cluster string, g NodeGroup) Resource {
	return Resource{
		Service: "eks", Type: TypeNodeGroup, ID: cluster + ":" + g.Name, ARN: g.ARN, Name: g.Name, State: g.Status,
		Tags: g.Tags, CreatedBy: "user", Detail: map[string]string{"cluster": cluster},
	}
}

func iamTags(tags []iamtypes.Tag) map[string]string {
	m := map[string]string{}
	for _, t := range tags {
		m[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return m
}

func profileResource(p iamtypes.InstanceProfile, by string) Resource {
	r := Resource{Service: "iam", Type: TypeInstanceProfile, ID: aws.ToString(p.InstanceProfileName), ARN: aws.ToString(p.Arn),
		Name: aws.ToString(p.InstanceProfileName), Tags: iamTags(p.Tags), CreatedBy: by,
		Detail: map[string]string{"path": aws.ToString(p.Path)}}
	for _, role := range p.Roles {
		r.Detail["role"] = aws.ToString(role.RoleName)
	}
	return r
}

// findInstanceProfiles lists Karpenter's (below its own path for this region
// and cluster) and those named.
func (c *Client) findInstanceProfiles(ctx context.Context, d Deployment) ([]Resource, error) {
	var rs []Resource
	path := karpenterPath(c.Region(), d.Cluster)
	p := iam.NewListInstanceProfilesPaginator(c.iam.ListInstanceProfiles, &iam.ListInstanceProfilesInput{PathPrefix: &path})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return rs, wrap("iam:ListInstanceProfiles", path, err)
		}
		for _, ip := range page.InstanceProfiles {
			rs = append(rs, profileResource(ip, "karpenter"))
		}
	}
	more, err := named(ctx, d.InstanceProfiles, c.instanceProfile)
	return append(rs, more...), err
}

// named reads resources by their exact names; those that do not exist are left out.
func named(ctx context.Context, names []string, read func(context.Context, string) (Resource, error)) ([]Resource, error) {
	var rs []Resource
	var errs []error
	for _, name := range names {
		r, err := read(ctx, name)
		if err == nil {
			rs = append(rs, r)
		} else if !IsNotFound(err) {
			errs = append(errs, err)
		}
	}
	return rs, errors.Join(errs...)
}

func (c *Client) instanceProfile(ctx context.Context, name string) (Resource, error) {
	out, err := c.iam.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: &name})
	if err != nil {
		return Resource{}, wrap("iam:GetInstanceProfile", name, err)
	}
	return profileResource(*out.InstanceProfile, "user"), nil
}

func (c *Client) findRoles(ctx context.Context, d Deployment) ([]Resource, error) {
	return named(ctx, d.Roles, c.role)
}

func (c *Client) role(ctx context.Context, name string) (Resource, error) {
	out, err := c.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	if err != nil {
		return Resource{}, wrap("iam:GetRole", name, err)
	}
	return Resource{Service: "iam", Type: TypeRole, ID: name, ARN: aws.ToString(out.Role.Arn), Name: name,
		Tags: iamTags(out.Role.Tags), CreatedBy: "user"}, nil
}

func (c *Client) findPolicies(ctx context.Context, d Deployment) ([]Resource, error) {
	return named(ctx, d.Policies, c.policy)
}

func (c *Client) policy(ctx context.Context, arn string) (Resource, error) {
	out, err := c.iam.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &arn})
	if err != nil {
		return Resource{}, wrap("iam:GetPolicy", arn, err)
	}
	return Resource{Service: "iam", Type: TypePolicy, ID: arn, ARN: arn, Name: aws.ToString(out.Policy.PolicyName),
		Tags: iamTags(out.Policy.Tags), CreatedBy: "user"}, nil
}

// findOIDCProvider looks for the provider of exactly the deployment's issuer.
func (c *Client) findOIDCProvider(ctx context.Context, d Deployment) ([]Resource, error) {
	issuer := strings.TrimPrefix(d.OIDCIssuer, "https://")
	if issuer == "" {
		return nil, nil
	}
	out, err := c.iam.ListOpenIDConnectProviders(ctx, &iam.ListOpenIDConnectProvidersInput{})
	if err != nil {
		return nil, wrap("iam:ListOpenIDConnectProviders", "", err)
	}
	var rs []Resource
	for _, p := range out.OpenIDConnectProviderList {
		arn := aws.ToString(p.Arn)
		if _, name, ok := strings.Cut(arn, ":oidc-provider/"); ok && name == issuer {
			rs = append(rs, Resource{Service: "iam", Type: TypeOIDCProvider, ID: arn, ARN: arn, Name: name, CreatedBy: "user"})
		}
	}
	return rs, nil
}

func (c *Client) findLogGroups(ctx context.Context, d Deployment) ([]Resource, error) {
	var rs []Resource
	for _, name := range append([]string{ClusterLogGroup(d.Cluster)}, d.LogGroups...) {
		r, ok, err := c.logGroup(ctx, name)
		if err != nil {
			return rs, err
		}
		if ok {
			if name == ClusterLogGroup(d.Cluster) && len(r.Tags) == 0 {
				r.CreatedBy = "eks"
			}
			rs = append(rs, r)
		}
	}
	return rs, nil
}

func (c *Client) findQueues(ctx context.Context, d Deployment) ([]Resource, error) {
	return named(ctx, d.Queues, c.queue)
}

func (c *Client) queue(ctx context.Context, name string) (Resource, error) {
	var out struct {
		QueueURL string `json:"QueueUrl"`
	}
	if err := c.raw.call(ctx, sqsService(), "GetQueueUrl", name, map[string]string{"QueueName": name}, &out); err != nil {
		return Resource{}, err
	}
	r, err := c.taggedQueue(ctx, out.QueueURL)
	r.CreatedBy = "user"
	return r, err
}

func (c *Client) findRules(ctx context.Context, d Deployment) ([]Resource, error) {
	return named(ctx, d.Rules, c.taggedRule)
}

func (c *Client) rule(ctx context.Context, name string) (Resource, error) {
	var out struct{ Name, Arn, State string }
	err := c.raw.call(ctx, eventsService(), "DescribeRule", name, map[string]string{"Name": name}, &out)
	return Resource{
		Service: "events", Type: TypeRule, ID: out.Name, ARN: out.Arn, Name: out.Name, State: out.State, CreatedBy: "user",
	}, err
}

// elbTagBatch is the most load balancers that one DescribeTags takes.
const elbTagBatch = 20

// findLoadBalancers reads all of the region and keeps those in the
// deployment's VPC or tagged with its cluster: ELB has no filter for either.
func (c *Client) findLoadBalancers(ctx context.Context, d Deployment) ([]Resource, error) {
	var all []Resource
	p := elbv2.NewDescribeLoadBalancersPaginator(c.elb.DescribeLoadBalancers, &elbv2.DescribeLoadBalancersInput{})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, wrap("elasticloadbalancing:DescribeLoadBalancers", "", err)
		}
		for _, lb := range page.LoadBalancers {
			arn := aws.ToString(lb.LoadBalancerArn)
			r := Resource{
				Service: elbService, Type: TypeLoadBalancer, ID: arn, ARN: arn,
				Name:   aws.ToString(lb.LoadBalancerName),
				Detail: map[string]string{"vpc": aws.ToString(lb.VpcId), "kind": string(lb.Type)},
			}
			if lb.State != nil {
				r.State = string(lb.State.Code)
			}
			all = append(all, r)
		}
	}
	return d.ownBalancers(ctx, all, c.loadBalancerTags)
}

// ownBalancers gives load balancers their tags and keeps those that belong to the deployment.
func (d Deployment) ownBalancers(ctx context.Context, all []Resource,
	read func(context.Context, []Resource) (map[string]map[string]string, error)) ([]Resource, error) {
	var mine []Resource
	for batch := range slices.Chunk(all, elbTagBatch) {
		tags, err := read(ctx, batch)
		if err != nil {
			return nil, err
		}
		for _, r := range batch {
			r.Tags = tags[r.ID]
			if r.CreatedBy = createdBy(r.Tags); d.ownsBalancer(r) {
				mine = append(mine, r)
			}
		}
	}
	return mine, nil
}

func (d Deployment) ownsBalancer(r Resource) bool {
	if d.VPC != "" && r.Detail["vpc"] == d.VPC {
		return true
	}
	return r.Tags["elbv2.k8s.aws/cluster"] == d.Cluster || r.Tags["kubernetes.io/cluster/"+d.Cluster] == "owned"
}

func (c *Client) loadBalancerTags(ctx context.Context, rs []Resource) (map[string]map[string]string, error) {
	in := &elbv2.DescribeTagsInput{}
	for _, r := range rs {
		in.ResourceArns = append(in.ResourceArns, r.ARN)
	}
	out, err := c.elb.DescribeTags(ctx, in)
	if err != nil {
		return nil, wrap("elasticloadbalancing:DescribeTags", "", err)
	}
	tags := map[string]map[string]string{}
	for _, t := range out.TagDescriptions {
		m := map[string]string{}
		for _, kv := range t.Tags {
			m[aws.ToString(kv.Key)] = aws.ToString(kv.Value)
		}
		tags[aws.ToString(t.ResourceArn)] = m
	}
	return tags, nil
}

func (c *Client) findBuckets(ctx context.Context, d Deployment) ([]Resource, error) {
	return named(ctx, d.Buckets, c.bucket)
}

func (c *Client) bucket(ctx context.Context, name string) (Resource, error) {
	r := Resource{Service: "s3", Type: TypeBucket, ID: name, Name: name, CreatedBy: "user", Tags: map[string]string{}}
	if _, err := c.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &name}); err != nil {
		return r, wrap("s3:HeadBucket", name, err)
	}
	out, err := c.s3.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &name})
	if err = wrap("s3:GetBucketTagging", name, err); err != nil {
		if IsCode(err, "NoSuchTagSet") {
			return r, nil
		}
		return r, err
	}
	for _, t := range out.TagSet {
		r.Tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return r, nil
}
