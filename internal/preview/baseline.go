// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"emrflink/internal/disk"
	"emrflink/internal/plans"
)

// BaselineVersion is the version of a saved graph.
const BaselineVersion = 1

// baselineKind says in the file what it is.
const baselineKind = "emrflink-baseline"

// Baseline is a resource graph that another one is compared with: the desired graph of a configuration, saved, or the
// state of a deployed stack, exported. It holds no secrets.
type Baseline struct {
	SchemaVersion int    `json:"schemaVersion"`
	Kind          string `json:"kind"`
	Project       string `json:"project"`
	Stack         string `json:"stack"`
	// Region is where the AWS resources are; "" when an exported state does not show it.
	Region    string             `json:"region"`
	Resources []BaselineResource `json:"resources"`

	// deployed is set for an exported state: its values are known where a saved graph has unknown ones.
	deployed bool
	// account is the number of the AWS account in an exported state.
	account string
}

// BaselineResource is one resource of a baseline.
type BaselineResource struct {
	URN                  string              `json:"urn"`
	Type                 string              `json:"type"`
	Name                 string              `json:"name"`
	Component            bool                `json:"component"`
	Parent               string              `json:"parent"`
	Provider             string              `json:"provider"`
	Inputs               map[string]any      `json:"inputs"`
	DependsOn            []string            `json:"dependsOn"`
	PropertyDependencies map[string][]string `json:"propertyDependencies"`

	id string
}

// NewBaseline is the graph of a plan as it will be once the plan is carried out.
func NewBaseline(plan plans.Plan, project, region string) Baseline {
	b := Baseline{
		SchemaVersion: BaselineVersion, Kind: baselineKind, Project: project, Stack: plan.Stack, Region: region,
		Resources: []BaselineResource{},
	}
	for _, s := range plan.Steps {
		if s.New == nil || s.Op == plans.OpRead {
			continue
		}
		b.Resources = append(b.Resources, BaselineResource{
			URN: s.URN, Type: s.Type, Name: s.Name, Component: s.Component, Parent: s.Parent, Provider: s.Provider, Inputs: s.New,
			DependsOn: append([]string{}, s.Dependencies...), PropertyDependencies: s.PropertyDependencies,
		})
	}
	slices.SortFunc(b.Resources, func(x, y BaselineResource) int { return strings.Compare(x.URN, y.URN) })
	return b
}

// Plan is the creation of everything in a saved graph, in the order in which the engine lists it.
func (b Baseline) Plan() plans.Plan {
	steps := make([]plans.Step, 0, len(b.Resources))
	for _, r := range b.Resources {
		steps = append(steps, plans.Step{
			URN: r.URN, Type: r.Type, Name: r.Name, Parent: r.Parent, Op: plans.OpCreate, Component: r.Component, New: r.Inputs,
			Provider: r.Provider, Dependencies: r.DependsOn, PropertyDependencies: r.PropertyDependencies,
			ReplaceReasons: []string{}, Diff: []plans.PropertyDiff{},
		})
	}
	return plans.Plan{Stack: b.Stack, Steps: plans.InTreeOrder(steps), Summary: plans.Summarize(steps)}
}

// Save writes the graph, to be committed: the same graph gives the same bytes.
func (b Baseline) Save(to disk.Writer) error { return writeJSON(to, b, 0o644) }

// ReadBaseline reads a saved graph, or with exported what Pulumi's `stack export` writes, and checks that it is of this
// project and stack.
func ReadBaseline(path, project, stack string, exported func([]byte) (plans.Exported, error)) (Baseline, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Baseline{}, fmt.Errorf("read the baseline: %w", err)
	}
	b, err := ParseBaseline(raw, exported)
	if err != nil {
		return Baseline{}, fmt.Errorf("read the baseline %s: %w", path, err)
	}
	if b.Project != project || b.Stack != stack {
		return Baseline{}, fmt.Errorf("the baseline %s is of stack %q of project %q, and this is stack %q of project %q",
			path, b.Stack, b.Project, stack, project)
	}
	return b, nil
}

// ParseBaseline reads what Save wrote, or what exported understands.
func ParseBaseline(raw []byte, exported func([]byte) (plans.Exported, error)) (Baseline, error) {
	var head struct {
		Kind          string `json:"kind"`
		SchemaVersion int    `json:"schemaVersion"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return Baseline{}, fmt.Errorf("it is no JSON object: %w", err)
	}
	if head.Kind == "" {
		state, err := exported(raw)
		if err != nil {
			return Baseline{}, err
		}
		return fromExported(state), nil
	}
	if head.Kind != baselineKind {
		return Baseline{}, fmt.Errorf("it is of kind %q, not %q", head.Kind, baselineKind)
	}
	if head.SchemaVersion != BaselineVersion {
		return Baseline{}, fmt.Errorf("it has schemaVersion %d; this program reads %d", head.SchemaVersion, BaselineVersion)
	}
	var b Baseline
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&b); err != nil {
		return Baseline{}, fmt.Errorf("it is damaged: %w", err)
	}
	for i, r := range b.Resources {
		if r.URN == "" || r.Type == "" || i > 0 && b.Resources[i-1].URN >= r.URN {
			return Baseline{}, fmt.Errorf("it is damaged: resource %d (%q) is not in its place", i+1, r.URN)
		}
	}
	return b, nil
}

// fromExported makes a baseline of an exported state.
func fromExported(state plans.Exported) Baseline {
	b := Baseline{
		SchemaVersion: BaselineVersion, Kind: baselineKind, Project: state.Project, Stack: state.Stack, deployed: true,
		Resources: []BaselineResource{},
	}
	for _, r := range state.Resources {
		b.Resources = append(b.Resources, BaselineResource{
			URN: r.URN, Type: r.Type, Name: r.Name, Component: !r.Custom, Parent: r.Parent, Provider: r.Provider,
			Inputs: r.Inputs, DependsOn: r.Dependencies, PropertyDependencies: r.PropertyDependencies, id: r.ID,
		})
		if r.Type == "aws:eks/cluster:Cluster" {
			b.Region, b.account = place(r.Outputs["arn"])
		}
	}
	return b
}

// place is the region and the account in the ARN of a regional resource, "" when it is none.
func place(arn any) (region, account string) {
	s, _ := arn.(string)
	m := regexp.MustCompile(`^arn:aws[^:]*:[^:]+:([a-z0-9-]+):(\d{12}):`).FindStringSubmatch(s)
	if m == nil {
		return "", ""
	}
	return m[1], m[2]
}

// writeJSON writes a value for a person to read and to commit.
func writeJSON(to disk.Writer, v any, mode os.FileMode) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encode it: %w", err)
	}
	return to(b.Bytes(), mode)
}
