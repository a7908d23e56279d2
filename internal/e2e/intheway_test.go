// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/localtarget"
)

// inTheWay leaves on the deployed stack what controllers leave behind on AWS, all of it, in a cluster of which servers are gone
// that its API server asks, and tells what was left. Deleting what is recorded fails.
func inTheWay(t *testing.T, u *user) (made []string) {
	t.Helper()
	for _, l := range localtarget.Leftovers() {
		before := u.inventory().Resources
		u.ok("local fault set " + l.Action + " --match emr-eks-flink*")
		for _, r := range u.inventory().Resources {
			// Meanwhile the Karpenter of the second stack makes launch templates, which are not this stack's.
			if !slices.Contains(before, r) && (r.Type != "launchTemplate" || l.Action == localtarget.LostTemplate) {
				made = append(made, r.Type+" "+r.ID)
			}
		}
	}
	require.Greater(t, len(made), 5)
	u.ok("local fault set " + localtarget.DeadWebhook + " --match karpenter.sh")
	destroy := u.cmd(t.Context(), "pulumi", "destroy", "--yes", "--skip-preview", "--stack", "local")
	destroy.Env = append(slices.Clone(destroy.Env), "PULUMI_DEBUG_PROVIDERS="+u.providers(),
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true")
	out, err := destroy.CombinedOutput()
	require.Error(t, err, "a plain destroy ends")
	require.Contains(t, string(out), `failed calling webhook "webhook.gone.local.emrflink"`)
	u.ok("local fault set " + localtarget.DeadAPIService)
	return made
}

// providers is where the daemon serves the provider plugins of the local target, as the engine is told it.
func (u *user) providers() string {
	u.t.Helper()
	raw, err := os.ReadFile(filepath.Join(u.home, "local", "daemon.json"))
	require.NoError(u.t, err)
	var d struct{ Ports map[string]int }
	require.NoError(u.t, json.Unmarshal(raw, &d))
	var out []string
	for name, port := range d.Ports {
		out = append(out, fmt.Sprintf("%s:%d", name, port))
	}
	return strings.Join(out, ",")
}
