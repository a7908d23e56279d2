// SPDX-License-Identifier: Apache-2.0

// Package replacement says which properties of a resource cannot be changed in place: a change of such a property makes
// the provider replace the resource, which destroys what is in it. The rows are data: aws.tsv is derived from the AWS
// provider itself, and each row of other.tsv names its source.
package replacement

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Row is one line of a table.
type Row struct {
	// Type is the Pulumi type, such as aws:ec2/vpc:Vpc.
	Type string
	// Property is the pattern of a path: property names joined by dots, list indexes left out. All below it is meant too.
	Property string
	// How says where the row comes from; the head of its file explains the words.
	How string
	// Note is what else is to be known, such as "unless KEY" for a rule that the provider's setting KEY turns off.
	Note string
}

// Notes of rows that are about a property as a whole: one that comes, goes, or does either.
const (
	OnlyAdded   = "only when it is added"
	OnlyRemoved = "only when it is removed"
	OnlyWhole   = "only when it is added or removed"
)

// known is the property of a row that only says that its type is in the table.
const known = "-"

// kubernetes is the prefix of the types whose common rows are those of anyKubernetes.
const (
	kubernetes    = "kubernetes:"
	anyKubernetes = "kubernetes:*"
	helmRelease   = "kubernetes:helm.sh/v3:Release"
)

var (
	//go:embed aws.tsv
	awsTable string
	//go:embed other.tsv
	otherTable string

	tables = sync.OnceValue(func() map[string][]Row {
		out := map[string][]Row{}
		for _, text := range []string{awsTable, otherTable} {
			rows, _ := Parse(text) // a test reads the tables that are in the binary
			for _, r := range rows {
				out[r.Type] = append(out[r.Type], r)
			}
		}
		return out
	})
)

// Parse reads a table: tab-separated rows below a heading, lines with # are for people.
func Parse(text string) ([]Row, error) {
	var out []Row
	heading := true
	for number, line := range slices.Collect(strings.Lines(text)) {
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, "\t")
		if len(cells) != 4 || cells[0] == "" || cells[1] == "" || cells[2] == "" {
			return nil, fmt.Errorf("replacement table, line %d: %q is not type, property, how and note", number+1, line)
		}
		if heading {
			heading = false
			continue
		}
		out = append(out, Row{Type: cells[0], Property: cells[1], How: cells[2], Note: cells[3]})
	}
	return out, nil
}

// Forces tells whether a change at the path can need a new resource. The path is Pulumi's: cidrBlock,
// vpcConfig.subnetIds[0], tags["a.b"]. For a whole object it is true if something in it does. It is false for a type that
// is not Known.
func Forces(pulumiType, path string) bool {
	pattern := Pattern(path)
	return slices.ContainsFunc(Rows(pulumiType), func(r Row) bool {
		return r.covers(pattern) || r.whole() && r.Property == pattern || strings.HasPrefix(r.Property, pattern+".")
	})
}

// Known tells whether the table speaks of the type: only then does Forces mean anything.
func Known(pulumiType string) bool {
	return len(tables()[pulumiType]) > 0 || strings.HasPrefix(pulumiType, kubernetes)
}

// Rows are the rules of a type, those that every Kubernetes object has among them.
func Rows(pulumiType string) []Row {
	rows := tables()[pulumiType]
	if strings.HasPrefix(pulumiType, kubernetes) && pulumiType != helmRelease {
		rows = slices.Concat(tables()[anyKubernetes], rows)
	}
	return slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.Property == known })
}

// Types are the types of the tables, sorted.
func Types() []string {
	out := make([]string, 0, len(tables()))
	for typ := range tables() {
		out = append(out, typ)
	}
	slices.Sort(out)
	return out
}

// whole tells whether the row is about its property as a whole only.
func (r Row) whole() bool { return r.Note == OnlyAdded || r.Note == OnlyRemoved || r.Note == OnlyWhole }

func (r Row) covers(pattern string) bool {
	return !r.whole() && (pattern == r.Property || strings.HasPrefix(pattern, r.Property+"."))
}

// Covers tells whether one of the rows forces a replacement for a change at the pattern: added says that the property was
// not there before, removed that it goes.
func Covers(rows []Row, pattern string, added, removed bool) bool {
	return slices.ContainsFunc(rows, func(r Row) bool {
		switch {
		case r.whole() && r.Property == pattern:
			return added && r.Note != OnlyRemoved || removed && r.Note != OnlyAdded
		default:
			return r.covers(pattern)
		}
	})
}

// Pattern is a property path without its list indexes. A path that cannot be read is its own pattern.
func Pattern(path string) string {
	parsed, err := resource.ParsePropertyPath(path)
	if err != nil {
		return path
	}
	var out []string
	for _, step := range parsed {
		if name, ok := step.(string); ok && name != "*" { // else an index
			out = append(out, name)
		}
	}
	return strings.Join(out, ".")
}
