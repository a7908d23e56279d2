// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/components/network"
	"emrflink/internal/golden"
	"emrflink/stacks"
)

// settingsEdits are changes of the default settings, as people make them, by the name of their golden file.
var settingsEdits = map[string]func(*stacks.Config){
	"nothing":             func(*stacks.Config) {},
	"team-renamed":        func(c *stacks.Config) { c.Teams = stacks.NamedTeams("flink-team-b") },
	"team-added":          func(c *stacks.Config) { c.Teams = append(c.Teams, stacks.Team{Name: "flink-team-b"}) },
	"vpc-cidr":            func(c *stacks.Config) { c.VpcCidr = "10.42.0.0/16" },
	"two-zones":           func(c *stacks.Config) { c.AvailabilityZones = 2 },
	"nat-per-zone":        func(c *stacks.Config) { c.NatGateways = network.NatPerZone },
	"pool-families":       func(c *stacks.Config) { c.NodePools[0].Families = append(c.NodePools[0].Families, "c7i") },
	"pool-removed":        func(c *stacks.Config) { c.NodePools = c.NodePools[:1] },
	"pool-renamed":        func(c *stacks.Config) { c.NodePools[0].Name = "flink-cpu" },
	"core-count":          func(c *stacks.Config) { c.CoreNodes.Desired, c.CoreNodes.Max = 5, 12 },
	"core-instance-type":  func(c *stacks.Config) { c.CoreNodes.InstanceTypes = []string{"m5.2xlarge"} },
	"core-disk":           func(c *stacks.Config) { c.CoreNodes.DiskGiB = 200 },
	"emr-release":         func(c *stacks.Config) { c.EmrRelease = "7.12.0" },
	"kubernetes-version":  func(c *stacks.Config) { c.KubernetesVersion = "1.36" },
	"log-retention":       func(c *stacks.Config) { c.LogRetentionDays = 90 },
	"tags":                func(c *stacks.Config) { c.Tags = map[string]string{"cost-center": "4711"} },
	"endpoint-restricted": func(c *stacks.Config) { c.EndpointAccess.PublicCidrs = []string{"203.0.113.0/24"} },
	"prometheus": func(c *stacks.Config) {
		c.Observability.Prometheus, c.Observability.Grafana, c.Observability.Alerts = stacks.InCluster, stacks.InCluster, true
	},
	"endpoint-private": func(c *stacks.Config) {
		c.EndpointAccess = stacks.EndpointAccess{Private: true, PublicCidrs: []string{}}
	},
	"mirrors": func(c *stacks.Config) {
		c.Mirrors.Images = map[string]string{"*": "111122223333.dkr.ecr.us-west-2.amazonaws.com/{registry}"}
	},
	"admin-added":        func(c *stacks.Config) { c.Admins = []string{"arn:aws:iam::111122223333:role/platform-admin"} },
	"deployment-renamed": func(c *stacks.Config) { c.Name = "streaming" },
	"region":             func(c *stacks.Config) { c.Region = "us-east-1" },
}

// sourceEdits are changes of the components, by the name of their golden file: an expression of a source file, what
// stands in front of it, and what it becomes.
var sourceEdits = map[string]struct{ file, at, before, after string }{
	"policy-removed": {"karpenter/karpenter.go", "range ", "ControllerPolicies(d, nodeRoleARN, queueARN)",
		"ControllerPolicies(d, nodeRoleARN, queueARN)[:5]"},
	"policy-widened": {"karpenter/policy.go", "", `iamdoc.Strings{"eks:DescribeCluster"}`, `iamdoc.Strings{"eks:*"}`},
	"bucket-renamed": {"components/checkpoints/checkpoints.go", "", `name+"-bucket"`, `name+"-store"`},
	"hop-limit":      {"components/cluster/nodes.go", "HttpPutResponseHopLimit: ", "pulumi.Int(1)", "pulumi.Int(2)"},
	"old-versions": {"components/checkpoints/checkpoints.go", "NoncurrentDays: ", "pulumi.Int(noncurrent)",
		"pulumi.Int(noncurrent+7)"},
}

