// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"emrflink/internal/iam"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/objects"
)

// s3Operation names the operation of a path-style S3 request.
func s3Operation(r *http.Request) (string, map[string]string) {
	bucket, key, hasKey := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	vars := map[string]string{"bucket": bucket, "key": key}
	q := r.URL.Query()
	what := r.Method + " service"
	switch {
	case bucket == "":
	case hasKey && key != "":
		what = r.Method + " object"
		for _, sub := range []string{"uploads", "uploadId", "tagging", "acl", "retention", "legal-hold", "attributes", "restore",
			"select", "torrent"} {
			if q.Has(sub) {
				what += "?" + sub
			}
		}
		if r.Header.Get("X-Amz-Copy-Source") != "" {
			what = "COPY" + strings.TrimPrefix(what, r.Method)
		}
	case q.Get("list-type") == "2":
		return "ListObjectsV2", vars
	default:
		what = r.Method + " bucket"
		for name := range q {
			if name != "x-id" && !slices.Contains(s3Arguments(), name) && !strings.HasPrefix(name, "X-Amz-") {
				what += "?" + name
			}
		}
	}
	if name := s3Operations()[what]; name != "" {
		return name, vars
	}
	return what, vars
}

// s3Arguments are query parameters that do not choose the operation.
func s3Arguments() []string {
	return []string{"prefix", "delimiter", "max-keys", "key-marker", "version-id-marker", "upload-id-marker", "max-uploads",
		"encoding-type", "start-after", "continuation-token", "fetch-owner", "marker"}
}

// s3Operations are the operation names by method and subresource, also of some
// that are not simulated, so that their refusal has a name.
func s3Operations() map[string]string {
	return map[string]string{
		"GET service": "ListBuckets", "HEAD bucket": "HeadBucket", "PUT bucket": "CreateBucket", "DELETE bucket": "DeleteBucket",
		"GET bucket": "ListObjects", "GET bucket?versions": "ListObjectVersions", "GET bucket?tagging": "GetBucketTagging",
		"GET bucket?uploads": "ListMultipartUploads", "GET bucket?location": "GetBucketLocation",
		"GET bucket?versioning": "GetBucketVersioning",
		"GET bucket?policy":     "GetBucketPolicy", "POST bucket?delete": "DeleteObjects",
		"PUT object": "PutObject", "GET object": "GetObject", "HEAD object": "HeadObject", "DELETE object": "DeleteObject",
		"POST object?uploads": "CreateMultipartUpload", "PUT object?uploadId": "UploadPart",
		"COPY object": "CopyObject", "COPY object?uploadId": "UploadPartCopy",
		"POST object?uploadId":   "CompleteMultipartUpload",
		"DELETE object?uploadId": "AbortMultipartUpload", "GET object?uploadId": "ListParts",
	}
}

func (q *request) bucket() string { return q.vars["bucket"] }

// bucketARN is the ARN of the request's bucket.
func (q *request) bucketARN() string { return "arn:" + q.account.Partition() + ":s3:::" + q.bucket() }

// oneBucket has the keys of what is listed.
func oneBucket(q *request) ([]need, error) {
	query, listed := q.http.URL.Query(), keys{}
	switch q.op {
	case "ListObjects", "ListObjectsV2", "ListObjectVersions":
		listed = keys{"s3:prefix": {query.Get("prefix")}, "s3:delimiter": {query.Get("delimiter")}}
		if query.Has("max-keys") {
			listed["s3:max-keys"] = query["max-keys"]
		}
	}
	return on(q.bucketARN(), listed)
}

