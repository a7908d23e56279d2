// SPDX-License-Identifier: Apache-2.0

package graphcheck

import "slices"

// table makes rows.
type table struct {
	who  string
	rows []Case
}

func (t *table) add(allowed bool, k keys, resource string, actions ...string) {
	for _, a := range actions {
		t.rows = append(t.rows, Case{Who: t.who, Action: a, Resource: resource, Keys: k, Allowed: allowed})
	}
}

func (t *table) may(k keys, resource string, actions ...string) { t.add(true, k, resource, actions...) }
func (t *table) mayNot(k keys, resource string, actions ...string) {
	t.add(false, k, resource, actions...)
}

// needsEach: the request is allowed with all keys, and denied when any one of them is missing.
func (t *table) needsEach(k keys, resource string, actions ...string) {
	t.may(k, resource, actions...)
	for _, key := range sorted(k) {
		t.mayNot(without(k, key), resource, actions...)
	}
}

// Cases are the rows for a world. They name no account, cluster or bucket: those are read from the stack's outputs.
func Cases(w *World) []Case {
	var out []Case
	out = append(out, karpenterCases(w)...)
	out = append(out, teamCases(w)...)
	out = append(out, operatorCases(w)...)
	out = append(out, managedCases(w)...)
	out = append(out, autoscalerCases(w)...)
	out = append(out, queueCases(w)...)
	return append(out, trustCases(w)...)
}

// names are the ARNs that rows are about.
type names struct{ region, account, cluster string }

func (w *World) names() names {
	return names{w.output("region"), w.output("accountId"), w.output("deploymentName")}
}

func (n names) ec2(kind string) string {
	account := n.account
	if kind == "image" || kind == "snapshot" {
		account = ""
	}
	return "arn:aws:ec2:" + n.region + ":" + account + ":" + kind + "/x-1"
}

// abroad is another region of the same account.
func (n names) abroad() names {
	if n.region == "eu-central-1" {
		return names{"us-east-1", n.account, n.cluster}
	}
	return names{"eu-central-1", n.account, n.cluster}
}

func (n names) iam(path string) string { return "arn:aws:iam::" + n.account + ":" + path }

// karpenterCases hold what the controller needs to launch, tag and end its own nodes, and that it can touch no others.
func karpenterCases(w *World) []Case {
	t := &table{who: lastPart(w.output("karpenterControllerRoleArn"), "/")}
	n := w.names()
	karpenterLaunch(t, n)
	karpenterTags(t, n)
	karpenterProfiles(t, n, w.output("karpenterNodeRoleArn"))
	karpenterReads(t, n, w.output("karpenterQueue"))
	return t.rows
}

func requestTags(n names) keys {
	return keys{
		"aws:RequestTag/kubernetes.io/cluster/" + n.cluster: "owned",
		"aws:RequestTag/eks:eks-cluster-name":               n.cluster,
		"aws:RequestTag/karpenter.sh/nodepool":              "flink",
	}
}

func resourceTags(cluster string) keys {
	return keys{"aws:ResourceTag/kubernetes.io/cluster/" + cluster: "owned", "aws:ResourceTag/karpenter.sh/nodepool": "flink"}
}

