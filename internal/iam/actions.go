// SPDX-License-Identifier: Apache-2.0

package iam

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed actions.csv
var actionRows string

//go:embed types.csv
var typeRows string

// everything is the resource "*", and the place of a resource type of an action that has none.
const everything = "*"

// Action is what the reference says about an action.
type Action struct {
	// Types are the ARN patterns of the resources that it applies to; none when it has no resource-level permissions.
	Types []string
	// Keys are the condition keys in its context besides the global ones; one that ends with / or : takes a suffix.
	Keys []string
}

// ActionTable is the part of the Service Authorization Reference that is checked in.
type ActionTable struct{ actions map[string]Action }

// Actions is the table of the actions that this project knows.
var Actions = sync.OnceValues(loadActions)

func loadActions() (*ActionTable, error) {
	types := map[string]string{}
	rows, err := read(typeRows)
	if err != nil {
		return nil, fmt.Errorf("read types.csv: %w", err)
	}
	for _, r := range rows {
		types[r[0]+" "+r[1]] = r[2]
	}
	if rows, err = read(actionRows); err != nil {
		return nil, fmt.Errorf("read actions.csv: %w", err)
	}
	t := &ActionTable{actions: map[string]Action{}}
	for _, r := range rows {
		service, _, _ := strings.Cut(r[0], ":")
		a := Action{Keys: keysOf(r[2])}
		for _, name := range strings.Fields(r[1]) {
			pattern, ok := types[service+" "+name]
			if !ok && name != everything {
				return nil, fmt.Errorf("read actions.csv: %s: types.csv has no %s %s", r[0], service, name)
			}
			if ok {
				a.Types = append(a.Types, pattern)
			}
		}
		if _, twice := t.actions[strings.ToLower(r[0])]; twice {
			return nil, fmt.Errorf("read actions.csv: %s is there twice", r[0])
		}
		t.actions[strings.ToLower(r[0])] = a
	}
	return t, nil
}

func read(text string) ([][]string, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.Comment, r.FieldsPerRecord = '#', 3
	return r.ReadAll()
}

func keysOf(field string) []string {
	var out []string
	for _, k := range strings.Fields(field) {
		switch k {
		case "tags":
			out = append(out, "aws:requesttag/", "aws:resourcetag/", "aws:tagkeys")
		case "rtag":
			out = append(out, "aws:resourcetag/")
		default:
			out = append(out, strings.ToLower(k))
		}
	}
	return out
}

// Action finds an action; IAM compares their names without regard to case.
func (t *ActionTable) Action(name string) (Action, bool) {
	a, ok := t.actions[strings.ToLower(name)]
	return a, ok
}

// Unscoped says whether an action works only on the resource "*", by its own row or by one that ends with a star. A
// pattern is unscoped when there is such a row for it.
func Unscoped(action string) bool {
	t, err := Actions()
	if err != nil {
		return false
	}
	if a, ok := t.Action(action); ok {
		return len(a.Types) == 0
	}
	for name, a := range t.actions {
		if strings.HasSuffix(name, "*") && len(a.Types) == 0 && Match(name, strings.ToLower(action)) {
			return true
		}
	}
	return false
}

// knowsService says whether an action of the service is listed.
func (t *ActionTable) knowsService(service string) bool {
	for name := range t.actions {
		if strings.HasPrefix(name, strings.ToLower(service)+":") {
			return true
		}
	}
	return false
}

// globalKeys are in the context of every request, or of those that they speak of (IAM User Guide, AWS global condition
// context keys), as far as a policy here may want them.
var globalKeys = []string{
	"aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principaltag/", "aws:requestedregion",
	"aws:resourceaccount", "aws:securetransport", "aws:sourceaccount", "aws:sourcearn", "aws:sourceip", "aws:sourcevpc",
	"aws:sourcevpce", "aws:viaawsservice",
}

// Knows says whether a condition key can be in the context of the action.
func (a Action) Knows(key string) bool {
	key = strings.ToLower(key)
	return slices.ContainsFunc(slices.Concat(a.Keys, globalKeys), func(k string) bool {
		return k == key || strings.ContainsAny(k[len(k)-1:], "/:") && strings.HasPrefix(key, k)
	})
}

// Takes says whether an ARN pattern of a policy can mean a resource that the action applies to.
func (a Action) Takes(pattern string) bool {
	if pattern == everything {
		return true
	}
	return slices.ContainsFunc(a.Types, func(t string) bool { return overlap(pattern, t) })
}

// token is one element of a pattern: a byte, or a run.
type token struct {
	c   byte
	run bool // any number of bytes
	any bool // a run that may cross : and /
	one bool // exactly one byte, whichever
}

// tokens takes a pattern apart: * and ? of a policy, {} of types.csv.
func tokens(pattern string) []token {
	var out []token
	for i := 0; i < len(pattern); i++ {
		switch {
		case pattern[i] == '*':
			out = append(out, token{run: true, any: true})
		case pattern[i] == '?':
			out = append(out, token{one: true})
		case strings.HasPrefix(pattern[i:], "{}"):
			out = append(out, token{run: true})
			i++
		default:
			out = append(out, token{c: pattern[i]})
		}
	}
	return out
}

// overlap says whether some string matches both patterns.
func overlap(a, b string) bool {
	p := pair{tokens(a), tokens(b), map[[2]int]bool{}}
	return p.match(0, 0)
}

// pair compares two patterns, once from each two places.
type pair struct {
	x, y []token
	seen map[[2]int]bool
}

func (p pair) match(i, j int) bool {
	if p.seen[[2]int{i, j}] {
		return false
	}
	p.seen[[2]int{i, j}] = true
	endX, endY := i == len(p.x), j == len(p.y)
	switch {
	case !endX && p.x[i].run:
		return p.match(i+1, j) || covered(p.x[i], p.y[j:]) && p.match(i, j+1)
	case !endY && p.y[j].run:
		return p.match(i, j+1) || covered(p.y[j], p.x[i:]) && p.match(i+1, j)
	case endX || endY:
		return endX && endY
	}
	return p.x[i].meets(p.y[j]) && p.match(i+1, j+1)
}

// covered says whether there is a next token and a run can begin with it.
func covered(run token, rest []token) bool { return len(rest) > 0 && run.covers(rest[0]) }

// meets says whether two tokens that are no runs can be the same byte.
func (t token) meets(o token) bool { return t.one || o.one || t.c == o.c }

// covers says whether a run can be, or begin with, what the other token stands for.
func (t token) covers(o token) bool {
	return t.any || o.run || o.one || o.c != ':' && o.c != '/'
}
