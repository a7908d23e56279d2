// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"emrflink/internal/plans"
	"emrflink/internal/untyped"
)

// differ lists what differs between two property values, by path. It looks into texts that are JSON documents, and
// knows where the order of a list means nothing.
type differ struct {
	// unsure tells whether a value that is not known (on the new side or on both) may have another one now; old says
	// what it was. Nil: always.
	unsure func(path string, before, after string) bool
	// same tells whether two different texts mean the same at a path. Nil: never.
	same func(path, before, after string) bool

	out []plans.PropertyDiff
	// grown is set among the elements of a list that became longer or shorter: that explains other sources of the list.
	grown bool
	// skipped are the paths of values that are not known and taken as unchanged.
	skipped []string
}

// sets are properties whose order means nothing: they are sets in the schema of Terraform's AWS provider.
var sets = []string{
	"subnetIds", "securityGroupIds", "publicAccessCidrs", "enabledClusterLogTypes", "routeTableIds", "cidrBlocks",
	"vpcSecurityGroupIds", "clientIdLists", "managedPolicyArns", "kubernetesGroups",
}

// value compares two values. inSet says that lists below are sets, as they are in an IAM policy.
func (d *differ) value(path string, before, after any, inSet bool) {
	switch b := before.(type) {
	case map[string]any:
		if a, ok := after.(map[string]any); ok {
			d.object(path, b, a, inSet)
			return
		}
	case []any:
		if a, ok := after.([]any); ok {
			d.list(path, b, a, inSet || slices.Contains(sets, lastName(path)))
			return
		}
	}
	d.leaf(path, before, after, inSet)
}

func (d *differ) object(path string, before, after map[string]any, inSet bool) {
	keys := map[string]bool{}
	for k := range before {
		keys[k] = true
	}
	for k := range after {
		keys[k] = true
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		d.element(untyped.JoinPath(path, k), before[k], after[k], inSet)
	}
}

// element compares what may be missing on one side. A missing value, null and an empty list or object are one thing to
// a provider.
func (d *differ) element(path string, before, after any, inSet bool) {
	switch had, has := !empty(before), !empty(after); {
	case !had && !has:
	case !had:
		d.out = append(d.out, plans.PropertyDiff{Path: path, Kind: "add", New: after})
	case !has:
		d.out = append(d.out, plans.PropertyDiff{Path: path, Kind: "delete", Old: before})
	default:
		d.value(path, before, after, inSet)
	}
}

// list compares two lists: by what their elements are called when those have names, as sets where order means nothing
// or something came or went, else place by place.
func (d *differ) list(path string, before, after []any, set bool) {
	if name := identity(before, after); name != "" {
		d.named(path, name, before, after, set)
		return
	}
	if !untyped.HasUnknown(before) && !untyped.HasUnknown(after) && (set || len(before) != len(after)) {
		d.members(path, before, after, set)
		return
	}
	grown := d.grown
	d.grown = len(before) != len(after)
	for i := range max(len(before), len(after)) {
		d.element(index(path, i), untyped.At(before, i), untyped.At(after, i), set)
	}
	d.grown = grown
}

// named compares lists of objects that have names of their own.
func (d *differ) named(path, name string, before, after []any, set bool) {
	find := func(list []any, id any) int {
		return slices.IndexFunc(list, func(e any) bool { return e.(map[string]any)[name] == id })
	}
	for i, e := range before {
		if find(after, e.(map[string]any)[name]) < 0 {
			d.element(index(path, i), e, nil, set)
		}
	}
	for i, e := range after {
		if j := find(before, e.(map[string]any)[name]); j < 0 {
			d.element(index(path, i), nil, e, set)
		} else {
			d.element(index(path, i), before[j], e, set)
		}
	}
}

// members compares lists by what is in them: equal elements pair off first, objects that are left in their order.
func (d *differ) members(path string, before, after []any, set bool) {
	gone, came := unpaired(before, after, set), unpaired(after, before, set)
	if len(gone) == 0 && len(came) == 0 {
		return
	}
	pairs := 0
	if len(gone) == 1 && len(came) == 1 || len(gone) > 0 && objects(before) && objects(after) {
		pairs = min(len(gone), len(came))
	}
	for n := range pairs {
		d.element(index(path, came[n]), before[gone[n]], after[came[n]], set)
	}
	for _, i := range gone[pairs:] {
		d.element(index(path, i), before[i], nil, set)
	}
	for _, i := range came[pairs:] {
		d.element(index(path, i), nil, after[i], set)
	}
}

