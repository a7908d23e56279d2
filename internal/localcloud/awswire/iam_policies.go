// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"maps"
	"net/http"
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

// policySource is the role or the user of a simulation.
func policySource(q *request) ([]need, error) { return on(q.form.str("PolicySourceArn")) }

func simulatePrincipalPolicy(q *request) (answer, error) {
	arn := q.form.str("PolicySourceArn")
	actions, resources := q.form.strings("ActionNames"), q.form.strings("ResourceArns")
	if len(actions) != 1 || len(resources) != 1 {
		return answer{}, refuse(http.StatusNotImplemented, "NotImplemented",
			"iam:SimulatePrincipalPolicy of more than one action or resource is not simulated by emrflink's local target")
	}
	keys := map[string][]string{}
	for _, e := range q.form.items("ContextEntries") {
		keys[e.str("ContextKeyName")] = e.strings("ContextKeyValues")
	}
	decision, missing := "allowed", []string(nil) // the account's user is its administrator
	if arn != q.account.Administrator().ARN {
		if _, is := q.account.Get(account.KindRole, account.RoleName(arn)); !is {
			return answer{}, noSuch("The entity %s cannot be found.", arn)
		}
		decision, missing = q.account.Simulate(account.RoleName(arn), actions[0], resources[0], keys)
	}
	var keysMissing []node
	for _, key := range missing {
		keysMissing = append(keysMissing, txt("", key))
	}
	return q.query(txt("IsTruncated", "false"), list("EvaluationResults", "member", []node{el("",
		txt("EvalActionName", actions[0]), txt("EvalResourceName", resources[0]), txt("EvalDecision", decision),
		list("MissingContextValues", "member", keysMissing))}))
}
