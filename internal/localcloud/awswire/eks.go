// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"emrflink/internal/cost"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awsid"
)

// eksOperation names the operation of an EKS request by method and path.
func eksOperation(r *http.Request) (string, map[string]string) {
	parts := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	for i, p := range parts {
		if u, err := url.PathUnescape(p); err == nil {
			parts[i] = u
		}
	}
	vars := map[string]string{}
	what := r.Method + " " + parts[0]
	for i, name := range []string{"", "cluster", "", "child"} {
		if i < len(parts) && name != "" {
			vars[name] = parts[i]
		}
	}
	if len(parts) > 2 {
		what += "/" + parts[2]
	}
	what += fmt.Sprintf(" %d", len(parts))
	names := map[string]string{
		"GET clusters 1": "ListClusters", "GET clusters 2": "DescribeCluster", "POST clusters 1": "CreateCluster",
		"DELETE clusters 2":             "DeleteCluster",
		"POST clusters/update-config 3": "UpdateClusterConfig",
		"GET clusters/node-groups 3":    "ListNodegroups", "GET clusters/node-groups 4": "DescribeNodegroup",
		"GET clusters/addons 3": "ListAddons", "GET clusters/addons 4": "DescribeAddon",
		"GET clusters/access-entries 3": "ListAccessEntries", "GET clusters/access-entries 4": "DescribeAccessEntry",
		"GET clusters/pod-identity-associations 3": "ListPodIdentityAssociations",
		"GET clusters/pod-identity-associations 4": "DescribePodIdentityAssociation",
		"GET cluster-versions 1":                   "DescribeClusterVersions",
		"GET addons 2":                             "DescribeAddonVersions",
	}
	if n := names[what]; n != "" {
		return n, vars
	}
	return r.Method + " " + r.URL.Path, vars
}

func noCluster(name string) error {
	return refuse(http.StatusNotFound, "ResourceNotFoundException", "No cluster found for name: %s.", name)
}

func oneCluster(q *request) ([]need, error) {
	name := q.vars["cluster"]
	r, _ := q.account.Get(account.KindCluster, name)
	return on(q.arn("eks", "cluster/"+name), resourceTags("", r.Tags))
}

// cluster finds the request's cluster.
func (q *request) cluster() (account.Resource, error) {
	name := q.vars["cluster"]
	r, ok := q.account.Get(account.KindCluster, name)
	if !ok || !q.visible(r) {
		return r, noCluster(name)
	}
	return r, nil
}

func listClusters(q *request) (answer, error) {
	names := []string{}
	for _, r := range q.account.List(account.KindCluster) {
		if q.visible(r) {
			names = append(names, r.ID)
		}
	}
	return q.json(map[string]any{"clusters": names})
}

