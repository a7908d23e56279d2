// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"emrflink/internal/localcloud/objects"
)

// maxKeys is S3's page size, and its limit.
const maxKeys = 1000

// pageSize reads a page size from the query.
func (q *request) pageSize(name string) (int, error) {
	asked := q.http.URL.Query().Get(name)
	if asked == "" {
		return maxKeys, nil
	}
	n, err := strconv.ParseInt(asked, 10, 32)
	if err != nil || n < 0 {
		return 0, invalid("InvalidArgument", "Provided %s not an integer or within integer range", name)
	}
	return min(int(n), maxKeys), nil
}

// listing is what a request asks of a list, and where it goes on.
type listing struct {
	prefix, delimiter, after string
	limit                    int
}

// listing reads the query; size and after are the names of its page size and of where it goes on.
func (q *request) listing(size, after string) (listing, error) {
	query := q.http.URL.Query()
	limit, err := q.pageSize(size)
	if e := query.Get("encoding-type"); err == nil && e != "" && e != "url" {
		err = invalid("InvalidArgument", "Invalid Encoding Method specified in Request")
	}
	return listing{query.Get("prefix"), query.Get("delimiter"), query.Get(after), limit}, err
}

// group is the part of a key up to the delimiter after the prefix, "" when it has none.
func (l listing) group(key string) string {
	if l.delimiter == "" || !strings.HasPrefix(key, l.prefix) {
		return ""
	}
	if i := strings.Index(key[len(l.prefix):], l.delimiter); i >= 0 {
		return key[:len(l.prefix)+i+len(l.delimiter)]
	}
	return ""
}

// page is a part of a list.
type page[T any] struct {
	rows   []T
	groups []string // stand for all rows whose keys begin with one
	last   string   // the last key or group
	more   bool
}

// cut makes the page of rows that are sorted by key and come after the marker, which may be a group: its rows were listed.
func cut[T any](l listing, rows []T, key func(T) string) page[T] {
	var p page[T]
	listed := l.group(l.after)
	for _, r := range rows {
		k := key(r)
		g := l.group(k)
		if !strings.HasPrefix(k, l.prefix) || g != "" && g == listed {
			continue
		}
		if len(p.rows)+len(p.groups) == l.limit {
			p.more = l.limit > 0
			break
		}
		if p.last = k; g != "" {
			p.last, listed = g, g
			p.groups = append(p.groups, g)
			continue
		}
		p.rows = append(p.rows, r)
	}
	return p
}

// head is what every list answers about its page; size is the element of the page size.
func (q *request) listHead(l listing, size string, more bool) []node {
	return []node{txt("Prefix", q.escapeKey(l.prefix)), opt("Delimiter", q.escapeKey(l.delimiter)), num(size, l.limit),
		opt("EncodingType", q.http.URL.Query().Get("encoding-type")), boolean("IsTruncated", more)}
}

func (q *request) groupNodes(groups []string) []node {
	var out []node
	for _, g := range groups {
		out = append(out, el("CommonPrefixes", txt("Prefix", q.escapeKey(g))))
	}
	return out
}

// listCurrent lists the objects after a marker.
func (q *request) listCurrent(l listing) (page[objects.Object], error) {
	all, err := q.account.Objects.List(q.bucket(), l.prefix)
	if err != nil {
		return page[objects.Object]{}, err
	}
	all = slices.DeleteFunc(all, func(o objects.Object) bool { return o.Key <= l.after })
	return cut(l, all, func(o objects.Object) string { return o.Key }), nil
}

// objectNodes are the rows of a list of objects.
func (q *request) objectNodes(rows []objects.Object, owned bool) []node {
	var out []node
	for _, o := range rows {
		n := el("Contents", txt("Key", q.escapeKey(o.Key)), when("LastModified", o.LastModified), txt("ETag", quote(o.ETag)),
			opt("ChecksumAlgorithm", string(o.Checksum.Algorithm)), txt("Size", strconv.FormatInt(o.Size, 10)),
			txt("StorageClass", "STANDARD"))
		if owned {
			n.kids = append(n.kids, owner("Owner", q.account.ID()))
		}
		out = append(out, n)
	}
	return out
}

// listObjects is the first version of the list, which goes on after a key.
func listObjects(q *request) (answer, error) {
	l, err := q.listing("max-keys", "marker")
	if err != nil {
		return answer{}, err
	}
	p, err := q.listCurrent(l)
	if err != nil {
		return answer{}, err
	}
	kids := append(q.listHead(l, "MaxKeys", p.more), txt("Name", q.bucket()), txt("Marker", q.escapeKey(l.after)))
	if p.more && l.delimiter != "" { // without one, a client goes on after the last key
		kids = append(kids, txt("NextMarker", q.escapeKey(p.last)))
	}
	return s3Answer(el("ListBucketResult", slices.Concat(kids, q.objectNodes(p.rows, true), q.groupNodes(p.groups))...))
}

