// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"cmp"
	"slices"
	"strings"
)

// paths replaces the paths of a container in texts by those of this machine.
type paths struct {
	table []replacement // longest first
	// other is where all other paths are that a URI names as files.
	other string
}

type replacement struct{ from, to string }

// The folders of Flink in its official images and in EMR's.
var flinkRoots = []string{"/opt/flink", "/usr/lib/flink"}

// Presto's file system, which EMR's images have for s3p, is not installed: Hadoop's reads and writes the same objects.
const (
	prestoScheme = "s3p://"
	hadoopScheme = "s3://"
)

// newPaths makes the table. own is the pod's folder: a path in it has been replaced already.
func newPaths(own string, mounts map[string]string) paths {
	p := paths{other: own + "/" + rootFS, table: []replacement{
		{own, own}, {prestoScheme, hadoopScheme}, {"/tmp", own + "/" + tmpFolder},
	}}
	for _, root := range flinkRoots {
		p.table = append(p.table, replacement{root, own + "/" + flinkFolder})
	}
	for from, to := range mounts {
		p.table = slices.DeleteFunc(p.table, func(r replacement) bool { return r.from == from })
		p.table = append(p.table, replacement{from, to})
	}
	slices.SortFunc(p.table, func(a, b replacement) int {
		return cmp.Or(cmp.Compare(len(b.from), len(a.from)), cmp.Compare(a.from, b.from))
	})
	return p
}

// text replaces all paths in a text. A path starts where no other one goes on, so that s3://bucket/tmp stays.
func (p paths) text(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); {
		if !startsPath(s, i) {
			out.WriteByte(s[i])
			i++
			continue
		}
		if r, ok := p.at(s[i:]); ok {
			out.WriteString(r.to)
			i += len(r.from)
			continue
		}
		if s[i] == '/' && isFile(s[:i]) {
			out.WriteString(p.other)
		}
		out.WriteByte(s[i])
		i++
	}
	return out.String()
}

// at is the replacement for the path that a text begins with.
func (p paths) at(s string) (replacement, bool) {
	for _, r := range p.table {
		rest, ok := strings.CutPrefix(s, r.from)
		if ok && (rest == "" || strings.HasSuffix(r.from, "/") || rest[0] == '/' || !inPath(rest[0])) {
			return r, true
		}
	}
	return replacement{}, false
}

// path is a path of the container on this machine.
func (p paths) path(s string) string {
	if r, ok := p.at(s); ok {
		return r.to + s[len(r.from):]
	}
	return p.other + s
}

func startsPath(s string, i int) bool {
	return i == 0 || !inPath(s[i-1]) || strings.HasSuffix(s[:i], "://")
}

func isFile(before string) bool {
	return strings.HasSuffix(before, "file://") || strings.HasSuffix(before, "local://")
}

func inPath(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("/._-~", c) >= 0
}
