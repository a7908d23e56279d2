// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/internal/edits"
	"emrflink/stacks"
)

// reviewed is what a preview says of one resource.
type reviewed struct {
	URN, Op    string
	MayReplace bool
}

// threeWays previews each edit against the deployed stack, against its exported state, and against the saved graph of the
// settings that it was deployed with: they name the same resources.
func threeWays(t *testing.T, u *user) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(u.work, "state.json"), []byte(u.ok("pulumi stack export --stack local").stdout), 0o600))
	u.ok("preview --save-baseline graph.json")
	for name, edit := range edits.All() {
		if name == "region" {
			continue // the deployed stack is in another region: there is nothing to compare with
		}
		c := stacks.Default()
		edit(&c)
		var file strings.Builder
		file.WriteString("config:\n")
		for key, value := range c.Encode() {
			fmt.Fprintf(&file, "  %s: %s\n", key, strconv.Quote(value))
		}
		path := filepath.Join(u.work, name+".yaml")
		require.NoError(t, os.WriteFile(path, []byte(file.String()), 0o600))
		deployed := changedBy(u, "preview --config-file "+path)
		for _, baseline := range []string{"state.json", "graph.json"} {
			offline := changedBy(u, "preview --config-file "+path+" --baseline "+baseline)
			for urn, r := range offline {
				// What the deployment knows, a graph can only call possible.
				if d, ok := deployed[urn]; ok && d.Op == "replace" && r.MayReplace {
					offline[urn] = d
				}
			}
			if diff := cmp.Diff(deployed, offline); diff != "" {
				t.Errorf("%s: deployed (-) and %s (+) disagree:\n%s", name, baseline, diff)
			}
		}
	}
}

// changedBy returns the resources that a preview would change, by their URN.
func changedBy(u *user, line string) map[string]reviewed {
	u.t.Helper()
	var doc struct{ Steps []reviewed }
	require.NoError(u.t, json.Unmarshal([]byte(u.ok(line+" --output json").stdout), &doc))
	out := map[string]reviewed{}
	for _, s := range doc.Steps {
		if s.Op != "same" {
			out[s.URN] = s
		}
	}
	return out
}