// existing is the request's bucket.
func (q *request) existing() (account.Resource, error) {
	r, ok := q.account.Get(account.KindBucket, q.bucket())
	if !ok {
		return r, refuse(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	}
	return r, nil
}

// oneObject is about the object of the request.
func oneObject(q *request) ([]need, error) {
	return []need{q.object(q.vars["key"], q.http.URL.Query().Get("versionId"))}, nil
}

// object is the need of an operation on an object; one of its versions has an action of its own.
func (q *request) object(key, version string) need {
	n := need{arn: q.bucketARN() + "/" + key}
	if version != "" {
		n.action = iam.ActionOf("s3:"+q.op) + "Version"
	}
	return n
}

func s3Answer(n node) (answer, error) {
	n.ns = nsS3
	a := xmlAnswer(n)
	a.contentType = "application/xml"
	return a, nil
}

func listBuckets(q *request) (answer, error) {
	var rows []node
	for _, r := range q.account.List(account.KindBucket) {
		rows = append(rows, el("", txt("Name", r.ID), when("CreationDate", r.CreatedAt)))
	}
	return s3Answer(el("ListAllMyBucketsResult", el("Owner", txt("ID", q.account.ID())), list("Buckets", "Bucket", rows)))
}

func headBucket(q *request) (answer, error) {
	r, err := q.existing()
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusOK, header: http.Header{"X-Amz-Bucket-Region": {r.Region}}}, nil
}

func getBucketLocation(q *request) (answer, error) {
	r, err := q.existing()
	if err != nil {
		return answer{}, err
	}
	region := r.Region
	if region == "us-east-1" {
		region = "" // the first region has no location
	}
	return s3Answer(txt("LocationConstraint", region))
}

func getBucketTagging(q *request) (answer, error) {
	r, err := q.existing()
	if err != nil {
		return answer{}, err
	}
	if len(r.Tags) == 0 {
		return answer{}, refuse(http.StatusNotFound, "NoSuchTagSet", "The TagSet does not exist")
	}
	return s3Answer(el("Tagging", list("TagSet", "Tag", tagNodes(r.Tags, "Key", "Value"))))
}

func deleteBucket(q *request) (answer, error) {
	if _, err := q.existing(); err != nil {
		return answer{}, err
	}
	if err := q.account.Delete(q.ctx, q.caller, account.KindBucket, q.bucket()); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}

func quote(etag string) string { return `"` + strings.Trim(etag, `"`) + `"` }

// realVersion says whether an id is that of a versioned bucket.
func realVersion(id string) bool { return id != "" && id != "null" }

// deletion is the body of DeleteObjects.
type deletion struct {
	Object []struct {
		Key       string
		VersionID string `xml:"VersionId"`
		ETag      string
	}
	Quiet bool
}

func (q *request) deletion() (d deletion, err error) {
	if err := xml.Unmarshal(q.body, &d); err != nil {
		return d, invalid("MalformedXML", "The XML you provided was not well-formed: %v", err)
	}
	if len(d.Object) == 0 || len(d.Object) > 1000 {
		return d, invalid("MalformedXML", "1 to 1000 keys can be deleted at once, not %d", len(d.Object))
	}
	return d, nil
}

// listedObjects are the objects of the body, in its order.
func listedObjects(q *request) ([]need, error) {
	d, err := q.deletion()
	var out []need
	for _, o := range d.Object {
		out = append(out, q.object(o.Key, o.VersionID))
	}
	return out, err
}

// deleteObjects answers for each object apart, also that the caller may not delete it.
func deleteObjects(q *request) (answer, error) {
	in, err := q.deletion()
	if err != nil {
		return answer{}, err
	}
	if _, err := q.existing(); err != nil {
		return answer{}, err
	}
	var rows []node
	for i, o := range in.Object {
		deleted, err := objects.Object{}, q.refused[i]
		if err == nil {
			deleted, err = q.account.Objects.Remove(q.bucket(), o.Key, o.VersionID, matching(o.ETag))
		}
		if err != nil {
			e := q.translate(asError(err))
			rows = append(rows, el("Error", txt("Key", o.Key), opt("VersionId", o.VersionID), txt("Code", e.Code),
				txt("Message", e.Message)))
		} else if !in.Quiet {
			row := el("Deleted", txt("Key", o.Key), opt("VersionId", o.VersionID))
			if deleted.DeleteMarker {
				row.kids = append(row.kids, boolean("DeleteMarker", true), txt("DeleteMarkerVersionId", deleted.VersionID))
			}
			rows = append(rows, row)
		}
	}
	return s3Answer(el("DeleteResult", rows...))
}

// escapeKey is a key as a listing shows it.
func (q *request) escapeKey(key string) string {
	if q.http.URL.Query().Get("encoding-type") == "url" {
		return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
	}
	return key
}
