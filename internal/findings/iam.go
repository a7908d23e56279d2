// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"slices"
	"strconv"
	"strings"

	"emrflink/internal/iam"
	"emrflink/internal/untyped"
)

// wildcardAction reports actions with a *, but for reads: what `Describe*` lets see is judged by the resource.
func wildcardAction(g *graph, rep *reporter) {
	for _, doc := range g.identityPolicies(rep.skip) {
		for i, s := range doc.Statements {
			if s.Effect != "Allow" {
				continue
			}
			if len(s.NotAction) > 0 {
				rep.add(doc.Resource, doc.Path, "%s allows everything but %s", s.name(i), strings.Join(s.NotAction, ", "))
			}
			var wild []string
			for _, a := range s.Action {
				if strings.Contains(a, "*") && (strings.HasSuffix(a, ":*") || !strings.Contains(a, ":") || !readOnly(a)) {
					wild = append(wild, a)
				}
			}
			if len(wild) > 0 {
				rep.add(doc.Resource, doc.Path, "%s allows %s", s.name(i), strings.Join(wild, ", "))
			}
		}
	}
}

// wildcardResource reports statements on every resource, with the actions that could be confined.
func wildcardResource(g *graph, rep *reporter) {
	for _, doc := range g.identityPolicies(rep.skip) {
		for i, s := range doc.Statements {
			if s.Effect != "Allow" || s.scoped() {
				continue
			}
			what := everything(s)
			if what == "" {
				continue
			}
			var could []string
			for _, a := range s.Action {
				if !iam.Unscoped(a) {
					could = append(could, a)
				}
			}
			if len(could) > 0 || len(s.NotAction) > 0 {
				rep.add(doc.Resource, doc.Path, "%s allows %s on %s", s.name(i), shortList(append(could, s.NotAction...)), what)
			}
		}
	}
}

// everything is the resource of a statement that is every one of an account or a service, "" when there is none.
func everything(s statement) string {
	if len(s.NotResource) > 0 {
		return "everything but " + strings.Join(s.NotResource, ", ")
	}
	for _, r := range s.Resource {
		if strings.Trim(r, "*") == "" {
			return "*"
		}
		// arn:aws:s3:::* and arn:aws:logs:*:*:*: nothing is named behind the service.
		if parts := strings.SplitN(r, ":", 6); len(parts) == 6 && strings.Trim(parts[5], "*") == "" {
			return r
		}
	}
	return ""
}

// openTrust reports resources that everybody may use, and roles for every identity of a provider.
func openTrust(g *graph, rep *reporter) {
	for _, doc := range append(g.resourcePolicies(rep.skip), g.trustPolicies(rep.skip)...) {
		for i, s := range doc.Statements {
			if s.Effect != "Allow" {
				continue
			}
			if s.everybody() && len(s.Condition) == 0 {
				rep.add(doc.Resource, doc.Path, "%s allows everybody", s.name(i))
			}
			if s.Covers("sts:AssumeRoleWithWebIdentity") && !s.conditionOn(onSubject) {
				rep.add(doc.Resource, doc.Path, "%s has no condition on the subject", s.name(i))
			}
		}
	}
}

func onSubject(key string) bool { return strings.HasSuffix(key, ":sub") }

// refusedDocument reports documents that IAM refuses. What is unknown in one is said by the rules that judge it.
func refusedDocument(g *graph, rep *reporter) {
	skip := func(Resource) {}
	for _, doc := range slices.Concat(g.identityPolicies(skip), g.resourcePolicies(skip), g.trustPolicies(skip)) {
		if doc.Err != nil {
			rep.add(doc.Resource, doc.Path, "IAM refuses the document, so nothing of it was judged: %v", doc.Err)
		}
	}
}

func iamUser(g *graph, rep *reporter) {
	for typ, what := range map[string]string{
		"aws:iam/user:User": "an IAM user", "aws:iam/accessKey:AccessKey": "an access key",
		"aws:iam/userLoginProfile:UserLoginProfile": "a console password",
	} {
		for _, r := range g.of(typ) {
			rep.add(r, "", "makes %s", what)
		}
	}
}

func isPolicy(urn string) bool { return strings.Contains(urn, "aws:iam/policy:Policy::") }

// broadManagedPolicy reports policies of AWS that allow all of a service, or of everything.
func broadManagedPolicy(g *graph, rep *reporter) {
	look := func(r Resource, path string, v any) {
		_, name, ofAWS := strings.Cut(untyped.Known(v), ":iam::aws:policy/")
		name = name[strings.LastIndex(name, "/")+1:]
		switch {
		case untyped.IsUnknown(v):
			if !slices.ContainsFunc(r.Dependencies, isPolicy) { // the document of one that is made here is judged as such
				rep.skip(r)
			}
		case ofAWS && (name == "AdministratorAccess" || name == "PowerUserAccess" || strings.HasSuffix(name, "FullAccess")):
			rep.add(r, path, "attaches %s", name)
		}
	}
	for _, r := range g.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment",
		"aws:iam/userPolicyAttachment:UserPolicyAttachment", "aws:iam/groupPolicyAttachment:GroupPolicyAttachment") {
		look(r, "policyArn", r.Inputs["policyArn"])
	}
	for _, r := range g.of("aws:iam/role:Role") {
		for i, arn := range untyped.List(r.Inputs["managedPolicyArns"]) {
			look(r, "managedPolicyArns["+strconv.Itoa(i)+"]", arn)
		}
	}
}
