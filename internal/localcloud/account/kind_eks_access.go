// SPDX-License-Identifier: Apache-2.0

package account

import (
	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/awsid"
	"fmt"
	"slices"
	"strings"
)

const accessPolicyPrefix = "arn:aws:eks::aws:cluster-access-policy/"

// accessPolicies are the EKS cluster access policies that can be associated.
func accessPolicies() []string {
	return []string{"AmazonEKSClusterAdminPolicy", "AmazonEKSAdminPolicy", "AmazonEKSEditPolicy", "AmazonEKSViewPolicy",
		"AmazonEKSAdminViewPolicy"}
}

// accessKinds are access entries and their policy associations.
func accessKinds() map[Kind]*spec {
	ofCluster := ref{path: "clusterName", kind: KindCluster, required: true, lost: noSuchCluster}
	return map[Kind]*spec{
		KindAccessEntry: {
			missing: func(string) *awserror.Error { return noSuchEKS("The specified access entry could not be found.") },
			usable:  stateACTIVE,
			refs:    []ref{ofCluster},
			check:   checkAccessEntry,
			make: func(t *tx, r *Resource) error {
				makeAccessEntry(t, r)
				return nil
			},
			update: func(t *tx, _, r *Resource) error { r.Attrs["modifiedAt"] = stamp(t.Now); return nil },
			gone: func(t *tx, r *Resource) {
				t.destroyWhere(KindAccessPolicyAssociation, func(x *Resource) bool {
					return x.ofCluster(str(r.Props, "clusterName")) &&
						str(x.Props, "principalArn") == str(r.Props, "principalArn")
				})
			},
		},
		KindAccessPolicyAssociation: {
			missing: func(string) *awserror.Error {
				return noSuchEKS("The specified access policy association could not be found.")
			},
			usable: stateACTIVE,
			refs:   []ref{ofCluster},
			check: func(t *tx, p Props, _ string) error {
				if t.get(KindAccessEntry, entryID(p)) == nil {
					return noSuchEKS("The specified principalArn could not be found. " +
						"You can view your available access entries with 'list-access-entries'.")
				}
				name, ok := strings.CutPrefix(str(p, "policyArn"), accessPolicyPrefix)
				if !ok || !slices.Contains(accessPolicies(), name) {
					return errEKS("The policyArn parameter format is not valid: %s", str(p, "policyArn"))
				}
				switch scope := str(p, "accessScope.type"); {
				case scope == "namespace" && len(strs(p, "accessScope.namespaces")) == 0:
					return errEKS("A namespace is needed for the access scope namespace")
				case scope != "namespace" && scope != "cluster":
					return errEKS("The access scope %q is not valid", scope)
				}
				return nil
			},
			make: func(t *tx, r *Resource) error {
				r.ID = fmt.Sprintf("%s#%s#%s", str(r.Props, "clusterName"), str(r.Props, "principalArn"),
					str(r.Props, "policyArn"))
				r.Attrs = Props{"associatedAt": stamp(t.Now), "modifiedAt": stamp(t.Now)}
				return nil
			},
		},
	}
}

func entryID(p Props) string { return str(p, "clusterName") + ":" + str(p, "principalArn") }

func checkAccessEntry(t *tx, p Props, self string) error {
	principal, cluster := str(p, "principalArn"), str(p, "clusterName")
	if !strings.HasPrefix(principal, "arn:") || !slices.ContainsFunc([]string{":role/", ":user/", ":root"},
		func(s string) bool { return strings.Contains(principal, s) }) {
		return errEKS("The principalArn parameter format is not valid")
	}
	if strings.Contains(principal, ":role/") && t.role(principal) == nil {
		return errEKS("The specified principalArn is invalid: invalid principal.")
	}
	typ := orElse(str(p, "type"), "STANDARD")
	if !slices.Contains([]string{"STANDARD", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "EC2", "HYBRID_LINUX"}, typ) {
		return errEKS("The type %s is not valid", typ)
	}
	if typ != "STANDARD" && len(strs(p, "kubernetesGroups")) > 0 {
		return errEKS("Kubernetes groups cannot be given for an access entry of type %s", typ)
	}
	for _, g := range strs(p, "kubernetesGroups") {
		if strings.HasPrefix(g, "system:") {
			return errEKS("The kubernetes group name %s is invalid, it cannot start with system:", g)
		}
	}
	if mode := str(t.get(KindCluster, cluster).All(), "accessConfig.authenticationMode"); mode == "CONFIG_MAP" {
		return awserror.Bad("InvalidRequestException",
			"The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.")
	}
	if self == "" && t.get(KindAccessEntry, entryID(p)) != nil {
		return inUse("The specified access entry resource is already in use on this cluster.")
	}
	return nil
}

