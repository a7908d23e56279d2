// SPDX-License-Identifier: Apache-2.0

package flinkspec

import (
	_ "embed" // tables
	"slices"
	"strconv"
	"strings"
	"sync"
)

// The kinds of objects of the operator, and their API version.
const (
	APIVersion        = "flink.apache.org/v1beta1"
	KindDeployment    = "FlinkDeployment"
	KindSessionJob    = "FlinkSessionJob"
	KindStateSnapshot = "FlinkStateSnapshot"
)

//go:embed fields.tsv
var fieldsTable string

//go:embed emr-fields.tsv
var emrFieldsTable string

//go:embed operator-keys.tsv
var operatorKeysTable string

//go:embed flink-keys.tsv
var flinkKeysTable string

//go:embed emr-keys.tsv
var emrKeysTable string

// Field is a field of an object.
type Field struct {
	Path  string // "spec.job.parallelism"; an item of a list is "[]"
	Type  string // of OpenAPI: "string", "integer", "number", "boolean", "array", "object"; or "map", "podTemplate", "any"
	Since string // first release of the operator that has it; "" = EMR's own
	Until string // last one
	// Choices are the values of an enum, with the first release that has each.
	Choices map[string]string
}

// Key is a configuration key.
type Key struct {
	Name       string
	Type       string // Flink's: "Duration", "MemorySize", "Integer", "Boolean", ...; an enum's name
	Default    string
	Choices    []string
	Fallbacks  []string // older names that still work
	Deprecated bool
	// OperatorOnly says that the operator reads it in its own configuration, not in that of a job.
	OperatorOnly bool
	// Connector says that it is an option of a table's connector or format, no key of the configuration.
	Connector bool
	// Since and Until are the releases of the operator that have it; "" = a key of Flink or EMR.
	Since, Until string
	// Note is what EMR's documentation says about it, if it says something.
	Note string
}

// minor is the number that orders the releases of the operator, whose major number is 1.
func minor(release string) int {
	parts := strings.Split(release, ".")
	if len(parts) < 2 {
		return 0
	}
	n, err := strconv.Atoi(parts[1])
	if err != nil {
		return 0
	}
	return n
}

// Rows are the lines of a table that have all columns; a test sees to it that these are all.
func Rows(table string, columns int) [][]string {
	var out [][]string
	for line := range strings.Lines(table) {
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if r := strings.Split(line, "\t"); len(r) == columns {
			out = append(out, r)
		}
	}
	return out
}

var fields = sync.OnceValue(func() map[string]map[string]Field {
	out := map[string]map[string]Field{}
	add := func(kind string, f Field) {
		if out[kind] == nil {
			out[kind] = map[string]Field{}
		}
		out[kind][f.Path] = f
	}
	for _, r := range Rows(fieldsTable, 7) {
		f := Field{Path: r[1], Type: r[2], Since: r[4], Until: r[5], Choices: map[string]string{}}
		for _, c := range strings.Fields(r[6]) {
			value, since, _ := strings.Cut(c, "@")
			f.Choices[value] = since
		}
		add(r[0], f)
	}
	for _, r := range Rows(emrFieldsTable, 3) {
		add(r[0], Field{Path: r[1], Type: r[2]})
	}
	return out
})

// FieldOf is a field of a kind by its path.
func FieldOf(kind, path string) (Field, bool) {
	f, ok := fields()[kind][path]
	return f, ok
}

// FieldNames are the names of the fields right below a path that a release of the operator or EMR has.
func FieldNames(kind, path, operator string) []string {
	var out []string
	for p, f := range fields()[kind] {
		if rest, below := strings.CutPrefix(p, path+"."); below && !strings.ContainsAny(rest, ".[") && f.In(operator) {
			out = append(out, rest)
		}
	}
	slices.Sort(out)
	return out
}

var keys = sync.OnceValue(func() map[string]Key {
	out := map[string]Key{}
	for _, r := range Rows(flinkKeysTable, 6) {
		k := Key{Name: r[0], Type: r[1], Default: r[2], Deprecated: r[4] != ""}
		if i := strings.Index(k.Type, "["); i > 0 && !strings.HasPrefix(k.Type, "List<String>") {
			k.Choices = strings.Split(strings.TrimSuffix(k.Type[i+1:], "]"), ", ")
			k.Type = k.Type[:i]
		}
		// Flink's own description says which classes are options of connectors: they have no prefix of a configuration.
		k.Connector = strings.HasSuffix(r[5], "ConnectorOptions") || strings.HasSuffix(r[5], "FactoryOptions") ||
			r[5] == "LookupOptions" || r[5] == "LookupJoinHintOptions"
		if r[5] == "MetricOptions" && !strings.HasPrefix(k.Name, "metrics.") {
			continue // the end of a reporter's key
		}
		for _, f := range strings.Fields(r[3]) {
			k.Fallbacks = append(k.Fallbacks, strings.TrimSuffix(f, "(deprecated)"))
		}
		out[k.Name] = k
	}
	for _, r := range Rows(operatorKeysTable, 7) {
		k := Key{Name: r[1], Type: r[2], Default: r[3], OperatorOnly: r[0] == "operator", Since: r[4], Until: r[5]}
		for _, c := range strings.Fields(r[6]) {
			value, _, _ := strings.Cut(c, "@")
			k.Choices = append(k.Choices, value)
		}
		out[k.Name] = k
	}
	for _, r := range Rows(emrKeysTable, 4) {
		out[r[0]] = Key{Name: r[0], Type: r[1], Default: r[2], Note: r[3]}
	}
	return out
})

// olderNames are the fallbacks of all keys, with the key that they stand for.
var olderNames = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	for name, k := range keys() {
		for _, f := range k.Fallbacks {
			out[f] = name
		}
	}
	return out
})

// KeyOf is a configuration key by its name. Of an older name it is the present key.
func KeyOf(name string) (k Key, found bool) {
	if k, found = keys()[name]; found {
		return k, true
	}
	k, found = keys()[olderNames()[name]]
	return k, found
}

// KeyNames are the names of all keys that a job's configuration can have with a release of the operator.
func KeyNames(operator string) []string {
	var out []string
	for name, k := range keys() {
		if k.In(operator) && !k.Connector && !k.OperatorOnly {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
