// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// PodIdentityAudience is the audience of the tokens that pods show to the Pod Identity agent.
const PodIdentityAudience = "pods.eks.amazonaws.com"

// podIdentityKinds are the associations of service accounts with roles.
func podIdentityKinds() map[Kind]*spec {
	return map[Kind]*spec{
		KindPodIdentityAssociation: {
			missing: func(id string) *Error { return noSuchEKS("Association does not exist: %s", id) },
			usable:  stateACTIVE,
			refused: []string{"targetRoleArn", "disableSessionTags"},
			refs: []ref{
				{path: "clusterName", kind: KindCluster, required: true, lost: noSuchCluster},
				{path: "roleArn", kind: KindRole, required: true, byARN: true, weak: true, lost: func(arn string) *Error {
					return errEKS("Role provided in the request does not exist: %s", arn)
				}},
			},
			check: func(t *tx, p Props, self string) error {
				if str(p, "namespace") == "" || str(p, "serviceAccount") == "" {
					return errEKS("namespace and serviceAccount are required")
				}
				same := t.association(str(p, "clusterName"), str(p, "namespace"), str(p, "serviceAccount"))
				if same != nil && same.ID != self {
					return inUse("Association already exists: %s", same.ID)
				}
				return nil
			},
			make: func(t *tx, r *Resource) error {
				r.ID = "a-" + randomHex(17)
				cluster := str(r.Props, "clusterName")
				r.ARN = t.arn("eks", fmt.Sprintf("podidentityassociation/%s/%s", cluster, r.ID))
				r.Name = str(r.Props, "namespace") + "/" + str(r.Props, "serviceAccount")
				r.Attrs = Props{"associationArn": r.ARN, "associationId": r.ID, "externalId": ""}
				return nil
			},
		},
	}
}

func (t *tx) association(cluster, namespace, account string) *Resource {
	return t.first(KindPodIdentityAssociation, func(r *Resource) bool {
		return r.ofCluster(cluster) && str(r.Props, "namespace") == namespace && str(r.Props, "serviceAccount") == account
	})
}

// HasPodIdentity reports whether a service account of a cluster has a role by Pod Identity: its new pods get the agent's
// address.
func (a *Account) HasPodIdentity(cluster, namespace, serviceAccount string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return (&tx{a: a}).association(cluster, namespace, serviceAccount) != nil
}

// AssumeRoleForPodIdentity gives credentials of the role that the token's service account is associated with. The role's
// trust policy must let EKS Pod Identity assume it and tag the session with cluster, namespace and service account.
func (a *Account) AssumeRoleForPodIdentity(ctx context.Context, jwt string) (Credentials, error) {
	c, err := parseClaims(jwt)
	if err != nil {
		return Credentials{}, errToken("The token included in the request is not a valid JWT: %v", err)
	}
	if a.opts.Runtime != nil {
		if c.Subject, c.Audience, err = a.opts.Runtime.VerifyToken(ctx, c.Issuer, jwt); err != nil {
			return Credentials{}, errToken("Couldn't verify the token of %s: %v", c.Issuer, err)
		}
	}
	if c.Expires > 0 && float64(a.clock.Now().Unix()) >= c.Expires {
		return Credentials{}, errBad("ExpiredTokenException", "The token included in the request is expired")
	}
	if !slices.Contains(c.Audience, PodIdentityAudience) {
		return Credentials{}, errToken("Incorrect token audience")
	}
	namespace, account, ok := strings.Cut(strings.TrimPrefix(c.Subject, "system:serviceaccount:"), ":")
	if !ok {
		return Credentials{}, errToken("%q is no service account", c.Subject)
	}
	cluster, role, err := a.associated(c.Issuer, namespace, account)
	if err != nil {
		return Credentials{}, err
	}
	keys := map[string][]string{
		"aws:requesttag/eks-cluster-arn": {cluster.ARN}, "aws:requesttag/eks-cluster-name": {cluster.Name},
		"aws:requesttag/kubernetes-namespace": {namespace}, "aws:requesttag/kubernetes-service-account": {account},
		"aws:sourceaccount": {a.opts.AccountID}, "aws:sourcearn": {cluster.ARN},
	}
	return a.assume(role, "eks-"+cluster.Name+"-"+account, func(_ *tx, r *Resource) error {
		for _, action := range []string{"sts:AssumeRole", "sts:TagSession"} {
			if !a.trustAllows(r, action, servicePrincipal(PodIdentityAudience), keys) {
				return errStatus(http.StatusForbidden, "AccessDeniedException",
					"Unauthorized Exception! EKS does not have permissions to assume the associated role.")
			}
		}
		return nil
	})
}

// associated finds the cluster that issued a token and the role of the service account.
func (a *Account) associated(issuer, namespace, account string) (cluster Resource, role string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := &tx{a: a}
	c := t.first(KindCluster, func(r *Resource) bool { return str(r.All(), "identities.oidcs.issuer") == issuer })
	if c == nil {
		return Resource{}, "", errToken("no cluster has the issuer %s", issuer)
	}
	found := t.association(c.ID, namespace, account)
	if found == nil {
		return Resource{}, "", errStatus(http.StatusNotFound, "ResourceNotFoundException",
			"No association found for service account %s/%s in cluster %s", namespace, account, c.ID)
	}
	return *c.clone(), str(found.Props, "roleArn"), nil
}
