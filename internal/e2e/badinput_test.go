// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBadInputIsRefusedBeforeAnythingIsTouched(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stack string // Pulumi.local.yaml's config
		line  string
		says  []string
	}{
		"an unknown key, with the nearest one": {"emrflink:vpcCdir: 10.0.0.0/16", "deploy --yes",
			[]string{"vpcCdir", "vpcCidr"}},
		"a CIDR that is too small": {"emrflink:vpcCidr: 10.0.0.0/26", "deploy --yes",
			[]string{"vpcCidr", "10.0.0.0/26"}},
		"a CIDR that overlaps with the services": {"emrflink:vpcCidr: 172.20.0.0/16", "deploy --yes",
			[]string{"vpcCidr", "overlap"}},
		"an unsupported Kubernetes version": {`emrflink:kubernetesVersion: "1.12"`, "deploy --yes",
			[]string{"kubernetesVersion", "1.12"}},
		"a team's name in the wrong form": {"emrflink:teams: [Team_A]", "deploy --yes", []string{"teams", "Team_A"}},
		"a region that does not exist":    {"emrflink:region: us-west-9", "deploy --yes", []string{"region", "us-west-9"}},
		"two faults, both listed": {"emrflink:region: mars-1\n  emrflink:vpcCidr: nonsense", "deploy --yes",
			[]string{"mars-1", "nonsense"}},
		"no such stack":                    {"", "deploy --stack prod --yes", []string{"prod"}},
		"no terminal and no --yes":         {"", "deploy", []string{"--yes"}},
		"an unknown flag":                  {"", "deploy --sure", []string{"--sure"}},
		"cleanup without the stack's name": {"", "cleanup --yes", []string{"--stack"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUser(t)
			if c.stack != "" {
				file := "config:\n  " + c.stack + "\n"
				require.NoError(t, os.WriteFile(filepath.Join(u.work, "Pulumi.local.yaml"), []byte(file), 0o600))
			}
			r := u.exec(t.Context(), strings.Fields(c.line)...)
			require.Equalf(t, 2, r.code, "%s%s", r.stdout, r.stderr)
			for _, s := range c.says {
				require.Contains(t, r.stderr, s)
			}
			require.Empty(t, r.stdout)
			require.NoDirExists(t, filepath.Join(u.home, "local"), "the local target was started")
			require.NoDirExists(t, filepath.Join(u.home, "backend", ".pulumi", "stacks"), "state was written")
		})
	}
}

func TestAPortInUseIsRefused(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	port := strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)
	u := newUser(t)
	u.env = append(u.env, "EMRFLINK_LOCAL_PORT="+port)
	r := u.exec(t.Context(), "deploy", "--yes")
	require.Equalf(t, 2, r.code, "%s", r.stderr)
	require.Contains(t, r.stderr, port)
	require.Contains(t, r.stderr, "address already in use")
}
