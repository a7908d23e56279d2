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
	var rs []Resource
	var errs []error
	for _, id := range d.Keys {
		out, err := c.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &id})
		if err = wrap("kms:DescribeKey", id, err); err != nil {
			if !IsNotFound(err) {
				errs = append(errs, err)
			}
			continue
		}
		k := out.KeyMetadata
		r := Resource{
			Service: "kms", Type: TypeKey, ID: aws.ToString(k.KeyId), ARN: aws.ToString(k.Arn), Name: aws.ToString(k.Description),
			State: string(k.KeyState), CreatedBy: "user", Detail: map[string]string{},
		}
		if k.DeletionDate != nil {
			r.Detail["deletionDate"] = k.DeletionDate.UTC().Format(time.DateOnly)
		}
		rs = append(rs, r)
	}
	return rs, errors.Join(errs...)
}
