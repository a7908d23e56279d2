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
		for name, edit := range All() {
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
			All()["team-added"](&two)
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
	All()["admin-added"](&c)
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

// A plan is saved from what the engine showed: what looks like a secret was hidden there.
func TestASavedPlanHoldsNoSecret(t *testing.T) {
	t.Parallel()
	const canary = "gh" + "p_canaryInAPlan0123456789abcdefghijklmn"
	c := stacks.Default()
	c.Tags = map[string]string{"note": canary}
	r, err := preview.New(desired(t, c), c.Region)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "plan.json")
	require.NoError(t, r.Plan(preview.Basis{}).Save(file))
	saved, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(saved), "checkpoints-bucket")
	require.NotContains(t, string(saved), canary)
}
