// SPDX-License-Identifier: Apache-2.0

package terraform

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"emrflink/internal/untyped"
)

// Placeholder is such a value in Terraform, of whatever type is asked for; Unknowns is what it is made from.
const Placeholder = "${jsondecode(terraform_data.unknown.id)}"

// Unknowns is the resource behind Placeholder.
func Unknowns() map[string]map[string]any {
	return map[string]map[string]any{"terraform_data": {"unknown": map[string]any{}}}
}

// Rendering is a set of graphs as one Terraform configuration. A resource that another graph has already is not repeated.
type Rendering struct {
	types     map[string]Resource
	resources map[string]map[string]any
	addresses map[string]string // by graph and URN
	first     map[string]Node   // the first node of a URN
	// Nodes are the nodes by address.
	Nodes map[string]Node
}

// NewRendering is an empty configuration.
func NewRendering(types map[string]Resource) *Rendering {
	return &Rendering{
		types: types, resources: Unknowns(),
		addresses: map[string]string{}, first: map[string]Node{}, Nodes: map[string]Node{},
	}
}

// ConfigOf renders one graph.
func ConfigOf(ctx context.Context, t *Terraform, nodes []Node) (map[string]any, error) {
	schemas, err := t.Schemas(ctx)
	if err != nil {
		return nil, err
	}
	types, err := Resources(schemas)
	if err != nil {
		return nil, err
	}
	r := NewRendering(types)
	if err := r.Add("default", nodes); err != nil {
		return nil, err
	}
	return r.Config(), nil
}

// Config is the whole configuration.
func (r *Rendering) Config() map[string]any { return Config(r.resources) }

// Add renders a graph under a label, which its addresses begin with.
func (r *Rendering) Add(label string, nodes []Node) error {
	var fresh []Node
	for _, n := range nodes {
		typ, ok := r.types[n.Type]
		if !ok {
			return fmt.Errorf("%s has the type %s: add it to Types", n.Name, n.Type)
		}
		if old, seen := r.first[n.URN]; seen && old.same(n) {
			r.addresses[label+n.URN] = r.addresses[n.URN]
			continue
		}
		address := typ.Terraform + "." + identifier(label+"_"+n.Name)
		if _, taken := r.Nodes[address]; taken {
			return fmt.Errorf("two resources would have the address %s", address)
		}
		r.addresses[label+n.URN], r.Nodes[address] = address, n
		if _, seen := r.first[n.URN]; !seen {
			r.first[n.URN], r.addresses[n.URN] = n, address
		}
		fresh = append(fresh, n)
	}
	for _, n := range fresh {
		if err := r.render(label, n); err != nil {
			return err
		}
	}
	return nil
}

func identifier(name string) string {
	return regexp.MustCompile(`[^A-Za-z0-9_-]`).ReplaceAllString(name, "_")
}

func (r *Rendering) render(label string, n Node) error {
	typ := r.types[n.Type]
	c := converter{r: r, label: label, node: n}
	body, err := c.object(typ.Fields, n.Inputs, n.Name)
	if err != nil {
		return err
	}
	var after []string
	for _, urn := range n.DependsOn {
		if address, ok := r.addresses[label+urn]; ok {
			after = append(after, address)
		}
	}
	if len(after) > 0 {
		body["depends_on"] = after
	}
	if r.resources[typ.Terraform] == nil {
		r.resources[typ.Terraform] = map[string]any{}
	}
	_, name, _ := strings.Cut(r.addresses[label+n.URN], ".")
	r.resources[typ.Terraform][name] = body
	return nil
}

// converter writes the properties of one node.
type converter struct {
	r        *Rendering
	label    string
	node     Node
	property string // the top-level one
}

func (c converter) object(fields []Field, in map[string]any, at string) (map[string]any, error) {
	out := map[string]any{}
	for property, v := range in {
		i := slices.IndexFunc(fields, func(f Field) bool { return f.Pulumi == property })
		if i < 0 {
			if slices.Contains(pulumiOwn(), c.node.Type+"."+property) {
				continue
			}
			return nil, fmt.Errorf("%s: the provider has no property %s", at, property)
		}
		inner := c
		if c.property == "" {
			inner.property = property
		}
		got, err := inner.value(fields[i], v, at+"."+property)
		if err != nil {
			return nil, err
		}
		if got != nil {
			out[fields[i].Terraform] = got
		}
	}
	return out, nil
}

