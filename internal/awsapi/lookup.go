// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"emrflink/internal/awskind"
)

// Lookup reads one resource, with its tags, by the name that the catalogue of AWS kinds has for its look-up and its exact
// id; false when AWS says that there is none.
func (c *Client) Lookup(ctx context.Context, name, id string) (Resource, bool, error) {
	read := c.readers()[name]
	if read == nil {
		return Resource{}, false, &Error{Op: "lookup", Resource: id, Code: "NotLookedUp", Message: "no look-up is called " + name}
	}
	r, err := read(ctx, id)
	if IsNotFound(err) {
		return Resource{}, false, nil
	}
	return r, err == nil, err
}

// readers are the look-ups by name. What EC2 names itself is found by its tags, in the inventory.
func (c *Client) readers() map[string]func(ctx context.Context, id string) (Resource, error) {
	return map[string]func(context.Context, string) (Resource, error){
		TypeCluster: c.cluster, TypeNodeGroup: c.nodeGroup, TypeAddon: c.addon,
		awskind.AccessEntry: c.accessEntry, awskind.PodIdentity: c.podIdentity,
		TypeRole: c.role, TypePolicy: c.policy, TypeInstanceProfile: c.instanceProfile, TypeOIDCProvider: c.oidcProvider,
		TypeBucket: c.bucket, TypeKey: c.taggedKey, TypeQueue: c.taggedQueue, TypeRule: c.taggedRule, TypeLogGroup: c.logGroupOf,
	}
}

func (c *Client) cluster(ctx context.Context, name string) (Resource, error) {
	k, err := c.DescribeCluster(ctx, name)
	return clusterResource(k), err
}

func (c *Client) nodeGroup(ctx context.Context, id string) (Resource, error) {
	cluster, name, _ := strings.Cut(id, ":")
	g, err := c.describeNodeGroup(ctx, cluster, name)
	return nodeGroupResource(cluster, g), err
}

func (c *Client) addon(ctx context.Context, id string) (Resource, error) {
	cluster, name, _ := strings.Cut(id, ":")
	out, err := c.eks.DescribeAddon(ctx, &eks.DescribeAddonInput{ClusterName: &cluster, AddonName: &name})
	if err != nil {
		return Resource{}, wrap("eks:DescribeAddon", id, err)
	}
	a := out.Addon
	return Resource{
		Service: "eks", Type: TypeAddon, ID: id, ARN: aws.ToString(a.AddonArn), Name: name, State: string(a.Status), Tags: a.Tags,
	}, nil
}

func (c *Client) accessEntry(ctx context.Context, id string) (Resource, error) {
	cluster, principal, _ := strings.Cut(id, ":")
	out, err := c.eks.DescribeAccessEntry(ctx, &eks.DescribeAccessEntryInput{ClusterName: &cluster, PrincipalArn: &principal})
	if err != nil {
		return Resource{}, wrap("eks:DescribeAccessEntry", id, err)
	}
	e := out.AccessEntry
	return Resource{
		Service: "eks", Type: awskind.AccessEntry, ID: id, ARN: aws.ToString(e.AccessEntryArn), Name: principal, Tags: e.Tags,
	}, nil
}

// podIdentity finds the association of a service account, "cluster:namespace/name": AWS makes its id.
func (c *Client) podIdentity(ctx context.Context, of string) (Resource, error) {
	cluster, account, _ := strings.Cut(of, ":")
	namespace, name, _ := strings.Cut(account, "/")
	in := &eks.ListPodIdentityAssociationsInput{ClusterName: &cluster, Namespace: &namespace, ServiceAccount: &name}
	for {
		page, err := c.eks.ListPodIdentityAssociations(ctx, in)
		if err != nil {
			return Resource{}, wrap("eks:ListPodIdentityAssociations", of, err)
		}
		for _, a := range page.Associations {
			out, err := c.eks.DescribePodIdentityAssociation(ctx,
				&eks.DescribePodIdentityAssociationInput{ClusterName: &cluster, AssociationId: a.AssociationId})
			if err != nil {
				return Resource{}, wrap("eks:DescribePodIdentityAssociation", of, err)
			}
			return Resource{
				Service: "eks", Type: awskind.PodIdentity, ID: aws.ToString(a.AssociationId), ARN: aws.ToString(a.AssociationArn),
				Name: of, Tags: out.Association.Tags,
			}, nil
		}
		if in.NextToken = page.NextToken; aws.ToString(in.NextToken) == "" {
			return Resource{}, absent("eks:ListPodIdentityAssociations", of)
		}
	}
}

// absent says in the words of AWS what an answer without the thing means.
func absent(op, id string) error {
	return &Error{Op: op, Resource: id, Code: "ResourceNotFoundException", Message: "it is not in the list"}
}

func (c *Client) oidcProvider(ctx context.Context, arn string) (Resource, error) {
	out, err := c.iam.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn})
	if err != nil {
		return Resource{}, wrap("iam:GetOpenIDConnectProvider", arn, err)
	}
	return Resource{
		Service: "iam", Type: TypeOIDCProvider, ID: arn, ARN: arn, Name: aws.ToString(out.Url), Tags: iamTags(out.Tags),
	}, nil
}

// taggedKey reads a key by its id or its ARN.
func (c *Client) taggedKey(ctx context.Context, id string) (Resource, error) {
	r, err := c.key(ctx, id)
	if err != nil {
		return r, err
	}
	if r.Detail["deletionDate"] != "" {
		return r, absent("kms:DescribeKey", id) // what AWS is about to delete is nobody's any more
	}
	r.Tags, err = c.keyTags(ctx, r.ID)
	return r, err
}

func (c *Client) taggedQueue(ctx context.Context, url string) (Resource, error) {
	var out struct{ Tags map[string]string }
	err := c.raw.call(ctx, sqsService(), "ListQueueTags", url, map[string]string{"QueueUrl": url}, &out)
	return Resource{Service: "sqs", Type: TypeQueue, ID: url, Name: url[strings.LastIndexByte(url, '/')+1:], Tags: out.Tags}, err
}

func (c *Client) taggedRule(ctx context.Context, name string) (Resource, error) {
	r, err := c.rule(ctx, name)
	if err != nil {
		return r, err
	}
	var out struct{ Tags []struct{ Key, Value string } }
	err = c.raw.call(ctx, eventsService(), "ListTagsForResource", name, map[string]string{"ResourceARN": r.ARN}, &out)
	r.Tags = map[string]string{}
	for _, t := range out.Tags {
		r.Tags[t.Key] = t.Value
	}
	return r, err
}

func (c *Client) logGroupOf(ctx context.Context, name string) (Resource, error) {
	r, found, err := c.logGroup(ctx, name)
	if err == nil && !found {
		err = absent("logs:DescribeLogGroups", name)
	}
	return r, err
}
