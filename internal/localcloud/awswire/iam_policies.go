// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"maps"
	"slices"
	"strings"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/untyped"
)

// roleNamed is the role that a request is about.
func (q *request) roleNamed() (account.Resource, error) {
	name := q.form.str("RoleName")
	r, ok := q.account.Get(account.KindRole, name)
	if !ok {
		return r, noSuch("The role with name %s cannot be found.", name)
	}
	return r, nil
}

// inlinePolicies are the documents of a role's own policies, by their names.
func (q *request) inlinePolicies(role account.Resource) map[string]string {
	out := map[string]string{}
	for _, in := range untyped.Objects(role.Props["inlinePolicies"]) {
		if document := str(in, "policy"); document != "" {
			out[str(in, "name")] = document
		}
	}
	for _, r := range q.account.Find(account.KindRolePolicy, ofRole(role)) {
		out[r.Name] = str(r.All(), "policy")
	}
	return out
}

// ofRole selects what names a role by its name or its ARN.
func ofRole(role account.Resource) func(account.Resource) bool {
	return func(r account.Resource) bool { return account.RoleName(str(r.All(), "role")) == role.ID }
}

func listRolePolicies(q *request) (answer, error) {
	role, err := q.roleNamed()
	if err != nil {
		return answer{}, err
	}
	names := slices.Collect(maps.Keys(q.inlinePolicies(role)))
	return pageOfIAM(q, "PolicyNames", names, same, func(name string) node { return txt("", name) })
}

func same(s string) string { return s }

func getRolePolicy(q *request) (answer, error) {
	role, err := q.roleNamed()
	if err != nil {
		return answer{}, err
	}
	name := q.form.str("PolicyName")
	document, ok := q.inlinePolicies(role)[name]
	if !ok {
		return answer{}, noSuch("The role policy with name %s cannot be found.", name)
	}
	return q.query(txt("RoleName", role.ID), txt("PolicyName", name), txt("PolicyDocument", encoded(document)))
}

func listAttachedRolePolicies(q *request) (answer, error) {
	role, err := q.roleNamed()
	if err != nil {
		return answer{}, err
	}
	arns := untyped.Texts(role.Props["managedPolicyArns"])
	for _, r := range q.account.Find(account.KindRolePolicyAttachment, ofRole(role)) {
		arns = append(arns, str(r.All(), "policyArn"))
	}
	below := q.form.str("PathPrefix")
	arns = slices.DeleteFunc(arns, func(arn string) bool { return !strings.HasPrefix(policyPath(arn), below) })
	slices.Sort(arns)
	return pageOfIAM(q, "AttachedPolicies", slices.Compact(arns), same, func(arn string) node {
		return el("", txt("PolicyName", arn[strings.LastIndexByte(arn, '/')+1:]), txt("PolicyArn", arn))
	})
}

// policyPath is the path in the ARN of a policy: "/" or "/service-role/".
func policyPath(arn string) string {
	_, rest, _ := strings.Cut(arn, ":policy")
	return rest[:strings.LastIndexByte(rest, '/')+1]
}

// getPolicyVersion has the one version of the account's own policies.
func getPolicyVersion(q *request) (answer, error) {
	arn, version := q.form.str("PolicyArn"), q.form.str("VersionId")
	r, ok := q.account.Get(account.KindPolicy, arn)
	switch {
	case !ok:
		return answer{}, noSuch("Policy %s was not found.", arn)
	case version != firstVersion:
		return answer{}, noSuch("Policy %s version %s does not exist or is not attachable.", arn, version)
	}
	return q.query(el("PolicyVersion", txt("Document", encoded(str(r.All(), "policy"))), txt("VersionId", version),
		boolean("IsDefaultVersion", true), when("CreateDate", r.CreatedAt)))
}

// firstVersion is the version that a policy of the simulated account has: an update replaces it.
const firstVersion = "v1"
