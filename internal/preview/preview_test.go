// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/golden"
	"emrflink/internal/plans"
)

func step(op plans.Op, typ, name string) plans.Step {
	s := plans.Step{URN: "urn:pulumi:dev::emrflink::" + typ + "::" + name, Type: typ, Name: name, Op: op}
	if op != plans.OpCreate {
		s.Old = map[string]any{}
	}
	if op != plans.OpDelete {
		s.New = map[string]any{}
	}
	return s
}

// changed is a plan with one step of each kind.
func changed() plans.Plan {
	bucket := step(plans.OpReplace, "aws:s3/bucketV2:BucketV2", "checkpoints")
	bucket.ReplaceReasons = []string{"bucket"}
	bucket.Diff = []plans.PropertyDiff{
		{Path: "bucket", Kind: "update-replace", Old: "demo-a", New: "demo-b"},
		{Path: `tags["team.name"]`, Kind: "add", New: "blue"},
	}
	role := step(plans.OpUpdate, "aws:iam/role:Role", "operator")
	role.Diff = []plans.PropertyDiff{
		{Path: "assumeRolePolicy", Kind: "update", Old: `{"a":"<b>"}`, New: plans.Unknown},
		{Path: "description", Kind: "delete", Old: plans.Secret},
	}
	cluster := step(plans.OpSame, "aws:eks/cluster:Cluster", "demo")
	cluster.Old, cluster.New = map[string]any{"version": "1.35"}, map[string]any{"version": "1.35"}
	nat := step(plans.OpCreate, "aws:ec2/natGateway:NatGateway", "nat-2")
	nat.New = map[string]any{"subnetId": plans.Unknown, "tags": map[string]any{"Name": "nat-2"}, "a.b": 1.0}
	gone := step(plans.OpDelete, "aws:ec2/eip:Eip", "old-ip")
	gone.Old = map[string]any{"domain": "vpc"}
	return plans.Plan{
		Stack: "dev", Summary: plans.Summary{Create: 1, Update: 1, Replace: 1, Delete: 1, Same: 1},
		Steps:       []plans.Step{cluster, bucket, role, nat, gone},
		Diagnostics: []plans.Diagnostic{{Severity: "warning", Message: "two\nlines"}, {Severity: "info", Message: "hidden"}},
	}
}

// fresh is a first deployment with many resources of one type.
func fresh() plans.Plan {
	p := plans.Plan{Stack: "local"}
	p.Steps = append(p.Steps, step(plans.OpCreate, "pulumi:pulumi:Stack", "emrflink-local"))
	for _, c := range "abcdefghijk" {
		p.Steps = append(p.Steps, step(plans.OpCreate, "aws:ec2/subnet:Subnet", "subnet-"+string(c)))
	}
	p.Summary.Create = len(p.Steps)
	return p
}

func TestGolden(t *testing.T) {
	for name, c := range map[string]struct {
		plan   plans.Plan
		region string
	}{
		"changed":   {changed(), "us-west-2"},
		"fresh":     {fresh(), "us-west-2"},
		"no-change": {plans.Plan{Stack: "local", Summary: plans.Summary{Same: 150}}, "us-west-2"},
		"no-prices": {changed(), "eu-north-1"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := New(c.plan, c.region)
			require.NoError(t, err)
			var text, again, doc bytes.Buffer
			require.NoError(t, r.Text(&text, TextOptions{}))
			require.NoError(t, r.Text(&again, TextOptions{}))
			require.Equal(t, text.String(), again.String())
			golden.Equal(t, "testdata/"+name+".txt", text.String())
			require.Equal(t, name == "fresh", r.InStateOnly() == 1, "the stack itself")
			var all bytes.Buffer
			require.NoError(t, r.Text(&all, TextOptions{Verbose: true}))
			const byUse = "not included: NAT gateway: data processed, per GB\n"
			require.Equal(t, name == "changed", strings.Contains(all.String(), byUse))
			require.NoError(t, r.JSON(&doc))
			require.NotContains(t, doc.String(), `s": null`, "lists are never null")
			golden.Equal(t, "testdata/"+name+".json", doc.String())
		})
	}
}

func TestTheContractHasItsFields(t *testing.T) {
	t.Parallel()
	r, err := New(changed(), "us-west-2")
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, r.JSON(&b))
	var doc struct {
		SchemaVersion int            `json:"schemaVersion"`
		Summary       map[string]int `json:"summary"`
		Steps         []map[string]any
		Cost          struct {
			MonthlyUSD map[string]float64 `json:"monthlyUSD"`
		}
	}
	require.NoError(t, json.Unmarshal(b.Bytes(), &doc))
	require.Equal(t, 1, doc.SchemaVersion)
	require.Equal(t, map[string]int{"create": 1, "update": 1, "replace": 1, "delete": 1, "same": 1}, doc.Summary)
	for _, field := range []string{
		"urn", "type", "name", "op", "replaceReasons", "diff", "parent", "dependsOn", "mayReplace",
		"mayReplaceReasons", "destroys",
	} {
		require.Contains(t, doc.Steps[0], field)
	}
	diff := doc.Steps[1]["diff"].([]any)[0].(map[string]any)
	require.Equal(t, map[string]any{
		"path": "bucket", "kind": "update-replace", "old": "demo-a", "new": "demo-b", "waitsFor": []any{},
	}, diff)
	// One NAT gateway comes, one address goes.
	require.Equal(t, map[string]float64{"before": 76.65, "after": 105.85, "delta": 29.2}, doc.Cost.MonthlyUSD)
}

func TestColourAndWidthChangeDecorationOnly(t *testing.T) {
	t.Parallel()
	r, err := New(changed(), "us-west-2")
	require.NoError(t, err)
	var plain, coloured, narrow bytes.Buffer
	require.NoError(t, r.Text(&plain, TextOptions{}))
	require.NoError(t, r.Text(&coloured, TextOptions{Color: true}))
	require.NoError(t, r.Text(&narrow, TextOptions{Width: 40}))
	require.Contains(t, coloured.String(), "\x1b[")
	stripped := coloured.String()
	for _, code := range []string{"0", "1", "31", "32", "33", "35", "1;31"} {
		stripped = strings.ReplaceAll(stripped, "\x1b["+code+"m", "")
	}
	require.Equal(t, plain.String(), stripped)
	for line := range strings.Lines(narrow.String()) {
		require.LessOrEqual(t, len([]rune(strings.TrimSuffix(line, "\n"))), 40)
	}
}
