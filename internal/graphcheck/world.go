// SPDX-License-Identifier: Apache-2.0

package graphcheck

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/components/componenttest"
)

// World is what is judged.
type World struct {
	// Graph is what the program registers.
	Graph *componenttest.Graph
	// Jobs are the sample job's FlinkDeployments, by the name of the task managers' node pool.
	Jobs map[string]*unstructured.Unstructured
	// Render says what is wrong with a release of a Helm chart: a chart that nobody knows, a version, a value.
	Render func(Release) error
}

// Release is a Helm release of the graph.
type Release struct {
	Chart, Repo, Version, Name, Namespace string
	Values                                map[string]any
}

// Check is one check, of a subject.
type Check struct {
	// Name is how the mutation test and docs/traps.md call it.
	Name string
	// Run gives the reasons why the world is not as it must be.
	Run func(*World) []string
}

// All are the checks.
func All() []Check {
	return []Check{
		{"iam-documents", Documents},
		{"iam-access", Access},
		{"join", Join},
		{"node-class", NodeClass},
		{"placement", Placement},
		{"jobs", Jobs},
		{"interruption", Interruption},
		{"storage", Storage},
		{"network", Network},
		{"charts", Charts},
		{"namespaces", Namespaces},
		{"outputs", Outputs},
		{"order", Order},
	}
}

type object = map[string]any

// report collects reasons.
type report []string

func (r *report) add(wrong bool, format string, args ...any) {
	if wrong {
		*r = append(*r, fmt.Sprintf(format, args...))
	}
}

// resource finds a resource by its logical name; a missing one is empty, and its checks fail one by one.
func (w *World) resource(name string) componenttest.Resource {
	for _, r := range w.Graph.Resources {
		if r.Name == name {
			return r
		}
	}
	return componenttest.Resource{}
}

// of lists the resources of a Pulumi type.
func (w *World) of(typ string) []componenttest.Resource {
	var out []componenttest.Resource
	for _, r := range w.Graph.Resources {
		if r.Type == typ {
			out = append(out, r)
		}
	}
	return out
}

// output is an output of the stack as text, "" when it is none.
func (w *World) output(path ...string) string {
	var v any = w.Graph.Outputs
	for _, key := range path {
		m, _ := v.(object)
		v = m[key]
	}
	s, _ := v.(string)
	return s
}

func text(r componenttest.Resource, path ...any) string { return asText(r.At(path...)) }

func asText(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// decoded is an input that is a JSON document.
func decoded(r componenttest.Resource, input string) object {
	out := object{}
	_ = json.Unmarshal([]byte(text(r, input)), &out)
	return out
}

func same(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// sorted are the keys of a map in order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func lastPart(s, sep string) string { return s[strings.LastIndex(s, sep)+1:] }
