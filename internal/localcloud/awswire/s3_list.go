// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"cmp"
	"emrflink/internal/localcloud/objects"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// maxKeys is S3's page size, and its limit.
const maxKeys = 1000

func contentLength(b []byte) string { return strconv.Itoa(len(b)) }

// pageSize reads a page size from the query.
func (q *request) pageSize(name string) int {
	if n, err := strconv.Atoi(q.http.URL.Query().Get(name)); err == nil && n >= 0 && n < maxKeys {
		return n
	}
	return maxKeys
}

// listObjectsV2 pages by key: a page goes on after the last key of the one
// before, whatever was deleted in between.
func listObjectsV2(q *request) (answer, error) {
	query := q.http.URL.Query()
	prefix, delimiter := query.Get("prefix"), query.Get("delimiter")
	if _, err := q.existing(); err != nil {
		return answer{}, err
	}
	after := query.Get("start-after")
	if t := query.Get("continuation-token"); t != "" {
		raw, err := base64.RawURLEncoding.DecodeString(t)
		if err != nil {
			return answer{}, invalid("InvalidArgument", "The continuation token provided is incorrect")
		}
		after = string(raw)
	}
	listed, err := q.account.Objects.List(q.bucket(), prefix)
	if err != nil {
		return answer{}, err
	}
	limit := q.pageSize("max-keys")
	var rows, prefixes []node
	last, truncated, previous := "", false, ""
	for _, o := range listed {
		group := commonPrefix(o.Key, prefix, delimiter)
		if o.Key <= after || group != "" && (group == previous || group == commonPrefix(after, prefix, delimiter)) {
			continue
		}
		if len(rows)+len(prefixes) == limit {
			truncated = true
			break
		}
		last = o.Key
		if group != "" {
			previous = group
			prefixes = append(prefixes, el("CommonPrefixes", txt("Prefix", q.escapeKey(group))))
			continue
		}
		rows = append(rows, el("Contents", txt("Key", q.escapeKey(o.Key)), when("LastModified", o.LastModified),
			txt("ETag", quote(o.ETag)),
			txt("Size", strconv.FormatInt(o.Size, 10)), txt("StorageClass", "STANDARD")))
	}
	next := ""
	if truncated {
		next = base64.RawURLEncoding.EncodeToString([]byte(last))
	}
	head := []node{txt("Name", q.bucket()), txt("Prefix", q.escapeKey(prefix)), opt("Delimiter", delimiter),
		opt("EncodingType", query.Get("encoding-type")),
		num("KeyCount", len(rows)+len(prefixes)), num("MaxKeys", limit), boolean("IsTruncated", truncated),
		opt("NextContinuationToken", next)}
	return s3Answer(el("ListBucketResult", slices.Concat(head, rows, prefixes)...))
}

// commonPrefix is the part of a key up to the delimiter after the prefix, ""
// when it has none.
func commonPrefix(key, prefix, delimiter string) string {
	if delimiter == "" || !strings.HasPrefix(key, prefix) {
		return ""
	}
	if i := strings.Index(key[len(prefix):], delimiter); i >= 0 {
		return key[:len(prefix)+i+len(delimiter)]
	}
	return ""
}

// listObjectVersions pages by key and version. Within a key the newest version
// comes first.
func listObjectVersions(q *request) (answer, error) {
	query := q.http.URL.Query()
	prefix := query.Get("prefix")
	if _, err := q.existing(); err != nil {
		return answer{}, err
	}
	all, err := q.account.Objects.ListVersions(q.bucket(), prefix)
	if err != nil {
		return answer{}, err
	}
	slices.SortStableFunc(all, func(a, b objects.Object) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), b.LastModified.Compare(a.LastModified))
	})
	all = afterMarker(all, query.Get("key-marker"), query.Get("version-id-marker"))
	limit := q.pageSize("max-keys")
	truncated := len(all) > limit
	if truncated {
		all = all[:limit]
	}
	head := []node{txt("Name", q.bucket()), txt("Prefix", q.escapeKey(prefix)), num("MaxKeys", limit),
		boolean("IsTruncated", truncated),
		opt("EncodingType", query.Get("encoding-type"))}
	if truncated && limit > 0 {
		l := all[limit-1]
		head = append(head, txt("NextKeyMarker", q.escapeKey(l.Key)), txt("NextVersionIdMarker", l.VersionID))
	}
	var rows []node
	for _, o := range all {
		kids := []node{txt("Key", q.escapeKey(o.Key)), txt("VersionId", o.VersionID), boolean("IsLatest", o.Latest),
			when("LastModified", o.LastModified)}
		if o.DeleteMarker {
			rows = append(rows, el("DeleteMarker", kids...))
			continue
		}
		rows = append(rows, el("Version", append(kids, txt("ETag", quote(o.ETag)), txt("Size", strconv.FormatInt(o.Size, 10)),
			txt("StorageClass", "STANDARD"))...))
	}
	return s3Answer(el("ListVersionsResult", append(head, rows...)...))
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
