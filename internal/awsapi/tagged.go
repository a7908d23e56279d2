// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// Tagged reads what carries all of the tags among the kinds that a [Deployment] lists by name: the inventory does not find
// them by tags. It is for who knows no names; each resource is asked for its own tags.
func (c *Client) Tagged(ctx context.Context, tags map[string]string) ([]Resource, error) {
	rs, err := c.TaggedRoles(ctx, tags)
	if err != nil {
		return nil, err
	}
	arns, err := c.taggedARNs(ctx, tags)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, arn := range arns {
		name, id := c.lookUpOf(ctx, arn)
		if name == "" {
			continue
		}
		r, exists, err := c.Lookup(ctx, name, id)
		if errs = append(errs, err); exists && Carries(r.Tags, tags) {
			rs = append(rs, r)
		}
	}
	return rs, errors.Join(errs...)
}

// lookUpOf is the look-up, and the id for it, of a resource whose kind the inventory finds by names only; "" for all others.
func (c *Client) lookUpOf(ctx context.Context, arn string) (name, id string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return "", ""
	}
	typ, rest, _ := strings.Cut(parts[5], "/")
	switch parts[2] {
	case "s3":
		return TypeBucket, parts[5]
	case "logs":
		return TypeLogGroup, strings.TrimSuffix(strings.TrimPrefix(parts[5], "log-group:"), ":*")
	case "sqs":
		if q, err := c.queue(ctx, parts[5]); err == nil { // or it is gone
			return TypeQueue, q.ID
		}
	}
	switch parts[2] + " " + typ {
	case "events rule":
		if !strings.Contains(rest, "/") { // on the default bus
			return TypeRule, rest
		}
	case "kms key":
		return TypeKey, rest
	case "iam instance-profile":
		return TypeInstanceProfile, rest[strings.LastIndexByte(rest, '/')+1:]
	case "iam policy", "iam oidc-provider":
		return typ, arn
	}
	return "", ""
}

// taggedARNs asks for everything with the tags, in the region and in the one that answers for IAM.
func (c *Client) taggedARNs(ctx context.Context, tags map[string]string) ([]string, error) {
	type filter struct {
		Key    string
		Values []string
	}
	var filters []filter
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		filters = append(filters, filter{k, []string{tags[k]}})
	}
	global := "us-east-1"
	for prefix, region := range map[string]string{"cn-": "cn-north-1", "us-gov-": "us-gov-west-1"} {
		if strings.HasPrefix(c.Region(), prefix) {
			global = region
		}
	}
	var arns []string
	for _, region := range []string{c.Region(), global} {
		raw := *c.raw
		raw.cfg = raw.cfg.Copy()
		raw.cfg.Region = region
		for token, more := "", true; more; more = token != "" {
			var page struct {
				PaginationToken        string
				ResourceTagMappingList []struct{ ResourceARN string }
			}
			err := raw.call(ctx, rawService{"tagging", "ResourceGroupsTaggingAPI_20170126", "1.1"}, "GetResources", "",
				map[string]any{"TagFilters": filters, "PaginationToken": token}, &page)
			if err != nil {
				return nil, err
			}
			for _, r := range page.ResourceTagMappingList {
				arns = append(arns, r.ResourceARN)
			}
			token = page.PaginationToken
		}
	}
	slices.Sort(arns)
	return slices.Compact(arns), nil
}

// TaggedRoles reads the roles of the account that carry all of the tags. There is no filter for that, and a list does not tell
// tags: each role is asked for its own, so it is for what nothing else finds. A role that does not tell its tags is an error.
func (c *Client) TaggedRoles(ctx context.Context, tags map[string]string) ([]Resource, error) {
	var names []string
	for in := (&iam.ListRolesInput{}); ; {
		page, err := c.iam.ListRoles(ctx, in)
		if err != nil {
			return nil, wrap("iam:ListRoles", "", err)
		}
		for _, r := range page.Roles {
			if !strings.HasPrefix(aws.ToString(r.Path), "/aws-service-role/") { // those that services made for themselves
				names = append(names, aws.ToString(r.RoleName))
			}
		}
		if in.Marker = page.Marker; !page.IsTruncated {
			break
		}
	}
	return named(ctx, names, func(ctx context.Context, name string) (Resource, error) {
		r, err := c.role(ctx, name)
		if err == nil && !Carries(r.Tags, tags) {
			err = absent("iam:GetRole", name)
		}
		return r, err
	})
}
