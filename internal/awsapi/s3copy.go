// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// What S3 copies at once, and how much of a larger object this package copies at once.
const (
	copyAtOnce = 5 << 30
	copyPart   = 1 << 30
)

// CopyObject copies an object of a size inside of S3, which needs permission to read it and to write the copy.
func (c *Client) CopyObject(ctx context.Context, bucket, key string, size int64, toBucket, toKey string) error {
	where := fmt.Sprintf("s3://%s/%s to s3://%s/%s", bucket, key, toBucket, toKey)
	source := copySource(bucket, key)
	if size > copyAtOnce {
		return c.copyInParts(ctx, source, where, size, toBucket, toKey)
	}
	_, err := c.s3.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &toBucket, Key: &toKey, CopySource: &source})
	return wrap("s3:CopyObject", where, err)
}

// copySource names an object as the header wants it: each part of its key encoded.
func copySource(bucket, key string) string {
	parts := strings.Split(key, "/")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(url.PathEscape(p), "+", "%2B") // a plus would be read as a blank
	}
	return bucket + "/" + strings.Join(parts, "/")
}

func (c *Client) copyInParts(ctx context.Context, source, where string, size int64, toBucket, toKey string) error {
	up, err := c.s3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &toBucket, Key: &toKey})
	if err != nil {
		return wrap("s3:CreateMultipartUpload", where, err)
	}
	var parts []types.CompletedPart
	for from, n := int64(0), int32(1); from < size; from, n = from+copyPart, n+1 {
		bytes := fmt.Sprintf("bytes=%d-%d", from, min(from+copyPart, size)-1)
		out, err := c.s3.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
			Bucket: &toBucket, Key: &toKey, CopySource: &source, CopySourceRange: &bytes, PartNumber: aws.Int32(n),
			UploadId: up.UploadId,
		})
		if err != nil {
			return errors.Join(wrap("s3:UploadPartCopy", where, err), c.abort(ctx, toBucket, toKey, up.UploadId))
		}
		parts = append(parts, types.CompletedPart{ETag: out.CopyPartResult.ETag, PartNumber: aws.Int32(n)})
	}
	_, err = c.s3.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &toBucket, Key: &toKey, UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	return wrap("s3:CompleteMultipartUpload", where, err)
}

// abort gives up an upload whose parts would be billed. It has time of its own: the caller's may be over.
func (c *Client) abort(ctx context.Context, bucket, key string, id *string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	_, err := c.s3.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &bucket, Key: &key, UploadId: id})
	return wrap("s3:AbortMultipartUpload", "s3://"+bucket+"/"+key, err)
}
