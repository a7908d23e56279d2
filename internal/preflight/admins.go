// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
	"slices"
	"strings"

	"emrflink/components/cluster"
	"emrflink/internal/awsapi"
	"emrflink/internal/awskind"
	"emrflink/internal/check"
)

// entries finds who may use the API of a cluster.
type entries interface {
	AccessEntries(ctx context.Context, cluster string) ([]string, error)
	Lookup(ctx context.Context, name, id string) (awsapi.Resource, bool, error)
}

// admins checks that the identity administers the cluster after the deploy: else it could make no object in it, or it would
// take its own access away.
func (a Account) admins(ctx context.Context, who awsapi.Identity) []check.Check {
	const id = "admins"
	d := a.Deploy
	var principals []string
	exists := d.Recorded.Clusters > 0
	if exists {
		var err error
		principals, err = a.AWS.AccessEntries(ctx, d.Name)
		if exists = !awsapi.IsNotFound(err); err != nil && exists {
			return []check.Check{unknown(id, "who administers the cluster", err)}
		}
	}
	own, listed := "", slices.ContainsFunc(d.Admins, isIdentity(who.ARN))
	for _, principal := range principals {
		r, found, err := a.AWS.Lookup(ctx, awskind.AccessEntry, d.Name+":"+principal)
		if err != nil {
			return []check.Check{unknown(id, "the access entry of "+principal, err)}
		}
		madeByStack := r.Tags[d.Tag] == d.Name
		if found && !madeByStack && slices.Contains(d.Admins, principal) {
			return []check.Check{d.entryOfEKS(principal)}
		}
		if found && !madeByStack && cluster.SamePrincipal(principal, who.ARN) {
			own = principal
		}
	}
	switch {
	case listed:
		return []check.Check{fine(id, "%s is one of %d", who.ARN, len(d.Admins))}
	case own != "":
		return []check.Check{fine(id, "%s has an access entry that the stack did not make", who.ARN)}
	case !exists && len(d.Admins) == 0:
		return []check.Check{fine(id, "only the identity that creates the cluster: %s", who.ARN)}
	}
	return []check.Check{{
		ID: id, Status: check.Error, Denied: true, What: who.ARN + " would not administer the cluster",
		Why: "emrflink:admins does not list it: the cluster would answer 401 to it",
		Fix: d.set("admins", d.quoted(`["`+strings.Join(append(slices.Clone(d.Admins), principalOf(who.ARN)), `","`)+`"]`)),
	}}
}

// quoted is a value as set writes it: of a command, the shell reads it.
func (d Deploy) quoted(value string) string {
	if d.File == "" {
		return "'" + value + "'"
	}
	return value
}

// entryOfEKS explains an entry of an administrator that the stack cannot make.
func (d Deploy) entryOfEKS(principal string) check.Check {
	return check.Check{
		ID: "admins", Status: check.Error, What: principal + " has an access entry that the stack did not make",
		Why: "ResourceInUseException: EKS takes one entry per principal, and made this one when " + principal +
			" created the cluster without emrflink:admins",
		Fix: "take it out of emrflink:admins: it administers the cluster as it is; or, to have it made anew by the next deploy:\n" +
			"aws eks delete-access-entry --cluster-name " + d.Name + " --principal-arn " + principal + " --region " + d.Region,
	}
}

func isIdentity(caller string) func(string) bool {
	return func(principal string) bool { return cluster.SamePrincipal(principal, caller) }
}

// principalOf is the identity as an access entry names it. STS says a role without its path, and those of IAM Identity Center
// have one.
func principalOf(caller string) string {
	session := strings.Split(caller, ":assumed-role/")
	if len(session) != 2 {
		return caller
	}
	role, _, _ := strings.Cut(session[1], "/")
	if strings.HasPrefix(role, "AWSReservedSSO_") {
		role = "aws-reserved/sso.amazonaws.com/REGION/" + role
	}
	return strings.Replace(session[0], ":sts:", ":iam:", 1) + ":role/" + role
}