func (c converter) value(f Field, v any, at string) (any, error) {
	switch t := v.(type) {
	case nil:
		return nil, nil
	case []any:
		out := []any{}
		for i, elem := range t {
			one := f
			one.Wrap = false
			got, err := c.element(one, elem, i, len(t), at)
			if err != nil {
				return nil, err
			}
			out = append(out, got)
		}
		return out, nil
	}
	got, err := c.element(f, v, 0, 0, at)
	if err == nil && f.Wrap && v != untyped.Unknown {
		got = []any{got}
	}
	return got, err
}

// element is one value: the i-th of n, or n = 0 for one that is no element of a list.
func (c converter) element(f Field, v any, i, n int, at string) (any, error) {
	switch t := v.(type) {
	case map[string]any:
		if f.Fields == nil {
			return withPlaceholders(escaped(t)), nil
		}
		out, err := c.object(f.Fields, t, at)
		if err == nil && f.Exact {
			for _, inner := range f.Fields {
				if _, given := out[inner.Terraform]; !given {
					out[inner.Terraform] = nil
				}
			}
		}
		return out, err
	case string:
		if t == untyped.Unknown {
			return c.reference(f, i, n), nil
		}
	}
	return withPlaceholders(escaped(v)), nil
}

// withPlaceholders puts a placeholder where a map or a list has a value that is not known.
func withPlaceholders(v any) any {
	switch t := v.(type) {
	case string:
		if t == untyped.Unknown {
			return Placeholder
		}
	case []any:
		for i, elem := range t {
			t[i] = withPlaceholders(elem)
		}
	case map[string]any:
		for k, elem := range t {
			t[k] = withPlaceholders(elem)
		}
	}
	return v
}

// escaped keeps Terraform from reading a text as a template.
func escaped(v any) any {
	switch t := v.(type) {
	case string:
		return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(t)
	case []any:
		out := make([]any, len(t))
		for i, elem := range t {
			out[i] = escaped(elem)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, elem := range t {
			out[k] = escaped(elem)
		}
		return out
	}
	return v
}

// Targets say which attribute of which resource a property takes.
func Targets() map[string]string {
	return map[string]string{
		"vpcId": "aws_vpc.id", "subnetId": "aws_subnet.id", "subnetIds": "aws_subnet.id", "routeTableId": "aws_route_table.id",
		"routeTableIds": "aws_route_table.id", "gatewayId": "aws_internet_gateway.id", "natGatewayId": "aws_nat_gateway.id",
		"allocationId": "aws_eip.id", "securityGroupId": "aws_security_group.id", "securityGroupIds": "aws_security_group.id",
		"sourceSecurityGroupId": "aws_security_group.id", "vpcSecurityGroupIds": "aws_security_group.id",
		"bucket": "aws_s3_bucket.id", "queueUrl": "aws_sqs_queue.id", "arn": "aws_sqs_queue.arn",
		"policyArn": "aws_iam_policy.arn",
		"roleArn":   "aws_iam_role.arn", "nodeRoleArn": "aws_iam_role.arn", "principalArn": "aws_iam_role.arn",
		"serviceAccountRoleArn": "aws_iam_role.arn", "role": "aws_iam_role.name", "id": "aws_launch_template.id",
		"version":     "aws_launch_template.latest_version",
		"targetKeyId": "aws_kms_key.id", "keyArn": "aws_kms_key.arn", "kmsKeyId": "aws_kms_key.arn",
		"kmsMasterKeyId": "aws_kms_key.arn", "logDestination": "aws_cloudwatch_log_group.arn", "iamRoleArn": "aws_iam_role.arn",
	}
}

// reference is what a property of an unknown value takes it from: an attribute of another resource where our graph shows
// which, else a placeholder. A whole list that is not known refers to all that it can be made of.
func (c converter) reference(f Field, i, n int) any {
	typ, attribute, ok := strings.Cut(Targets()[f.Pulumi], ".")
	if !ok {
		return Placeholder
	}
	urns := c.node.Uses[c.property]
	if len(urns) == 0 {
		urns = c.node.DependsOn
	}
	var found []string
	for _, urn := range urns {
		if address := c.r.addresses[c.label+urn]; strings.HasPrefix(address, typ+".") {
			found = append(found, "${"+address+"."+attribute+"}")
		}
	}
	switch {
	case n == 0 && strings.HasSuffix(f.Pulumi, "Ids") && len(found) > 0:
		return found
	case n == 0 && len(found) == 1:
		return found[0]
	case n > 0 && len(found) == n:
		return found[i]
	}
	return Placeholder
}
