// SPDX-License-Identifier: Apache-2.0

package cost

import (
	"cmp"
	"slices"
)

// Component is what a part of the deployment costs.
type Component struct {
	// Name and Type are those of the outermost component; Name is that of the resource itself when it has none.
	Name string `json:"name"`
	Type string `json:"type"`
	Price
	Items []Item `json:"items"`
}

// stackType is the resource that stands for the whole stack: every component is its child.
const stackType = "pulumi:pulumi:Stack"

// ByComponent groups the items of an estimate by the outermost component that they belong to, sorted by name.
func ByComponent(resources []Resource, items []Item) []Component {
	byURN := make(map[string]Resource, len(resources))
	for _, r := range resources {
		byURN[r.URN] = r
	}
	parts := map[string]*Component{}
	for _, i := range items {
		r := outermost(byURN, i.URN)
		part := parts[r.URN]
		if part == nil {
			part = &Component{Name: cmp.Or(r.Name, i.Name), Type: r.Type}
			parts[r.URN] = part
		}
		i.MonthlyUSD = Monthly(i.HourlyUSD)
		part.Items = append(part.Items, i)
		part.HourlyUSD = Round(part.HourlyUSD+i.HourlyUSD, 6)
		part.MonthlyUSD = Monthly(part.HourlyUSD)
	}
	out := make([]Component, 0, len(parts))
	for _, p := range parts {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b Component) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type)) })
	return out
}

// outermost follows the parents of a resource up to the stack.
func outermost(byURN map[string]Resource, urn string) Resource {
	r := byURN[urn]
	for range byURN { // no longer than a chain can be: a state that was edited by hand may have a loop
		parent, known := byURN[r.Parent]
		if !known || parent.Type == stackType {
			break
		}
		r = parent
	}
	return r
}
