// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/policy"
	"emrflink/internal/tools/terraform"
	"emrflink/internal/untyped"
)

// sample is a part of a graph: a resource of each service that the local account makes without a cluster.
func sample() []terraform.Node {
	const name = "emr-eks-flink"
	tags := map[string]any{"emrflink:deployment": name, "emrflink:managed-by": "emrflink"}
	node := func(typ, urn string, in map[string]any, uses ...string) terraform.Node {
		n := terraform.Node{URN: "urn:pulumi:proof::emrflink::" + typ + "::" + urn, Type: typ, Name: urn, Inputs: in}
		for _, u := range uses {
			n.DependsOn = append(n.DependsOn, "urn:pulumi:proof::emrflink::"+u)
		}
		return n
	}
	const trust = `{"Version":"2012-10-17","Statement":[{"Sid":"S","Effect":"Allow","Action":"sts:AssumeRole",` +
		`"Principal":{"Service":"ec2.amazonaws.com"}}]}`
	const document = `{"Version":"2012-10-17","Statement":[{"Sid":"S","Effect":"Allow","Action":"s3:ListAllMyBuckets",` +
		`"Resource":"*"}]}`
	const vpc, role, own = "aws:ec2/vpc:Vpc::vpc", "aws:iam/role:Role::role", "aws:iam/policy:Policy::policy"
	return []terraform.Node{
		node("aws:ec2/vpc:Vpc", "vpc", map[string]any{"cidrBlock": "10.0.0.0/16", "tags": tags}),
		node("aws:ec2/subnet:Subnet", "subnet", map[string]any{
			"vpcId": untyped.Unknown, "cidrBlock": "10.0.0.0/24", "availabilityZone": "us-west-2a", "tags": tags,
		}, vpc),
		node("aws:iam/role:Role", "role", map[string]any{
			"name": name + "-us-west-2-flink-team-a-job", "path": "/", "assumeRolePolicy": trust, "tags": tags,
		}),
		node("aws:iam/policy:Policy", "policy", map[string]any{
			"name": name + "-us-west-2-x", "path": "/", "policy": document, "tags": tags,
		}),
		node("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "attachment",
			map[string]any{"role": name + "-us-west-2-flink-team-a-job", "policyArn": untyped.Unknown}, role, own),
		node("aws:s3/bucketV2:BucketV2", "bucket", map[string]any{"bucket": name + "-111122223333-x", "tags": tags}),
		node("aws:sqs/queue:Queue", "queue", map[string]any{"name": name + "-karpenter", "tags": tags}),
		node("aws:cloudwatch/logGroup:LogGroup", "logs", map[string]any{
			"name": "/aws/emr-flink/" + name + "/flink-team-a", "retentionInDays": 30.0, "tags": tags,
		}),
	}
}

// Under the printed policy nothing is refused, and without an action just that one is, to whoever needs it.
func TestEveryActionOfASampleIsNeeded(t *testing.T) {
	t.Parallel()
	nodes, err := ordered(sample())
	require.NoError(t, err)
	d, err := derive(nodes, policy.Deploy)
	require.NoError(t, err)
	found, err := taken(t.Context(), d, func(w *world) []part {
		return []part{
			each(nodes, w.role, w.create), each(nodes, w.role, w.read), each(nodes, w.role, w.update),
			each(backwards(nodes), w.role, w.removeSmall),
		}
	})
	require.NoError(t, err)
	unseen := 0
	for _, f := range found {
		byUs := slices.Equal(f.Known, []string{policy.ByUs})
		require.Equal(t, !byUs, f.by == byProvider, "%s is known by %v and refused to %q", f.Action.Action, f.Known, f.by)
		if f.by == "" {
			unseen++
		}
	}
	require.Greater(t, len(found)-unseen, 60, "of %d", len(found))
}

// A policy that lacks an action is found out.
func TestAPolicyThatIsNotEnoughIsAnError(t *testing.T) {
	t.Parallel()
	d, err := derive(sample(), policy.Deploy)
	require.NoError(t, err)
	for i, m := range d.Policies {
		less, err := without([]string{string(m.Document)}, "ec2:CreateVpc")
		require.NoError(t, err)
		d.Policies[i].Document = []byte(less[0])
	}
	_, err = taken(t.Context(), d, func(w *world) []part { return []part{each(sample(), w.role, w.create)} })
	require.ErrorContains(t, err, "the whole policy is not enough: [ec2:CreateVpc]")
}

func TestThePageNamesWhatWasNotSeen(t *testing.T) {
	t.Parallel()
	text := page([]finding{
		{configuration: "default", purpose: policy.Job, Action: policy.Action{Action: "s3:GetObject"}, by: byClient},
		{configuration: "default", purpose: policy.Job, Action: policy.Action{Action: "iam:PassRole", Known: []string{"source"}}},
	})
	require.Contains(t, text, "| default | `job` | 2 | 1 |")
	require.Contains(t, text, "| `iam:PassRole` | source | not seen |")
	require.Contains(t, text, "| `s3:GetObject` |  | emrflink's own calls |")
}
