// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// findKeys describes the named keys. A key is looked for by nothing else: an account can have thousands, and a
// deployment that has one names it.
func (c *Client) findKeys(ctx context.Context, d Deployment) ([]Resource, error) {
	return named(ctx, d.Keys, c.key)
}

func (c *Client) key(ctx context.Context, id string) (Resource, error) {
	out, err := c.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &id})
	if err != nil {
		return Resource{}, wrap("kms:DescribeKey", id, err)
	}
	k := out.KeyMetadata
	r := Resource{
		Service: "kms", Type: TypeKey, ID: aws.ToString(k.KeyId), ARN: aws.ToString(k.Arn), Name: aws.ToString(k.Description),
		State: string(k.KeyState), CreatedBy: "user", Detail: map[string]string{},
	}
	if k.DeletionDate != nil {
		r.Detail["deletionDate"] = k.DeletionDate.UTC().Format(time.DateOnly)
	}
	return r, nil
}

// keyTags reads the tags of a key, page by page. Amazon's paginators would keep every operation of KMS in the program.
func (c *Client) keyTags(ctx context.Context, id string) (map[string]string, error) {
	tags := map[string]string{}
	for in := (&kms.ListResourceTagsInput{KeyId: &id}); ; {
		page, err := c.kms.ListResourceTags(ctx, in)
		if err != nil {
			return nil, wrap("kms:ListResourceTags", id, err)
		}
		for _, t := range page.Tags {
			tags[aws.ToString(t.TagKey)] = aws.ToString(t.TagValue)
		}
		if in.Marker = page.NextMarker; !page.Truncated {
			return tags, nil
		}
	}
}

// keyIDs lists the keys of the region.
func (c *Client) keyIDs(ctx context.Context) ([]string, error) {
	var ids []string
	for in := (&kms.ListKeysInput{}); ; {
		page, err := c.kms.ListKeys(ctx, in)
		if err != nil {
			return nil, wrap("kms:ListKeys", "", err)
		}
		for _, k := range page.Keys {
			ids = append(ids, aws.ToString(k.KeyId))
		}
		if in.Marker = page.NextMarker; !page.Truncated {
			return ids, nil
		}
	}
}

// TaggedKeys reads the keys of the region that carry all of the tags and are not about to be deleted. There is no filter
// for that: each key is asked for its tags, so it is for what nothing else finds. A key that does not tell its tags is an
// error when no other has them.
func (c *Client) TaggedKeys(ctx context.Context, tags map[string]string) ([]Resource, error) {
	ids, err := c.keyIDs(ctx)
	if err != nil {
		return nil, err
	}
	rs, err := named(ctx, ids, func(ctx context.Context, id string) (Resource, error) {
		has, err := c.keyTags(ctx, id)
		if err == nil && !Carries(has, tags) {
			err = absent("kms:ListResourceTags", id)
		}
		if err != nil {
			return Resource{}, err
		}
		return c.taggedKey(ctx, id)
	})
	if len(rs) > 0 {
		return rs, nil
	}
	return nil, err
}
