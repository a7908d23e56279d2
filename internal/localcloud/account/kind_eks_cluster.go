// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/awsid"
	"emrflink/internal/pattern"
)

var clusterName = pattern.Lazy(`^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$`)

func noSuchEKS(format string, args ...any) *awserror.Error {
	return awserror.Status(http.StatusNotFound, "ResourceNotFoundException", format, args...)
}

func noSuchCluster(name string) *awserror.Error {
	return noSuchEKS("No cluster found for name: %s.", name)
}

func errEKS(format string, args ...any) *awserror.Error {
	return awserror.Bad("InvalidParameterException", format, args...)
}

func inUse(format string, args ...any) *awserror.Error {
	return awserror.Status(http.StatusConflict, "ResourceInUseException", format, args...)
}

// KubernetesVersions returns the versions that the account's EKS offers, oldest first.
func (a *Account) KubernetesVersions() []string { return kubernetesVersions() }

// kubernetesVersions are minor versions in standard or extended support in late 2026.
func kubernetesVersions() []string {
	return []string{"1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36"}
}

const roleNotAssumed = "Role with arn: %s, could not be assumed because it does not exist or the trusted entity is not correct"

// clusterKinds are EKS clusters and addons.
func clusterKinds() map[Kind]*spec {
	return map[Kind]*spec{
		KindCluster: {
			missing: noSuchCluster,
			pending: stateCREATING, usable: stateACTIVE, deleting: stateDELETING, failed: stateFAILED,
			refused: []string{"outpostConfig", "remoteNetworkConfig", "computeConfig.enabled",
				"storageConfig.blockStorage.enabled", "zonalShiftConfig.enabled"},
			refs: []ref{
				{
					path: "roleArn", kind: KindRole, required: true, byARN: true, weak: true,
					lost: func(arn string) *awserror.Error {
						return errEKS(roleNotAssumed, arn)
					},
				},
				// EKS puts interfaces into some of the subnets only; the others can be deleted.
				{
					path: "vpcConfig.subnetIds", kind: KindSubnet, required: true, weak: true,
					lost: func(id string) *awserror.Error {
						return errEKS("The subnet ID '%s' does not exist", id)
					},
				},
				keyRef("encryptionConfig.provider.keyArn", func(arn string) *awserror.Error {
					return errEKS("The keyArn in encryptionConfig provider is not valid: %s", arn)
				}),
				{path: "vpcConfig.securityGroupIds", kind: KindSecurityGroup, lost: func(id string) *awserror.Error {
					return errEKS("The security group '%s' does not exist", id)
				}},
			},
			check: checkCluster, make: makeCluster, update: updateCluster, start: startCluster, stop: stopCluster,
			blocked: func(t *tx, r *Resource) error {
				if r.Attrs[attrProtection] == true {
					return awserror.Bad("InvalidRequestException",
						"Cluster %s has deletion protection enabled: disable it before you delete the cluster", r.ID)
				}
				if t.first(KindNodeGroup, func(x *Resource) bool { return x.ofCluster(r.ID) }) != nil {
					return inUse("Cluster has nodegroups attached")
				}
				return nil
			},
			gone: goneCluster,
		},
		KindAddon: {
			missing: func(id string) *awserror.Error {
				cluster, addon, _ := strings.Cut(id, ":")
				return noSuchEKS("No addon: %s found in cluster: %s", addon, cluster)
			},
			pending: stateCREATING, usable: stateACTIVE, deleting: stateDELETING, failed: stateCREATEFAILED,
			creates: addonTime,
			refused: []string{"podIdentityAssociations"},
			refs: []ref{
				{path: "clusterName", kind: KindCluster, required: true, lost: noSuchCluster},
				{path: "serviceAccountRoleArn", kind: KindRole, byARN: true, weak: true, lost: func(arn string) *awserror.Error {
					return errEKS("The role %s does not exist", arn)
				}},
			},
			check: checkAddon, make: makeAddon, start: installAddon, change: changeAddon, stop: removeAddon,
			update: func(t *tx, _, r *Resource) error { r.Attrs["modifiedAt"] = stamp(t.Now); return nil },
		},
	}
}

