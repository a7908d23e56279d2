// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"emrflink/internal/replacement"
	"emrflink/internal/tools/terraform"
)

// bySource are the rows that no experiment can give, with the reason; the provider's source gives them.
func bySource() []replacement.Row {
	const typ = "aws:ec2/instance:Instance"
	const note = "internal/service/ec2/ec2_instance.go: ForceNew; the experiment would ask EC2"
	return []replacement.Row{
		{Type: typ, Property: "launchTemplate.id", How: "source", Note: note},
		{Type: typ, Property: "launchTemplate.name", How: "source", Note: note},
	}
}

// refusals are the experiments that cannot be done, for a reason that is known.
func refusals() map[string]string {
	out := map[string]string{"aws_instance.launch_template_changed": "it asks EC2, see bySource"}
	for _, other := range []string{"eni_id", "subnet_id", "transit_gateway_attachment_id", "transit_gateway_id"} {
		for _, how := range []string{"_added", "_changed"} {
			out["aws_flow_log."+other+how] = "a flow log has one source, here vpc_id"
		}
	}
	return out
}

// rows are the table that the experiments give.
func rows(resources map[string]terraform.Resource, seen found) []replacement.Row {
	fixed := bySource()
	out := slices.Clone(fixed)
	for typ := range resources {
		out = append(out, replacement.Row{Type: typ, Property: "-", How: "plan", Note: resources[typ].Terraform})
		for property, e := range seen[typ] {
			row := replacement.Row{Type: typ, Property: property, How: "plan", Note: e.note()}
			same := func(r replacement.Row) bool { return r.Type == row.Type && r.Property == row.Property }
			if !slices.ContainsFunc(fixed, same) {
				out = append(out, row)
			}
		}
	}
	slices.SortFunc(out, func(a, b replacement.Row) int {
		return strings.Compare(a.Type+"\t"+a.Property, b.Type+"\t"+b.Property)
	})
	return out
}

// note says when the property forces, if not with every change.
func (e evidence) note() string {
	switch {
	case e.changed:
		return ""
	case e.added && e.removed:
		return replacement.OnlyWhole
	case e.added:
		return replacement.OnlyAdded
	default:
		return replacement.OnlyRemoved
	}
}

// head explains the words of the table.
const head = `# What of an AWS resource needs a new one, as the AWS provider itself says: written by "make replacement", ` +
	`which gives every
# property of every type a new value in a plan of hashicorp/aws ` + terraform.ProviderVersion +
	` and reads which ones force a replacement.
# Columns: Pulumi type, path of the property (names joined by dots, list indexes left out; all below a path is meant too),
# where the row comes from, and a note. The property "-" says that the type is known.
#   plan      a plan of the provider
#   source    the provider's source, for the reason in the note
# A note "only when ..." is a rule for the property as a whole, not for what is in it.
`

func format(all []replacement.Row) string {
	var b strings.Builder
	b.WriteString(head)
	b.WriteString("type\tproperty\thow\tnote\n")
	for _, r := range all {
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s\n", r.Type, r.Property, r.How, r.Note)
	}
	return b.String()
}

// drift is what differs between the checked-in rows and the derived ones.
func drift(have, want []replacement.Row) []string {
	index := func(rows []replacement.Row) map[string]replacement.Row {
		out := map[string]replacement.Row{}
		for _, r := range rows {
			out[r.Type+" "+r.Property] = r
		}
		return out
	}
	var out []string
	h, w := index(have), index(want)
	for _, key := range slices.Sorted(maps.Keys(w)) {
		switch r, ok := h[key]; {
		case !ok:
			out = append(out, "missing: "+key)
		case r != w[key]:
			out = append(out,
				fmt.Sprintf("differs: %s: the table says %s %q, the provider %s %q", key, r.How, r.Note, w[key].How, w[key].Note))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(h)) {
		if _, ok := w[key]; !ok {
			out = append(out, "not so: "+key)
		}
	}
	return out
}
