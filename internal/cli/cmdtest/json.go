// SPDX-License-Identifier: Apache-2.0

package cmdtest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

// Fields checks the field set of a JSON document: every object's fields, by path, as one sorted list. Lists count by
// their elements ("nodes[].name"). It also refuses null lists and objects, which readers would have to care about.
func Fields(t *testing.T, document []byte, want ...string) {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(document, &v), string(document))
	found := map[string]bool{}
	collect(v, "", found)
	slices.Sort(want)
	if d := cmp.Diff(want, slices.Sorted(maps.Keys(found))); d != "" {
		t.Errorf("fields of the document (-want +got):\n%s", d)
	}
}

// Progress checks that standard error, under --output json, has nothing but progress, an object a line, and returns its texts.
func Progress(t *testing.T, stderr string) []string {
	t.Helper()
	var texts []string
	for line := range strings.Lines(stderr) {
		Fields(t, []byte(line), "schemaVersion", "progress")
		var doc struct{ Progress string }
		require.NoError(t, json.Unmarshal([]byte(line), &doc))
		texts = append(texts, doc.Progress)
	}
	return texts
}

func collect(v any, path string, found map[string]bool) {
	switch x := v.(type) {
	case map[string]any:
		for k, child := range x {
			p := strings.TrimPrefix(path+"."+k, ".")
			found[p] = true
			collect(child, p, found)
		}
	case []any:
		for _, child := range x {
			collect(child, path+"[]", found)
		}
	case nil:
		found[path+" is null"] = true
	}
}
