// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"net/http"
	"strings"

	"emrflink/internal/iam"
	"emrflink/internal/localcloud/awserror"
)

func servicePrincipal(name string) iam.Principal {
	return iam.Principal{Type: iam.PrincipalService, ID: name}
}

// Administrator is the caller behind the static credentials.
func (a *Account) Administrator() Caller {
	return Caller{
		ARN: "arn:" + a.Partition() + ":iam::" + a.opts.AccountID + ":user/" + staticUserName, Account: a.opts.AccountID,
		AccessKey: StaticAccessKey, UserID: "AIDALOCALEMRFLINK0000", Via: ByUser,
	}
}

// Trusts evaluates a role's trust policy.
func (r Resource) Trusts(action string, p iam.Principal, keys map[string][]string) bool {
	doc, err := iam.Parse([]byte(str(r.Props, "assumeRolePolicy")))
	if err != nil {
		return false
	}
	return iam.Evaluate([]iam.Document{doc}, iam.Request{Action: action, Principal: p, Context: keys}).Allowed
}

// Authorize decides whether the caller may perform an action on a resource. For a role's session the
// role's inline and attached policies are evaluated, and the policy of the bucket or queue in question;
// the static user is an administrator. The account adds the condition keys that it knows: the requested
// region, the principal, and the tags of an existing resource, unless ctxKeys has them.
func (a *Account) Authorize(c Caller, action, resourceARN string, ctxKeys map[string][]string) error {
	if err := a.fault(context.Background(), action, "", resourceARN); err != nil {
		return err
	}
	if c.Role == "" {
		return nil
	}
	a.ledger.Lock()
	defer a.ledger.Unlock()
	t := &tx{a: a, c: c}
	role := t.get(KindRole, c.Role)
	if role == nil {
		return denied(c, action, resourceARN, "because the role no longer exists")
	}
	keys := t.contextKeys(resourceARN, ctxKeys)
	keys["aws:principalarn"] = []string{role.ARN}
	identity := iam.Evaluate(t.policiesOf(role), iam.Request{Action: action, Resource: resourceARN, Context: keys})
	if boundary := str(role.Props, "permissionsBoundary"); boundary != "" {
		request := iam.Request{Action: action, Resource: resourceARN, Context: keys}
		if !iam.Evaluate(t.parseAll([]string{t.policy(boundary)}), request).Allowed {
			return denied(c, action, resourceARN, "because no permissions boundary allows the "+action+" action")
		}
	}
	resource := iam.Evaluate(t.resourcePolicies(resourceARN), iam.Request{
		Action: action, Resource: resourceARN, Context: keys, Principal: iam.Principal{Type: iam.PrincipalAWS, ID: c.ARN},
	})
	switch {
	case identity.ExplicitDeny:
		return denied(c, action, resourceARN, "with an explicit deny in an identity-based policy")
	case resource.ExplicitDeny:
		return denied(c, action, resourceARN, "with an explicit deny in a resource-based policy")
	case identity.Allowed || resource.Allowed:
		return nil
	}
	return denied(c, action, resourceARN, "because no identity-based policy allows the "+action+" action")
}

func (t *tx) contextKeys(resourceARN string, given map[string][]string) map[string][]string {
	keys := map[string][]string{
		"aws:requestedregion": {t.region()}, "aws:principalaccount": {t.a.opts.AccountID},
	}
	if key, ok := t.a.byARN[resourceARN]; ok {
		for k, v := range t.a.lookup(key).Tags {
			keys["aws:resourcetag/"+strings.ToLower(k)] = []string{v}
		}
	}
	for k, v := range given {
		keys[strings.ToLower(k)] = v
	}
	return keys
}

// policiesOf are the documents of a role: inline, attached, and those that AWS manages.
func (t *tx) policiesOf(role *Resource) []iam.Document {
	var texts []string
	for _, in := range blocks(role.Props, "inlinePolicies") {
		texts = append(texts, str(in, "policy"))
	}
	arns := strs(role.Props, "managedPolicyArns")
	for _, r := range t.where(KindRolePolicy, func(r *Resource) bool { return r.ofRole(role.ID) }) {
		texts = append(texts, str(r.Props, "policy"))
	}
	for _, r := range t.where(KindRolePolicyAttachment, func(r *Resource) bool { return r.ofRole(role.ID) }) {
		arns = append(arns, str(r.Props, "policyArn"))
	}
	for _, arn := range arns {
		texts = append(texts, t.policy(arn))
	}
	return t.parseAll(texts)
}

