// SPDX-License-Identifier: Apache-2.0

package account

import (
	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/awsid"
	"fmt"
)

// podIdentityKinds are the associations of service accounts with roles.
func podIdentityKinds() map[Kind]*spec {
	return map[Kind]*spec{
		KindPodIdentityAssociation: {
			missing: func(id string) *awserror.Error { return noSuchEKS("Association does not exist: %s", id) },
			usable:  stateACTIVE,
			refused: []string{"targetRoleArn", "disableSessionTags"},
			refs: []ref{
				{path: "clusterName", kind: KindCluster, required: true, lost: noSuchCluster},
				{
					path: "roleArn", kind: KindRole, required: true, byARN: true, weak: true,
					lost: func(arn string) *awserror.Error {
						return errEKS("Role provided in the request does not exist: %s", arn)
					},
				},
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
				r.ID = "a-" + awsid.Hex(17)
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

// PodIdentity returns the association of a service account with a role, if there is one: new pods of such an account get the
// Pod Identity agent's address.
func (a *Account) PodIdentity(cluster, namespace, serviceAccount string) (association Resource, ok bool) {
	a.ledger.Lock()
	defer a.ledger.Unlock()
	return found((&tx{a: a}).association(cluster, namespace, serviceAccount))
}

// ClusterOfIssuer returns the cluster whose OIDC issuer has a URL.
func (a *Account) ClusterOfIssuer(url string) (cluster Resource, ok bool) {
	a.ledger.Lock()
	defer a.ledger.Unlock()
	return found((&tx{a: a}).first(KindCluster, func(r *Resource) bool {
		return str(r.All(), "identities.oidcs.issuer") == url
	}))
}
