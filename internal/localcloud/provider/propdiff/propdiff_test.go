// SPDX-License-Identifier: Apache-2.0

package propdiff_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"emrflink/internal/localcloud/provider/propdiff"
)

func props(m map[string]any) resource.PropertyMap { return resource.NewPropertyMapFromMap(m) }

func TestDiff(t *testing.T) {
	t.Parallel()
	rules := propdiff.Rules{
		Replace: func(p string, _ propdiff.Op) bool { return p == "name" || p == "nested.fixed" },
		Set:     func(p string) bool { return p == "set" },
		Keep:    func(p string) bool { return p == "computed" },
		Equal: func(p string, was, is resource.PropertyValue) bool {
			return p == "policy" && propdiff.SamePolicy(was, is)
		},
	}
	for name, c := range map[string]struct {
		old, new map[string]any
		want     map[string]string
	}{
		"nothing changes": {old: map[string]any{"a": 1.0}, new: map[string]any{"a": 1.0}},
		"added, changed, removed": {map[string]any{"a": 1.0, "b": 1.0}, map[string]any{"b": 2.0, "c": 3.0},
			map[string]string{"a": "DELETE", "b": "UPDATE", "c": "ADD"}},
		"a new name is a new resource": {map[string]any{"name": "x"}, map[string]any{"name": "y"},
			map[string]string{"name": "UPDATE_REPLACE"}},
		"a nested path": {map[string]any{"nested": map[string]any{"fixed": "x", "free": "x"}},
			map[string]any{"nested": map[string]any{"fixed": "y", "free": "y"}},
			map[string]string{"nested.fixed": "UPDATE_REPLACE", "nested.free": "UPDATE"}},
		"a list, by index": {map[string]any{"l": []any{"a", "b"}}, map[string]any{"l": []any{"a", "c", "d"}},
			map[string]string{"l[1]": "UPDATE", "l[2]": "ADD"}},
		"a set in another order": {
			old: map[string]any{"set": []any{"a", "b"}}, new: map[string]any{"set": []any{"b", "a"}},
		},
		"a kept property": {old: map[string]any{"computed": "x"}, new: map[string]any{}},
		"an element leaves a kept list": {map[string]any{"computed": []any{"a", "b"}},
			map[string]any{"computed": []any{"a"}}, map[string]string{"computed[1]": "DELETE"}},
		"an empty list is no list": {old: map[string]any{"l": []any{}}, new: map[string]any{}},
		"a tag with dots": {map[string]any{"tags": map[string]any{}},
			map[string]any{"tags": map[string]any{"k8s.io/x": "1"}}, map[string]string{"tags": "ADD"}},
		"another tag with dots": {map[string]any{"tags": map[string]any{"a": "1"}},
			map[string]any{"tags": map[string]any{"a": "1", "k8s.io/x": "1"}}, map[string]string{`tags["k8s.io/x"]`: "ADD"}},
		"a policy written another way": {old: map[string]any{"policy": `{"Action":"s3:Get","Resource":["b","a"]}`},
			new: map[string]any{"policy": `{"Resource":["a","b"],"Action":["s3:Get"]}`}},
		"a policy that allows another thing": {map[string]any{"policy": `{"Action":"s3:Get"}`},
			map[string]any{"policy": `{"Action":"s3:Put"}`}, map[string]string{"policy": "UPDATE"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := propdiff.Response(propdiff.Diff(props(c.old), props(c.new), rules))
			var got map[string]string
			for path, d := range out.DetailedDiff {
				if got == nil {
					got = map[string]string{}
				}
				got[path] = d.Kind.String()
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			require.Equal(t, len(c.want) > 0, out.Changes == pulumirpc.DiffResponse_DIFF_SOME)
		})
	}
}

func TestAnUnknownValueIsAChange(t *testing.T) {
	t.Parallel()
	unknown := resource.MakeComputed(resource.NewProperty(""))
	changes := propdiff.Diff(props(map[string]any{"name": "x"}), resource.PropertyMap{"name": unknown},
		propdiff.Rules{Replace: func(string, propdiff.Op) bool { return true }})
	require.Len(t, changes, 1)
	require.True(t, changes[0].Replace)
}

func TestAMapDoesNotDifferFromItself(t *testing.T) {
	t.Parallel()
	values := rapid.MapOf(rapid.StringMatching(`[a-z]{1,4}`), rapid.SampledFrom([]any{
		"x", 1.0, true, []any{"a", 2.0}, map[string]any{"k": []any{map[string]any{"z": "y"}}},
	}))
	rapid.Check(t, func(t *rapid.T) {
		m := values.Draw(t, "map")
		if c := propdiff.Diff(props(m), props(m), propdiff.Rules{}); len(c) > 0 {
			t.Fatalf("%v", c)
		}
	})
}

func TestAnObjectThatComesOrGoesIsAskedForAllThatIsInIt(t *testing.T) {
	t.Parallel()
	rules := propdiff.Rules{
		Replace: func(p string, op propdiff.Op) bool { return p == "template.id" || p == "key" && op == propdiff.Delete },
	}
	inner := func(name string) resource.PropertyMap {
		return resource.PropertyMap{"template": resource.NewProperty(resource.PropertyMap{
			resource.PropertyKey(name): resource.NewProperty("x"),
		})}
	}
	forces := func(was, is resource.PropertyMap) bool { return propdiff.Diff(was, is, rules)[0].Replace }
	require.True(t, forces(nil, inner("id")))
	require.True(t, forces(inner("id"), nil))
	require.False(t, forces(nil, inner("version")))
	key := resource.PropertyMap{"key": resource.NewProperty("k")}
	require.False(t, forces(nil, key))
	require.True(t, forces(key, nil))
}
