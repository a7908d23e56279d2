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
	listed := slices.ContainsFunc(d.Admins, isIdentity(who.ARN))
	var principals []string
	exists := d.Recorded.Clusters > 0
	if exists {
		var err error
		principals, err = a.AWS.AccessEntries(ctx, d.Name)
		if exists = !awsapi.IsNotFound(err); err != nil && exists {
			return []check.Check{unknown(id, "who administers the cluster", err)}
		}
	}
	foreign, err := a.notOfStack(ctx, principals)
	if err != nil {
		return []check.Check{unknown(id, "the access entries of the cluster", err)}
	}
	if i := slices.IndexFunc(foreign, func(p string) bool { return slices.Contains(d.Admins, p) }); i >= 0 {
		return []check.Check{d.entryOfEKS(foreign[i])}
	}
	switch {
	case listed:
		return []check.Check{fine(id, "%s is one of %d", who.ARN, len(d.Admins))}
	case slices.ContainsFunc(foreign, isIdentity(who.ARN)):
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

// notOfStack are those of the principals whose access entries the stack did not make.
func (a Account) notOfStack(ctx context.Context, principals []string) (foreign []string, err error) {
	for _, principal := range principals {
		r, found, err := a.AWS.Lookup(ctx, awskind.AccessEntry, a.Deploy.Name+":"+principal)
		if err != nil {
			return nil, err
		}
		if found && r.Tags[a.Deploy.Tag] != a.Deploy.Name {
			foreign = append(foreign, principal)
		}
	}
	return foreign, nil
}

// entryOfEKS explains an entry of an administrator that the stack cannot make.
func (d Deploy) entryOfEKS(principal string) check.Check {
	return check.Check{
		ID: "admins", Status: check.Error, What: principal + " has an access entry that the stack did not make",
		Why: "ResourceInUseException: EKS takes one entry per principal, and made this one when " + principal +
			" created the cluster without emrflink:admins",
		Fix: "take it out of emrflink:admins: it administers the cluster as it is; or, for the next deploy to make it:\n" +
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