// unpaired are the places of the elements of list that other has no equal of.
func unpaired(list, other []any, set bool) []int {
	taken := make([]bool, len(other))
	var out []int
	for i, e := range list {
		j := -1
		for n := range other {
			if !taken[n] && equal(e, other[n], set) {
				j = n
				break
			}
		}
		if j < 0 {
			out = append(out, i)
			continue
		}
		taken[j] = true
	}
	return out
}

func equal(a, b any, set bool) bool {
	d := differ{}
	d.value("", a, b, set)
	return len(d.out) == 0
}

// leaf compares two values that are no containers of the same kind.
func (d *differ) leaf(path string, before, after any, inSet bool) {
	b, isText := before.(string)
	a, isNewText := after.(string)
	texts := isText && isNewText
	if inSet && scalarIn(before, after) {
		return
	}
	switch {
	case untyped.HasUnknown(after) || texts && untyped.HasUnknown(before) && b == a:
		d.notKnown(path, before, after)
		return
	case reflect.DeepEqual(before, after):
		return
	case texts && d.same != nil && d.same(path, b, a):
		return
	case texts && d.documents(path, b, a):
		return
	}
	d.out = append(d.out, plans.PropertyDiff{Path: path, Kind: "update", Old: before, New: after})
}

// documents compares two texts as JSON documents; false when one is none.
func (d *differ) documents(path, before, after string) bool {
	oldDoc, ok := document(before)
	newDoc, isDoc := document(after)
	if !ok || !isDoc {
		return false
	}
	d.value(path, oldDoc, newDoc, policyLike(oldDoc) && policyLike(newDoc))
	return true
}

// notKnown decides on a value that only a deployment gives.
func (d *differ) notKnown(path string, before, after any) {
	if d.unsure != nil && !d.unsure(path, text(before), text(after)) {
		d.skipped = append(d.skipped, path)
		return
	}
	if d.unsure == nil && reflect.DeepEqual(before, after) {
		return
	}
	d.out = append(d.out, plans.PropertyDiff{Path: path, Kind: "update", Old: before, New: after})
}

// document parses a text that is a JSON object or list.
func document(s string) (any, bool) {
	trimmed := strings.TrimSpace(s)
	if !strings.HasPrefix(trimmed, "{") && !strings.HasPrefix(trimmed, "[") {
		return nil, false
	}
	var v any
	if json.Unmarshal([]byte(trimmed), &v) != nil {
		return nil, false
	}
	return v, true
}

// policyLike tells whether a document is an IAM policy or an EventBridge pattern: what their lists mean does not depend
// on the order. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html and
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
func policyLike(doc any) bool {
	m, ok := doc.(map[string]any)
	if !ok {
		return false
	}
	return m["Statement"] != nil || m["detail-type"] != nil || m["detail"] != nil && m["source"] != nil
}

// scalarIn says that of two set values one is the other in a list of one: IAM writes both.
func scalarIn(before, after any) bool {
	one := func(list, v any) bool {
		l, ok := list.([]any)
		return ok && len(l) == 1 && reflect.DeepEqual(l[0], v)
	}
	return one(before, after) || one(after, before)
}

// identity is the property by which the elements of both lists can be told apart, "" when there is none.
func identity(before, after []any) string {
	if len(before) == 0 || len(after) == 0 {
		return ""
	}
	for _, name := range []string{"Sid", "key", "name", "id"} {
		if unique(before, name) && unique(after, name) {
			return name
		}
	}
	return ""
}

func unique(list []any, name string) bool {
	seen := map[string]bool{}
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			return false
		}
		s, ok := m[name].(string)
		if !ok || s == "" || seen[s] || untyped.HasUnknown(s) {
			return false
		}
		seen[s] = true
	}
	return true
}

func objects(list []any) bool {
	return !slices.ContainsFunc(list, func(e any) bool { _, ok := e.(map[string]any); return !ok })
}

// fits tells whether a text that is partly unknown may be the other one.
func fits(pattern, s string) bool {
	parts := strings.Split(pattern, plans.Unknown)
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	ok, err := regexp.MatchString("(?s)^"+strings.Join(parts, ".*")+"$", s)
	return err == nil && ok
}

// text is a value as a text; a container as JSON.
func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(raw)
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// root is the top-level property of a path.
func root(path string) string {
	if quoted, ok := strings.CutPrefix(path, `["`); ok {
		name, _, _ := strings.Cut(quoted, `"]`)
		return name
	}
	if i := strings.IndexAny(path, ".["); i >= 0 {
		return path[:i]
	}
	return path
}

// lastName is the last name of a path, without indexes.
func lastName(path string) string {
	for strings.HasSuffix(path, "]") && !strings.HasSuffix(path, `"]`) {
		path = path[:strings.LastIndexByte(path, '[')]
	}
	return path[strings.LastIndexByte(path, '.')+1:]
}