func karpenterLaunch(t *table, n names) {
	launch := []string{"ec2:RunInstances", "ec2:CreateFleet"}
	for _, kind := range []string{"image", "snapshot", "security-group", "subnet", "capacity-reservation", "placement-group"} {
		t.may(nil, n.ec2(kind), launch...)
	}
	tagged, own := requestTags(n), resourceTags(n.cluster)
	for _, kind := range []string{"fleet", "instance", "volume", "network-interface", "spot-instances-request"} {
		t.may(tagged, n.ec2(kind), launch...)
		t.mayNot(nil, n.ec2(kind), launch...)
	}
	t.needsEach(tagged, n.ec2("instance"), launch...)
	t.needsEach(tagged, n.ec2("launch-template"), "ec2:CreateLaunchTemplate")
	t.needsEach(own, n.ec2("launch-template"), launch...)
	t.mayNot(with(tagged, keys{"aws:RequestTag/eks:eks-cluster-name": "other"}), n.ec2("instance"), launch...)
	t.mayNot(own, n.ec2("instance"), launch...)
	t.mayNot(tagged, n.ec2("key-pair"), launch...)
	t.mayNot(resourceTags("other"), n.ec2("launch-template"), launch...)
	abroad := n.abroad()
	t.mayNot(tagged, abroad.ec2("instance"), launch...)
	t.needsEach(own, n.ec2("instance"), "ec2:TerminateInstances")
	t.needsEach(own, n.ec2("launch-template"), "ec2:DeleteLaunchTemplate")
	t.mayNot(resourceTags("other"), n.ec2("instance"), "ec2:TerminateInstances")
	t.mayNot(own, abroad.ec2("instance"), "ec2:TerminateInstances")
	t.mayNot(own, n.ec2("volume"), "ec2:DeleteVolume", "ec2:DetachVolume")
	t.mayNot(own, n.ec2("vpc"), "ec2:DeleteVpc")
}

func karpenterTags(t *table, n names) {
	onCreation := with(requestTags(n), keys{"ec2:CreateAction": "CreateFleet"})
	for _, kind := range []string{"fleet", "instance", "volume", "network-interface", "launch-template",
		"spot-instances-request"} {
		t.may(onCreation, n.ec2(kind), "ec2:CreateTags")
	}
	t.needsEach(onCreation, n.ec2("instance"), "ec2:CreateTags")
	t.mayNot(with(onCreation, keys{"ec2:CreateAction": "CreateVolume"}), n.ec2("volume"), "ec2:CreateTags")
	t.mayNot(onCreation, n.ec2("security-group"), "ec2:CreateTags")
	own := resourceTags(n.cluster)
	row := func(allowed bool, kind string, k keys, tags ...string) {
		t.rows = append(t.rows, Case{Who: t.who, Action: "ec2:CreateTags", Resource: n.ec2(kind), Keys: k, TagKeys: tags,
			Allowed: allowed})
	}
	row(true, "instance", own, "Name", "karpenter.sh/nodeclaim")
	row(true, "instance", with(own, keys{"aws:RequestTag/eks:eks-cluster-name": n.cluster}), "eks:eks-cluster-name")
	row(false, "instance", with(own, keys{"aws:RequestTag/eks:eks-cluster-name": "other"}), "eks:eks-cluster-name")
	row(false, "instance", own, "Name", "team")
	row(false, "volume", own, "Name")
	for _, key := range sorted(own) {
		row(false, "instance", without(own, key), "Name")
	}
}

func karpenterProfiles(t *table, n names, nodeRole string) {
	to := func(service string) keys { return keys{"iam:PassedToService": service} }
	t.may(to("ec2.amazonaws.com"), nodeRole, "iam:PassRole")
	t.mayNot(nil, nodeRole, "iam:PassRole")
	t.mayNot(to("lambda.amazonaws.com"), nodeRole, "iam:PassRole")
	t.mayNot(to("ec2.amazonaws.com"), n.iam("role/admin"), "iam:PassRole")
	t.mayNot(to("ec2.amazonaws.com"), n.iam("role/"+t.who), "iam:PassRole")
	profile := n.iam("instance-profile/karpenter/x")
	abroad := "arn:aws:iam::999999999999:instance-profile/karpenter/x"
	class := func(prefix string) keys {
		return keys{
			prefix + "kubernetes.io/cluster/" + n.cluster: "owned", prefix + "topology.kubernetes.io/region": n.region,
			prefix + "karpenter.k8s.aws/ec2nodeclass": "flink",
		}
	}
	asked := with(class("aws:RequestTag/"), keys{"aws:RequestTag/eks:eks-cluster-name": n.cluster})
	own := class("aws:ResourceTag/")
	change := []string{"iam:AddRoleToInstanceProfile", "iam:RemoveRoleFromInstanceProfile", "iam:DeleteInstanceProfile"}
	t.needsEach(asked, profile, "iam:CreateInstanceProfile")
	t.needsEach(with(asked, own), profile, "iam:TagInstanceProfile")
	t.needsEach(own, profile, change...)
	t.mayNot(with(own, keys{"aws:ResourceTag/topology.kubernetes.io/region": n.abroad().region}), profile, change...)
	t.mayNot(asked, abroad, "iam:CreateInstanceProfile")
	t.mayNot(with(asked, own), abroad, "iam:TagInstanceProfile")
	t.mayNot(own, abroad, change...)
	t.may(nil, profile, "iam:GetInstanceProfile")
	t.mayNot(nil, abroad, "iam:GetInstanceProfile")
	// Without it a node class is never deleted: its finalizer asks for it first.
	t.may(nil, "*", "iam:ListInstanceProfiles")
	t.mayNot(nil, n.iam("role/x"), "iam:CreateRole", "iam:AttachRolePolicy", "iam:PutRolePolicy")
}

