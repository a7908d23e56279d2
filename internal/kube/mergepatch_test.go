// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAMergePatchHasOnlyWhatDiffers(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	for name, c := range map[string]struct{ before, after, want m }{
		"nothing":                 {m{"a": "x", "n": int64(1)}, m{"a": "x", "n": 1.0}, m{}},
		"a value":                 {m{"a": "x", "b": "y"}, m{"a": "z", "b": "y"}, m{"a": "z"}},
		"a removed value is null": {m{"a": "x", "b": "y"}, m{"b": "y"}, m{"a": nil}},
		"a new value":             {m{}, m{"a": "x"}, m{"a": "x"}},
		"inside an object": {
			m{"o": m{"a": "x", "b": "y", "c": "z"}}, m{"o": m{"b": "w", "c": "z"}}, m{"o": m{"a": nil, "b": "w"}},
		},
		"a list is replaced as a whole": {m{"l": []any{"x", int64(2)}}, m{"l": []any{"x", 3.0}}, m{"l": []any{"x", 3.0}}},
		"an equal list stays":           {m{"l": []any{m{"n": int64(2)}}}, m{"l": []any{m{"n": 2.0}}}, m{}},
		"an object in place of a text":  {m{"o": "x"}, m{"o": m{"a": "x"}}, m{"o": m{"a": "x"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(c.want, MergePatch(c.before, c.after)); d != "" {
				t.Error(d)
			}
		})
	}
}
