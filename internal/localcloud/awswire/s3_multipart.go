// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"cmp"
	"encoding/xml"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"emrflink/internal/localcloud/objects"
)

func (q *request) uploadID() string { return q.http.URL.Query().Get("uploadId") }

// upload is the unfinished upload of the request.
func (q *request) upload() (objects.Upload, error) {
	return q.account.Objects.Upload(q.bucket(), q.vars["key"], q.uploadID())
}

func createMultipartUpload(q *request) (answer, error) {
	attrs, err := q.attributes()
	if err != nil {
		return answer{}, err
	}
	a := objects.Algorithm(q.http.Header.Get("X-Amz-Checksum-Algorithm"))
	if a != "" && !a.Known() {
		return answer{}, invalid("InvalidRequest", "Checksum algorithm provided is unsupported. Please try again with any of "+
			"the valid types: %v", objects.Algorithms())
	}
	// CRC64NVME has no checksum of checksums, SHA1 and SHA256 have no other.
	kind := cmp.Or(q.http.Header.Get("X-Amz-Checksum-Type"), objects.FullObject)
	if a != "" && a != objects.CRC64NVME && q.http.Header.Get("X-Amz-Checksum-Type") == "" {
		kind = objects.Composite
	}
	if wrong := map[string][]objects.Algorithm{
		objects.Composite: {"", objects.CRC64NVME}, objects.FullObject: {objects.SHA1, objects.SHA256},
	}[kind]; wrong == nil || slices.Contains(wrong, a) {
		return answer{}, invalid("InvalidRequest", "The %s checksum type cannot be used with the %s checksum algorithm.",
			kind, cmp.Or(string(a), "default"))
	}
	u, err := q.account.Objects.Begin(objects.Upload{
		Bucket: q.bucket(), Key: q.vars["key"], Initiator: q.caller.ARN, Attributes: attrs, Algorithm: a, Type: kind,
	})
	if err != nil {
		return answer{}, err
	}
	ans, err := s3Answer(el("InitiateMultipartUploadResult", txt("Bucket", u.Bucket), txt("Key", u.Key), txt("UploadId", u.ID)))
	if a != "" {
		ans.header = http.Header{"X-Amz-Checksum-Algorithm": {string(a)}, "X-Amz-Checksum-Type": {kind}}
	}
	return ans, err
}

// partNumber reads the number of a part.
func (q *request) partNumber() (int, error) {
	n, err := strconv.Atoi(q.http.URL.Query().Get("partNumber"))
	if err != nil || n < 1 || n > objects.MaxParts {
		return 0, invalid("InvalidArgument", "Part number must be an integer between 1 and %d, inclusive", objects.MaxParts)
	}
	return n, nil
}

func uploadPart(q *request) (answer, error) {
	number, err := q.partNumber()
	if err != nil {
		return answer{}, err
	}
	u, err := q.upload()
	if err != nil {
		return answer{}, err
	}
	d, err := q.receive(u.Algorithm)
	if err != nil {
		return answer{}, err
	}
	defer d.Discard()
	p, err := q.account.Objects.PutPart(u.Bucket, u.Key, u.ID, number, d)
	if err != nil {
		return answer{}, err
	}
	h := http.Header{"Etag": {quote(p.ETag)}}
	h.Set(checksumHeader(p.Checksum.Algorithm), p.Checksum.Value)
	return answer{status: http.StatusOK, header: h}, nil
}

func uploadPartCopy(q *request) (answer, error) {
	number, err := q.partNumber()
	if err != nil {
		return answer{}, err
	}
	u, err := q.upload()
	if err != nil {
		return answer{}, err
	}
	s, from, body, err := q.openSource()
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = body.Close() }()
	start, length := int64(0), from.Size
	if asked := q.http.Header.Get("X-Amz-Copy-Source-Range"); asked != "" {
		var partial bool
		if start, length, partial = byteRange(asked, from.Size); !partial {
			return answer{}, invalid("InvalidArgument", "The x-amz-copy-source-range value must be of the form bytes=first-last")
		}
		// Unlike a read, a copy takes no range that goes beyond the end.
		if asked != "bytes="+strconv.FormatInt(start, 10)+"-"+strconv.FormatInt(start+length-1, 10) {
			return answer{}, invalid("InvalidArgument", "Range specified is not valid for source object of size: %d", from.Size)
		}
	}
	d, err := q.account.Objects.Draft(u.Algorithm)
	if err != nil {
		return answer{}, err
	}
	defer d.Discard()
	if _, err := io.Copy(d, io.NewSectionReader(body, start, length)); err != nil {
		return answer{}, err
	}
	p, err := q.account.Objects.PutPart(u.Bucket, u.Key, u.ID, number, d)
	if err != nil {
		return answer{}, err
	}
	return q.copied(s, from, http.Header{}, when("LastModified", p.Modified), txt("ETag", quote(p.ETag)),
		txt("Checksum"+string(p.Checksum.Algorithm), p.Checksum.Value))
}

