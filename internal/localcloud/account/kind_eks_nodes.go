// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/awsid"
	"emrflink/internal/pattern"
)

var nodeGroupName = pattern.Lazy(`^[0-9A-Za-z][A-Za-z0-9_-]{0,62}$`)

// nodeKinds are managed node groups.
func nodeKinds() map[Kind]*spec {
	return map[Kind]*spec{
		KindNodeGroup: {
			missing: func(id string) *awserror.Error {
				cluster, name, _ := strings.Cut(id, ":")
				return noSuchEKS("No node group found for name: %s in cluster: %s.", name, cluster)
			},
			pending: stateCREATING, usable: stateACTIVE, deleting: stateDELETING, failed: stateCREATEFAILED,
			refused: []string{"remoteAccess", "nodeRepairConfig.enabled"},
			refs: []ref{
				{path: "clusterName", kind: KindCluster, required: true, lost: noSuchCluster},
				{
					path: "nodeRoleArn", kind: KindRole, required: true, byARN: true, weak: true,
					lost: func(arn string) *awserror.Error {
						return errEKS("The role with name %s cannot be found.", RoleName(arn))
					},
				},
				{path: "subnetIds", kind: KindSubnet, required: true, weak: true, lost: func(id string) *awserror.Error {
					return errEKS("The subnet ID '%s' does not exist", id)
				}},
				{path: "launchTemplate.id", kind: KindLaunchTemplate, weak: true},
			},
			check: checkNodeGroup, make: makeNodeGroup, start: startNodeGroup,
			change: changeNodeGroup, stop: stopNodeGroup, gone: goneNodeGroup,
		},
	}
}

func checkNodeGroup(t *tx, p Props, self string) error {
	cluster, name := str(p, "clusterName"), str(p, "nodeGroupName")
	if !nodeGroupName().MatchString(name) {
		return errEKS("The nodegroup name %q must match %s", name, nodeGroupName())
	}
	lowest, _ := number(p, "scalingConfig.minSize")
	highest, _ := number(p, "scalingConfig.maxSize")
	desired, _ := number(p, "scalingConfig.desiredSize")
	if lowest < 0 || highest < 1 || desired < lowest || desired > highest {
		return errEKS("Minimum capacity %.0f, desired capacity %.0f and maximum capacity %.0f do not fit together", lowest,
			desired, highest)
	}
	if self != "" {
		return nil
	}
	if err := t.clusterActive(cluster); err != nil {
		return err
	}
	if t.get(KindNodeGroup, cluster+":"+name) != nil {
		return inUse("NodeGroup already exists with name %s and cluster name %s", name, cluster)
	}
	if !t.trusts(str(p, "nodeRoleArn"), "ec2.amazonaws.com") {
		return errEKS("Following required service principals [ec2.amazonaws.com] were not found in the trust relationships of "+
			"nodeRole %s", str(p, "nodeRoleArn"))
	}
	vpc := str(t.get(KindCluster, cluster).Attrs, "vpcConfig.vpcId")
	for _, id := range strs(p, "subnetIds") {
		if t.vpcOf(id) != vpc {
			return errEKS("Subnet %s does not belong to the VPC of the cluster, %s", id, vpc)
		}
	}
	_, err := t.groupType(p)
	return err
}

// groupType is the instance type of a node group's instances; its architecture must fit the AMI type.
func (t *tx) groupType(p Props) (InstanceType, error) {
	names := strs(p, "instanceTypes")
	if lt := t.groupTemplate(p); lt != nil && str(lt.Props, "instanceType") != "" {
		if len(names) > 0 {
			return InstanceType{}, errEKS("Instance type in launch template and in the request exclude each other")
		}
		names = []string{str(lt.Props, "instanceType")}
	}
	if len(names) == 0 {
		names = []string{"t3.medium"} // EKS's default
	}
	for _, name := range names {
		typ, ok := t.a.types[name]
		if !ok {
			return InstanceType{}, errEKS("The following supplied instance types do not exist: [%s]", name)
		}
		if ami := str(p, "amiType"); ami != "" && ami != "CUSTOM" &&
			strings.Contains(strings.ToUpper(ami), "ARM") != (typ.Arch == "arm64") {
			return InstanceType{}, errEKS("[%s] is not a valid instance type for requested amiType %s", name, ami)
		}
	}
	return t.a.types[names[0]], nil
}

// groupTemplate is the launch template that a node group was given, or nil.
func (t *tx) groupTemplate(p Props) *Resource {
	if id := str(p, "launchTemplate.id"); id != "" {
		return t.get(KindLaunchTemplate, id)
	}
	name := str(p, "launchTemplate.name")
	if name == "" {
		return nil
	}
	return t.first(KindLaunchTemplate, func(r *Resource) bool { return r.Name == name })
}

