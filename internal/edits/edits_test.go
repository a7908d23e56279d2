// SPDX-License-Identifier: Apache-2.0

package edits

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/components/network"
	"emrflink/internal/engine"
	"emrflink/internal/preview"
	"emrflink/internal/target"
	"emrflink/stacks"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestMain lets the test binary be the engine's process: it re-executes itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "pulumi" {
		os.Exit(engine.Main(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// edits are changes of the default settings, by the name of their golden file.
func edits() map[string]func(*stacks.Config) {
	return map[string]func(*stacks.Config){
		"nothing":             func(*stacks.Config) {},
		"team-renamed":        func(c *stacks.Config) { c.Teams = []string{"flink-team-b"} },
		"team-added":          func(c *stacks.Config) { c.Teams = append(c.Teams, "flink-team-b") },
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
		"endpoint-private": func(c *stacks.Config) {
			c.EndpointAccess = stacks.EndpointAccess{Private: true, PublicCidrs: []string{}}
		},
		"admin-added":        func(c *stacks.Config) { c.Admins = []string{"arn:aws:iam::111122223333:role/platform-admin"} },
		"deployment-renamed": func(c *stacks.Config) { c.Name = "streaming" },
		"region":             func(c *stacks.Config) { c.Region = "us-east-1" },
	}
}

// desired computes the desired graph of settings, as `preview --offline` does.
func desired(t *testing.T, c stacks.Config) engine.Plan {
	t.Helper()
	on, err := target.Offline(t.Context(), target.Options{Region: c.Region, Version: "v0"})
	require.NoError(t, err)
	defer on.Close()
	e, err := engine.Open(t.Context(), engine.Options{
		Stack: "local", Config: c.Encode(), Env: on.Env(), Program: stacks.Blueprint, Ephemeral: true,
	})
	require.NoError(t, err)
	plan, err := e.Preview(t.Context())
	require.NoError(t, err)
	return plan
}

func TestWhatAReviewerReadsOfAnEdit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "baseline.json")
	saved := preview.NewBaseline(desired(t, stacks.Default()), "emrflink", stacks.Default().Region)
	require.NoError(t, saved.Save(file))
	base, err := preview.ReadBaseline(file, "emrflink", "local")
	require.NoError(t, err)
	again := preview.NewBaseline(desired(t, stacks.Default()), "emrflink", stacks.Default().Region)
	require.Equal(t, saved, again, "two previews of the same settings are the same")
	t.Run("edits", func(t *testing.T) {
		for name, edit := range edits() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c := stacks.Default()
				edit(&c)
				_, err := stacks.Parse("", values(c))
				require.NoError(t, err, "the edit has to be one that can be deployed")
				got := read(t, desired(t, c), base, c.Region)
				golden(t, name+".txt", got)
			})
		}
		t.Run("team-removed", func(t *testing.T) {
			t.Parallel()
			two := stacks.Default()
			edits()["team-added"](&two)
			from := preview.NewBaseline(desired(t, two), "emrflink", two.Region)
			golden(t, "team-removed.txt", read(t, desired(t, stacks.Default()), from, two.Region))
		})
	})
}

// values are settings as a stack file has them.
func values(c stacks.Config) map[string]any {
	out := map[string]any{}
	for k, v := range c.Encode() {
		out[strings.TrimPrefix(k, stacks.Namespace+":")] = v
	}
	return out
}

// read renders what an edit changes, twice, and wants the same bytes.
func read(t *testing.T, plan engine.Plan, base preview.Baseline, region string) string {
	t.Helper()
	var first string
	for again := range 2 {
		against, skipped := preview.Compare(plan, base, region)
		r, err := preview.New(against, region)
		require.NoError(t, err)
		r.Document.Mode, r.Document.NotCompared = preview.ModeBaseline, skipped
		var text, doc bytes.Buffer
		require.NoError(t, r.Text(&text, preview.TextOptions{}))
		require.NoError(t, r.JSON(&doc))
		both := text.String() + "\x00" + doc.String()
		if again == 0 {
			first = both
		}
		require.Equal(t, first, both)
	}
	text, _, _ := strings.Cut(first, "\x00")
	return text
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o750))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "run the test with -update")
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-update writes it anew):\n%s", file, diff)
	}
}

func TestEveryTypeOfTheBlueprintSaysWhatIsLost(t *testing.T) {
	c := stacks.Default()
	edits()["admin-added"](&c)
	c.ClusterAutoscaler, c.PrefixDelegation = true, true
	c.InterfaceEndpoints = []string{"sts"}
	base := preview.NewBaseline(desired(t, c), "emrflink", c.Region)
	plan, _ := preview.Compare(engine.Plan{Stack: "local"}, base, c.Region)
	require.NotZero(t, plan.Summary.Delete)
	r, err := preview.New(plan, c.Region)
	require.NoError(t, err)
	for i, s := range r.Document.Steps {
		if plan.Steps[i].Component || plan.Steps[i].Internal() {
			require.Empty(t, s.Destroys, s.URN)
			continue
		}
		require.NotEmpty(t, s.Destroys, s.URN)
		require.NotContains(t, s.Destroys, "no entry", s.URN)
	}
}
