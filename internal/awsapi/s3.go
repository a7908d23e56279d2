// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
)

// deleteBatch is the most keys that one s3:DeleteObjects takes.
const deleteBatch = 1000

// Object is a current object of a bucket.
type Object struct {
	Key          string
	Size         int64 // bytes
	ETag         string
	LastModified time.Time
}

// PutObject writes body to bucket/key. A file is streamed with its length; any
// other reader is read into memory first, as the signature needs its hash.
func (c *Client) PutObject(ctx context.Context, bucket, key string, body io.Reader, contentType string) error {
	if _, ok := body.(io.ReadSeeker); !ok {
		b, err := io.ReadAll(body)
		if err != nil {
			return wrap("s3:PutObject", "s3://"+bucket+"/"+key, err)
		}
		body = bytes.NewReader(b)
	}
	in := &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: body}
	if contentType != "" {
		in.ContentType = &contentType
	}
	_, err := c.s3.PutObject(ctx, in)
	return wrap("s3:PutObject", "s3://"+bucket+"/"+key, err)
}

// GetObject reads the whole of bucket/key.
func (c *Client) GetObject(ctx context.Context, bucket, key string) ([]byte, error) {
	where := "s3://" + bucket + "/" + key
	out, err := c.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, wrap("s3:GetObject", where, err)
	}
	b, err := io.ReadAll(out.Body)
	return b, wrap("s3:GetObject", where, errors.Join(err, out.Body.Close()))
}

// ListObjects returns the current objects below a prefix, by key.
func (c *Client) ListObjects(ctx context.Context, bucket, prefix string) ([]Object, error) {
	var objects []Object
	p := s3.NewListObjectsV2Paginator(c.s3, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, wrap("s3:ListObjectsV2", "s3://"+bucket+"/"+prefix, err)
		}
		for _, o := range page.Contents {
			objects = append(objects, Object{
				Key: aws.ToString(o.Key), Size: aws.ToInt64(o.Size), ETag: aws.ToString(o.ETag),
				LastModified: aws.ToTime(o.LastModified),
			})
		}
	}
	return objects, nil
}

// DeleteObjects deletes the current version of each key; on a versioned bucket
// that leaves a delete marker. A key that does not exist is no error.
func (c *Client) DeleteObjects(ctx context.Context, bucket string, keys ...string) error {
	ids := make([]types.ObjectIdentifier, 0, len(keys))
	for _, k := range keys {
		ids = append(ids, types.ObjectIdentifier{Key: aws.String(k)})
	}
	return c.deleteObjects(ctx, bucket, ids)
}

// deleteObjects deletes in batches; what S3 refuses is joined into one error.
func (c *Client) deleteObjects(ctx context.Context, bucket string, ids []types.ObjectIdentifier) error {
	var errs []error
	for len(ids) > 0 {
		n := min(deleteBatch, len(ids))
		out, err := c.s3.DeleteObjects(ctx, &s3.DeleteObjectsInput{
			Bucket: &bucket, Delete: &types.Delete{Objects: ids[:n], Quiet: aws.Bool(true)},
		})
		if err != nil {
			return errors.Join(append(errs, wrap("s3:DeleteObjects", bucket, err))...)
		}
		for _, e := range out.Errors {
			errs = append(errs, &Error{Op: "s3:DeleteObjects", Resource: "s3://" + bucket + "/" + aws.ToString(e.Key),
				Code: aws.ToString(e.Code), Message: aws.ToString(e.Message)})
		}
		ids = ids[n:]
	}
	return errors.Join(errs...)
}

// BucketExists says whether the bucket exists; one that belongs to somebody
// else is an error.
func (c *Client) BucketExists(ctx context.Context, bucket string) (bool, error) {
	_, err := c.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket})
	err = wrap("s3:HeadBucket", bucket, err)
	if IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// Emptied says how far the emptying of a bucket is, in versions and delete markers.
type Emptied struct {
	Deleted, Listed int
	// Counted says that all are listed: until then there are more.
	Counted bool
}