func makeNodeGroup(t *tx, r *Resource) error {
	cluster := t.get(KindCluster, str(r.Props, "clusterName"))
	name := str(r.Props, "nodeGroupName")
	id := awsid.UUID()
	r.ID, r.Name = cluster.ID+":"+name, name
	r.ARN = t.arn("eks", fmt.Sprintf("nodegroup/%s/%s/%s", cluster.ID, name, id))
	typ, err := t.groupType(r.Props)
	if err != nil {
		return err
	}
	ami := "AL2023_x86_64_STANDARD"
	if typ.Arch == "arm64" {
		ami = "AL2023_ARM_64_STANDARD"
	}
	version := str(cluster.All(), "version")
	r.Attrs = Props{
		"arn": r.ARN, "status": stateCREATING, "createdAt": stamp(t.Now), "profile": "eks-" + id,
		"resources": []any{Props{"remoteAccessSecurityGroupId": "",
			"autoscalingGroups": []any{Props{"name": "eks-" + name + "-" + id}}}},
	}
	defaults(r.Attrs, r.Props, Props{
		"amiType": ami, "capacityType": "ON_DEMAND", "instanceTypes": []any{typ.Type}, "diskSize": 20.0,
		"version": version, "releaseVersion": version + ".0-20261101",
	})
	profile := t.made(KindInstanceProfile, "eks-"+id, t.iamARN("instance-profile/eks-"+id), ByEKS,
		Props{"name": "eks-" + id, "path": "/", "role": RoleName(str(r.Props, "nodeRoleArn"))}, nil, map[string]string{})
	profile.Name, profile.Region = profile.ID, ""
	profile.Attrs = Props{"arn": profile.ARN, "uniqueId": awsid.IAM("AIPA"), "createDate": stamp(t.Now)}
	t.put(profile)
	if t.groupTemplate(r.Props) == nil {
		t.ownTemplate(r, cluster, "eks-"+id)
	}
	if mode := str(cluster.All(), "accessConfig.authenticationMode"); mode != "CONFIG_MAP" {
		t.addEntry(cluster.ID, str(r.Props, "nodeRoleArn"), "EC2_LINUX")
	}
	t.put(r)
	desired, _ := number(r.Props, "scalingConfig.desiredSize")
	return t.grow(r, int(desired))
}

// ownTemplate makes the launch template that EKS makes when it is given none.
func (t *tx) ownTemplate(r, cluster *Resource, name string) {
	size, _ := number(r.All(), "diskSize")
	lt := t.made(KindLaunchTemplate, awsid.EC2("lt"), "", ByEKS, Props{
		"name": name, "vpcSecurityGroupIds": []any{str(cluster.Attrs, "vpcConfig.clusterSecurityGroupId")},
		"iamInstanceProfile": []any{Props{"name": str(r.Attrs, "profile")}},
		"blockDeviceMappings": []any{Props{"deviceName": "/dev/xvda",
			"ebs": []any{Props{"volumeSize": size, "volumeType": "gp3"}}}},
	}, nil, map[string]string{"eks:cluster-name": cluster.ID, "eks:nodegroup-name": r.Name})
	lt.ARN = t.arn("ec2", "launch-template/"+lt.ID)
	lt.Name = name
	lt.Attrs = Props{"arn": lt.ARN, "latestVersion": 1.0, "defaultVersion": 1.0}
	t.put(lt)
	r.Attrs["ownTemplate"] = lt.ID
}

// grow starts n more instances for a node group, spread over its subnets.
func (t *tx) grow(r *Resource, n int) error {
	cluster := t.get(KindCluster, str(r.Props, "clusterName"))
	all := r.All()
	tags := map[string]string{
		"eks:cluster-name": cluster.ID, "eks:nodegroup-name": r.Name, "kubernetes.io/cluster/" + cluster.ID: "owned",
		"aws:autoscaling:groupName": str(all, "resources.autoscalingGroups.name"),
	}
	q := RunRequest{
		InstanceType: strs(all, "instanceTypes")[0], InstanceProfile: str(r.Attrs, "profile"),
		Tags: tags, VolumeTags: tags, ENITags: tags,
		Cluster: cluster.ID, NodeGroup: r.Name, Spot: str(all, "capacityType") == "SPOT",
		LaunchTemplateID: str(r.Attrs, "ownTemplate"),
		ImageID:          eksImage(str(all, "version"), str(all, "amiType")),
	}
	if lt := t.groupTemplate(r.Props); lt != nil {
		q.LaunchTemplateID = lt.ID
		q.ImageID = orElse(str(lt.Props, "imageId"), q.ImageID)
		q.Tags = tagsWith(templateTags(lt.Props, "instance"), tags)
		q.VolumeTags = tagsWith(templateTags(lt.Props, "volume"), tags)
		if len(strs(lt.Props, "vpcSecurityGroupIds")) == 0 && len(strs(lt.Props, "networkInterfaces.securityGroups")) == 0 {
			q.SecurityGroupIDs = strs(cluster.Attrs, "vpcConfig.clusterSecurityGroupId")
		}
	}
	c := t.c
	defer func() { t.c = c }()
	t.c.Via = ByEKS
	subnets := strs(r.Props, "subnetIds")
	have := len(t.groupInstances(r))
	for i := range n {
		q.SubnetID = subnets[(have+i)%len(subnets)]
		if _, err := t.run(q); err != nil {
			return fmt.Errorf("start an instance of node group %q: %w", r.Name, err)
		}
	}
	return nil
}

