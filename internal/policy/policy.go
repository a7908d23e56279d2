// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"emrflink/internal/awskind"
)

// SchemaVersion is that of Document.
const SchemaVersion = 1

// Purpose is what a policy is for.
type Purpose string

// The purposes.
const (
	// Deploy creates and changes, and deletes what a change of settings removes, but none of what cannot be had again.
	Deploy Purpose = "deploy"
	// Preview reads: doctor, preview, drift, status, versions, outputs.
	Preview Purpose = "preview"
	// Job runs Flink jobs and looks after them.
	Job Purpose = "job"
	// Cleanup deletes the deployment and checks that nothing is left.
	Cleanup Purpose = "cleanup"
)

// Purposes are all of them.
func Purposes() []Purpose { return []Purpose{Deploy, Preview, Job, Cleanup} }

// Placeholder stands for an account that is not known. It is as long as one: put in its place, an account makes no document
// outgrow its quota.
const Placeholder = "YOUR_ACCOUNT"

// Resource is a resource of the desired graph.
type Resource struct {
	Type   string
	Inputs map[string]any
}

// Subject is the stack that a policy is for.
type Subject struct {
	Stack, Deployment, Region, Partition string
	// Account is where the deployment is, "" = not known; PlannedIn is the account in whose name Resources were planned.
	Account, PlannedIn string
	// Resources are the desired graph.
	Resources []Resource
	// State is the URL of the recorded state, Secrets that of the key of its secrets; "" where it is on this machine.
	State, Secrets string
	// Tag is the key of the tag whose value is the deployment's name; Tags are all by which a cleanup knows what is its own.
	Tag  string
	Tags map[string]string
	// Mirrors says that images come from a registry that doctor looks into.
	Mirrors bool
	// Policies are the ARNs of policies that the settings name and that the deployment does not make.
	Policies []string
	// VPC and Subnets are those of an existing VPC, "" and none where the deployment makes its own.
	VPC     string
	Subnets []string
}

// Document is the answer, and its JSON.
type Document struct {
	SchemaVersion int    `json:"schemaVersion"`
	Stack         string `json:"stack"`
	Deployment    string `json:"deployment"`
	For           string `json:"for"`
	// Account is Placeholder where it is not known.
	Account string `json:"account"`
	Region  string `json:"region"`
	// Policies are managed policies: attach all of them.
	Policies []Managed `json:"policies"`
	// Actions are what they allow, sorted.
	Actions []Action `json:"actions"`
	// Notes are what IAM does not give, and what to know before attaching them.
	Notes []string `json:"notes"`
}

// Managed is one document, ready for `aws iam create-policy`.
type Managed struct {
	Name string `json:"name"`
	// Size is in characters, as IAM counts them.
	Size       int             `json:"size"`
	Statements int             `json:"statements"`
	Document   json.RawMessage `json:"document"`
}

// Action is one action and why it is there.
type Action struct {
	Action string `json:"action"`
	// Reasons are a line each.
	Reasons []string `json:"reasons"`
	// Known says how it is known: measured, source, emrflink, or the address of a page.
	Known []string `json:"known"`
	// Resources are where it is allowed.
	Resources []string `json:"resources"`
}

// New derives the policy.
func New(s Subject, purpose Purpose) (Document, error) {
	if !slices.Contains(Purposes(), purpose) {
		return Document{}, fmt.Errorf("derive a policy: there is no purpose %q", purpose)
	}
	s = s.located()
	wanted := map[string]*want{}
	s.provider(purpose, wanted)
	if err := s.own(purpose, wanted); err != nil {
		return Document{}, err
	}
	s.remote(purpose, wanted)
	sc := newScope(s, purpose)
	var grants []grant
	actions := []Action{}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		w := wanted[name]
		given, err := sc.grants(name, w)
		if err != nil {
			return Document{}, fmt.Errorf("derive a policy: %w", err)
		}
		actions = append(actions, w.action(name, given))
		grants = append(grants, given...)
	}
	policies, err := documents(s.Deployment+"-"+s.Region+"-"+string(purpose), grants)
	if err != nil {
		return Document{}, fmt.Errorf("derive a policy: %w", err)
	}
	return Document{
		SchemaVersion: SchemaVersion, Stack: s.Stack, Deployment: s.Deployment, For: string(purpose), Account: s.Account,
		Region: s.Region, Policies: policies, Actions: actions, Notes: s.notes(purpose, len(policies)),
	}, nil
}

// located puts the account into everything that was planned in another's name.
func (s Subject) located() Subject {
	if s.Account == "" {
		s.Account = Placeholder
	}
	resources := make([]Resource, 0, len(s.Resources))
	for _, r := range s.Resources {
		if replaced, ok := replace(r.Inputs, s.PlannedIn, s.Account).(map[string]any); ok {
			r.Inputs = replaced
		}
		resources = append(resources, r)
	}
	s.Resources = resources
	return s
}