func describeCluster(q *request) (answer, error) {
	r, err := q.cluster()
	if err != nil {
		return answer{}, err
	}
	p := r.All()
	c := map[string]any{
		"name": r.ID, "arn": r.ARN, "createdAt": float64(r.CreatedAt.UnixMilli()) / 1000, "version": str(p, "version"),
		"roleArn": str(p, "roleArn"),
		"status":  r.State, "platformVersion": str(p, "platformVersion"), "tags": stringTags(r.Tags),
		"health": map[string]any{"issues": []any{}}, "deletionProtection": r.DeletionProtection(),
		"resourcesVpcConfig": map[string]any{
			"subnetIds": list0(strs(p, "vpcConfig.subnetIds")), "securityGroupIds": list0(strs(p, "vpcConfig.securityGroupIds")),
			"clusterSecurityGroupId": str(p, "vpcConfig.clusterSecurityGroupId"), "vpcId": str(p, "vpcConfig.vpcId"),
			"endpointPublicAccess":  str(p, "vpcConfig.endpointPublicAccess") != "false",
			"endpointPrivateAccess": truthy(p, "vpcConfig.endpointPrivateAccess"),
			"publicAccessCidrs":     list0(strs(p, "vpcConfig.publicAccessCidrs")),
		},
		"kubernetesNetworkConfig": map[string]any{"serviceIpv4Cidr": str(p, "kubernetesNetworkConfig.serviceIpv4Cidr"),
			"ipFamily": "ipv4"},
	}
	if mode := str(p, "accessConfig.authenticationMode"); mode != "" {
		c["accessConfig"] = map[string]any{"authenticationMode": mode}
	}
	if e := str(p, "endpoint"); e != "" {
		c["endpoint"] = e
	}
	if ca := str(p, "certificateAuthority.data", "certificateAuthorities.data"); ca != "" {
		c["certificateAuthority"] = map[string]any{"data": ca}
	}
	if issuer := str(p, "identities.oidcs.issuer", "identity.oidc.issuer"); issuer != "" {
		c["identity"] = map[string]any{"oidc": map[string]any{"issuer": issuer}}
	}
	if types := strs(p, "enabledClusterLogTypes"); len(types) > 0 {
		c["logging"] = map[string]any{"clusterLogging": []any{map[string]any{"types": types, "enabled": true}}}
	}
	return q.json(map[string]any{"cluster": c})
}

// updateClusterConfig changes nothing but the deletion protection.
func updateClusterConfig(q *request) (answer, error) {
	var in map[string]any
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	for name := range in {
		if name != "deletionProtection" && name != "clientRequestToken" {
			return answer{}, refuse(http.StatusNotImplemented, "NotImplemented", "the local target does not simulate %s of "+
				"UpdateClusterConfig", name)
		}
	}
	r, err := q.cluster()
	if err != nil {
		return answer{}, err
	}
	on, given := in["deletionProtection"].(bool)
	if !given {
		return answer{}, refuse(http.StatusBadRequest, "InvalidParameterException", "No changes needed.")
	}
	if err := q.account.SetDeletionProtection(r.ID, on); err != nil {
		return answer{}, err
	}
	return q.json(map[string]any{"update": map[string]any{
		"id": awsid.UUID(), "status": "Successful", "type": "DeletionProtectionUpdate", "errors": []any{},
	}})
}

// stringTags is never null in JSON.
func stringTags(tags map[string]string) map[string]string {
	if tags == nil {
		return map[string]string{}
	}
	return tags
}

// list0 is never null in JSON.
func list0(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}

// children are the names of the things of a kind that belong to the request's
// cluster: their ids are CLUSTER:NAME.
func (q *request) children(k account.Kind) (answer, []string, error) {
	c, err := q.cluster()
	if err != nil {
		return answer{}, nil, err
	}
	names := []string{}
	for _, r := range q.account.List(k) {
		if rest, ok := strings.CutPrefix(r.ID, c.ID+":"); ok {
			names = append(names, rest)
		}
	}
	return answer{}, names, nil
}

func listNodegroups(q *request) (answer, error) {
	a, names, err := q.children(account.KindNodeGroup)
	if err != nil {
		return a, err
	}
	return q.json(map[string]any{"nodegroups": names})
}

func listAddons(q *request) (answer, error) {
	a, names, err := q.children(account.KindAddon)
	if err != nil {
		return a, err
	}
	return q.json(map[string]any{"addons": names})
}

func listAccessEntries(q *request) (answer, error) {
	a, arns, err := q.children(account.KindAccessEntry)
	if err != nil {
		return a, err
	}
	return q.json(map[string]any{"accessEntries": arns})
}

// ofCluster is the need of an operation on one thing of the request's cluster.
func ofCluster(k account.Kind, arnType string) func(*request) ([]need, error) {
	return func(q *request) ([]need, error) {
		r, _ := q.account.Get(k, q.childID())
		return on(cmp.Or(r.ARN, q.arn("eks", arnType+"/"+q.vars["cluster"]+"/"+q.vars["child"]+"/*")), resourceTags("", r.Tags))
	}
}

