// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"errors"
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

// keyTags reads the tags of a key, page by page.
func (c *Client) keyTags(ctx context.Context, id string) (map[string]string, error) {
	tags := map[string]string{}
	p := kms.NewListResourceTagsPaginator(c.kms, &kms.ListResourceTagsInput{KeyId: &id})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, wrap("kms:ListResourceTags", id, err)
		}
		for _, t := range page.Tags {
			tags[aws.ToString(t.TagKey)] = aws.ToString(t.TagValue)
		}
	}
	return tags, nil
}

// TaggedKeys reads the keys of the region that carry all of the tags and are not about to be deleted. There is no filter
// for that: each key is asked for its tags, so it is for what nothing else finds. A key that does not tell its tags is an
// error when no other has them.
func (c *Client) TaggedKeys(ctx context.Context, tags map[string]string) ([]Resource, error) {
	var rs []Resource
	var errs []error
	p := kms.NewListKeysPaginator(c.kms, &kms.ListKeysInput{})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, wrap("kms:ListKeys", "", err)
		}
		for _, k := range page.Keys {
			has, err := c.keyTags(ctx, aws.ToString(k.KeyId))
			if err != nil && !IsNotFound(err) {
				errs = append(errs, err)
			}
			if err != nil || !carries(has, tags) {
				continue
			}
			r, err := c.key(ctx, aws.ToString(k.KeyId))
			if err != nil && !IsNotFound(err) {
				errs = append(errs, err)
			}
			if r.Tags = has; err == nil && r.Detail["deletionDate"] == "" {
				rs = append(rs, r)
			}
		}
	}
	if len(rs) > 0 {
		return rs, nil
	}
	return nil, errors.Join(errs...)
}

// carries says whether tags has all of some.
func carries(tags, some map[string]string) bool {
	for k, v := range some {
		if got, ok := tags[k]; !ok || got != v {
			return false
		}
	}
	return true
}
