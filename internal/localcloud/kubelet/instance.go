// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"encoding/base64"
	"fmt"
	"strings"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/untyped"
)

// instance is what the stand-in reads of an EC2 instance.
type instance struct {
	id, typ, zone, region string
	privateIP, privateDNS string
	profile, nodeGroup    string
	image                 string
	userData              string
	spot                  bool
	tags                  map[string]string
	state                 string
	rootGiB               int
}

// States of an instance in which it has, or keeps, a node.
const (
	stateRunning      = "running"
	stateShuttingDown = "shutting-down"
	stateTerminated   = "terminated"
)

// Tags with which EKS and Karpenter mark the instances of a cluster.
const (
	tagCluster      = "eks:cluster-name"
	tagClusterKarp  = "eks:eks-cluster-name"
	tagClusterOwned = "kubernetes.io/cluster/"
	tagNodeGroup    = "eks:nodegroup-name"
)

// ours tells the instances of this cluster from the others of the account.
func (k *Kubelet) ours(r account.Resource) bool {
	if _, ok := r.Tags[tagClusterOwned+k.cluster]; ok {
		return true
	}
	return r.Tags[tagCluster] == k.cluster || r.Tags[tagClusterKarp] == k.cluster ||
		untyped.First(r.All(), "cluster") == k.cluster
}

func (k *Kubelet) readInstance(r account.Resource) instance {
	all := r.All()
	i := instance{
		id: r.ID, typ: untyped.First(all, "instanceType"), zone: untyped.First(all, "availabilityZone"), region: r.Region,
		privateIP: untyped.First(all, "privateIp"), privateDNS: untyped.First(all, "privateDns", "privateDnsName"),
		profile: untyped.First(all, "iamInstanceProfile"), image: untyped.First(all, "ami"),
		nodeGroup: untyped.First(all, "nodeGroup"), tags: r.Tags, state: r.State,
		spot:     untyped.First(all, "instanceLifecycle") == "spot" || untyped.First(all, "spotInstanceRequestId") != "",
		userData: decode(untyped.First(all, "userDataBase64", "userData")),
		rootGiB:  defaultRootGiB,
	}
	if root, ok := k.cloud.Get(account.KindVolume, untyped.First(all, "rootVolumeId")); ok {
		if size, ok := root.Props["size"].(float64); ok {
			i.rootGiB = int(size)
		}
	}
	if i.region == "" && i.zone != "" {
		i.region = i.zone[:len(i.zone)-1]
	}
	if i.nodeGroup == "" {
		i.nodeGroup = r.Tags[tagNodeGroup]
	}
	if i.privateDNS == "" && i.privateIP != "" {
		i.privateDNS = fmt.Sprintf("ip-%s.%s.compute.internal", strings.ReplaceAll(i.privateIP, ".", "-"), i.region)
	}
	return i
}

// providerID is the id that the AWS cloud provider gives a node.
func (i instance) providerID() string { return "aws:///" + i.zone + "/" + i.id }

// instanceID is the inverse of providerID; "" for foreign nodes.
func instanceID(providerID string) string {
	if !strings.HasPrefix(providerID, "aws:///") {
		return ""
	}
	return providerID[strings.LastIndexByte(providerID, '/')+1:]
}

// blocker says why an instance cannot join its cluster, or "". EKS lets in what an access entry of type EC2_LINUX
// names: the role of the instance's profile.
func (k *Kubelet) blocker(i instance) string {
	if i.profile == "" {
		return fmt.Sprintf("instance %s has no instance profile, so its node has no role to join with", i.id)
	}
	name := i.profile[strings.LastIndexByte(i.profile, '/')+1:]
	p, ok := k.cloud.Get(account.KindInstanceProfile, name)
	if !ok {
		return fmt.Sprintf("instance %s: instance profile %q does not exist", i.id, name)
	}
	roleName := untyped.First(p.All(), "role")
	if roleName == "" {
		return fmt.Sprintf("instance %s: instance profile %q has no role", i.id, name)
	}
	role, ok := k.cloud.Get(account.KindRole, roleName)
	if !ok {
		return fmt.Sprintf("instance %s: role %q does not exist", i.id, roleName)
	}
	entries := k.cloud.Find(account.KindAccessEntry, func(r account.Resource) bool {
		all := r.All()
		return untyped.First(all, "clusterName") == k.cluster && untyped.First(all, "principalArn") == role.ARN &&
			untyped.First(all, "type") == "EC2_LINUX"
	})
	if len(entries) == 0 {
		return fmt.Sprintf("instance %s: role %q has no access entry of type EC2_LINUX in cluster %q", i.id, roleName, k.cluster)
	}
	return ""
}

// decode takes base64, as EC2 hands user data on, or plain text.
func decode(s string) string {
	if b, err := base64.StdEncoding.DecodeString(s); err == nil {
		return string(b)
	}
	return s
}
