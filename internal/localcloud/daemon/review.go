// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	authv1 "k8s.io/api/authentication/v1"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awswire"
)

// tokenReviewPath is where a control plane asks who a bearer token belongs to;
// the cluster's name follows.
const tokenReviewPath = ownPath + "tokenreview/"

// adminGroup is what the access policy AmazonEKSClusterAdminPolicy stands for in
// the control plane: a group that the daemon binds to cluster-admin. EKS has an
// authorizer of its own for access policies; the effect is the same.
const adminGroup = "emrflink:AmazonEKSClusterAdminPolicy"

// reviewToken authenticates as EKS does: the token is a presigned STS call, its
// signer is looked up in the cluster's access entries, and no entry is no access.
func (d *Daemon) reviewToken(w http.ResponseWriter, r *http.Request) {
	var review authv1.TokenReview
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	review.Status = d.authenticate(review.Spec.Token, r.PathValue("cluster"))
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(review); err != nil {
		d.log.Warn("answer a token review", "error", err)
	}
}

func (d *Daemon) authenticate(token, cluster string) authv1.TokenReviewStatus {
	caller, err := awswire.VerifyEKSToken(d.account, token, cluster)
	if err != nil {
		return authv1.TokenReviewStatus{Error: err.Error()}
	}
	principal := d.principal(caller)
	entry, ok := d.accessEntry(cluster, principal)
	if !ok {
		return authv1.TokenReviewStatus{Error: "no access entry of cluster " + cluster + " names " + principal}
	}
	user := authv1.UserInfo{Username: caller.ARN, Groups: d.groups(cluster, principal, entry)}
	if name, _ := entry.All()["userName"].(string); name != "" {
		user.Username = name
	}
	return authv1.TokenReviewStatus{Authenticated: true, User: user}
}

// principal is the ARN that access entries know a caller by: a role's own for an
// assumed role, whatever the session is called.
func (d *Daemon) principal(c account.Caller) string {
	if c.Role == "" {
		return c.ARN
	}
	if r, ok := d.account.Get("iam:role", c.Role); ok {
		return r.ARN
	}
	return "arn:" + d.account.Partition() + ":iam::" + c.Account + ":role/" + c.Role
}

func (d *Daemon) accessEntry(cluster, principal string) (account.Resource, bool) {
	found := d.account.Find("eks:accessEntry", func(r account.Resource) bool {
		return r.Props["clusterName"] == cluster && r.Props["principalArn"] == principal
	})
	if len(found) == 0 {
		return account.Resource{}, false
	}
	return found[0], true
}

func (d *Daemon) groups(cluster, principal string, entry account.Resource) []string {
	var groups []string
	if list, ok := entry.Props["kubernetesGroups"].([]any); ok {
		for _, g := range list {
			if s, ok := g.(string); ok {
				groups = append(groups, s)
			}
		}
	}
	admin := d.account.Find("eks:accessPolicyAssociation", func(r account.Resource) bool {
		policy, _ := r.Props["policyArn"].(string)
		scope, _ := r.Props["accessScope"].(map[string]any)
		return r.Props["clusterName"] == cluster && r.Props["principalArn"] == principal &&
			strings.HasSuffix(policy, "/AmazonEKSClusterAdminPolicy") && scope["type"] == "cluster"
	})
	if len(admin) > 0 && !slices.Contains(groups, adminGroup) {
		groups = append(groups, adminGroup)
	}
	return groups
}
