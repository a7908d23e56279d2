// SPDX-License-Identifier: Apache-2.0

package terraform

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Node is a resource of the blueprint's graph.
type Node struct {
	URN, Type, Name string
	// Inputs are its properties; what only the cloud knows is [unknown].
	Inputs map[string]any
	// DependsOn are the URNs of what it needs, Uses those that a property takes its value from, where that is known.
	DependsOn []string
	Uses      map[string][]string
}

// same tells whether two nodes are one and the same request.
func (n Node) same(other Node) bool {
	return n.URN == other.URN && reflect.DeepEqual(n.Inputs, other.Inputs)
}

// ReadGraph reads the resources off the JSON document of an offline preview, in which every input is an addition. Components
// and providers, which are no resources of a cloud, are left out.
func ReadGraph(document []byte) ([]Node, error) {
	var d struct {
		Steps []struct {
			URN       string   `json:"urn"`
			Type      string   `json:"type"`
			Name      string   `json:"name"`
			DependsOn []string `json:"dependsOn"`
			Diff      []struct {
				Path     string   `json:"path"`
				New      any      `json:"new"`
				WaitsFor []string `json:"waitsFor"`
			} `json:"diff"`
		} `json:"steps"`
	}
	if err := json.Unmarshal(document, &d); err != nil {
		return nil, fmt.Errorf("read the preview: %w", err)
	}
	var out []Node
	for _, s := range d.Steps {
		if !isAWS(s.Type) && !strings.HasPrefix(s.Type, "kubernetes:") {
			continue
		}
		n := Node{
			URN: s.URN, Type: s.Type, Name: s.Name, DependsOn: s.DependsOn, Inputs: map[string]any{}, Uses: map[string][]string{},
		}
		for _, p := range s.Diff {
			path, err := resource.ParsePropertyPath(p.Path)
			if err != nil || len(path) != 1 {
				return nil, fmt.Errorf("read the preview: %s has an input %q", s.Name, p.Path)
			}
			name := fmt.Sprint(path[0])
			n.Inputs[name] = p.New
			if len(p.WaitsFor) > 0 {
				n.Uses[name] = p.WaitsFor
			}
		}
		out = append(out, n)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("read the preview: it has no resource")
	}
	return out, nil
}

func isAWS(typ string) bool { return strings.HasPrefix(typ, "aws:") }

// AWS are the nodes that the AWS provider makes.
func AWS(nodes []Node) []Node {
	return slices.DeleteFunc(slices.Clone(nodes), func(n Node) bool { return !isAWS(n.Type) })
}

// BuiltIn renders a graph as resources of Terraform's own that keep a value and do nothing: as many, with the same inputs
// and the same edges.
func BuiltIn(nodes []Node) map[string]any {
	names := map[string]string{}
	for _, n := range nodes {
		names[n.URN] = identifier(n.Name)
	}
	resources := map[string]any{}
	for _, n := range nodes {
		after := []string{}
		for _, urn := range n.DependsOn {
			if name, ok := names[urn]; ok {
				after = append(after, "terraform_data."+name)
			}
		}
		resources[names[n.URN]] = map[string]any{"input": escaped(n.Inputs), "depends_on": after}
	}
	return map[string]any{"resource": map[string]any{"terraform_data": resources}}
}