// attrProtection says of a cluster that EKS refuses to delete it.
const attrProtection = "deletionProtection"

// DeletionProtection says whether EKS refuses to delete a cluster.
func (r Resource) DeletionProtection() bool { return r.Attrs[attrProtection] == true }

// SetDeletionProtection is eks:UpdateClusterConfig with deletionProtection.
func (a *Account) SetDeletionProtection(cluster string, on bool) error {
	return a.do(Caller{}, func(t *tx) error {
		if t.get(KindCluster, cluster) == nil {
			return noSuchCluster(cluster)
		}
		t.edit(KindCluster, cluster, func(r *Resource) { r.Attrs[attrProtection] = on })
		return nil
	})
}

// ofCluster reports whether a resource belongs to a cluster.
func (r *Resource) ofCluster(name string) bool { return str(r.Props, "clusterName") == name }

func checkCluster(t *tx, p Props, self string) error {
	name := str(p, "name")
	if !clusterName().MatchString(name) {
		return errEKS("The cluster name %q must match %s", name, clusterName())
	}
	if v := str(p, "version"); v != "" && !slices.Contains(kubernetesVersions(), v) {
		return errEKS("unsupported Kubernetes version %s", v)
	}
	modes := []string{"", "API", "API_AND_CONFIG_MAP", "CONFIG_MAP"}
	if mode := str(p, "accessConfig.authenticationMode"); !slices.Contains(modes, mode) {
		return errEKS("Unsupported authentication mode %s", mode)
	}
	for _, typ := range strs(p, "enabledClusterLogTypes") {
		if !slices.Contains([]string{"api", "audit", "authenticator", "controllerManager", "scheduler"}, typ) {
			return errEKS("Unsupported log type %s", typ)
		}
	}
	if self != "" {
		return nil
	}
	if t.get(KindCluster, name) != nil {
		return inUse("Cluster already exists with name: %s", name)
	}
	if !t.trusts(str(p, "roleArn"), "eks.amazonaws.com") {
		return errEKS(roleNotAssumed, str(p, "roleArn"))
	}
	if err := t.checkClusterNetwork(p); err != nil {
		return err
	}
	return t.room(QuotaClusters, t.inRegion(KindCluster),
		awserror.Bad("ResourceLimitExceededException", "You have exceeded the limit of clusters in this region"))
}

func (t *tx) checkClusterNetwork(p Props) error {
	zones, vpcs := map[string]bool{}, map[string]bool{}
	for _, id := range strs(p, "vpcConfig.subnetIds") {
		subnet := t.get(KindSubnet, id)
		if zone := str(subnet.Attrs, "availabilityZoneId"); eksRefusesZone(zone) {
			return awserror.Bad("UnsupportedAvailabilityZoneException",
				"Cannot create cluster '%s' because %s, the targeted availability zone, does not currently have sufficient "+
					"capacity to support the cluster.",
				str(p, "name"), str(subnet.Attrs, "availabilityZone"))
		}
		zones[str(subnet.Attrs, "availabilityZone")] = true
		vpcs[str(subnet.Props, "vpcId")] = true
	}
	if len(vpcs) != 1 {
		return errEKS("Subnets specified must belong to the same VPC")
	}
	if len(zones) < 2 {
		return errEKS("Subnets specified must be in at least two different AZs")
	}
	for _, id := range strs(p, "vpcConfig.securityGroupIds") {
		if sg := t.get(KindSecurityGroup, id); !vpcs[str(sg.Props, "vpcId")] {
			return errEKS("Security group(s) [%s] are not in the same VPC as the subnets.", id)
		}
	}
	service, err := netip.ParsePrefix(serviceCIDR(p))
	if err != nil || service.Bits() < 12 || service.Bits() > 24 || !service.Addr().IsPrivate() {
		return errEKS("The service CIDR %s must be a private range between /12 and /24", serviceCIDR(p))
	}
	for vpc := range vpcs {
		whole, err := parseCIDR(str(t.get(KindVPC, vpc).Props, "cidrBlock"))
		if err == nil && whole.Overlaps(service) {
			return errEKS("The service CIDR %s overlaps with the CIDR of the VPC, %s", service, whole)
		}
	}
	return nil
}

