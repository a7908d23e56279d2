// SPDX-License-Identifier: Apache-2.0

package graphcheck

import (
	"strings"

	"emrflink/components/componenttest"
	"emrflink/internal/iam"
)

// Pulumi types that carry policies.
const (
	typeRole       = "aws:iam/role:Role"
	typePolicy     = "aws:iam/policy:Policy"
	typeAttachment = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
	typeRolePolicy = "aws:iam/rolePolicy:RolePolicy"
	typeBucketRule = "aws:s3/bucketPolicy:BucketPolicy"
	typeQueueRule  = "aws:sqs/queuePolicy:QueuePolicy"
	typeKey        = "aws:kms/key:Key"
)

// Documents checks every policy document of the graph: grammar, quotas, actions, resources and condition keys.
func Documents(w *World) []string {
	table, err := iam.Actions()
	if err != nil {
		return []string{err.Error()}
	}
	var out report
	for _, r := range w.Graph.Resources {
		var kind iam.Kind
		input := "policy"
		switch r.Type {
		case typeRole:
			kind, input = iam.KindTrust, "assumeRolePolicy"
		case typePolicy:
			kind = iam.KindManaged
		case typeRolePolicy:
			kind = iam.KindInline
		case typeBucketRule, typeQueueRule:
			kind = iam.KindResource
		case typeKey:
			kind = iam.KindKey
		default:
			continue
		}
		for _, p := range table.Check(kind, text(r, input)) {
			out.add(true, "%s: %s", r.Name, p)
		}
	}
	for _, r := range w.of(typeRole) {
		role := w.role(text(r, "name"))
		for _, p := range append(role.problems, iam.CheckRole(role.inline, role.attached)...) {
			out.add(true, "%s: %s", r.Name, p)
		}
	}
	return out
}

// role is a role with what is attached to it.
type role struct {
	name     string
	trust    string
	policies []iam.Document
	inline   []string
	attached int
	problems []string
}

// role collects the policies of a role: those of the graph by their name in the ARN, and AWS's own.
func (w *World) role(name string) role {
	out := role{name: name}
	for _, r := range w.of(typeRole) {
		if text(r, "name") == name {
			out.trust = text(r, "assumeRolePolicy")
		}
	}
	for _, r := range w.of(typeRolePolicy) {
		if text(r, "role") == name {
			out.inline = append(out.inline, text(r, "policy"))
			out.parse(r, text(r, "policy"))
		}
	}
	for _, a := range w.of(typeAttachment) {
		if text(a, "role") != name {
			continue
		}
		out.attached++
		arn := text(a, "policyArn")
		document := iam.AWSManaged(arn)
		for _, p := range w.of(typePolicy) {
			if strings.HasSuffix(arn, ":policy/"+text(p, "name")) {
				document = text(p, "policy")
			}
		}
		if document == "" {
			out.problems = append(out.problems, "attached policy "+arn+" is neither in the graph nor one of AWS's that the "+
				"project knows")
			continue
		}
		out.parse(a, document)
	}
	return out
}

func (r *role) parse(from componenttest.Resource, text string) {
	doc, err := iam.Parse([]byte(text))
	if err != nil {
		r.problems = append(r.problems, from.Name+": "+err.Error())
		return
	}
	r.policies = append(r.policies, doc)
}