// policy is the document of a policy of the account, or of one that AWS manages; "" when it is not known.
func (t *tx) policy(arn string) string {
	if own := t.get(KindPolicy, arn); own != nil {
		return str(own.Props, "policy")
	}
	return iam.AWSManaged(arn)
}

// maxParsed is how many parsed documents are kept.
const maxParsed = 200

// parseAll parses documents that were checked when they were made; empty ones are left out. What was parsed is kept: a deploy
// asks a role's documents some thousand questions.
func (t *tx) parseAll(texts []string) []iam.Document {
	var out []iam.Document
	for _, text := range texts {
		doc, ok := t.a.parsed[text]
		if !ok {
			var err error
			if doc, err = iam.Parse([]byte(text)); err != nil {
				continue
			}
			if len(t.a.parsed) >= maxParsed {
				clear(t.a.parsed)
			}
			t.a.parsed[text] = doc
		}
		out = append(out, doc)
	}
	return out
}

// resourcePolicies are the policies of the bucket or queue that an ARN lies in.
func (t *tx) resourcePolicies(arn string) []iam.Document {
	bucket, _, _ := strings.Cut(arn, "/")
	for _, candidate := range []string{arn, bucket} {
		key, ok := t.a.byARN[candidate]
		if !ok {
			continue
		}
		switch key.kind {
		case KindBucket:
			if r := t.get(KindBucketPolicy, key.id); r != nil {
				return t.parseAll([]string{str(r.Props, "policy")})
			}
		case KindQueue:
			return t.queuePolicies(key.id)
		}
	}
	return nil
}

func (t *tx) queuePolicies(url string) []iam.Document {
	if r := t.get(KindQueuePolicy, url); r != nil {
		return t.parseAll([]string{str(r.Props, "policy")})
	}
	return t.parseAll([]string{str(t.get(KindQueue, url).Props, "policy")})
}

// queueAdmits reports whether a queue's policy lets a rule of EventBridge send to it.
func (t *tx) queueAdmits(url, ruleARN string) bool {
	q := t.get(KindQueue, url)
	return iam.Evaluate(t.queuePolicies(url), iam.Request{
		Action: "sqs:SendMessage", Resource: q.ARN, Principal: servicePrincipal("events.amazonaws.com"),
		Context: map[string][]string{
			"aws:sourcearn": {ruleARN}, "aws:sourceaccount": {t.a.opts.AccountID}, "aws:securetransport": {"true"},
		},
	}).Allowed
}

// denied is a refusal in the words and with the code of the action's service.
func denied(c Caller, action, resource, why string) *awserror.Error {
	service, _, _ := strings.Cut(action, ":")
	message := "User: " + c.ARN + " is not authorized to perform: " + action
	if resource != "" && resource != "*" {
		message += " on resource: " + resource
	}
	message += " " + why
	switch service {
	case "ec2":
		return awserror.Status(http.StatusForbidden, "UnauthorizedOperation",
			"You are not authorized to perform this operation. %s", message)
	case "ssm", "logs", "pricing", "events":
		return awserror.Status(http.StatusBadRequest, "AccessDeniedException", "%s", message)
	case "eks":
		return awserror.Status(http.StatusForbidden, "AccessDeniedException", "%s", message)
	}
	return awserror.Status(http.StatusForbidden, "AccessDenied", "%s", message)
}

// PoliciesOfRole returns the ARNs of the managed policies attached to a role and the names of its inline
// policies, in the order of their creation.
func (a *Account) PoliciesOfRole(role string) (attached, inline []string) {
	a.ledger.Lock()
	defer a.ledger.Unlock()
	t := &tx{a: a}
	for _, r := range t.where(KindRolePolicyAttachment, func(r *Resource) bool { return r.ofRole(role) }) {
		attached = append(attached, str(r.Props, "policyArn"))
	}
	for _, r := range t.where(KindRolePolicy, func(r *Resource) bool { return r.ofRole(role) }) {
		inline = append(inline, r.Name)
	}
	return attached, inline
}
