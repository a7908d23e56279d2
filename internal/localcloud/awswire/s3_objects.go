// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"cmp"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/objects"
)

// keptHeaders are what an object is answered with as it was written.
func keptHeaders() []string {
	return []string{"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Expires"}
}

// attributes are what the headers say of a new object. What would have an effect that is not simulated is refused by name.
func (q *request) attributes() (objects.Attributes, error) {
	a := objects.Attributes{Metadata: map[string]string{}, Headers: map[string]string{}}
	h := q.http.Header
	for name := range h {
		n := strings.ToLower(name)
		switch meta, isMeta := strings.CutPrefix(n, "x-amz-meta-"); {
		case isMeta:
			a.Metadata[meta] = strings.Join(h.Values(name), ",")
		case strings.HasPrefix(n, "x-amz-grant-"),
			n == "x-amz-acl" && h.Get(name) != "private" && h.Get(name) != "bucket-owner-full-control":
			return a, invalid("AccessControlListNotSupported", "The bucket does not allow ACLs")
		case strings.HasPrefix(n, "x-amz-object-lock-"), strings.HasPrefix(n, "x-amz-server-side-encryption-customer-"),
			n == "x-amz-tagging", n == "x-amz-website-redirect-location", n == "x-amz-write-offset-bytes",
			n == "x-amz-storage-class" && h.Get(name) != "STANDARD":
			return a, refuse(http.StatusNotImplemented, "NotImplemented", "s3:%s with %s is not simulated", q.op, n)
		}
	}
	for _, name := range keptHeaders() {
		if v := h.Get(name); v != "" {
			a.Headers[name] = v
		}
	}
	// What the body was framed with is no property of the object.
	encodings := strings.FieldsFunc(a.Headers["Content-Encoding"], func(r rune) bool { return r == ',' || r == ' ' })
	delete(a.Headers, "Content-Encoding")
	for _, e := range encodings {
		if e != "aws-chunked" {
			a.Headers["Content-Encoding"] = strings.TrimPrefix(a.Headers["Content-Encoding"]+","+e, ",")
		}
	}
	a.Headers["Content-Type"] = cmp.Or(a.Headers["Content-Type"], "binary/octet-stream")
	return a, nil
}

// written is the head of the answer to a write.
func written(o objects.Object) http.Header {
	h := http.Header{"Etag": {quote(o.ETag)}}
	if realVersion(o.VersionID) {
		h.Set("X-Amz-Version-Id", o.VersionID)
	}
	return h
}

// summed adds a checksum to the head of an answer.
func summed(h http.Header, c objects.Checksum) {
	if c.Algorithm != "" {
		h.Set(checksumHeader(c.Algorithm), c.Value)
		h.Set("X-Amz-Checksum-Type", c.Type())
	}
}

// sumNodes are a checksum in a document.
func sumNodes(c objects.Checksum) []node {
	if c.Algorithm == "" {
		return nil
	}
	return []node{txt("Checksum"+string(c.Algorithm), c.Value), txt("ChecksumType", c.Type())}
}

func putObject(q *request) (answer, error) {
	attrs, err := q.attributes()
	if err != nil {
		return answer{}, err
	}
	condition, err := q.writable()
	if err != nil {
		return answer{}, err
	}
	if err := q.account.Objects.Check(q.bucket(), q.vars["key"], condition); err != nil {
		return answer{}, err
	}
	d, err := q.receive("")
	if err != nil {
		return answer{}, err
	}
	defer d.Discard()
	o, err := q.account.Objects.Write(q.bucket(), q.vars["key"], d, attrs, condition)
	if err != nil {
		return answer{}, err
	}
	h := written(o)
	summed(h, o.Checksum)
	return answer{status: http.StatusOK, header: h}, nil
}

// open opens an object for a read. That a key is missing, only who may list it is told: to others it is denied.
func (q *request) open(s source) (objects.Object, objects.Body, error) {
	o, body, err := q.account.Objects.Open(s.bucket, s.key, s.version)
	if awserror.Code(err) == "NoSuchKey" {
		arn := "arn:" + q.account.Partition() + ":s3:::" + s.bucket
		if denied := q.allow("s3:ListBucket", arn, keys{"s3:prefix": {s.key}}); denied != nil {
			err = denied
		}
	}
	return o, body, err
}

