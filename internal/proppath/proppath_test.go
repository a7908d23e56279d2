// SPDX-License-Identifier: Apache-2.0

package proppath

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

type object = map[string]any

func TestEdit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in      object
		changes []Change
		want    object
		err     string
	}{
		"a text stays a text":     {object{"size": "1"}, []Change{{Path: "size", Value: "2"}}, object{"size": "2"}, ""},
		"a number stays a number": {object{"size": 1.0}, []Change{{Path: "size", Value: "2"}}, object{"size": 2.0}, ""},
		"what is new is JSON or text": {object{}, []Change{{Path: "a", Value: "true"}, {Path: "b", Value: "x y"}},
			object{"a": true, "b": "x y"}, ""},
		"objects are made on the way": {object{}, []Change{{Path: "tags.owner", Value: "me"}},
			object{"tags": object{"owner": "me"}}, ""},
		"a key with dots is quoted": {object{"hard": object{"limits.cpu": "1"}},
			[]Change{{Path: `hard["limits.cpu"]`, Value: "2"}}, object{"hard": object{"limits.cpu": "2"}}, ""},
		"an element of a list": {object{"l": []any{"a", "b"}}, []Change{{Path: "l[1]", Value: "c"}},
			object{"l": []any{"a", "c"}}, ""},
		"unset": {object{"a": 1.0, "b": 2.0}, []Change{{Path: "a", Unset: true}},
			object{"b": 2.0}, ""},
		"unset of nothing":                 {object{}, []Change{{Path: "a", Unset: true}}, nil, `nothing at "a"`},
		"a path through a text":            {object{"a": "x"}, []Change{{Path: "a.b", Value: "1"}}, nil, `"a.b" leads through`},
		"a path that does not read as one": {object{}, []Change{{Path: "a[", Value: "1"}}, nil, "no property path"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Edit(c.in, c.changes)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := Parse(`policy={"a":"b=c"}`)
	require.NoError(t, err)
	require.Equal(t, Change{Path: "policy", Value: `{"a":"b=c"}`}, got)
	for _, bad := range []string{"policy", "=x", "a[=x"} {
		_, err := Parse(bad)
		require.Error(t, err, bad)
	}
}
