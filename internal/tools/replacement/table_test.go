// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/replacement"
	"emrflink/internal/tools/terraform"
)

func small() terraform.Resource {
	return terraform.Resource{
		Type: terraform.Type{Pulumi: "aws:ec2/vpc:Vpc", Terraform: "aws_vpc"},
		Schema: terraform.Schema{Block: terraform.Block{
			Attributes: map[string]terraform.Attribute{
				"cidr": {Type: "string", Required: true}, "size": {Type: "number", Optional: true},
				"arn": {Type: "string", Computed: true},
			},
			Blocks: map[string]terraform.Nested{"rule": {Mode: "list", Block: terraform.Block{
				Attributes: map[string]terraform.Attribute{"id": {Type: "string", Optional: true}},
			}}},
		}},
		Fields: []terraform.Field{
			{Pulumi: "cidr", Terraform: "cidr"}, {Pulumi: "size", Terraform: "size"}, {Pulumi: "arn", Terraform: "arn"},
			{Pulumi: "rules", Terraform: "rule", Fields: []terraform.Field{{Pulumi: "ruleId", Terraform: "id"}}},
		},
	}
}

func TestExperimentsSetOnePropertyAndWhatIsRequired(t *testing.T) {
	t.Parallel()
	all := experiments(map[string]terraform.Resource{"aws:ec2/vpc:Vpc": small()})
	require.Len(t, all, 6, "two for each that can be set")
	for _, e := range all {
		got := e.config()
		require.Contains(t, got, "cidr")
		require.Contains(t, got, e.field.Terraform)
		require.NotContains(t, got, "arn")
	}
	require.Equal(t, map[string]any{"cidr": "old", "size": 1, "arn": "old", "rule": []any{map[string]any{"id": "old"}}},
		state(small().Schema.Block, true, "aws_vpc"))
	require.Equal(t, map[string]any{"cidr": "old", "size": nil, "arn": nil, "rule": []any{}},
		state(small().Schema.Block, false, "aws_vpc"))
}

func TestRowsSayWhenAPropertyForces(t *testing.T) {
	t.Parallel()
	r := small()
	all := experiments(map[string]terraform.Resource{r.Pulumi: r})
	seen := read(all, []terraform.Change{
		{Address: "aws_vpc.cidr_changed", Replaces: [][]string{{"cidr"}, {"rule"}, {"tags_all"}}},
		{Address: "aws_vpc.rule_changed", Replaces: [][]string{{"rule", "id"}}},
		{Address: "aws_vpc.size_added", Replaces: [][]string{{"size"}}},
		{Address: "terraform_data.unknown"},
	})
	notes := map[string]string{}
	for _, row := range rows(map[string]terraform.Resource{r.Pulumi: r}, seen) {
		if row.Type == r.Pulumi {
			notes[row.Property] = row.Note
		}
	}
	require.Equal(t, map[string]string{
		"-": "aws_vpc", "cidr": "", "rules": replacement.OnlyRemoved, "rules.ruleId": "", "size": replacement.OnlyAdded,
	}, notes)
}

func TestDriftNamesEveryDifference(t *testing.T) {
	t.Parallel()
	row := func(property, note string) replacement.Row {
		return replacement.Row{Type: "t", Property: property, How: "plan", Note: note}
	}
	have := []replacement.Row{row("a", ""), row("b", ""), row("c", "")}
	want := []replacement.Row{row("a", ""), row("b", replacement.OnlyAdded), row("d", "")}
	require.Equal(t, []string{
		`differs: t b: the table says plan "", the provider plan "only when it is added"`, "missing: t d", "not so: t c",
	}, drift(have, want))
	require.Empty(t, drift(have, have))
}

func TestTheTableReadsBack(t *testing.T) {
	t.Parallel()
	want := []replacement.Row{{Type: "t", Property: "a", How: "plan", Note: "n"}, {Type: "t", Property: "b", How: "plan"}}
	got, err := replacement.Parse(format(want))
	require.NoError(t, err)
	require.Equal(t, want, got)
}