// getObject answers HeadObject, too: the server drops the body.
func getObject(q *request) (answer, error) {
	o, body, err := q.open(source{q.bucket(), q.vars["key"], q.http.URL.Query().Get("versionId")})
	if err != nil {
		return answer{}, err
	}
	a, err := q.reading(o, body)
	if a.stream == nil {
		_ = body.Close()
	}
	return a, err
}

// section is a part of a body.
type section struct {
	*io.SectionReader
	io.Closer
}

// reading is what the headers ask of an object.
func (q *request) reading(o objects.Object, body objects.Body) (answer, error) {
	query := q.http.URL.Query()
	h := written(o)
	h.Set("Last-Modified", o.LastModified.UTC().Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	changed, err := readable(q.http.Header.Get, o)
	if err != nil {
		return answer{}, err
	}
	if !changed {
		return answer{status: http.StatusNotModified, header: h}, nil
	}
	from, length, partial, err := q.extent(o)
	if err != nil {
		return answer{header: http.Header{"Content-Range": {"bytes */" + strconv.FormatInt(o.Size, 10)}}}, err
	}
	for k, v := range o.Metadata {
		h.Set("X-Amz-Meta-"+k, v)
	}
	for _, name := range keptHeaders() {
		if v := cmp.Or(query.Get("response-"+strings.ToLower(name)), o.Headers[name]); v != "" {
			h.Set(name, v)
		}
	}
	a := answer{
		status: http.StatusOK, contentType: cmp.Or(h.Get("Content-Type"), "binary/octet-stream"), header: h, length: length,
		stream: section{io.NewSectionReader(body, from, length), body},
	}
	if query.Has("partNumber") && len(o.Parts) > 0 {
		h.Set("X-Amz-Mp-Parts-Count", strconv.Itoa(len(o.Parts)))
	}
	if !partial && q.http.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" {
		summed(h, o.Checksum)
	}
	if partial {
		a.status = http.StatusPartialContent
		h.Set("Content-Range", "bytes "+strconv.FormatInt(from, 10)+"-"+strconv.FormatInt(from+length-1, 10)+"/"+
			strconv.FormatInt(o.Size, 10))
	}
	return a, nil
}