// edit is one of the edits: the program that makes it, and the flags for the command line.
type edit struct {
	by    *user
	flags string
}

// edits are all edits for a user, by name.
func edits(t *testing.T, u *user) map[string]edit {
	t.Helper()
	program, err := edited()
	require.NoError(t, err)
	all := map[string]edit{}
	for name := range sourceEdits {
		by := u.beside(t)
		by.program, by.env = program, append(by.env, editVar+"="+name)
		all[name] = edit{by: by}
	}
	for name, change := range settingsEdits {
		c := stacks.Default()
		change(&c)
		all[name] = edit{u, " --config-file " + settingsFile(t, u, name, c)}
	}
	return all
}

// settingsFile writes a stack file.
func settingsFile(t *testing.T, u *user, name string, c stacks.Config) string {
	t.Helper()
	var file strings.Builder
	file.WriteString("config:\n")
	for key, value := range c.Encode() {
		fmt.Fprintf(&file, "  %s: %s\n", key, strconv.Quote(value))
	}
	path := filepath.Join(u.work, name+".yaml")
	require.NoError(t, os.WriteFile(path, []byte(file.String()), 0o600))
	return path
}

func TestWhatAReviewerReadsOfAnEdit(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	u.ok("preview --save-baseline graph.json")
	for name, e := range edits(t, u) {
		golden.Equal(t, "testdata/edits/"+name+".txt", e.by.ok("preview --baseline graph.json"+e.flags).stdout)
	}
	two := stacks.Default()
	settingsEdits["team-added"](&two)
	u.ok("preview --save-baseline two.json --config-file " + settingsFile(t, u, "two", two))
	golden.Equal(t, "testdata/edits/team-removed.txt", u.ok("preview --baseline two.json").stdout)
	for _, output := range []string{"text", "json", "markdown", "html"} {
		line := "preview --baseline two.json --output " + output
		require.Equal(t, u.ok(line).stdout, u.ok(line).stdout, "two previews of the same settings are the same bytes")
	}
	require.NoDirExists(t, filepath.Join(u.home, "local"), "a review started the local target")
}

// reviewed is what a preview says of one resource.
type reviewed struct {
	URN, Op    string
	MayReplace bool
}

// threeWays previews each edit against the deployed stack, against its exported state, and against the saved graph of the
// settings that it was deployed with: they name the same resources.
func threeWays(t *testing.T, u *user) {
	t.Helper()
	require.NoError(t,
		os.WriteFile(filepath.Join(u.work, "state.json"), []byte(u.ok("pulumi stack export --stack local").stdout), 0o600))
	u.ok("preview --save-baseline graph.json")
	for name, e := range edits(t, u) {
		if name == "region" {
			continue // the deployed stack is in another region: there is nothing to compare with
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e.by = e.by.beside(t)
			deployed := changedBy(e, "preview")
			for _, baseline := range []string{"state.json", "graph.json"} {
				offline := changedBy(e, "preview --baseline "+baseline)
				for urn, r := range offline {
					// What the deployment knows, a graph can only call possible.
					if d, ok := deployed[urn]; ok && d.Op == "replace" && r.MayReplace {
						offline[urn] = d
					}
				}
				require.Empty(t, cmp.Diff(deployed, offline), "deployed (-) and %s (+) disagree", baseline)
			}
			require.Equal(t, name == "nothing", len(deployed) == 0)
		})
	}
}

// changedBy returns the resources that a preview of an edit would change, by their URN.
func changedBy(e edit, line string) map[string]reviewed {
	e.by.t.Helper()
	var doc struct{ Steps []reviewed }
	e.by.json(line+e.flags, &doc)
	out := map[string]reviewed{}
	for _, s := range doc.Steps {
		if s.Op != "same" {
			out[s.URN] = s
		}
	}
	return out
}
