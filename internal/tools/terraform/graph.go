// SPDX-License-Identifier: Apache-2.0

package terraform

import (
	"encoding/json"
	"fmt"
	"reflect"
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

// ReadGraph reads the AWS resources off the JSON document of an offline preview, in which every input is an addition.
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
		if !strings.HasPrefix(s.Type, "aws:") {
			continue
		}
		n := Node{URN: s.URN, Type: s.Type, Name: s.Name, DependsOn: s.DependsOn, Inputs: map[string]any{}, Uses: map[string][]string{}}
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
		return nil, fmt.Errorf("read the preview: it has no AWS resource")
	}
	return out, nil
}
