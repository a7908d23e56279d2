// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"emrflink/internal/awsapi"
	"emrflink/internal/check"
)

// Roles are what all roles of a deploy have in common.
type Roles struct {
	Path     string // "" is "/"
	Boundary string // ARN of the permissions boundary, "" = none
}

// simulator says what IAM would answer to an identity.
type simulator interface {
	Simulate(ctx context.Context, principal, action, resource string, keys map[string]string) (awsapi.Verdict, error)
}

// boundaryKey is the condition key by which an account asks that each new role has a permissions boundary (IAM user guide,
// "Delegating responsibility to others using permissions boundaries").
const boundaryKey = "iam:PermissionsBoundary"

// roles asks IAM whether the identity may make roles as the settings describe them. Many accounts refuse those without a
// permissions boundary, and a deploy would find out in its middle.
func (a Account) roles(ctx context.Context, who awsapi.Identity) []check.Check {
	const id = "role-creation"
	d := a.Deploy
	if strings.HasSuffix(who.ARN, ":root") {
		return []check.Check{fine(id, "%s may make roles", who.ARN)} // IAM simulates no root user, and limits none
	}
	keys := map[string]string{"aws:RequestTag/" + d.Tag: d.Name}
	with := "without a permissions boundary"
	if d.Roles.Boundary != "" {
		keys[boundaryKey], with = d.Roles.Boundary, "with the permissions boundary "+d.Roles.Boundary
	}
	path := "/" + strings.TrimPrefix(d.Roles.Path, "/")
	role := "arn:" + who.Partition + ":iam::" + who.Account + ":role" + path + d.Name + "-" + d.Region + "-role"
	v, err := a.AWS.Simulate(ctx, principalOf(who.ARN), "iam:CreateRole", role, keys)
	if err != nil {
		return []check.Check{unknown(id, "whether the identity may make roles", err)}
	}
	if v.Allowed {
		return []check.Check{fine(id, "%s may make roles %s", who.ARN, with)}
	}
	c := check.Check{
		ID: id, Status: check.Error, Denied: true, What: fmt.Sprintf("%s may not make roles %s below %s", who.ARN, with, path),
		Why: "AccessDenied: iam:CreateRole has the verdict " + v.Decision, Fix: "emrflink policy --for deploy",
	}
	asked := slices.ContainsFunc(v.Missing, func(key string) bool { return strings.EqualFold(key, boundaryKey) })
	switch {
	case asked:
		c.Why += "; a policy asks for " + boundaryKey
		c.Fix = d.set("permissionsBoundary", "ARN") +
			"\naws iam list-policies --scope Local --policy-usage-filter PermissionsBoundary"
	case v.Decision == "organization":
		c.Why = "AccessDenied: a policy of AWS Organizations does not allow iam:CreateRole"
	case len(v.Missing) > 0:
		// A call has keys that a simulation does not know, such as the source address: it may be allowed.
		c.Status, c.Denied = check.Warning, false
		c.Why += "; it may be another one with " + strings.Join(v.Missing, ", ")
	}
	return []check.Check{c}
}
