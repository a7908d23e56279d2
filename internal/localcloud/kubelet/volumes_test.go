// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"emrflink/internal/localcloud/account"
)

func TestClaimGetsAnEBSVolumeWhileTheDriverIsInstalled(t *testing.T) {
	t.Parallel()
	wait := storagev1.VolumeBindingWaitForFirstConsumer
	class := &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{Name: "gp3"}, Provisioner: "ebs.csi.aws.com", VolumeBindingMode: &wait,
		Parameters: map[string]string{"type": "gp3", "encrypted": "true"},
	}
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "data", UID: "u1"},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: new("gp3"), AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: *sizeOf(10)}},
		},
	}
	c := base()
	_, client := run(t, c, nil, readyNode(), class, claim)
	volumes := func() []account.Resource {
		return c.Find(account.KindVolume, func(account.Resource) bool { return true })
	}
	claim.Annotations = map[string]string{selectedNode: testNode}
	_, err := client.CoreV1().PersistentVolumeClaims("default").Update(t.Context(), claim, metav1.UpdateOptions{})
	require.NoError(t, err)
	require.Empty(t, volumes(), "no driver, no volume")

	c.put(account.Resource{Kind: account.KindAddon, ID: "demo:aws-ebs-csi-driver", Props: account.Props{
		"clusterName": testCluster, "addonName": "aws-ebs-csi-driver",
	}})
	api := client.CoreV1().PersistentVolumes()
	var pv *corev1.PersistentVolume
	eventually(t, "the volume is made", func() bool {
		pv, err = api.Get(t.Context(), "pvc-u1", metav1.GetOptions{})
		return err == nil
	})
	vol := volumes()[0]
	require.Equal(t, vol.ID, pv.Spec.CSI.VolumeHandle)
	require.Equal(t, "us-west-2a", vol.Props["availabilityZone"])
	require.Equal(t, 10.0, vol.Props["size"])
	require.Equal(t, "data", vol.Tags["kubernetes.io/created-for/pvc/name"])

	require.NoError(t, client.CoreV1().PersistentVolumeClaims("default").Delete(t.Context(), "data", metav1.DeleteOptions{}))
	pv.Status.Phase = corev1.VolumeReleased
	_, err = api.UpdateStatus(t.Context(), pv, metav1.UpdateOptions{})
	require.NoError(t, err)
	eventually(t, "the EBS volume is deleted", func() bool { return c.wasDeleted(vol.ID) })
	eventually(t, "the volume is gone", func() bool {
		_, err := api.Get(t.Context(), "pvc-u1", metav1.GetOptions{})
		return err != nil
	})
}
