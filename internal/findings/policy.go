// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"emrflink/internal/iam"
	"emrflink/internal/untyped"
)

// statement is a policy statement, as the rules ask about it.
type statement struct{ iam.Statement }

// name is how a message calls the statement.
func (s statement) name(i int) string {
	if s.Sid != "" {
		return "statement " + s.Sid
	}
	return "statement " + strconv.Itoa(i+1)
}

// everybody tells whether the principal is anyone.
func (s statement) everybody() bool {
	return slices.ContainsFunc(s.Principals, func(p iam.Principal) bool { return p.ID == iam.Anyone })
}

// conditionOn tells whether a condition key, in lower case, is of some kind.
func (s statement) conditionOn(kind func(key string) bool) bool {
	return slices.ContainsFunc(s.Conditions, func(c iam.Condition) bool { return kind(strings.ToLower(c.Key)) })
}

// scoped tells whether a condition confines a statement to some resources: by their tags, or by a service's own key for
// them.
func (s statement) scoped() bool {
	return s.conditionOn(func(k string) bool {
		return strings.Contains(k, ":resourcetag/") || strings.HasSuffix(k, ":resourceidentifier") ||
			strings.HasPrefix(k, "aws:requesttag/")
	})
}

// policyDocument is a policy in the properties of a resource.
type policyDocument struct {
	Resource   Resource
	Path       string
	Statements []statement
	// Err is why IAM refuses the document, which has no statements then.
	Err error
}

// identityPolicies are the documents that give permissions to whoever has them; skip is told of unknown ones.
func (g *graph) identityPolicies(skip func(Resource)) []policyDocument {
	var out []policyDocument
	for _, r := range g.of("aws:iam/policy:Policy", "aws:iam/rolePolicy:RolePolicy", "aws:iam/userPolicy:UserPolicy",
		"aws:iam/groupPolicy:GroupPolicy") {
		out = g.parse(out, r, "policy", r.Inputs["policy"], skip)
	}
	for _, r := range g.of("aws:iam/role:Role") {
		for i, p := range untyped.List(r.Inputs["inlinePolicies"]) {
			out = g.parse(out, r, "inlinePolicies["+strconv.Itoa(i)+"].policy", untyped.At(p, "policy"), skip)
		}
	}
	return out
}

// resourcePolicies are those that say who may use a resource.
func (g *graph) resourcePolicies(skip func(Resource)) []policyDocument {
	var out []policyDocument
	for _, r := range g.of("aws:s3/bucketPolicy:BucketPolicy", "aws:sqs/queuePolicy:QueuePolicy",
		"aws:sns/topicPolicy:TopicPolicy",
		"aws:kms/key:Key", "aws:ecr/repositoryPolicy:RepositoryPolicy", "aws:secretsmanager/secretPolicy:SecretPolicy") {
		if r.Inputs["policy"] != nil {
			out = g.parse(out, r, "policy", r.Inputs["policy"], skip)
		}
	}
	for _, r := range g.of("aws:sqs/queue:Queue") {
		if r.Inputs["policy"] != nil {
			out = g.parse(out, r, "policy", r.Inputs["policy"], skip)
		}
	}
	return out
}

// trustPolicies say who may assume a role.
func (g *graph) trustPolicies(skip func(Resource)) []policyDocument {
	var out []policyDocument
	for _, r := range g.of("aws:iam/role:Role") {
		out = g.parse(out, r, "assumeRolePolicy", r.Inputs["assumeRolePolicy"], skip)
	}
	return out
}

// parse appends a document. One with unknown parts is not judged: what is not known may be what confines it.
func (g *graph) parse(out []policyDocument, r Resource, path string, v any, skip func(Resource)) []policyDocument {
	if untyped.IsUnknown(v) {
		skip(r)
		return out
	}
	raw := []byte(untyped.Known(v))
	if m := untyped.Object(v); m != nil {
		var err error
		if raw, err = json.Marshal(m); err != nil {
			return out
		}
	}
	if len(raw) == 0 {
		return out
	}
	read, err := iam.Parse(raw)
	doc := policyDocument{Resource: r, Path: path, Err: err}
	for _, s := range read.Statements {
		doc.Statements = append(doc.Statements, statement{s})
	}
	return append(out, doc)
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// readOnly tells whether a wildcard in an action only covers reading.
func readOnly(action string) bool {
	_, name, _ := strings.Cut(action, ":")
	for _, p := range []string{"Describe", "List", "Get", "BatchGet", "Head"} {
		if hasPrefixFold(name, p) {
			return true
		}
	}
	return false
}