func (q *request) childID() string { return q.vars["cluster"] + ":" + q.vars["child"] }

// child finds one thing of the request's cluster.
func (q *request) child(k account.Kind, noun string) (account.Resource, error) {
	r, ok := q.account.Get(k, q.childID())
	if !ok {
		return r, refuse(http.StatusNotFound, "ResourceNotFoundException", "No %s found for name: %s.", noun, q.vars["child"])
	}
	return r, nil
}

func describeNodegroup(q *request) (answer, error) {
	r, err := q.child(account.KindNodeGroup, "node group")
	if err != nil {
		return answer{}, err
	}
	p := r.All()
	g := map[string]any{
		"nodegroupName": q.vars["child"], "clusterName": q.vars["cluster"], "nodegroupArn": r.ARN, "status": r.State,
		"version": str(p, "version"),
		"amiType": str(p, "amiType"), "capacityType": str(p, "capacityType"), "instanceTypes": list0(strs(p, "instanceTypes")),
		"subnets": list0(strs(p, "subnetIds")), "nodeRole": str(p, "nodeRoleArn"),
		"createdAt": float64(r.CreatedAt.UnixMilli()) / 1000,
		"scalingConfig": map[string]any{"minSize": whole(p, "scalingConfig.minSize", 0),
			"maxSize":     whole(p, "scalingConfig.maxSize", 0),
			"desiredSize": whole(p, "scalingConfig.desiredSize", 0)},
		"health": map[string]any{"issues": healthIssues(p)}, "tags": stringTags(r.Tags),
	}
	if name := str(p, "resources.autoscalingGroups.name"); name != "" {
		g["resources"] = map[string]any{"autoScalingGroups": []any{map[string]any{"name": name}}}
	}
	return q.json(map[string]any{"nodegroup": g})
}

// healthIssues are the account's reasons why a thing is not well.
func healthIssues(p account.Props) []any {
	issues := []any{}
	for _, i := range blocks(p, "healthIssues") {
		issues = append(issues, map[string]any{"code": str(i, "code"), "message": str(i, "message")})
	}
	return issues
}

func describeAddon(q *request) (answer, error) {
	r, err := q.child(account.KindAddon, "addon")
	if err != nil {
		return answer{}, err
	}
	p := r.All()
	return q.json(map[string]any{"addon": map[string]any{
		"addonName": q.vars["child"], "clusterName": q.vars["cluster"], "addonArn": r.ARN, "status": r.State,
		"addonVersion":          str(p, "addonVersion"),
		"serviceAccountRoleArn": str(p, "serviceAccountRoleArn"), "health": map[string]any{"issues": healthIssues(p)},
		"tags": stringTags(r.Tags),
	}})
}

// oneAccessEntry may not exist; the ARN is then made of the principal's: "arn:aws:iam::111122223333:role/nodes".
func oneAccessEntry(q *request) ([]need, error) {
	r, _ := q.account.Get(account.KindAccessEntry, q.childID())
	principal := q.vars["child"]
	kind, name, _ := strings.Cut(principal[strings.LastIndexByte(principal, ':')+1:], "/")
	made := strings.Join([]string{"access-entry", q.vars["cluster"], kind, q.account.ID(), name, "*"}, "/")
	return on(cmp.Or(r.ARN, q.arn("eks", made)), resourceTags("", r.Tags))
}

func describeAccessEntry(q *request) (answer, error) {
	r, err := q.child(account.KindAccessEntry, "access entry")
	if err != nil {
		return answer{}, err
	}
	return q.json(map[string]any{"accessEntry": map[string]any{
		"clusterName": q.vars["cluster"], "principalArn": q.vars["child"], "accessEntryArn": r.ARN, "tags": stringTags(r.Tags),
		"type": str(r.All(), "type"),
	}})
}