func serviceCIDR(p Props) string {
	return orElse(str(p, "kubernetesNetworkConfig.serviceIpv4Cidr"), "172.20.0.0/16")
}

func makeCluster(t *tx, r *Resource) error {
	r.ID, r.Name = str(r.Props, "name"), str(r.Props, "name")
	r.ARN = t.arn("eks", "cluster/"+r.Name)
	vpc := t.vpcOf(strs(r.Props, "vpcConfig.subnetIds")[0])
	group := t.clusterGroup(r, vpc)
	if err := t.clusterInterfaces(r, group.ID); err != nil {
		return err
	}
	versions := kubernetesVersions()
	access := Props{"authenticationMode": orElse(str(r.Props, "accessConfig.authenticationMode"), "CONFIG_MAP")}
	if Value(r.Props, "accessConfig.bootstrapClusterCreatorAdminPermissions") == nil {
		access["bootstrapClusterCreatorAdminPermissions"] = true
	}
	r.Attrs = Props{
		"arn": r.ARN, "status": stateCREATING, "createdAt": stamp(t.Now), "platformVersion": "eks.1", "clusterId": "",
		"identities":   []any{Props{"oidcs": []any{Props{"issuer": t.issuer()}}}},
		"accessConfig": access, "endpoint": "",
		"kubernetesNetworkConfig": Props{"serviceIpv4Cidr": serviceCIDR(r.Props), "ipFamily": "ipv4", "serviceIpv6Cidr": ""},
		"vpcConfig":               Props{"clusterSecurityGroupId": group.ID, "vpcId": vpc},
	}
	config, _ := r.Attrs["vpcConfig"].(map[string]any)
	requested, _ := r.Props["vpcConfig"].(map[string]any)
	defaults(config, requested, Props{"endpointPublicAccess": true, "endpointPrivateAccess": false,
		"publicAccessCidrs": []any{"0.0.0.0/0"}})
	defaults(r.Attrs, r.Props, Props{
		"version": versions[len(versions)-2], "upgradePolicy": Props{"supportType": "EXTENDED"},
		"bootstrapSelfManagedAddons": true,
	})
	t.logClusters(r)
	return t.creatorEntry(r)
}

func (t *tx) issuer() string {
	return fmt.Sprintf("https://oidc.eks.%s.amazonaws.com/id/%s", t.region(), strings.ToUpper(awsid.Hex(32)))
}

// clusterGroup makes the security group that EKS makes for a cluster and deletes with it.
func (t *tx) clusterGroup(r *Resource, vpc string) *Resource {
	name := "eks-cluster-sg-" + r.Name + "-" + fmt.Sprint(t.Next()%1_000_000_000)
	group := t.made(KindSecurityGroup, awsid.EC2("sg"), "", ByEKS, Props{
		"vpcId": vpc, "name": name,
		"description": "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, " +
			"as well as any managed workloads.",
	}, nil, map[string]string{"Name": name, "aws:eks:cluster-name": r.Name, "kubernetes.io/cluster/" + r.Name: "owned"})
	group.ARN = t.arn("ec2", "security-group/"+group.ID)
	group.Name = name
	group.Attrs = Props{"arn": group.ARN, "ownerId": t.a.opts.AccountID}
	t.put(group)
	return group
}

