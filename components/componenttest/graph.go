// SPDX-License-Identifier: Apache-2.0

// Package componenttest runs components without an engine and records what they register: each resource with its type,
// name, parent, dependencies and inputs. A resource type or a function that it does not know fails the run, so that a
// component cannot start to use one that nobody has reviewed.
package componenttest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// The simulated surroundings of a run.
const (
	Account   = "111122223333"
	Region    = "us-west-2"
	Partition = "aws"
	Caller    = "arn:aws:iam::111122223333:user/tester"
	Issuer    = "https://oidc.eks.us-west-2.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
	Project   = "emrflink"
	Stack     = "test"
)

// Resource is a registered resource.
type Resource struct {
	// Type is its Pulumi type, Name its logical name.
	Type, Name string
	// Parent is its parent's name, "" for the stack.
	Parent string
	// Provider is the name of an explicit provider, "" for the default one.
	Provider string
	// Dependencies are the names of the resources that it depends on, sorted.
	Dependencies []string
	// Inputs are its inputs as JSON types; secrets are shown.
	Inputs map[string]any
	// DeleteTimeout is its own timeout for deletion, such as 30m, or "".
	DeleteTimeout string
}

// Graph is what a program registered.
type Graph struct {
	// Resources are sorted by path: parents come before their children.
	Resources []Resource
	// Outputs are the stack's outputs as JSON types.
	Outputs map[string]any
}

// Options change the surroundings of a run.
type Options struct {
	// Config is the stack's configuration: emrflink:KEY to a value.
	Config map[string]string
	// Region and Caller replace the constants of the package.
	Region, Caller string
}

// Run runs a program and fails the test when it fails.
func Run(t testing.TB, program pulumi.RunFunc, options ...Options) *Graph {
	t.Helper()
	g, err := TryRun(program, options...)
	if err != nil {
		t.Fatalf("run program: %v", err)
	}
	return g
}

// TryRun runs a program.
func TryRun(program pulumi.RunFunc, options ...Options) (*Graph, error) {
	o := Options{}
	if len(options) > 0 {
		o = options[0]
	}
	if o.Region == "" {
		o.Region = Region
	}
	if o.Caller == "" {
		o.Caller = Caller
	}
	m := &mocks{options: o}
	outputs := make(chan map[string]any, 1)
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		if err := registerControlPlane(ctx); err != nil {
			return err
		}
		if err := program(ctx); err != nil {
			return err
		}
		pulumi.Map(ctx.GetCurrentExportMap()).ToMapOutput().ApplyT(func(v map[string]any) int {
			outputs <- v
			return 0
		})
		return nil
	}, pulumi.WithMocks(Project, Stack, m), func(info *pulumi.RunInfo) { info.Config = o.Config })
	if err != nil {
		return nil, err
	}
	g := &Graph{Resources: m.sorted()}
	select {
	case v := <-outputs:
		b, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("write outputs: %w", err)
		}
		if err := json.Unmarshal(b, &g.Outputs); err != nil {
			return nil, fmt.Errorf("read outputs: %w", err)
		}
	default:
	}
	return g, nil
}

// Find returns a resource by name.
func (g *Graph) Find(t testing.TB, name string) Resource {
	t.Helper()
	for _, r := range g.Resources {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("no resource %q; there are %s", name, strings.Join(g.Names(""), ", "))
	return Resource{}
}

// Names lists the names of all resources of a type, or of all.
func (g *Graph) Names(typ string) []string {
	var out []string
	for _, r := range g.Resources {
		if typ == "" || r.Type == typ {
			out = append(out, r.Name)
		}
	}
	return out
}

// DependsOn says whether a resource depends on another one, directly or through others. A dependency on a component is
// one on its children, and a child waits for what its provider waits for.
func (g *Graph) DependsOn(name, on string) bool {
	byName := map[string]Resource{}
	for _, r := range g.Resources {
		byName[r.Name] = r
	}
	seen := map[string]bool{}
	var visit func(string) bool
	visit = func(n string) bool {
		if seen[n] {
			return false
		}
		seen[n] = true
		r, ok := byName[n]
		if !ok {
			return false
		}
		next := slices.Clone(r.Dependencies)
		if r.Provider != "" {
			next = append(next, r.Provider)
		}
		for _, d := range next {
			if d == on || visit(d) {
				return true
			}
		}
		return false
	}
	return visit(name)
}

// JSON is an input of a resource that is a JSON document, decoded.
func (r Resource) JSON(t testing.TB, input string) map[string]any {
	t.Helper()
	text, ok := r.Inputs[input].(string)
	if !ok {
		t.Fatalf("%s has no text %q but %v", r.Name, input, r.Inputs[input])
	}
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("%s of %s is not JSON: %v", input, r.Name, err)
	}
	return out
}

// At reads an input by a path of keys and indices, such as spec, template, 0.
func (r Resource) At(path ...any) any {
	var v any = r.Inputs
	for _, step := range path {
		switch s := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[s]
		case int:
			l, _ := v.([]any)
			if s >= len(l) {
				return nil
			}
			v = l[s]
		}
	}
	return v
}

// Tags are the tags of an AWS resource.
func (r Resource) Tags() map[string]any {
	tags, _ := r.Inputs["tags"].(map[string]any)
	return tags
}

func plain(m resource.PropertyMap) map[string]any {
	out, _ := unwrap(resource.NewProperty(m)).(map[string]any)
	return out
}

func unwrap(v resource.PropertyValue) any {
	switch {
	case v.IsSecret():
		return unwrap(v.SecretValue().Element)
	case v.IsOutput():
		return unwrap(v.OutputValue().Element)
	case v.IsResourceReference():
		return fmt.Sprintf("(resource %s)", v.ResourceReferenceValue().URN.Name())
	case v.IsArray():
		out := make([]any, 0, len(v.ArrayValue()))
		for _, e := range v.ArrayValue() {
			out = append(out, unwrap(e))
		}
		return out
	case v.IsObject():
		out := map[string]any{}
		for k, e := range v.ObjectValue() {
			out[string(k)] = unwrap(e)
		}
		return out
	}
	return v.V
}
