// SPDX-License-Identifier: Apache-2.0

package terraform

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/provider/schema"
)

func text(flags ...string) Attribute {
	a := Attribute{Type: "string", Optional: true}
	for _, f := range flags {
		a.Required = a.Required || f == "required"
	}
	return a
}

// types are two small ones, as the provider's schema would have them.
func types(t *testing.T) map[string]Resource {
	t.Helper()
	return map[string]Resource{
		"aws:ec2/vpc:Vpc": {
			Type: Type{Pulumi: "aws:ec2/vpc:Vpc", Terraform: "aws_vpc"},
			Fields: []Field{
				{Pulumi: "cidrBlock", Terraform: "cidr_block"}, {Pulumi: "tags", Terraform: "tags"},
			},
		},
		"aws:ec2/subnet:Subnet": {
			Type: Type{Pulumi: "aws:ec2/subnet:Subnet", Terraform: "aws_subnet"},
			Fields: []Field{
				{Pulumi: "vpcId", Terraform: "vpc_id"}, {Pulumi: "outpostArn", Terraform: "outpost_arn"},
				{
					Pulumi: "rules", Terraform: "rule", Exact: true,
					Fields: []Field{{Pulumi: "self", Terraform: "self"}, {Pulumi: "port", Terraform: "port"}},
				},
				{Pulumi: "config", Terraform: "config", Wrap: true, Fields: []Field{{Pulumi: "id", Terraform: "id"}}},
			},
		},
	}
}

func vpc(inputs map[string]any) Node {
	return Node{URN: "urn:vpc", Type: "aws:ec2/vpc:Vpc", Name: "net", Inputs: inputs}
}

func TestRender(t *testing.T) {
	t.Parallel()
	r := NewRendering(types(t))
	require.NoError(t, r.Add("d", []Node{
		vpc(map[string]any{"cidrBlock": "10.0.0.0/16", "tags": map[string]any{"a": "${x}", "b": "[unknown]"}}),
		{
			URN: "urn:sub", Type: "aws:ec2/subnet:Subnet", Name: "sub.a", DependsOn: []string{"urn:vpc", "urn:component"},
			Inputs: map[string]any{
				"vpcId": "[unknown]", "outpostArn": "[unknown]", "rules": []any{map[string]any{"port": 1.0}},
				"config": map[string]any{"id": "i"},
			},
		},
	}))
	want := map[string]map[string]any{
		"terraform_data": {"unknown": map[string]any{}},
		"aws_vpc": {
			"d_net": map[string]any{"cidr_block": "10.0.0.0/16", "tags": map[string]any{"a": "$${x}", "b": Placeholder}},
		},
		"aws_subnet": {"d_sub_a": map[string]any{
			"vpc_id": "${aws_vpc.d_net.id}", "outpost_arn": Placeholder, "rule": []any{map[string]any{"port": 1.0, "self": nil}},
			"config": []any{map[string]any{"id": "i"}}, "depends_on": []string{"aws_vpc.d_net"},
		}},
	}
	if diff := cmp.Diff(want, r.resources); diff != "" {
		t.Fatal(diff)
	}
}

func TestASecondGraphAddsOnlyWhatIsNew(t *testing.T) {
	t.Parallel()
	r := NewRendering(types(t))
	require.NoError(t, r.Add("one", []Node{vpc(map[string]any{"cidrBlock": "a"})}))
	require.NoError(t, r.Add("two", []Node{vpc(map[string]any{"cidrBlock": "a"})}))
	require.Len(t, r.Nodes, 1)
	require.NoError(t, r.Add("three", []Node{vpc(map[string]any{"cidrBlock": "b"})}))
	require.Len(t, r.Nodes, 2)
}

func TestRenderRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	r := NewRendering(types(t))
	require.ErrorContains(t, r.Add("d", []Node{vpc(map[string]any{"cidr": "x"})}), "no property cidr")
	require.ErrorContains(t, r.Add("d", []Node{{Type: "aws:rds/instance:Instance", Name: "db"}}), "add it to Types")
}

func TestReadGraph(t *testing.T) {
	t.Parallel()
	nodes, err := ReadGraph([]byte(`{"steps":[
		{"urn":"c","type":"emrflink:team:Team","name":"t","diff":[]},
		{"urn":"a","type":"aws:ec2/vpc:Vpc","name":"net","dependsOn":["k"],"diff":[
			{"path":"cidrBlock","new":"10.0.0.0/16"},{"path":"tags","new":null,"waitsFor":["k"]}]},
		{"urn":"k","type":"kubernetes:core/v1:Namespace","name":"ns","diff":[]}]}`))
	require.NoError(t, err)
	require.Len(t, nodes, 2)
	require.Len(t, AWS(nodes), 1)
	require.Equal(t, "10.0.0.0/16", nodes[0].Inputs["cidrBlock"])
	require.Equal(t, map[string][]string{"tags": {"k"}}, nodes[0].Uses)
	builtIn, _ := BuiltIn(nodes)["resource"].(map[string]any)
	require.Equal(t, []string{
		"terraform_data.ns",
	}, builtIn["terraform_data"].(map[string]any)["net"].(map[string]any)["depends_on"])
	_, err = ReadGraph([]byte(`{"steps":[]}`))
	require.ErrorContains(t, err, "no resource")
}

func TestNamesArePulumis(t *testing.T) {
	t.Parallel()
	sdk, err := schema.Of(eks.NodeGroupArgs{})
	require.NoError(t, err)
	taints := sdk.Fields["taints"].Type
	f, err := pairOne(Block{Blocks: map[string]Nested{"taint": {Mode: "set", Block: Block{Attributes: map[string]Attribute{
		"key": text("required"), "value": text(), "effect": text("required"),
	}}}}}, "taint", "taints", taints, "at")
	require.NoError(t, err)
	require.False(t, f.Wrap, "a list stays one")
	require.Len(t, f.Fields, 3)
	for _, c := range [][2]string{
		{"vpc_id", "vpcId"}, {"client_id_list", "clientIdLists"}, {"inline_policy", "inlinePolicies"}, {"rule", "rules"},
	} {
		require.Contains(t, candidates(c[0]), c[1])
	}
	vpcArgs, err := schema.Of(ec2.InternetGatewayArgs{})
	require.NoError(t, err)
	_, err = pair(Block{Attributes: map[string]Attribute{"vpc_id": text()}}, vpcArgs, "igw")
	require.ErrorContains(t, err, "igw.tags: the provider has no such attribute")
}

func TestDiagnosticsAndReplacePaths(t *testing.T) {
	t.Parallel()
	found, err := diagnostics([]byte(`{"@level":"info","type":"version"}` + "\n" +
		`{"diagnostic":{"severity":"error","summary":"bad","detail":"very\nbad","address":"aws_vpc.a"}}` + "\n" +
		`{"diagnostic":{"severity":"warning","summary":"hm"}}` + "\n"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, "aws_vpc.a: bad: very bad", found[0].String())
	changes, err := changesOf([]byte(`{"resource_changes":[{"address":"aws_vpc.a","change":{"replace_paths":[["a",0,"b"]]}}]}`))
	require.NoError(t, err)
	require.Equal(t, []Change{{Address: "aws_vpc.a", Replaces: [][]string{{"a", "b"}}}}, changes)
}
