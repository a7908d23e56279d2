// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/internal/plans"
	"emrflink/internal/untyped"
)

// lines are the differences in short.
func lines(diffs []plans.PropertyDiff) []string {
	out := []string{}
	for _, d := range diffs {
		out = append(out, d.Kind+" "+d.Path+" "+untyped.Line(d.Old, maxValue)+" "+untyped.Line(d.New, maxValue))
	}
	return out
}

func TestTextsThatAreDocumentsAreComparedAsStructure(t *testing.T) {
	t.Parallel()
	const policy = `{"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow","Action":["s3:GetObject","s3:` +
		`ListBucket"],"Resource":"*"},{"Sid":"Write","Effect":"Allow","Action":"s3:PutObject","Resource":["a","b"]}]}`
	for name, c := range map[string]struct {
		path, before, after string
		want                []string
	}{
		"an action more": {
			"policy", policy,
			`{"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow","Action":["s3:GetObject","s3:DeleteObject",` +
				`"s3:ListBucket"],"Resource":"*"},{"Sid":"Write","Effect":"Allow","Action":"s3:PutObject",` +
				`"Resource":["a","b"]}]}`,
			[]string{`add policy.Statement[0].Action[1] null "s3:DeleteObject"`},
		},
		"the order of statements and actions, and one action as a text": {
			"policy", policy,
			`{"Statement":[{"Sid":"Write","Effect":"Allow","Action":["s3:PutObject"],"Resource":["b","a"]},{"Sid":"Read",` +
				`"Effect":"Allow","Action":["s3:ListBucket","s3:GetObject"],"Resource":"*"}],"Version":"2012-10-17"}`,
			[]string{},
		},
		"a statement less": {
			"policy", policy,
			`{"Version":"2012-10-17","Statement":[{"Sid":"Write","Effect":"Allow","Action":"s3:PutObject",` +
				`"Resource":["a","b"]}]}`,
			[]string{`delete policy.Statement[0] ` +
				`{"Action":["s3:GetObject","s3:ListBucket"],"Effect":"Allow","Resource":"*","Sid":"Read"} null`},
		},
		"statements without names": {
			"policy", `{"Statement":[{"Action":"a"},{"Action":"b"}]}`, `{"Statement":[{"Action":"b"},{"Action":"c"}]}`,
			[]string{`update policy.Statement[1].Action "a" "c"`},
		},
		"a document in which order matters": {
			"configurationValues", `{"args":["a","b"]}`, `{"args":["b","a"]}`,
			[]string{`update configurationValues.args[0] "a" "b"`, `update configurationValues.args[1] "b" "a"`},
		},
		"texts that are no documents": {
			"description", "{a", "{b", []string{`update description "{a" "{b"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := differ{}
			d.value(c.path, c.before, c.after, false)
			require.Empty(t, cmp.Diff(c.want, lines(d.out)))
		})
	}
}

func TestListsAreComparedByWhatIsInThem(t *testing.T) {
	t.Parallel()
	list := func(v ...any) any { return v }
	named := func(name string, v any) any { return map[string]any{"key": name, "values": v} }
	for name, c := range map[string]struct {
		path          string
		before, after any
		want          []string
	}{
		"a set in another order": {"subnetIds", list("a", "b"), list("b", "a"), []string{}},
		"a list in another order": {"instanceTypes", list("a", "b"), list("b", "a"),
			[]string{`update instanceTypes[0] "a" "b"`, `update instanceTypes[1] "b" "a"`}},
		"one gone at the front": {"families", list("a", "b", "c"), list("b", "c"),
			[]string{`delete families[0] "a" null`}},
		"one changed, one more": {"x", list("a", "b"), list("a", "c", "d"),
			[]string{`delete x[1] "b" null`, `add x[1] null "c"`, `add x[2] null "d"`}},
		"elements with names": {"requirements", list(named("os", "linux"), named("arch", "amd64")),
			list(named("arch", "arm64"), named("os", "linux")), []string{`update requirements[0].values "amd64" "arm64"`}},
		"nothing, null and an empty list": {"x", map[string]any{"a": nil, "b": list()}, map[string]any{}, []string{}},
		"a key with a dot": {"tags", map[string]any{"a.b": "1"}, map[string]any{"a.b": "2"},
			[]string{`update tags["a.b"] "1" "2"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := differ{}
			d.value(c.path, c.before, c.after, false)
			require.Empty(t, cmp.Diff(c.want, lines(d.out)))
		})
	}
}

func TestRootAndLastNameOfAPath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string][2]string{
		"a": {"a", "a"}, "a.b[0].c": {"a", "c"}, "a[3]": {"a", "a"}, `["a.b"].c`: {"a.b", "c"}, "a.b[1][2]": {"a", "b"},
	} {
		require.Equal(t, want, [2]string{root(path), lastName(path)}, path)
	}
}

func TestAProvidersNumbersOfASetAreReadAnew(t *testing.T) {
	t.Parallel()
	s := plans.Step{
		Type: "aws:eks/nodeGroup:NodeGroup", Op: plans.OpReplace,
		Old: map[string]any{"subnetIds": []any{"c", "a", "b"}}, New: map[string]any{"subnetIds": []any{"c", "a"}},
		Diff: []plans.PropertyDiff{
			{Path: "subnetIds[1]", Kind: "update-replace", Old: "a", New: "a"},
			{Path: "subnetIds[2]", Kind: "delete-replace", Old: "b"},
			{Path: "version", Kind: "update", Old: "1", New: "2"},
		},
	}
	s.ReplaceReasons = []string{"subnetIds[1]", "subnetIds[2]"}
	require.Equal(t, []string{`delete-replace subnetIds[2] "b" null`, `update version "1" "2"`}, lines(relisted(s).Diff))
	require.Equal(t, []string{"subnetIds[2]"}, relisted(s).ReplaceReasons)
}