func karpenterReads(t *table, n names, queue string) {
	reads := []string{
		"ec2:DescribeCapacityReservations", "ec2:DescribeImages", "ec2:DescribeInstances", "ec2:DescribeInstanceStatus",
		"ec2:DescribeInstanceTypeOfferings", "ec2:DescribeInstanceTypes", "ec2:DescribeLaunchTemplates",
		"ec2:DescribePlacementGroups",
		"ec2:DescribeSecurityGroups", "ec2:DescribeSpotPriceHistory", "ec2:DescribeSubnets",
	}
	t.may(nil, "*", reads...)
	t.mayNot(keys{"aws:RequestedRegion": n.abroad().region}, "*", reads...)
	t.may(nil, "*", "pricing:GetProducts")
	t.may(nil, "arn:aws:ssm:"+n.region+"::parameter/aws/service/eks/x", "ssm:GetParameter")
	t.mayNot(nil, "arn:aws:ssm:"+n.region+":"+n.account+":parameter/secret", "ssm:GetParameter")
	cluster := "arn:aws:eks:" + n.region + ":" + n.account + ":cluster/"
	t.may(nil, cluster+n.cluster, "eks:DescribeCluster")
	t.mayNot(nil, cluster+"other", "eks:DescribeCluster")
	t.mayNot(nil, cluster+n.cluster, "eks:UpdateClusterConfig", "eks:DeleteCluster")
	shift := func(cluster string) keys { return keys{"arc-zonal-shift:ResourceIdentifier": cluster} }
	t.may(shift(cluster+n.cluster), "*", "arc-zonal-shift:GetManagedResource")
	t.mayNot(shift(cluster+"other"), "*", "arc-zonal-shift:GetManagedResource")
	events := "arn:aws:sqs:" + n.region + ":" + n.account + ":"
	t.may(nil, events+queue, "sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage")
	t.mayNot(nil, events+"other", "sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage")
	t.mayNot(keys{"aws:SecureTransport": "false"}, events+queue, "sqs:ReceiveMessage")
	t.mayNot(nil, events+queue, "sqs:SendMessage", "sqs:PurgeQueue")
}

// queueCases: EventBridge may send to the queue, no other service may, and none may read it. That nobody speaks to it
// without TLS is a row of Karpenter's: AWS documents {"AWS":"*"} for identities and anonymous users, not for services.
func queueCases(w *World) []Case {
	n := w.names()
	arn := "arn:aws:sqs:" + n.region + ":" + n.account + ":" + w.output("karpenterQueue")
	var out []Case
	for _, service := range []string{"events.amazonaws.com", "sns.amazonaws.com", "s3.amazonaws.com"} {
		out = append(out,
			Case{Who: service, Action: "sqs:SendMessage", Resource: arn, Method: ByQueue,
				Allowed: service == "events.amazonaws.com"},
			Case{Who: service, Action: "sqs:ReceiveMessage", Resource: arn, Method: ByQueue})
	}
	elsewhere := slices.Clone(out)
	for i := range elsewhere {
		elsewhere[i].Resource, elsewhere[i].Allowed = arn+"-other", false
	}
	return append(out, elsewhere...)
}