// extent is which bytes are asked for: of a range, of a part, or all.
func (q *request) extent(o objects.Object) (from, length int64, partial bool, err error) {
	asked, part := q.http.Header.Get("Range"), q.http.URL.Query().Get("partNumber")
	switch {
	case asked != "" && part != "":
		return 0, 0, false, invalid("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
	case part != "":
		sizes := o.Parts
		if len(sizes) == 0 {
			sizes = []int64{o.Size}
		}
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 || n > len(sizes) {
			return 0, 0, false, refuse(http.StatusRequestedRangeNotSatisfiable, "InvalidPartNumber",
				"The requested partnumber is not satisfiable")
		}
		for _, size := range sizes[:n-1] {
			from += size
		}
		return from, sizes[n-1], sizes[n-1] > 0, nil
	}
	if ifRange := q.http.Header.Get("If-Range"); ifRange != "" && quote(ifRange) != quote(o.ETag) {
		return 0, o.Size, false, nil
	}
	from, length, partial = byteRange(asked, o.Size)
	if partial && length == 0 {
		return 0, 0, false, refuse(http.StatusRequestedRangeNotSatisfiable, "InvalidRange",
			"The requested range is not satisfiable")
	}
	return from, length, partial, nil
}

// byteRange reads a Range header: what is none, or more than one, is as good as no header. A range outside of the object has no
// length.
func byteRange(asked string, size int64) (from, length int64, partial bool) {
	all := func() (int64, int64, bool) { return 0, size, false }
	spec, ok := strings.CutPrefix(strings.ReplaceAll(asked, " ", ""), "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	if !ok || !dash {
		return all()
	}
	end, err := strconv.ParseInt(last, 10, 64)
	if first == "" {
		if err != nil || end < 0 {
			return all()
		}
		length = min(end, size)
		return size - length, length, true
	}
	if last == "" {
		end, err = size-1, nil
	}
	from, ferr := strconv.ParseInt(first, 10, 64)
	if err != nil || ferr != nil || from < 0 || last != "" && end < from {
		return all()
	}
	return from, max(0, min(end, size-1)-from+1), true
}

func deleteObject(q *request) (answer, error) {
	o, err := q.account.Objects.Remove(q.bucket(), q.vars["key"], q.http.URL.Query().Get("versionId"),
		matching(q.http.Header.Get("If-Match")))
	if err != nil {
		return answer{}, err
	}
	h := http.Header{}
	if realVersion(o.VersionID) {
		h.Set("X-Amz-Version-Id", o.VersionID)
	}
	if o.DeleteMarker {
		h.Set("X-Amz-Delete-Marker", "true")
	}
	return answer{status: http.StatusNoContent, header: h}, nil
}

// source is what is read: by a copy, from another bucket than the request's.
type source struct{ bucket, key, version string }

// source reads the header that names it: an encoded bucket/key, with or without a slash before it.
func (q *request) source() (source, error) {
	path, query, _ := strings.Cut(q.http.Header.Get("X-Amz-Copy-Source"), "?")
	decoded, err := url.PathUnescape(path)
	bucket, key, _ := strings.Cut(strings.TrimPrefix(decoded, "/"), "/")
	values, verr := url.ParseQuery(query)
	if err != nil || verr != nil || bucket == "" || key == "" {
		return source{}, invalid("InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	return source{bucket, key, values.Get("versionId")}, nil
}

// copyNeeds are to write the object, and to read the source.
func copyNeeds(q *request) ([]need, error) {
	needs := []need{q.object(q.vars["key"], "")}
	s, err := q.source()
	if err != nil {
		return needs, err
	}
	read := need{action: "s3:GetObject", arn: "arn:" + q.account.Partition() + ":s3:::" + s.bucket + "/" + s.key}
	if s.version != "" {
		read.action += "Version"
	}
	return append(needs, read), nil
}

// openSource opens what is copied, when its conditions hold.
func (q *request) openSource() (source, objects.Object, objects.Body, error) {
	s, err := q.source()
	if err != nil {
		return s, objects.Object{}, nil, err
	}
	o, body, err := q.open(s)
	if err != nil {
		return s, o, nil, err
	}
	changed, err := readable(func(name string) string { return q.http.Header.Get("X-Amz-Copy-Source-" + name) }, o)
	if err == nil && !changed {
		err = preconditionFailed()
	}
	if err == nil && o.Size > maxObject && q.op == "CopyObject" {
		err = invalid("InvalidRequest",
			"The specified copy source is larger than the maximum allowable size for a copy source: %d", int64(maxObject))
	}
	if err != nil {
		_ = body.Close()
		return s, o, nil, err
	}
	return s, o, body, nil
}

// copied is the answer to a copy.
func (q *request) copied(s source, from objects.Object, h http.Header, kids ...node) (answer, error) {
	if s.version != "" || realVersion(from.VersionID) {
		h.Set("X-Amz-Copy-Source-Version-Id", from.VersionID)
	}
	name := map[string]string{"CopyObject": "CopyObjectResult", "UploadPartCopy": "CopyPartResult"}[q.op]
	a, err := s3Answer(el(name, kids...))
	a.header = h
	return a, err
}

func copyObject(q *request) (answer, error) {
	attrs, err := q.attributes()
	if err != nil {
		return answer{}, err
	}
	condition, err := q.writable()
	if err != nil {
		return answer{}, err
	}
	s, from, body, err := q.openSource()
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = body.Close() }()
	switch directive := cmp.Or(q.http.Header.Get("X-Amz-Metadata-Directive"), "COPY"); {
	case directive != "COPY" && directive != "REPLACE":
		return answer{}, invalid("InvalidArgument", "Unknown metadata directive.")
	case directive == "COPY" && s == source{bucket: q.bucket(), key: q.vars["key"]}:
		return answer{}, invalid("InvalidRequest", "This copy request is illegal because it is trying to copy an object to "+
			"itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	case directive == "COPY":
		attrs = from.Attributes
	}
	d, err := q.account.Objects.Draft(cmp.Or(objects.Algorithm(q.http.Header.Get("X-Amz-Checksum-Algorithm")),
		from.Checksum.Algorithm))
	if err != nil {
		return answer{}, err
	}
	defer d.Discard()
	if _, err := io.Copy(d, objects.Reader(body)); err != nil {
		return answer{}, err
	}
	o, err := q.account.Objects.Write(q.bucket(), q.vars["key"], d, attrs, condition)
	if err != nil {
		return answer{}, err
	}
	return q.copied(s, from, written(o),
		append([]node{when("LastModified", o.LastModified), txt("ETag", quote(o.ETag))}, sumNodes(o.Checksum)...)...)
}
