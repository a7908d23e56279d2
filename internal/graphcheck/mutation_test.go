// SPDX-License-Identifier: Apache-2.0

package graphcheck_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/components/componenttest"
	"emrflink/internal/graphcheck"
	"emrflink/stacks"
)

// mutation is one change of the rendered graph, and the check that must see it.
type mutation struct {
	name   string
	check  string
	change func(*editor)
}

// TestEveryMutationIsCaught changes one thing at a time; the named check must give a reason that it did not give before.
func TestEveryMutationIsCaught(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	checks, before := map[string]graphcheck.Check{}, map[string][]string{}
	caught := map[string]int{}
	for _, r := range graphcheck.All() {
		checks[r.Name], before[r.Name] = r, r.Run(w)
	}
	all := slices.Concat(identityMutations(), nodeMutations(), platformMutations(), orderMutations())
	require.Greater(t, len(all), 30)
	for _, m := range all {
		e := edit(t, w, m.name)
		m.change(e)
		require.Contains(t, checks, m.check, m.name)
		reasons := slices.DeleteFunc(checks[m.check].Run(e.w), func(r string) bool { return slices.Contains(before[m.check], r) })
		if len(reasons) == 0 {
			t.Errorf("%s: %s says nothing", m.name, m.check)
			continue
		}
		caught[m.check]++
		t.Logf("%-62s %-14s %.140s", m.name, m.check, reasons[0])
	}
	for name := range checks {
		require.Positive(t, caught[name], "no mutation is caught by %s: it may be asleep", name)
	}
	t.Logf("%d mutations, all caught: %v", len(all), caught)
}

// TestNoPermissionIsIdle takes every action out of every policy of the graph, drops every condition key and widens every
// resource, one at a time. The table of allowed and denied requests, or the check of the documents, must see each.
func TestNoPermissionIsIdle(t *testing.T) {
	t.Parallel()
	w := &graphcheck.World{Graph: componenttest.Run(t, stacks.Blueprint, componenttest.Options{
		Config: map[string]string{"emrflink:clusterAutoscaler": "true"},
	})}
	count := map[string]int{}
	for i, r := range w.Graph.Resources {
		if !strings.HasPrefix(r.Type, "aws:") || r.Inputs["policy"] == nil {
			continue
		}
		for _, m := range statementMutations(r.JSON(t, "policy")) {
			document, err := json.Marshal(m.document)
			require.NoError(t, err)
			changed := &graphcheck.World{Graph: &componenttest.Graph{Resources: slices.Clone(w.Graph.Resources),
				Outputs: w.Graph.Outputs}}
			changed.Graph.Resources[i].Inputs = maps.Clone(r.Inputs)
			changed.Graph.Resources[i].Inputs["policy"] = string(document)
			if len(graphcheck.Access(changed)) == 0 && len(graphcheck.Documents(changed)) == 0 {
				t.Errorf("%s: %s: nobody sees it", r.Name, m.what)
			}
			count[m.kind]++
		}
	}
	t.Logf("statements changed one by one: %v", count)
	require.Greater(t, count["action removed"], 50)
	require.Greater(t, count["condition dropped"], 30)
	require.Greater(t, count["resource widened"], 20)
}

type statementMutation struct {
	kind, what string
	document   object
}

// statementMutations are all single changes of a document.
func statementMutations(document object) []statementMutation {
	var out []statementMutation
	statements := document["Statement"].([]any)
	for i, s := range statements {
		original := s.(object)
		emit := func(kind, what string, changed object) {
			list := slices.Clone(statements)
			list[i] = changed
			out = append(out, statementMutation{
				kind, fmt.Sprintf("%v: %s: %s", original["Sid"], kind, what),
				object{"Version": document["Version"], "Statement": list},
			})
		}
		replaced := func(key string, v any) object {
			c := maps.Clone(original)
			c[key] = v
			return c
		}
		actions := many(original["Action"])
		for j, a := range actions {
			if rest := slices.Delete(slices.Clone(actions), j, j+1); len(rest) > 0 {
				emit("action removed", fmt.Sprint(a), replaced("Action", rest))
			} else if len(statements) > 1 {
				list := slices.Delete(slices.Clone(statements), i, i+1)
				out = append(out, statementMutation{
					"action removed", fmt.Sprintf("%v: %v", original["Sid"], a),
					object{"Version": document["Version"], "Statement": list},
				})
			}
		}
		if r := many(original["Resource"]); fmt.Sprint(r) != "[*]" && original["Effect"] == "Allow" {
			emit("resource widened", fmt.Sprint(r[0]), replaced("Resource", "*"))
		}
		for op, keys := range asObject(original["Condition"]) {
			for key := range asObject(keys) {
				emit("condition dropped", op+" "+key, replaced("Condition", dropped(original["Condition"].(object), op, key)))
			}
		}
	}
	return out
}

