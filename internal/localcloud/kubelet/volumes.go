// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/untyped"
)

// Names of the EBS CSI driver. It works only while its addon is installed, as on EKS.
const (
	ebsDriver      = "ebs.csi.aws.com"
	ebsInTree      = "kubernetes.io/aws-ebs"
	ebsAddon       = "aws-ebs-csi-driver"
	tagVolumeName  = "CSIVolumeName"
	selectedNode   = "volume.kubernetes.io/selected-node"
	provisionedBy  = "pv.kubernetes.io/provisioned-by"
	defaultVolType = "gp3"
)

// reconcileClaim makes an EBS volume and its PersistentVolume for a claim that waits for one.
func (k *Kubelet) reconcileClaim(ctx context.Context, key string) error {
	o, ok, err := k.claims.GetStore().GetByKey(key)
	pvc, isClaim := o.(*corev1.PersistentVolumeClaim)
	if err != nil || !ok || !isClaim {
		return err
	}
	if pvc.Spec.VolumeName != "" || pvc.DeletionTimestamp != nil || pvc.Spec.StorageClassName == nil {
		return nil
	}
	o, ok, err = k.classes.GetStore().GetByKey(*pvc.Spec.StorageClassName)
	class, isClass := o.(*storagev1.StorageClass)
	if err != nil || !ok || !isClass || !k.provisions(class) {
		return err
	}
	zone, ok, err := k.zoneFor(pvc, class)
	if err != nil || !ok {
		return err
	}
	return k.provision(ctx, pvc, class, zone)
}

// zoneFor is the zone that a claim's volume has to be in; ok is false until that is known.
func (k *Kubelet) zoneFor(pvc *corev1.PersistentVolumeClaim, class *storagev1.StorageClass) (zone string, ok bool, err error) {
	switch node := pvc.Annotations[selectedNode]; {
	case node != "":
		n, err := k.nodeNamed(node)
		if err != nil || n == nil {
			return "", false, err
		}
		return n.Labels[corev1.LabelTopologyZone], true, nil
	case class.VolumeBindingMode != nil && *class.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer:
		return "", false, nil // until the scheduler has chosen a node
	default:
		zone = k.anyZone()
		return zone, zone != "", nil
	}
}

func (k *Kubelet) provisions(class *storagev1.StorageClass) bool {
	if class.Provisioner != ebsDriver && class.Provisioner != ebsInTree {
		return false
	}
	return len(k.cloud.Find(account.KindAddon, func(r account.Resource) bool {
		all := r.All()
		return untyped.First(all, "clusterName") == k.cluster && untyped.First(all, "addonName") == ebsAddon
	})) > 0
}

// anyZone is a zone of the cluster for a volume that binds at once.
func (k *Kubelet) anyZone() string {
	var zones []string
	for _, o := range k.nodes.GetStore().List() {
		if n, ok := o.(*corev1.Node); ok && n.Labels[corev1.LabelTopologyZone] != "" {
			zones = append(zones, n.Labels[corev1.LabelTopologyZone])
		}
	}
	if len(zones) == 0 {
		return ""
	}
	return slices.Min(zones)
}

func (k *Kubelet) provision(ctx context.Context, pvc *corev1.PersistentVolumeClaim, class *storagev1.StorageClass,
	zone string) error {
	name := "pvc-" + string(pvc.UID)
	size := pvc.Spec.Resources.Requests[corev1.ResourceStorage]
	gib := math.Max(1, math.Ceil(float64(size.Value())/gibi))
	vol, err := k.ebsVolume(ctx, name, pvc, class, zone, gib)
	if err != nil {
		return err
	}
	mode := corev1.PersistentVolumeFilesystem
	if pvc.Spec.VolumeMode != nil {
		mode = *pvc.Spec.VolumeMode
	}
	reclaim := corev1.PersistentVolumeReclaimDelete
	if class.ReclaimPolicy != nil {
		reclaim = *class.ReclaimPolicy
	}
	pv := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{provisionedBy: ebsDriver,
			AnnotationSimulated: "true"}},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:    corev1.ResourceList{corev1.ResourceStorage: *sizeOf(gib)},
			AccessModes: pvc.Spec.AccessModes, VolumeMode: &mode, PersistentVolumeReclaimPolicy: reclaim,
			StorageClassName: class.Name,
			ClaimRef: &corev1.ObjectReference{
				Kind: "PersistentVolumeClaim", APIVersion: "v1", Namespace: pvc.Namespace, Name: pvc.Name, UID: pvc.UID,
			},
			PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{
				Driver: ebsDriver, VolumeHandle: vol.ID, FSType: "ext4",
			}},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{
					Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{zone},
				}},
			}}}},
		},
	}
	_, err = k.client.CoreV1().PersistentVolumes().Create(ctx, pv, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create volume %q: %w", name, err)
	}
	return nil
}

// ebsVolume finds or makes the volume of a claim; its tags are those of the driver.
func (k *Kubelet) ebsVolume(ctx context.Context, name string, pvc *corev1.PersistentVolumeClaim, class *storagev1.StorageClass,
	zone string, gib float64) (account.Resource, error) {
	made := k.cloud.Find(account.KindVolume, func(r account.Resource) bool { return r.Tags[tagVolumeName] == name })
	if len(made) > 0 {
		return made[0], nil
	}
	tags := account.Props{
		tagVolumeName: name, "Name": k.cluster + "-dynamic-" + name,
		"ebs.csi.aws.com/cluster": "true", tagClusterOwned + k.cluster: "owned", "KubernetesCluster": k.cluster,
		"kubernetes.io/created-for/pvc/name": pvc.Name, "kubernetes.io/created-for/pvc/namespace": pvc.Namespace,
		"kubernetes.io/created-for/pv/name": name,
	}
	typ := class.Parameters["type"]
	if typ == "" {
		typ = defaultVolType
	}
	vol, err := k.cloud.Create(ctx, account.Caller{Via: account.ByKubernetes}, account.KindVolume, account.Props{
		"availabilityZone": zone, "size": gib, "type": typ,
		"encrypted": class.Parameters["encrypted"] == "true", "tags": maps.Clone(tags),
	})
	if err != nil {
		return vol, fmt.Errorf("create the EBS volume of %s/%s: %w", pvc.Namespace, pvc.Name, err)
	}
	return vol, nil
}

// reconcileVolume deletes a released volume whose policy says so, first on EBS, then in the cluster.
func (k *Kubelet) reconcileVolume(ctx context.Context, name string) error {
	o, ok, err := k.volumes.GetStore().GetByKey(name)
	pv, isVolume := o.(*corev1.PersistentVolume)
	if err != nil || !ok || !isVolume {
		return err
	}
	s := pv.Spec
	if pv.Annotations[provisionedBy] != ebsDriver || s.CSI == nil || pv.Status.Phase != corev1.VolumeReleased ||
		s.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimDelete {
		return nil
	}
	if _, ok := k.cloud.Get(account.KindVolume, s.CSI.VolumeHandle); ok {
		if err := k.cloud.Delete(ctx, account.Caller{Via: account.ByKubernetes}, account.KindVolume,
			s.CSI.VolumeHandle); err != nil {
			return fmt.Errorf("delete EBS volume %q: %w", s.CSI.VolumeHandle, err)
		}
	}
	err = k.client.CoreV1().PersistentVolumes().Delete(ctx, name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete volume %q: %w", name, err)
	}
	return nil
}