// String is the progress in words.
func (e Emptied) String() string {
	about := "about"
	if !e.Counted {
		about = "more than"
	}
	return fmt.Sprintf("%d of %s %d versions deleted", e.Deleted, about, e.Listed)
}

// How a bucket is emptied: so many batches are deleted at once, far below what S3 allows a prefix in a second, and so many are
// listed ahead, which bounds the memory.
const (
	emptyWorkers = 4
	emptyAhead   = 100
)

// EmptyBucket deletes every version and delete marker of a bucket and aborts
// its unfinished uploads. It lists and deletes at the same time. progress, when
// not nil, is told how far it is. A bucket that does not exist is empty.
func (c *Client) EmptyBucket(ctx context.Context, bucket string, progress func(Emptied)) (int, error) {
	if bucket == "" {
		return 0, &Error{Op: "s3:DeleteObjects", Code: "InvalidParameter", Message: "the bucket's name is empty"}
	}
	var (
		mu  sync.Mutex
		now Emptied
	)
	note := func(change func()) {
		mu.Lock()
		defer mu.Unlock()
		if change(); progress != nil && now.Deleted > 0 {
			progress(now)
		}
	}
	batches := make(chan []types.ObjectIdentifier, emptyAhead)
	g, both := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(batches)
		return unlessGone(c.listVersions(both, bucket, func(ids []types.ObjectIdentifier, last bool) error {
			note(func() { now.Listed, now.Counted = now.Listed+len(ids), last })
			select {
			case batches <- ids:
				return nil
			case <-both.Done():
				return both.Err()
			}
		}))
	})
	for range emptyWorkers {
		g.Go(func() error {
			for ids := range batches {
				if err := c.deleteObjects(both, bucket, ids); err != nil {
					return err
				}
				note(func() { now.Deleted += len(ids) })
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return now.Deleted, err
	}
	return now.Deleted, unlessGone(c.abortUploads(ctx, bucket))
}

// unlessGone is the error of a look at something, nil when AWS says that it is gone.
func unlessGone(err error) error {
	if IsNotFound(err) {
		return nil
	}
	return err
}

// listVersions gives the versions and delete markers of a bucket, page by page. A page is given when the next one is listed, so
// that the version at which that one goes on still exists.
func (c *Client) listVersions(ctx context.Context, bucket string,
	give func(ids []types.ObjectIdentifier, last bool) error) error {
	var held []types.ObjectIdentifier
	p := s3.NewListObjectVersionsPaginator(c.s3, &s3.ListObjectVersionsInput{Bucket: &bucket})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return wrap("s3:ListObjectVersions", bucket, err)
		}
		if len(held) > 0 {
			if err := give(held, false); err != nil {
				return err
			}
		}
		held = nil
		for _, v := range page.Versions {
			held = append(held, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
		}
		for _, m := range page.DeleteMarkers {
			held = append(held, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
		}
	}
	return give(held, true)
}

// BeginUpload begins an upload in parts and leaves it unfinished.
func (c *Client) BeginUpload(ctx context.Context, bucket, key string) error {
	_, err := c.s3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: &key})
	return wrap("s3:CreateMultipartUpload", "s3://"+bucket+"/"+key, err)
}

// abortUploads ends the unfinished multipart uploads: they bill, and block
// nothing but the memory of their owner.
func (c *Client) abortUploads(ctx context.Context, bucket string) error {
	p := s3.NewListMultipartUploadsPaginator(c.s3, &s3.ListMultipartUploadsInput{Bucket: &bucket})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return wrap("s3:ListMultipartUploads", bucket, err)
		}
		for _, u := range page.Uploads {
			_, err := c.s3.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
				Bucket: &bucket, Key: u.Key, UploadId: u.UploadId,
			})
			if err = wrap("s3:AbortMultipartUpload", aws.ToString(u.Key), err); err != nil && !IsCode(err, "NoSuchUpload") {
				return err
			}
		}
	}
	return nil
}
