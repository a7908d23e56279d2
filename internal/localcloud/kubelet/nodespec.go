// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/untyped"
)

// Labels and annotations that EKS sets on the nodes of a managed node group.
const (
	labelNodeGroup    = "eks.amazonaws.com/nodegroup"
	labelCapacityType = "eks.amazonaws.com/capacityType"
	labelImage        = "eks.amazonaws.com/nodegroup-image"
)

// newNode is the node as it registers: labels and taints from the user data or the node group, not Ready yet.
func (k *Kubelet) newNode(i instance) (*corev1.Node, error) {
	t, ok := k.types[i.typ]
	if !ok {
		return nil, fmt.Errorf("instance type %q is not in the account's table", i.typ)
	}
	reg, err := parseUserData(i.userData)
	if err != nil {
		return nil, err
	}
	if reg.cluster != "" && reg.cluster != k.cluster {
		return nil, fmt.Errorf("its user data joins cluster %q, not %q", reg.cluster, k.cluster)
	}
	if i.nodeGroup != "" {
		if err := k.fromNodeGroup(i, &reg); err != nil {
			return nil, err
		}
	}
	capacity, allocatable, err := capacities(t, reg, i.rootGiB)
	if err != nil {
		return nil, err
	}
	labels := standardLabels(i, t)
	maps.Copy(labels, reg.labels)
	taints := append([]corev1.Taint{{Key: corev1.TaintNodeNotReady, Effect: corev1.TaintEffectNoSchedule}}, reg.taints...)
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: i.privateDNS, Labels: labels, Annotations: map[string]string{AnnotationSimulated: "true"},
		},
		Spec: corev1.NodeSpec{ProviderID: i.providerID(), Taints: taints},
		Status: corev1.NodeStatus{
			Capacity: capacity, Allocatable: allocatable,
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: i.privateIP},
				{Type: corev1.NodeInternalDNS, Address: i.privateDNS},
				{Type: corev1.NodeHostName, Address: i.privateDNS},
			},
			NodeInfo: corev1.NodeSystemInfo{
				Architecture: t.Arch, OperatingSystem: "linux", OSImage: "Amazon Linux 2023 (simulated)",
				ContainerRuntimeVersion: "simulated://none", KernelVersion: "simulated", KubeletVersion: k.kubeletVersion(),
				MachineID: i.id, SystemUUID: i.id, BootID: i.id,
			},
		},
	}
	setReady(node, corev1.ConditionFalse, "KubeletNotReady", "the network plugin is not ready")
	for _, pressure := range []corev1.NodeConditionType{
		corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure,
	} {
		now := metav1.Now()
		node.Status.Conditions = append(node.Status.Conditions, corev1.NodeCondition{
			Type: pressure, Status: corev1.ConditionFalse, Reason: "KubeletHasNo" + string(pressure),
			LastHeartbeatTime: now, LastTransitionTime: now,
		})
	}
	return node, nil
}

// kubeletVersion is the control plane's: EKS nodes are released with it.
func (k *Kubelet) kubeletVersion() string {
	v, err := k.client.Discovery().ServerVersion()
	if err != nil {
		return ""
	}
	return v.GitVersion
}

func standardLabels(i instance, t account.InstanceType) map[string]string {
	return map[string]string{
		corev1.LabelHostname:                i.privateDNS,
		corev1.LabelArchStable:              t.Arch,
		corev1.LabelOSStable:                "linux",
		corev1.LabelInstanceTypeStable:      i.typ,
		corev1.LabelTopologyZone:            i.zone,
		corev1.LabelTopologyRegion:          i.region,
		"beta.kubernetes.io/arch":           t.Arch,
		"beta.kubernetes.io/os":             "linux",
		corev1.LabelInstanceType:            i.typ,
		corev1.LabelFailureDomainBetaZone:   i.zone,
		corev1.LabelFailureDomainBetaRegion: i.region,
	}
}

// fromNodeGroup adds what EKS adds to the NodeConfig of a managed node group's launch template.
func (k *Kubelet) fromNodeGroup(i instance, reg *registration) error {
	groups := k.cloud.Find(account.KindNodeGroup, func(r account.Resource) bool {
		all := r.All()
		return untyped.First(all, "clusterName") == k.cluster && untyped.First(all, "nodeGroupName", "name") == i.nodeGroup
	})
	if len(groups) == 0 {
		return fmt.Errorf("node group %q does not exist in cluster %q", i.nodeGroup, k.cluster)
	}
	all := groups[0].All()
	if labels, ok := all["labels"].(map[string]any); ok {
		for name, v := range labels {
			reg.labels[name] = fmt.Sprint(v)
		}
	}
	reg.labels[labelNodeGroup] = i.nodeGroup
	reg.labels[labelCapacityType] = "ON_DEMAND"
	if untyped.First(all, "capacityType") != "" {
		reg.labels[labelCapacityType] = untyped.First(all, "capacityType")
	}
	if i.image != "" {
		reg.labels[labelImage] = i.image
	}
	taints, _ := all["taints"].([]any)
	for _, o := range taints {
		taint, ok := o.(map[string]any)
		if !ok {
			continue
		}
		reg.taints = append(reg.taints, corev1.Taint{
			Key: untyped.First(taint, "key"), Value: untyped.First(taint, "value"),
			Effect: taintEffect(untyped.First(taint, "effect")),
		})
	}
	return nil
}

// taintEffect translates EKS's spelling (NO_SCHEDULE) to Kubernetes' (NoSchedule).
func taintEffect(s string) corev1.TaintEffect {
	switch strings.ToUpper(s) {
	case "NO_SCHEDULE":
		return corev1.TaintEffectNoSchedule
	case "NO_EXECUTE":
		return corev1.TaintEffectNoExecute
	case "PREFER_NO_SCHEDULE":
		return corev1.TaintEffectPreferNoSchedule
	default:
		return corev1.TaintEffect(s)
	}
}
