// SPDX-License-Identifier: Apache-2.0

package iam

import (
	"fmt"
	"slices"
	"strings"

	"emrflink/components/iamdoc"
)

// Kind is what a document is for.
type Kind int

// The kinds of documents.
const (
	// KindManaged is an identity policy that roles attach.
	KindManaged Kind = iota
	// KindInline is an identity policy inside a role.
	KindInline
	// KindTrust says who may assume a role.
	KindTrust
	// KindResource is the policy of a bucket or a queue.
	KindResource
	// KindKey is the policy of a KMS key: its resource "*" is the key, and AWS's own key policies have kms:Encrypt* and
	// the like (KMS Developer Guide, "Key policies").
	KindKey
)

// Quotas of a role beside those of iamdoc (IAM User Guide, IAM and AWS STS quotas:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
const (
	MaxInlinePolicies = 10240 // characters without white space of all inline policies together
	MaxAttached       = 10    // managed policies
)

// Check returns what is wrong with a document.
func (t *ActionTable) Check(kind Kind, text string) []string {
	doc, err := Parse([]byte(text))
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if doc.Version != "2012-10-17" {
		add("Version is %q: policy variables and newer condition keys need 2012-10-17", doc.Version)
	}
	if err := shape(kind, doc); err != nil {
		add("%v", err)
	}
	if limit := sizeLimits()[kind]; limit > 0 && Size(text) > limit {
		add("%d characters, the quota is %d", Size(text), limit)
	}
	for i := 0; i < len(text); i++ {
		// The bytes of U+00A0 to U+00FF and beyond: names here have no use for them, and IAM refuses what is above. Control
		// characters are no JSON.
		if text[i] >= 0x7f {
			add("character %#x", text[i])
			break
		}
	}
	for i, s := range doc.Statements {
		for _, p := range t.statement(kind, s) {
			add("statement %s: %s", nameOf(s, i), p)
		}
	}
	return out
}

func sizeLimits() map[Kind]int {
	return map[Kind]int{
		KindManaged: iamdoc.MaxManagedPolicy, KindInline: MaxInlinePolicies, KindTrust: iamdoc.MaxTrustPolicy,
	}
}

func nameOf(s Statement, i int) string {
	if s.Sid != "" {
		return s.Sid
	}
	return fmt.Sprintf("#%d", i+1)
}

func shape(kind Kind, doc Document) error {
	switch kind {
	case KindTrust:
		return doc.CheckTrust()
	case KindResource, KindKey:
		return doc.CheckResource()
	default:
		return doc.CheckIdentity()
	}
}

// CheckRole returns what is wrong with the policies of a role taken together.
func CheckRole(inline []string, attached int) []string {
	var out []string
	sum := 0
	for _, text := range inline {
		sum += Size(text)
	}
	if sum > MaxInlinePolicies {
		out = append(out, fmt.Sprintf("inline policies have %d characters, the quota of a role is %d", sum, MaxInlinePolicies))
	}
	if attached > MaxAttached {
		out = append(out, fmt.Sprintf("%d managed policies, the quota of a role is %d", attached, MaxAttached))
	}
	return out
}

func (t *ActionTable) statement(kind Kind, s Statement) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if kind != KindResource && strings.ContainsFunc(s.Sid, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		add("Sid %q has other characters than letters and digits", s.Sid)
	}
	if len(s.NotAction)+len(s.NotResource)+len(s.NotPrincipal) > 0 && s.allows() {
		add("an Allow with NotAction, NotResource or NotPrincipal allows what nobody has listed")
	}
	used := map[string]bool{}
	for _, name := range slices.Concat(s.Action, s.NotAction) {
		out = append(out, t.action(kind, s, name, used)...)
	}
	for _, r := range s.Resource {
		if !used[r] && len(s.Action) > 0 && !strings.Contains(strings.Join(s.Action, " "), "*") {
			add("no action of the statement applies to resource %q", r)
		}
	}
	return append(out, openTo(kind, s)...)
}

// action checks an action of a statement, and notes the resources that it applies to.
func (t *ActionTable) action(kind Kind, s Statement, name string, used map[string]bool) []string {
	service, _, _ := strings.Cut(name, ":")
	if strings.Contains(name, "*") {
		switch {
		case kind == KindKey && service == "kms":
		case s.allows():
			return []string{fmt.Sprintf("action %q allows more than is listed", name)}
		case name != "*" && !t.knowsService(service):
			return []string{fmt.Sprintf("action %q: no service %q in actions.csv", name, service)}
		}
		return nil
	}
	a, ok := t.Action(name)
	if !ok {
		return []string{fmt.Sprintf("action %q is not in actions.csv: look it up in the Service Authorization Reference, then "+
			"add it", name)}
	}
	applies := kind == KindTrust
	for _, r := range s.Resource {
		if kind == KindKey || a.Takes(r) {
			used[r], applies = true, true
		}
	}
	out := uselessKeys(kind, name, a, s)
	if !applies {
		out = append(out, fmt.Sprintf("action %s applies to none of the statement's resources", name))
	}
	if len(a.Types) > 0 && kind != KindKey && unlimited(s) {
		out = append(out, fmt.Sprintf("action %s is allowed on everything, though it can be limited to resources", name))
	}
	return out
}

// uselessKeys finds the keys that no call of an action brings along.
func uselessKeys(kind Kind, name string, a Action, s Statement) []string {
	var out []string
	for _, c := range s.Conditions {
		if !a.Knows(c.Key) && (kind != KindTrust || !oidcKey(c.Key)) {
			out = append(out, fmt.Sprintf("condition key %s is never in the context of %s: the statement allows nothing", c.Key,
				name))
		}
	}
	return out
}

// unlimited is an Allow on everything without a condition.
func unlimited(s Statement) bool {
	return s.allows() && len(s.Conditions) == 0 && len(s.Resource) == 1 && s.Resource[0] == everything
}

// oidcKey is a key of a web identity: the issuer's host and path, then aud or sub.
func oidcKey(key string) bool {
	host, claim, ok := strings.Cut(key, ":")
	return ok && strings.HasPrefix(host, "oidc.eks.") && (claim == "aud" || claim == "sub")
}

// openTo finds a principal that is everyone, and a web identity of which no subject is asked.
func openTo(kind Kind, s Statement) []string {
	if s.denies() {
		return nil
	}
	var out []string
	for _, p := range s.Principals {
		if p.ID == Anyone && (kind != KindKey || !limitedToAccount(s)) {
			out = append(out, "everyone is allowed")
		}
		if p.Type == PrincipalFederated && (!exactly(s, ":sub") || !exactly(s, ":aud")) {
			out = append(out, "a web identity is trusted without its exact subject and audience (StringEquals on :sub and :aud)")
		}
	}
	return out
}

// limitedToAccount is a statement of a key policy for everyone in one account, as in the policies of AWS's own keys.
func limitedToAccount(s Statement) bool {
	return slices.ContainsFunc(s.Conditions, func(c Condition) bool {
		return c.Operator == "StringEquals" && strings.EqualFold(c.Key, "kms:CallerAccount")
	})
}

func exactly(s Statement, claim string) bool {
	for _, c := range s.Conditions {
		if c.Operator == "StringEquals" && strings.HasSuffix(c.Key, claim) && oidcKey(c.Key) {
			return true
		}
	}
	return false
}
