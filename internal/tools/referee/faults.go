// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"emrflink/internal/tools/terraform"
)

// fault is a mistake as somebody could make it in a component: a type, and what is done to its first resource.
type fault struct {
	what, typ string
	plant     func(inputs map[string]any)
	says      string // part of what the provider says about it
}

func set(property string, value any) func(map[string]any) {
	return func(in map[string]any) { in[property] = value }
}

func unset(property string) func(map[string]any) {
	return func(in map[string]any) { delete(in, property) }
}

func planted() []fault {
	return []fault{
		{"a bad CIDR", "aws:ec2/vpc:Vpc", set("cidrBlock", "10.0.0.0/33"), "invalid CIDR"},
		{"a CIDR that is no network", "aws:ec2/subnet:Subnet", set("cidrBlock", "10.0.0.1/24"), "not a valid IPv4 CIDR block"},
		{"a bad bucket name", "aws:s3/bucketV2:BucketV2", set("bucket", strings.Repeat("b", 64)), "expected length of bucket"},
		{"a wrong enum", "aws:eks/nodeGroup:NodeGroup", set("capacityType", "CHEAP"), "expected capacity_type"},
		{"a required argument that is missing", "aws:eks/cluster:Cluster", unset("roleArn"), `"role_arn" is required`},
		{"a number that is none of those allowed", "aws:cloudwatch/logGroup:LogGroup", set("retentionInDays", 31.0),
			"expected retention_in_days"},
		{"a policy that is no JSON", "aws:iam/policy:Policy", set("policy", "{"), "invalid JSON"},
		{"a text that is no ARN", "aws:iam/rolePolicyAttachment:RolePolicyAttachment", set("policyArn", "admin"), "invalid ARN"},
		{"two destinations of a route", "aws:ec2/route:Route", set("destinationIpv6CidrBlock", "::/0"), "only one of"},
		{"a name that is too long", "aws:iam/role:Role", set("name", strings.Repeat("r", 65)), "expected length of name"},
	}
}

// faults plants each fault in a graph of its own and demands that the provider refuses just that resource.
func (r referee) faults(ctx context.Context) error {
	nodes, err := r.graph(ctx, nil)
	if err != nil {
		return err
	}
	rendering := terraform.NewRendering(r.types)
	want := map[string]fault{}
	for i, f := range planted() {
		n, err := firstOf(nodes, f.typ)
		if err != nil {
			return err
		}
		f.plant(n.Inputs)
		label := fmt.Sprintf("fault%d", i)
		if err := rendering.Add(label, []terraform.Node{n}); err != nil {
			return err
		}
		for address, node := range rendering.Nodes {
			if node.Type == f.typ {
				want[address] = f
			}
		}
	}
	_, refused, err := r.tf.Plan(ctx, rendering.Config(), nil)
	if err != nil {
		return err
	}
	said := map[string]string{}
	for _, d := range refused {
		said[d.Address] += d.String() + "\n"
	}
	var missed []error
	for address, f := range want {
		// Terraform itself, which checks what is required, names no address.
		if !strings.Contains(said[address]+said[""], f.says) {
			missed = append(missed, fmt.Errorf("planted in %s: %s; the provider said %q", address, f.what, said[address]))
		}
	}
	if len(missed) > 0 {
		return fmt.Errorf("the referee does not see every fault: %w", errors.Join(missed...))
	}
	fmt.Printf("%d planted faults, all refused\n", len(want))
	return nil
}

// firstOf is a copy of the first resource of a type.
func firstOf(nodes []terraform.Node, typ string) (terraform.Node, error) {
	for _, n := range nodes {
		if n.Type == typ {
			n.Inputs = maps.Clone(n.Inputs)
			return n, nil
		}
	}
	return terraform.Node{}, fmt.Errorf("the blueprint has no %s to plant a fault in", typ)
}