func updateCluster(t *tx, old, r *Resource) error {
	was, is := str(old.All(), "version"), str(r.Props, "version")
	if is != "" && is != was {
		versions := kubernetesVersions()
		if slices.Index(versions, is) != slices.Index(versions, was)+1 {
			return errEKS("Unsupported Kubernetes minor version update from %s to %s", was, is)
		}
		r.Attrs["version"] = is
	}
	if err := t.moveCluster(old, r); err != nil {
		return err
	}
	t.logClusters(r)
	return nil
}

func clusterLogGroup(cluster string) string { return "/aws/eks/" + cluster + "/cluster" }

// logClusters makes the log group of the control plane when logging is on and it is absent.
func (t *tx) logClusters(r *Resource) {
	name := clusterLogGroup(r.Name)
	if len(strs(r.Props, "enabledClusterLogTypes")) > 0 && t.get(KindLogGroup, name) == nil {
		t.makeLogGroup(name, ByEKS)
	}
}

func startCluster(ctx context.Context, a *Account, r Resource) (func(*tx, *Resource), error) {
	all := r.All()
	endpoint := ClusterEndpoint{URL: fmt.Sprintf("https://%s.gr7.%s.eks.amazonaws.com", strings.ToUpper(awsid.Hex(32)), r.Region)}
	var err error
	if a.opts.Runtime == nil {
		endpoint.CABase64, err = syntheticCA()
	} else {
		endpoint, err = a.opts.Runtime.StartCluster(ctx, ClusterSpec{
			Name: r.Name, ARN: r.ARN, Version: str(all, "version"), Region: r.Region,
			Issuer: str(all, "identities.oidcs.issuer"), ServiceCIDR: str(all, "kubernetesNetworkConfig.serviceIpv4Cidr"),
		})
	}
	if err != nil {
		return nil, fmt.Errorf("start the control plane of %q: %w", r.Name, err)
	}
	return func(_ *tx, n *Resource) { setEndpoint(n, endpoint) }, nil
}

func setEndpoint(n *Resource, e ClusterEndpoint) {
	n.Attrs["endpoint"] = e.URL
	n.Attrs["certificateAuthority"] = Props{"data": e.CABase64}
	n.Attrs["certificateAuthorities"] = []any{Props{"data": e.CABase64}}
}

func stopCluster(ctx context.Context, a *Account, r Resource) error {
	if a.opts.Runtime == nil {
		return nil
	}
	return a.opts.Runtime.StopCluster(ctx, r.Name)
}

// goneCluster takes along what belongs to the cluster. Control-plane logs are flushed a little later, which
// brings a log group back that was deleted too early.
func goneCluster(t *tx, r *Resource) {
	interfaces, _ := t.attachedTo(r.ARN)
	for _, eni := range interfaces {
		t.remove(KindNetworkInterface, eni.ID)
	}
	for _, k := range []Kind{KindAddon, KindAccessPolicyAssociation, KindAccessEntry, KindPodIdentityAssociation} {
		t.destroyWhere(k, func(x *Resource) bool { return x.ofCluster(r.ID) })
	}
	// AWS leaves the group behind, without a word, when something else still uses it.
	if id := str(r.Attrs, "vpcConfig.clusterSecurityGroupId"); id != "" {
		if g := t.get(KindSecurityGroup, id); g != nil && blockedSecurityGroup(t, g) == nil {
			t.destroy(g)
		}
	}
	if len(strs(r.Props, "enabledClusterLogTypes")) > 0 {
		t.scheduleFlush(r.Name, r.Region)
	}
}

// trusts reports whether a role's trust policy lets a service assume it.
func (t *tx) trusts(roleARN, service string) bool {
	role := t.role(roleARN)
	return role != nil && role.Trusts("sts:AssumeRole", servicePrincipal(service), nil)
}

// tagsWith copies tags and adds some.
func tagsWith(tags map[string]string, more map[string]string) map[string]string {
	out := copyTags(tags)
	maps.Copy(out, more)
	return out
}