func makeAccessEntry(t *tx, r *Resource) {
	cluster, principal := str(r.Props, "clusterName"), str(r.Props, "principalArn")
	r.ID, r.Name = entryID(r.Props), principal[strings.LastIndexAny(principal, "/:")+1:]
	r.ARN = t.arn("eks", fmt.Sprintf("access-entry/%s/%s/%s/%s/%s", cluster, principalWord(principal), t.a.opts.AccountID, r.Name,
		awsid.UUID()))
	r.State = stateACTIVE
	r.Attrs = Props{"accessEntryArn": r.ARN, "createdAt": stamp(t.Now), "modifiedAt": stamp(t.Now)}
	typ := orElse(str(r.Props, "type"), "STANDARD")
	groups, user := []any{}, principal
	if typ == "EC2_LINUX" {
		groups, user = []any{"system:nodes"}, "system:node:{{EC2PrivateDNSName}}"
	} else if strings.Contains(principal, ":role/") {
		user = fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/{{SessionName}}", t.a.opts.AccountID, r.Name)
	}
	defaults(r.Attrs, r.Props, Props{"type": "STANDARD", "kubernetesGroups": groups, "userName": user})
}

func principalWord(arn string) string {
	if strings.Contains(arn, ":user/") {
		return "user"
	}
	return "role"
}

// addEntry makes an access entry in the name of EKS, if the principal has none.
func (t *tx) addEntry(cluster, principal, typ string) {
	p := Props{"clusterName": cluster, "principalArn": principal, "type": typ}
	if t.get(KindAccessEntry, entryID(p)) != nil {
		return
	}
	r := t.made(KindAccessEntry, "", "", ByEKS, p, nil, map[string]string{})
	makeAccessEntry(t, r)
	t.put(r)
}

// creatorEntry makes the creator of a cluster its administrator, unless the request says not to.
func (t *tx) creatorEntry(r *Resource) error {
	all := r.All()
	if !flag(all, "accessConfig.bootstrapClusterCreatorAdminPermissions") ||
		str(all, "accessConfig.authenticationMode") == "CONFIG_MAP" {
		return nil
	}
	principal := orElse(t.principalARN(), "arn:aws:iam::"+t.a.opts.AccountID+":user/"+staticUserName)
	t.put(r) // the entry refers to it
	t.addEntry(r.ID, principal, "STANDARD")
	p := Props{
		"clusterName": r.ID, "principalArn": principal, "policyArn": accessPolicyPrefix + "AmazonEKSClusterAdminPolicy",
		"accessScope": Props{"type": "cluster"},
	}
	association := t.made(KindAccessPolicyAssociation, fmt.Sprintf("%s#%s#%s", r.ID, principal, p["policyArn"]), "", ByEKS, p,
		Props{"associatedAt": stamp(t.Now), "modifiedAt": stamp(t.Now)}, nil)
	association.State = stateACTIVE
	t.put(association)
	return nil
}

// principalARN is the IAM principal behind the caller: for an assumed role, the role.
func (t *tx) principalARN() string {
	if t.c.Role != "" {
		if role := t.get(KindRole, t.c.Role); role != nil {
			return role.ARN
		}
	}
	return t.c.ARN
}