// completion is the body of CompleteMultipartUpload.
type completion struct {
	Part []struct {
		PartNumber                                                                     int
		ETag                                                                           string
		ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 string
	}
}

// parts are those that the client claims to have uploaded.
func (q *request) parts() ([]objects.Part, error) {
	var in completion
	if err := xml.Unmarshal(q.body, &in); err != nil {
		return nil, invalid("MalformedXML", "The XML you provided was not well-formed: %v", err)
	}
	var out []objects.Part
	for _, p := range in.Part {
		part := objects.Part{Number: p.PartNumber, ETag: strings.Trim(p.ETag, `"`)}
		for a, v := range map[objects.Algorithm]string{
			objects.CRC32: p.ChecksumCRC32, objects.CRC32C: p.ChecksumCRC32C, objects.CRC64NVME: p.ChecksumCRC64NVME,
			objects.SHA1: p.ChecksumSHA1, objects.SHA256: p.ChecksumSHA256,
		} {
			if v != "" {
				part.Checksum = objects.Checksum{Algorithm: a, Value: v}
			}
		}
		out = append(out, part)
	}
	return out, nil
}

func completeMultipartUpload(q *request) (answer, error) {
	parts, err := q.parts()
	if err != nil {
		return answer{}, err
	}
	condition, err := q.writable()
	if err != nil {
		return answer{}, err
	}
	c, err := q.claims()
	if err != nil {
		return answer{}, err
	}
	if err := q.account.Objects.Check(q.bucket(), q.vars["key"], condition); err != nil {
		return answer{}, err
	}
	size := q.http.Header.Get("X-Amz-Mp-Object-Size")
	o, err := q.account.Objects.Complete(q.bucket(), q.vars["key"], q.uploadID(), parts, func(o objects.Object) error {
		if size != "" && size != strconv.FormatInt(o.Size, 10) {
			return invalid("InvalidRequest", "The provided 'x-amz-mp-object-size' header does not match the object's %d bytes",
				o.Size)
		}
		return c.verifyChecksum(o.Checksum)
	}, condition)
	if err != nil {
		return answer{}, err
	}
	a, err := s3Answer(el("CompleteMultipartUploadResult", append([]node{
		txt("Location", "http://"+q.http.Host+q.http.URL.EscapedPath()), txt("Bucket", q.bucket()), txt("Key", o.Key),
		txt("ETag", quote(o.ETag)),
	}, sumNodes(o.Checksum)...)...))
	a.header = written(o)
	return a, err
}

func abortMultipartUpload(q *request) (answer, error) {
	return answer{status: http.StatusNoContent}, q.account.Objects.Abort(q.bucket(), q.vars["key"], q.uploadID())
}

// owner is an element with an identity.
func owner(name, id string) node { return el(name, txt("ID", id), txt("DisplayName", id)) }

func listParts(q *request) (answer, error) {
	u, parts, err := q.account.Objects.Parts(q.bucket(), q.vars["key"], q.uploadID())
	if err != nil {
		return answer{}, err
	}
	limit, err := q.pageSize("max-parts")
	if err != nil {
		return answer{}, err
	}
	query := q.http.URL.Query()
	after, err := strconv.Atoi(cmp.Or(query.Get("part-number-marker"), "0"))
	if err != nil || after < 0 {
		return answer{}, invalid("InvalidArgument", "Argument part-number-marker must be an integer between 0 and 2147483647")
	}
	parts = slices.DeleteFunc(parts, func(p objects.Part) bool { return p.Number <= after })
	more := len(parts) > limit
	if more {
		parts = parts[:limit]
	}
	next := after
	if len(parts) > 0 {
		next = parts[len(parts)-1].Number
	}
	kids := []node{txt("Bucket", u.Bucket), txt("Key", q.escapeKey(u.Key)), opt("EncodingType", query.Get("encoding-type")),
		txt("UploadId", u.ID), owner("Initiator", u.Initiator), owner("Owner", q.account.ID()), txt("StorageClass", "STANDARD"),
		num("PartNumberMarker", after), num("NextPartNumberMarker", next), num("MaxParts", limit), boolean("IsTruncated", more),
		opt("ChecksumAlgorithm", string(u.Algorithm)), opt("ChecksumType", u.Type)}
	for _, p := range parts {
		kids = append(kids, el("Part", num("PartNumber", p.Number), when("LastModified", p.Modified), txt("ETag", quote(p.ETag)),
			txt("Size", strconv.FormatInt(p.Size, 10)), txt("Checksum"+string(p.Checksum.Algorithm), p.Checksum.Value)))
	}
	return s3Answer(el("ListPartsResult", kids...))
}
