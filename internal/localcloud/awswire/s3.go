// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"hash/crc32"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"emrflink/internal/iam"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awserror"
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
			return "CopyObject", vars
		}
	default:
		what = r.Method + " bucket"
		for name := range q {
			if name != "x-id" && !slices.Contains(s3Arguments(), name) && !strings.HasPrefix(name, "X-Amz-") {
				what += "?" + name
			}
		}
	}
	if q.Get("list-type") == "2" {
		return "ListObjectsV2", vars
	}
	if name := s3Operations()[what]; name != "" {
		return name, vars
	}
	return what, vars
}

// s3Arguments are query parameters that do not choose the operation.
func s3Arguments() []string {
	return []string{"prefix", "delimiter", "max-keys", "key-marker", "version-id-marker", "upload-id-marker", "max-uploads",
		"encoding-type",
		"list-type", "start-after", "continuation-token", "fetch-owner", "marker"}
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
	case "ListObjectsV2":
		listed = keys{"s3:prefix": {query.Get("prefix")}, "s3:delimiter": {query.Get("delimiter")}}
	case "ListObjectVersions":
		listed = keys{"s3:prefix": {query.Get("prefix")}}
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

// createMultipartUpload begins what nobody can complete here: parts are not simulated.
func createMultipartUpload(q *request) (answer, error) {
	id, err := q.account.Objects.BeginUpload(q.bucket(), q.vars["key"])
	if err != nil {
		return answer{}, err
	}
	return s3Answer(el("InitiateMultipartUploadResult", txt("Bucket", q.bucket()), txt("Key", q.vars["key"]),
		txt("UploadId", id)))
}

func listMultipartUploads(q *request) (answer, error) {
	uploads, err := q.account.Objects.Uploads(q.bucket())
	if err != nil {
		return answer{}, err
	}
	var rows []node
	for _, u := range uploads {
		rows = append(rows, el("Upload", txt("Key", q.escapeKey(u.Key)), txt("UploadId", u.ID), when("Initiated", u.Begun)))
	}
	head := []node{txt("Bucket", q.bucket()), num("MaxUploads", maxKeys), boolean("IsTruncated", false),
		opt("EncodingType", q.http.URL.Query().Get("encoding-type"))}
	return s3Answer(el("ListMultipartUploadsResult", append(head, rows...)...))
}

func abortMultipartUpload(q *request) (answer, error) {
	if err := q.account.Objects.AbortUpload(q.bucket(), q.vars["key"], q.http.URL.Query().Get("uploadId")); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}

func putObject(q *request) (answer, error) {
	key := q.vars["key"]
	if strings.Contains(q.http.Header.Get("Content-Encoding"), "aws-chunked") {
		return answer{}, refuse(http.StatusNotImplemented, "NotImplemented",
			"s3:PutObject with aws-chunked encoding is not simulated")
	}
	meta := map[string]string{}
	for name := range q.http.Header {
		if n, ok := strings.CutPrefix(strings.ToLower(name), "x-amz-meta-"); ok {
			meta[n] = q.http.Header.Get(name)
		}
	}
	version, err := q.account.Objects.Put(q.bucket(), key, q.body, meta)
	if err != nil {
		return answer{}, err
	}
	o, err := q.account.Objects.Get(q.bucket(), key)
	if err != nil {
		return answer{}, err
	}
	h := http.Header{"Etag": {quote(o.ETag)}}
	if realVersion(version) {
		h.Set("X-Amz-Version-Id", version)
	}
	return answer{status: http.StatusOK, header: h}, nil
}

func quote(etag string) string { return `"` + strings.Trim(etag, `"`) + `"` }

// realVersion says whether an id is that of a versioned bucket.
func realVersion(id string) bool { return id != "" && id != "null" }

func getObject(q *request) (answer, error) {
	key, version := q.vars["key"], q.http.URL.Query().Get("versionId")
	var (
		o   objects.Object
		err error
	)
	if version != "" {
		o, err = q.account.Objects.GetVersion(q.bucket(), key, version)
	} else {
		o, err = q.account.Objects.Get(q.bucket(), key)
	}
	if err != nil {
		return answer{}, err
	}
	h := http.Header{"Etag": {quote(o.ETag)}, "Last-Modified": {o.LastModified.UTC().Format(http.TimeFormat)}}
	if realVersion(o.VersionID) {
		h.Set("X-Amz-Version-Id", o.VersionID)
	}
	if q.http.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" {
		sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(o.Body))
		h.Set("X-Amz-Checksum-Crc32", base64.StdEncoding.EncodeToString(sum))
	}
	for k, v := range o.Metadata {
		h.Set("X-Amz-Meta-"+k, v)
	}
	return answer{status: http.StatusOK, contentType: "application/octet-stream", header: h, body: o.Body}, nil
}

// headObject is getObject without the body, which the server drops.
func headObject(q *request) (answer, error) {
	a, err := getObject(q)
	if err == nil {
		a.header.Set("Content-Length", contentLength(a.body))
	}
	return a, err
}

func deleteObject(q *request) (answer, error) {
	version := q.http.URL.Query().Get("versionId")
	if err := q.deleteOne(q.vars["key"], version); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}

// deleteOne deletes a key or one of its versions; a key that is not there is
// no error.
func (q *request) deleteOne(key, version string) error {
	err := q.account.Objects.Delete(q.bucket(), key, version)
	if code := awserror.Code(err); code == "NoSuchKey" || code == "NoSuchVersion" {
		return nil
	}
	return err
}

// deletion is the body of DeleteObjects.
type deletion struct {
	Object []struct {
		Key       string
		VersionID string `xml:"VersionId"`
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
		err := q.refused[i]
		if err == nil {
			err = q.deleteOne(o.Key, o.VersionID)
		}
		if err != nil {
			e := q.translate(asError(err))
			rows = append(rows, el("Error", txt("Key", o.Key), opt("VersionId", o.VersionID), txt("Code", e.Code),
				txt("Message", e.Message)))
		} else if !in.Quiet {
			rows = append(rows, el("Deleted", txt("Key", o.Key), opt("VersionId", o.VersionID)))
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
