// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"slices"
	"strings"

	"emrflink/internal/iam"
)

// row is a thing that an EC2 Describe operation may list.
type row struct {
	id    string
	name  string // second identity (launch templates); "" otherwise
	tags  map[string]string
	attrs map[string][]string // values by filter name
	body  []node
}

// table says how a Describe operation selects its rows.
type table struct {
	ids      string   // the list parameter with ids: "VpcId"
	notFound string   // the error code for an id that does not exist
	noun     string   // "vpc ID" in that error's text
	filters  []string // names of filters beside tag:KEY and tag-key
	filter   string   // the parameter of the filters; "Filter" when empty
}

// selectRows applies ids and filters.
func (q *request) selectRows(t table, rows []row) ([]row, error) {
	if ids := q.form.strings(t.ids); len(ids) > 0 {
		var picked []row
		for _, id := range ids {
			i := slices.IndexFunc(rows, func(r row) bool { return r.id == id })
			if i < 0 {
				return nil, invalid(t.notFound, "The %s '%s' does not exist", t.noun, id)
			}
			picked = append(picked, rows[i])
		}
		rows = picked
	}
	name := t.filter
	if name == "" {
		name = "Filter"
	}
	for _, f := range q.form.items(name) {
		if err := t.known(f.str("Name")); err != nil {
			return nil, err
		}
		rows = slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return !r.matches(f.str("Name"), f.strings("Value")) })
	}
	return rows, nil
}

// known refuses filters that are not simulated: ignoring one would list too
// much, and a caller may delete what is listed.
func (t table) known(name string) error {
	if strings.HasPrefix(name, "tag:") || name == "tag-key" || slices.Contains(t.filters, name) {
		return nil
	}
	return invalid("InvalidParameterValue", "The filter '%s' is invalid", name)
}

func (r row) matches(name string, patterns []string) bool {
	var have []string
	if key, ok := strings.CutPrefix(name, "tag:"); ok {
		if v, ok := r.tags[key]; ok {
			have = []string{v}
		}
	} else if name == "tag-key" {
		for k := range r.tags {
			have = append(have, k)
		}
	} else {
		have = r.attrs[name]
	}
	for _, h := range have {
		if slices.ContainsFunc(patterns, func(p string) bool { return iam.Match(p, h) }) {
			return true
		}
	}
	return false
}

// page cuts rows to MaxResults from NextToken on and returns the next token.
func (q *request) page(rows []row) ([]row, string, error) {
	token := q.form.str("NextToken")
	part, next, known := pageOf(rows, func(r row) string { return r.id }, q.form.integer(0, "MaxResults"), token)
	if !known {
		return nil, "", invalid("InvalidNextToken", "The token '%s' is invalid", token)
	}
	return part, next, nil
}

// describe selects and answers a whole Describe operation.
func (q *request) describe(t table, set string, rows []row) (answer, error) {
	if err := q.dryRun(); err != nil {
		return answer{}, err
	}
	rows, err := q.selectRows(t, rows)
	if err != nil {
		return answer{}, err
	}
	rows, next, err := q.page(rows)
	if err != nil {
		return answer{}, err
	}
	nodes := make([]node, 0, len(rows))
	for _, r := range rows {
		nodes = append(nodes, el("", r.body...))
	}
	return q.ec2(list(set, "item", nodes), opt("nextToken", next))
}

// dryRun is EC2's answer to a call that would have been allowed.
func (q *request) dryRun() error {
	if q.form.boolean("DryRun") {
		return refuse(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	}
	return nil
}