// listObjectsV2 pages by key: a page goes on after the last key of the one before, whatever was deleted in between.
func listObjectsV2(q *request) (answer, error) {
	query := q.http.URL.Query()
	l, err := q.listing("max-keys", "start-after")
	if err != nil {
		return answer{}, err
	}
	token := query.Get("continuation-token")
	if query.Has("continuation-token") {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil || token == "" {
			return answer{}, invalid("InvalidArgument", "The continuation token provided is incorrect")
		}
		l.after = string(raw)
	}
	p, err := q.listCurrent(l)
	if err != nil {
		return answer{}, err
	}
	next := ""
	if p.more {
		next = base64.RawURLEncoding.EncodeToString([]byte(p.last))
	}
	kids := append(q.listHead(l, "MaxKeys", p.more), txt("Name", q.bucket()), num("KeyCount", len(p.rows)+len(p.groups)),
		opt("StartAfter", q.escapeKey(query.Get("start-after"))), opt("ContinuationToken", token),
		opt("NextContinuationToken", next))
	return s3Answer(el("ListBucketResult", slices.Concat(kids, q.objectNodes(p.rows, query.Get("fetch-owner") == "true"),
		q.groupNodes(p.groups))...))
}

// listObjectVersions pages by key and version. Within a key the newest version comes first.
func listObjectVersions(q *request) (answer, error) {
	l, err := q.listing("max-keys", "key-marker")
	if err != nil {
		return answer{}, err
	}
	marker := q.http.URL.Query().Get("version-id-marker")
	all, err := q.account.Objects.ListVersions(q.bucket(), l.prefix)
	if err != nil {
		return answer{}, err
	}
	p := cut(l, afterMarker(all, l.after, marker), func(o objects.Object) string { return o.Key })
	kids := append(q.listHead(l, "MaxKeys", p.more), txt("Name", q.bucket()), txt("KeyMarker", q.escapeKey(l.after)),
		txt("VersionIdMarker", marker))
	if p.more {
		kids = append(kids, txt("NextKeyMarker", q.escapeKey(p.last)))
		if n := len(p.rows); n > 0 && p.rows[n-1].Key == p.last {
			kids = append(kids, txt("NextVersionIdMarker", p.rows[n-1].VersionID))
		}
	}
	for _, o := range p.rows {
		row := []node{txt("Key", q.escapeKey(o.Key)), txt("VersionId", o.VersionID), boolean("IsLatest", o.Latest),
			when("LastModified", o.LastModified), owner("Owner", q.account.ID())}
		if o.DeleteMarker {
			kids = append(kids, el("DeleteMarker", row...))
			continue
		}
		kids = append(kids, el("Version", append(row, txt("ETag", quote(o.ETag)), txt("Size", strconv.FormatInt(o.Size, 10)),
			txt("StorageClass", "STANDARD"))...))
	}
	return s3Answer(el("ListVersionsResult", append(kids, q.groupNodes(p.groups)...)...))
}

// afterMarker drops what a previous page had. When the marked version has been
// deleted since, the key's other versions are still listed.
func afterMarker(all []objects.Object, key, version string) []objects.Object {
	if key == "" {
		return all
	}
	if version != "" {
		if i := slices.IndexFunc(all, func(o objects.Object) bool { return o.Key == key && o.VersionID == version }); i >= 0 {
			return all[i+1:]
		}
		return slices.DeleteFunc(all, func(o objects.Object) bool { return o.Key < key })
	}
	return slices.DeleteFunc(all, func(o objects.Object) bool { return o.Key <= key })
}

// listMultipartUploads pages by key, and within a key by upload.
func listMultipartUploads(q *request) (answer, error) {
	l, err := q.listing("max-uploads", "key-marker")
	if err != nil {
		return answer{}, err
	}
	marker := q.http.URL.Query().Get("upload-id-marker")
	all, err := q.account.Objects.Uploads(q.bucket())
	if err != nil {
		return answer{}, err
	}
	all = slices.DeleteFunc(all, func(u objects.Upload) bool {
		return u.Key < l.after || u.Key == l.after && (marker == "" || u.ID <= marker)
	})
	p := cut(l, all, func(u objects.Upload) string { return u.Key })
	kids := append(q.listHead(l, "MaxUploads", p.more), txt("Bucket", q.bucket()), txt("KeyMarker", q.escapeKey(l.after)),
		txt("UploadIdMarker", marker))
	if p.more {
		kids = append(kids, txt("NextKeyMarker", q.escapeKey(p.last)))
		if n := len(p.rows); n > 0 && p.rows[n-1].Key == p.last {
			kids = append(kids, txt("NextUploadIdMarker", p.rows[n-1].ID))
		}
	}
	for _, u := range p.rows {
		kids = append(kids, el("Upload", txt("Key", q.escapeKey(u.Key)), txt("UploadId", u.ID), owner("Initiator", u.Initiator),
			owner("Owner", q.account.ID()), txt("StorageClass", "STANDARD"), when("Initiated", u.Initiated),
			opt("ChecksumAlgorithm", string(u.Algorithm)), opt("ChecksumType", u.Type)))
	}
	return s3Answer(el("ListMultipartUploadsResult", append(kids, q.groupNodes(p.groups)...)...))
}