func replace(v any, old, account string) any {
	switch t := v.(type) {
	case string:
		if old != "" {
			return strings.ReplaceAll(t, old, account)
		}
	case []any:
		out := make([]any, 0, len(t))
		for _, e := range t {
			out = append(out, replace(e, old, account))
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, e := range t {
			out[k] = replace(e, old, account)
		}
		return out
	}
	return v
}

// want is an action that is needed: why, how that is known, and on what.
type want struct {
	reasons, known []string
	// on are the words of own.tsv; "-" is what the action's types say.
	on []string
	// types are resources of the provider by the phases in which they need the action.
	types map[string][]string
	// created says that the action is needed on what is being made, changed on what exists already.
	created, changed bool
}

func (w *want) add(reason, known, on string) {
	for _, a := range []struct {
		list *[]string
		item string
	}{{&w.reasons, reason}, {&w.known, known}, {&w.on, on}} {
		if a.item != "" && !slices.Contains(*a.list, a.item) {
			*a.list = append(*a.list, a.item)
		}
	}
}

func (w *want) action(name string, given []grant) Action {
	reasons := []string{}
	for _, in := range slices.Sorted(maps.Keys(w.types)) {
		reasons = append(reasons, in+": "+strings.Join(w.types[in], ", "))
	}
	a := Action{Action: name, Reasons: append(reasons, w.reasons...), Known: slices.Sorted(slices.Values(w.known))}
	for _, g := range given {
		a.Resources = append(a.Resources, g.resource)
	}
	slices.Sort(a.Resources)
	a.Resources = slices.Compact(a.Resources) // every action has one, see scope.grants
	return a
}

// phases are those of the provider that a purpose needs for a kind.
func phases(p Purpose, k awskind.Kind) []string {
	switch p {
	case Deploy:
		if lasting(k) {
			return []string{awskind.PhaseCreate, awskind.PhaseRead, awskind.PhaseUpdate}
		}
		return []string{awskind.PhaseCreate, awskind.PhaseRead, awskind.PhaseUpdate, awskind.PhaseDelete}
	case Preview:
		return []string{awskind.PhaseRead}
	case Cleanup:
		return []string{awskind.PhaseRead, awskind.PhaseDelete}
	}
	return nil
}

// lasting says that what such a resource holds cannot be had again, or that everything else is in it: no change of settings
// deletes it unless somebody means a cleanup.
func lasting(k awskind.Kind) bool { return k.Gravity > 0 && k.Gravity <= 40 }

// provider collects what the AWS provider calls for the resources of the graph.
func (s Subject) provider(purpose Purpose, into map[string]*want) {
	inputs := map[string][]map[string]any{}
	var kinds []awskind.Kind
	for _, r := range s.Resources {
		k, ok := awskind.OfType(r.Type)
		if !ok {
			continue
		}
		if inputs[k.Terraform] == nil {
			kinds = append(kinds, k)
		}
		inputs[k.Terraform] = append(inputs[k.Terraform], r.Inputs)
	}
	slices.SortFunc(kinds, func(a, b awskind.Kind) int { return strings.Compare(a.Terraform, b.Terraform) })
	for _, k := range kinds {
		for _, c := range k.Calls() {
			in := slices.DeleteFunc(phases(purpose, k), func(phase string) bool { return !c.In(phase) })
			if len(in) == 0 || c.When != "" && !anyHas(inputs[k.Terraform], c.When) {
				continue
			}
			if into[c.Action] == nil {
				into[c.Action] = &want{}
			}
			into[c.Action].called(c, in)
		}
	}
}

// called notes a call of the provider in some phases.
func (w *want) called(c awskind.Call, in []string) {
	w.add("", c.Source, fromTypes)
	if w.types == nil {
		w.types = map[string][]string{}
	}
	phases := strings.Join(in, ", ")
	w.types[phases] = append(w.types[phases], c.Terraform)
	w.created = w.created || slices.Contains(in, awskind.PhaseCreate)
	w.changed = w.changed || slices.Contains(in, awskind.PhaseUpdate) || slices.Contains(in, awskind.PhaseDelete)
}

// anyHas says whether one of the inputs has a property that is set.
func anyHas(all []map[string]any, property string) bool {
	return slices.ContainsFunc(all, func(in map[string]any) bool {
		switch v := in[property].(type) {
		case nil:
			return false
		case bool:
			return v
		case string:
			return v != ""
		case []any:
			return len(v) > 0
		}
		return true
	})
}
