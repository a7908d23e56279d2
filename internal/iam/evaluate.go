// SPDX-License-Identifier: Apache-2.0

package iam

import (
	"errors"
	"fmt"
	"strings"

	"emrflink/components/iamdoc"
)

// Document is a parsed policy.
type Document struct {
	Version, ID string
	Statements  []Statement
}

// Statement is one statement of a document, checked and taken apart. Exactly one of Action and NotAction is set; the
// same holds for resources and principals where the document has them.
type Statement struct {
	iamdoc.Statement
	// Principals and Conditions are the statement's own, one a row, sorted.
	Principals, NotPrincipals []Principal
	Conditions                []Condition
}

func (s Statement) allows() bool { return s.Effect == "Allow" }
func (s Statement) denies() bool { return s.Effect == "Deny" }

func (s Statement) hasPrincipal() bool { return s.Principal != nil || s.NotPrincipal != nil }
func (s Statement) hasResource() bool  { return s.Resource != nil || s.NotResource != nil }

// Principal is the caller (in a Request), or the identity that a Statement applies to, whose ID may be "*".
type Principal struct {
	Type string // PrincipalAWS, PrincipalService, PrincipalFederated; Anyone in a statement
	ID   string // an ARN or account id, a service such as "events.amazonaws.com", a provider ARN
}

// The types of principals.
const (
	PrincipalAWS           = "AWS"
	PrincipalService       = "Service"
	PrincipalFederated     = "Federated"
	PrincipalCanonicalUser = "CanonicalUser" // S3's old name of an account: no request here comes from one

	// Anyone is the type, and the id, of the principal "*".
	Anyone = "*"
)

// Condition is one operator applied to one key.
type Condition struct {
	Operator string // as written, with its qualifiers
	Key      string
	Values   []string
	op       operator
}

// Request is what is asked for. Context keys are compared without regard to case, as AWS does.
type Request struct {
	Action, Resource string
	Principal        Principal
	Context          map[string][]string
}

// Decision is the outcome of an evaluation. Without an allowing statement and without an explicit deny
// the request is denied implicitly.
type Decision struct {
	Allowed, ExplicitDeny bool
	Statement             string // Sid of the deciding statement, or its position as "#2" when it has none
}

// Evaluate decides a request over all documents: an explicit deny wins, then an allow.
func Evaluate(docs []Document, r Request) Decision {
	ctx := newContext(r)
	var decision Decision
	for _, doc := range docs {
		for i, s := range doc.Statements {
			if decision.Allowed && !s.denies() || !s.matches(r, ctx) {
				continue
			}
			if s.denies() {
				return Decision{ExplicitDeny: true, Statement: nameOf(s, i)}
			}
			decision = Decision{Allowed: true, Statement: nameOf(s, i)}
		}
	}
	return decision
}

func (s Statement) matches(r Request, ctx context) bool {
	if s.hasPrincipal() {
		in := anyPrincipal(s.Principals, r.Principal)
		if len(s.NotPrincipals) > 0 {
			in = !anyPrincipal(s.NotPrincipals, r.Principal)
		}
		if !in {
			return false
		}
	}
	if !s.Covers(r.Action) {
		return false
	}
	if s.hasResource() {
		in := anyResource(s.Resource, r.Resource, ctx)
		if len(s.NotResource) > 0 {
			in = !anyResource(s.NotResource, r.Resource, ctx)
		}
		if !in {
			return false
		}
	}
	for _, c := range s.Conditions {
		if !c.holds(ctx) {
			return false
		}
	}
	return true
}

// Covers says whether the statement is about an action.
func (s Statement) Covers(action string) bool {
	if len(s.NotAction) > 0 {
		return !anyAction(s.NotAction, action)
	}
	return anyAction(s.Action, action)
}

func anyPrincipal(list []Principal, p Principal) bool {
	for _, want := range list {
		if want.Type == Anyone || want.Type == p.Type && (want.ID == Anyone || samePrincipal(want.ID, p)) {
			return true
		}
	}
	return false
}

// samePrincipal also accepts the account and its root for every principal of that account, and the ARN
// of a role for its sessions.
func samePrincipal(want string, p Principal) bool {
	if want == p.ID {
		return true
	}
	if p.Type != PrincipalAWS {
		return false
	}
	parts := strings.SplitN(p.ID, ":", 6)
	if len(parts) < 6 {
		return false
	}
	if want == parts[4] || strings.HasPrefix(want, "arn:") && strings.HasSuffix(want, "::"+parts[4]+":root") {
		return true
	}
	session, ok := strings.CutPrefix(parts[5], "assumed-role/")
	role, _, _ := strings.Cut(session, "/")
	at := strings.LastIndexByte(want, '/') // roles with a path lose it in the session's ARN
	return ok && strings.Contains(want, ":"+parts[4]+":role/") && want[at+1:] == role
}

func anyAction(patterns []string, action string) bool {
	for _, p := range patterns {
		if Match(strings.ToLower(p), strings.ToLower(action)) {
			return true
		}
	}
	return false
}

func anyResource(patterns []string, resource string, ctx context) bool {
	for _, p := range patterns {
		if pattern, ok := ctx.expand(p, true); ok && Match(pattern, resource) {
			return true
		}
	}
	return false
}

// CheckIdentity reports why the document cannot be an identity policy, which names resources and no
// principals.
func (d Document) CheckIdentity() error {
	for i, s := range d.Statements {
		if s.hasPrincipal() {
			return fmt.Errorf("statement %d: an identity policy must not have a Principal", i+1)
		}
		if !s.hasResource() {
			return fmt.Errorf("statement %d: Resource is missing", i+1)
		}
	}
	return nil
}

// CheckTrust reports why the document cannot be a role's trust policy, which names principals and no
// resources.
func (d Document) CheckTrust() error {
	for i, s := range d.Statements {
		if !s.hasPrincipal() {
			return fmt.Errorf("statement %d: Principal is missing", i+1)
		}
		if s.hasResource() {
			return fmt.Errorf("statement %d: a trust policy must not have a Resource", i+1)
		}
	}
	return nil
}

// CheckResource reports why the document cannot be the policy of a bucket or a queue, which names both.
func (d Document) CheckResource() error {
	for i, s := range d.Statements {
		if !s.hasPrincipal() {
			return fmt.Errorf("statement %d: Principal is missing", i+1)
		}
		if !s.hasResource() {
			return fmt.Errorf("statement %d: Resource is missing", i+1)
		}
	}
	return nil
}

var errEmpty = errors.New("the policy is empty")