// dropped is a condition block without one key.
func dropped(condition object, op, key string) object {
	out := object{}
	for o, keys := range condition {
		inner := object{}
		for k, v := range keys.(object) {
			if o != op || k != key {
				inner[k] = v
			}
		}
		if len(inner) > 0 {
			out[o] = inner
		}
	}
	return out
}

func many(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	return []any{v}
}

func asObject(v any) object {
	m, _ := v.(object)
	return m
}

// editor changes a world. A change that does not find what it is to change fails the test: it would be caught for nothing.
type editor struct {
	t    *testing.T
	w    *graphcheck.World
	what string
}

func edit(t *testing.T, w *graphcheck.World, what string) *editor {
	graph := &componenttest.Graph{Resources: slices.Clone(w.Graph.Resources), Outputs: w.Graph.Outputs}
	return &editor{t: t, what: what, w: &graphcheck.World{Graph: graph, Jobs: maps.Clone(w.Jobs), Render: w.Render}}
}

// resource is a resource to change. Its inputs are copied: the other mutations start from the same world.
func (e *editor) resource(name string) *componenttest.Resource {
	e.t.Helper()
	for i := range e.w.Graph.Resources {
		r := &e.w.Graph.Resources[i]
		if r.Name != name {
			continue
		}
		raw, err := json.Marshal(r.Inputs)
		require.NoError(e.t, err)
		r.Inputs, r.Dependencies = nil, slices.Clone(r.Dependencies)
		require.NoError(e.t, json.Unmarshal(raw, &r.Inputs))
		return r
	}
	e.t.Fatalf("%s: no resource %q", e.what, name)
	return nil
}

// remove takes a resource out of the graph.
func (e *editor) remove(name string) {
	r := e.resource(name).Name
	e.w.Graph.Resources = slices.DeleteFunc(e.w.Graph.Resources, func(o componenttest.Resource) bool { return o.Name == r })
}

// set writes an input; unset (nil) removes it. What is set must have been something else.
func (e *editor) set(value any, name string, path ...any) {
	e.t.Helper()
	r := e.resource(name)
	require.NotNil(e.t, r.At(path...), "%s: %s has no %v", e.what, name, path)
	require.NotEqual(e.t, value, r.At(path...), "%s: %s is so already", e.what, name)
	var at any = r.Inputs
	for _, step := range path[:len(path)-1] {
		if i, ok := step.(int); ok {
			at = at.([]any)[i]
		} else {
			at = at.(object)[step.(string)]
		}
	}
	if i, ok := path[len(path)-1].(int); ok {
		at.([]any)[i] = value
	} else if key := path[len(path)-1].(string); value == nil {
		delete(at.(object), key)
	} else {
		at.(object)[key] = value
	}
}

// replace changes a text inside an input that is a text, such as a policy.
func (e *editor) replace(name, input, old, changed string) {
	e.t.Helper()
	r := e.resource(name)
	before, _ := r.Inputs[input].(string)
	require.Contains(e.t, before, old, e.what)
	r.Inputs[input] = strings.Replace(before, old, changed, 1)
}

// pod edits a pod template of the sample job on a pool.
func (e *editor) pod(pool, role string, change func(template object)) {
	e.t.Helper()
	field := map[string]string{"jobmanager": "jobManager", "taskmanager": "taskManager"}[role]
	e.w.Jobs[pool] = e.w.Jobs[pool].DeepCopy()
	template, found, err := unstructured.NestedFieldNoCopy(e.w.Jobs[pool].Object, "spec", field, "podTemplate")
	require.NoError(e.t, err)
	require.True(e.t, found, e.what)
	change(template.(object))
}

// job writes a field of the sample job on a pool; it must have been there.
func (e *editor) job(pool string, value string, path ...string) {
	e.t.Helper()
	e.w.Jobs[pool] = e.w.Jobs[pool].DeepCopy()
	old, found, err := unstructured.NestedString(e.w.Jobs[pool].Object, path...)
	require.NoError(e.t, err)
	require.True(e.t, found && old != value, e.what)
	require.NoError(e.t, unstructured.SetNestedField(e.w.Jobs[pool].Object, value, path...))
}

// requirement replaces the values of a requirement of a pool; none removes it.
func (e *editor) requirement(pool, key string, values ...any) {
	e.t.Helper()
	spec := e.resource(pool).At("spec", "template", "spec").(object)
	list := spec["requirements"].([]any)
	i := slices.IndexFunc(list, func(r any) bool { return r.(object)["key"] == key })
	require.GreaterOrEqual(e.t, i, 0, e.what)
	if len(values) == 0 {
		spec["requirements"] = slices.Delete(slices.Clone(list), i, i+1)
		return
	}
	list[i].(object)["values"] = values
}

// independent drops a dependency; the same way round about must not exist, or nothing has changed.
func (e *editor) independent(name, on string) {
	e.t.Helper()
	r := e.resource(name)
	before := len(r.Dependencies)
	r.Dependencies = slices.DeleteFunc(r.Dependencies, func(d string) bool { return d == on })
	require.Less(e.t, len(r.Dependencies), before, "%s: %s does not depend on %s itself", e.what, name, on)
}
