// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"emrflink/internal/awskind"
	"emrflink/internal/tools/terraform"
	"emrflink/internal/untyped"
)

// made is a resource that the provider has made.
type made struct {
	id      string
	outputs map[string]any
}

// ordered puts every node behind those that it depends on.
func ordered(nodes []terraform.Node) ([]terraform.Node, error) {
	waiting := slices.Clone(nodes)
	known, done := map[string]bool{}, map[string]bool{}
	for _, n := range nodes {
		known[n.URN] = true
	}
	var out []terraform.Node
	for len(waiting) > 0 {
		before := len(out)
		waiting = slices.DeleteFunc(waiting, func(n terraform.Node) bool {
			if slices.ContainsFunc(n.DependsOn, func(urn string) bool { return known[urn] && !done[urn] }) {
				return false
			}
			out = append(out, n)
			done[n.URN] = true
			return true
		})
		if len(out) == before {
			return nil, fmt.Errorf("order the graph: %d resources wait for each other", len(waiting))
		}
	}
	return out, nil
}

// resolver puts what other resources turned out to be into the inputs of a node.
type resolver struct {
	node  terraform.Node
	types map[string]string // resources of the provider, by URN
	made  map[string]made   // by URN
	top   string
}

func (r resolver) inputs() map[string]any {
	out := map[string]any{}
	for property, v := range r.node.Inputs {
		r.top = property
		if got := r.value(property, v, 0, 0); got != nil {
			out[property] = got
		}
	}
	return out
}

// value resolves a value: the i-th of n in a list, or n = 0 for one that is in none.
func (r resolver) value(property string, v any, i, n int) any {
	switch t := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range t {
			if got := r.value(k, e, 0, 0); got != nil {
				out[k] = got
			}
		}
		return out
	case []any:
		out := []any{}
		for i, e := range t {
			if got := r.value(property, e, i, len(t)); got != nil {
				out = append(out, got)
			}
		}
		return out
	case string:
		if t == untyped.Unknown {
			return r.reference(property, i, n)
		}
	}
	return v
}

// reference is the attribute of another resource that a property takes, or what stands in for what only AWS knows.
func (r resolver) reference(property string, i, n int) any {
	typ, attribute, _ := strings.Cut(terraform.Targets()[property], ".")
	urns := r.node.Uses[r.top]
	if len(urns) == 0 {
		urns = r.node.DependsOn
	}
	var found []any
	for _, urn := range urns {
		if typ == "" || r.types[urn] != typ {
			continue
		}
		m := r.made[urn]
		switch attribute {
		case "id":
			found = append(found, m.id)
		case "latest_version":
			found = append(found, fmt.Sprint(m.outputs["latestVersion"]))
		default:
			found = append(found, m.outputs[attribute])
		}
	}
	switch {
	case len(found) > 0 && n == 0 && strings.HasSuffix(property, "Ids"):
		return found
	case len(found) > 0:
		return found[min(i, len(found)-1)]
	case property == "assumeRolePolicy":
		return `{"Version":"2012-10-17","Statement":[{"Sid":"Service","Effect":"Allow","Action":"sts:AssumeRole",` +
			`"Principal":{"Service":"ec2.amazonaws.com"}}]}`
	case property == "url":
		return r.issuer()
	}
	return nil
}

// issuer is that of the cluster that has been made.
func (r resolver) issuer() any {
	for _, m := range r.made {
		identities, _ := m.outputs["identities"].([]any)
		for _, i := range identities {
			one, _ := i.(map[string]any)
			oidcs, _ := one["oidcs"].([]any)
			for _, o := range oidcs {
				oidc, _ := o.(map[string]any)
				return oidc["issuer"]
			}
		}
	}
	return nil
}

// lasting are the types that a deploy may not delete: see package policy.
func lasting(typ string) bool {
	k, _ := awskind.OfType(typ)
	return k.Gravity > 0 && k.Gravity <= 40
}
