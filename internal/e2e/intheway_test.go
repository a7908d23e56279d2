// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/internal/localtarget"
)

// inTheWay leaves on the deployed stack what controllers leave behind on AWS, all of it, in a cluster whose webhook for node
// pools is gone. Deleting what is recorded fails; a cleanup then leaves what others have, and nothing else.
func inTheWay(t *testing.T, u *user, others inventory) {
	t.Helper()
	for _, l := range localtarget.Leftovers() {
		u.ok("local fault set " + l.Action + " --match emr-eks-flink*")
	}
	u.ok("local fault set " + localtarget.DeadWebhook + " --match karpenter.sh")
	destroy := u.cmd(t.Context(), "pulumi", "destroy", "--yes", "--skip-preview", "--stack", "local")
	destroy.Env = append(destroy.Env, "PULUMI_DEBUG_PROVIDERS="+u.providers(), "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true")
	out, err := destroy.CombinedOutput()
	require.Error(t, err, "a plain destroy ends")
	require.Contains(t, string(out), `failed calling webhook "webhook.gone.local.emrflink"`)

	u.ok("local fault set " + localtarget.DeadAPIService)
	r := u.ok("cleanup --stack local --yes")
	require.Contains(t, r.stderr+r.stdout, "of about 10 versions deleted")
	require.Empty(t, cmp.Diff(others, u.inventory()))
	u.ok("local fault clear")
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