// association is what a list says of a Pod Identity association.
func association(r account.Resource) map[string]any {
	p := r.All()
	return map[string]any{
		"clusterName": str(p, "clusterName"), "namespace": str(p, "namespace"), "serviceAccount": str(p, "serviceAccount"),
		"associationArn": r.ARN, "associationId": r.ID,
	}
}

func listPodIdentityAssociations(q *request) (answer, error) {
	c, err := q.cluster()
	if err != nil {
		return answer{}, err
	}
	query := q.http.URL.Query()
	all := []any{}
	for _, r := range q.account.List(account.KindPodIdentityAssociation) {
		p := r.All()
		asked := func(name string) bool { return !query.Has(name) || query.Get(name) == str(p, name) }
		if str(p, "clusterName") == c.ID && asked("namespace") && asked("serviceAccount") {
			all = append(all, association(r))
		}
	}
	return q.json(map[string]any{"associations": all})
}

func oneAssociation(q *request) ([]need, error) {
	r, _ := q.account.Get(account.KindPodIdentityAssociation, q.vars["child"])
	return on(q.arn("eks", "podidentityassociation/"+q.vars["cluster"]+"/"+q.vars["child"]), resourceTags("", r.Tags))
}

func describePodIdentityAssociation(q *request) (answer, error) {
	r, ok := q.account.Get(account.KindPodIdentityAssociation, q.vars["child"])
	if !ok || str(r.All(), "clusterName") != q.vars["cluster"] {
		return answer{}, refuse(http.StatusNotFound, "ResourceNotFoundException",
			"Association does not exist: %s", q.vars["child"])
	}
	one := association(r)
	one["roleArn"], one["tags"] = str(r.All(), "roleArn"), stringTags(r.Tags)
	return q.json(map[string]any{"association": one})
}

// describeAddonVersions offers the account's addons, for whatever Kubernetes version.
func describeAddonVersions(q *request) (answer, error) {
	kubernetes, only := q.http.URL.Query().Get("kubernetesVersion"), q.http.URL.Query().Get("addonName")
	all := []any{}
	for _, name := range q.account.AddonNames() {
		if only != "" && only != name {
			continue
		}
		offered, byDefault := q.account.AddonVersions(name)
		versions := []any{}
		for _, v := range offered {
			versions = append(versions, map[string]any{"addonVersion": v, "architecture": []string{"amd64", "arm64"},
				"compatibilities": []any{map[string]any{"clusterVersion": kubernetes, "defaultVersion": v == byDefault}}})
		}
		all = append(all, map[string]any{"addonName": name, "owner": "aws", "addonVersions": versions})
	}
	return q.json(map[string]any{"addons": all})
}

// describeClusterVersions offers the account's versions. Extended support ends
// twelve months after standard support (EKS user guide, "Kubernetes versions").
func describeClusterVersions(q *request) (answer, error) {
	offered := q.account.KubernetesVersions()
	versions := []any{}
	for i := len(offered) - 1; i >= 0; i-- {
		status := "STANDARD_SUPPORT"
		if i < len(offered)-standardVersions {
			status = "EXTENDED_SUPPORT"
		}
		v := map[string]any{"clusterVersion": offered[i], "clusterType": "eks", "versionStatus": status,
			"status": strings.ReplaceAll(strings.ToLower(status), "_", "-"), "defaultVersion": i == len(offered)-2,
			"defaultPlatformVersion": "eks.1"}
		if end, known := cost.StandardSupportEnds(offered[i]); known {
			v["endOfStandardSupportDate"], v["endOfExtendedSupportDate"] = end.Unix(), end.AddDate(1, 0, 0).Unix()
		}
		versions = append(versions, v)
	}
	return q.json(map[string]any{"clusterVersions": versions})
}

// standardVersions is how many of the newest versions EKS has in standard
// support: about one is released every four months and lasts fourteen.
const standardVersions = 3
