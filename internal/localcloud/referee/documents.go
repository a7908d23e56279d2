// SPDX-License-Identifier: Apache-2.0

package referee

import (
	"strings"

	"emrflink/components/componenttest"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/iamcheck"
	"emrflink/internal/localcloud/policy"
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
	table, err := iamcheck.Load()
	if err != nil {
		return []string{err.Error()}
	}
	var out report
	for _, r := range w.Graph.Resources {
		var kind iamcheck.Kind
		input := "policy"
		switch r.Type {
		case typeRole:
			kind, input = iamcheck.Trust, "assumeRolePolicy"
		case typePolicy:
			kind = iamcheck.Managed
		case typeRolePolicy:
			kind = iamcheck.Inline
		case typeBucketRule, typeQueueRule:
			kind = iamcheck.Resource
		case typeKey:
			kind = iamcheck.Key
		default:
			continue
		}
		for _, p := range table.Check(kind, text(r, input)) {
			out.add(true, "%s: %s", r.Name, p)
		}
	}
	for _, r := range w.of(typeRole) {
		role := w.role(text(r, "name"))
		for _, p := range append(role.problems, iamcheck.Role(role.inline, role.attached)...) {
			out.add(true, "%s: %s", r.Name, p)
		}
	}
	return out
}

// role is a role with what is attached to it.
type role struct {
	name     string
	trust    string
	policies []policy.Document
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
		document := account.ManagedPolicy(arn)
		for _, p := range w.of(typePolicy) {
			if strings.HasSuffix(arn, ":policy/"+text(p, "name")) {
				document = text(p, "policy")
			}
		}
		if document == "" {
			out.problems = append(out.problems, "attached policy "+arn+" is neither in the graph nor one of AWS's that the project knows")
			continue
		}
		out.parse(a, document)
	}
	return out
}

func (r *role) parse(from componenttest.Resource, text string) {
	doc, err := policy.Parse([]byte(text))
	if err != nil {
		r.problems = append(r.problems, from.Name+": "+err.Error())
		return
	}
	r.policies = append(r.policies, doc)
}