// templateTags are the tags that a launch template gives to what it starts.
func templateTags(p Props, resourceType string) map[string]string {
	for _, s := range blocks(p, "tagSpecifications") {
		if str(s, "resourceType") == resourceType {
			return stringMap(s, "tags")
		}
	}
	return nil
}

// eksImage is a stable image id for a Kubernetes version and AMI type.
func eksImage(version, amiType string) string {
	sum := sha256.Sum256([]byte(version + "/" + amiType))
	return fmt.Sprintf("ami-0%x", sum[:8])
}

// groupInstances are the instances of a node group that run or are about to.
func (t *tx) groupInstances(r *Resource) []*Resource {
	cluster := str(r.Props, "clusterName")
	return t.where(KindInstance, func(i *Resource) bool {
		return !i.dying() && str(i.Attrs, "cluster") == cluster && str(i.Attrs, "nodeGroup") == r.Name
	})
}

func (a *Account) groupIDs(r Resource) []string {
	a.ledger.Lock()
	defer a.ledger.Unlock()
	var ids []string
	for _, i := range (&tx{a: a}).groupInstances(&r) {
		ids = append(ids, i.ID)
	}
	return ids
}

// startNodeGroup waits until the instances run and their nodes are ready.
func startNodeGroup(ctx context.Context, a *Account, r Resource) (func(*tx, *Resource), error) {
	ids := a.groupIDs(r)
	for _, id := range ids {
		if err := a.Wait(ctx, KindInstance, id); err != nil {
			return nil, err
		}
	}
	if a.opts.Runtime == nil || len(ids) == 0 {
		return nil, nil
	}
	if err := a.opts.Runtime.WaitNodes(ctx, str(r.Props, "clusterName"), ids); err != nil {
		return nil, awserror.Bad("NodeCreationFailure", "Instances failed to join the kubernetes cluster: %v", err)
	}
	return nil, nil
}

// changeNodeGroup scales a node group, or replaces its instances when their template or version changed.
func changeNodeGroup(ctx context.Context, a *Account, old, r Resource) error {
	ids := a.groupIDs(r)
	desired, _ := number(r.Props, "scalingConfig.desiredSize")
	excess := ids[:max(0, len(ids)-int(desired))]
	more := max(0, int(desired)-len(ids))
	for _, name := range []string{"launchTemplate", "version", "releaseVersion"} {
		if !isZero(Value(r.Props, name)) && !sameValue(Value(old.All(), name), Value(r.Props, name)) {
			excess, more = ids, int(desired)
		}
	}
	if more > 0 {
		err := a.do(Caller{Via: ByEKS, Region: r.Region}, func(t *tx) error { return t.grow(&r, more) })
		if err != nil {
			return err
		}
		if _, err := startNodeGroup(ctx, a, r); err != nil {
			return err
		}
	}
	return a.terminateAll(ctx, excess)
}

// terminateAll terminates instances and waits until they are gone; those that are gone already are fine.
func (a *Account) terminateAll(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	err := a.do(Caller{Via: ByEKS}, func(t *tx) error {
		for _, id := range ids {
			t.terminate(id)
		}
		return nil
	})
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range ids {
		errs = append(errs, a.Wait(ctx, KindInstance, id))
	}
	return errors.Join(errs...)
}

func stopNodeGroup(ctx context.Context, a *Account, r Resource) error {
	return a.terminateAll(ctx, a.groupIDs(r))
}

func goneNodeGroup(t *tx, r *Resource) {
	for _, i := range t.groupInstances(r) {
		t.terminate(i.ID)
	}
	t.remove(KindInstanceProfile, str(r.Attrs, "profile"))
	t.remove(KindLaunchTemplate, str(r.Attrs, "ownTemplate"))
	role := str(r.Props, "nodeRoleArn")
	p := Props{"clusterName": str(r.Props, "clusterName"), "principalArn": role}
	entry := t.get(KindAccessEntry, entryID(p))
	shared := t.first(KindNodeGroup, func(x *Resource) bool {
		return x.ID != r.ID && x.ofCluster(str(p, "clusterName")) && str(x.Props, "nodeRoleArn") == role
	})
	if entry != nil && entry.CreatedBy == ByEKS && shared == nil {
		t.destroy(entry)
	}
}
