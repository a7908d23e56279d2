// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"emrflink/internal/localcloud/flinkconf"
	"emrflink/internal/localcloud/kubelet"
)

// A pod waits for its ConfigMaps and Secrets as on a node: its container neither starts nor fails.
func TestAPodWaitsForWhatItNames(t *testing.T) {
	t.Parallel()
	c := client()
	r := newRuntime(t, Options{Client: c})
	named := func(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "job", UID: "1"},
		Spec: corev1.PodSpec{
			Volumes: []corev1.Volume{
				{Name: "conf", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
					LocalObjectReference: named("flink-config-job"),
				}}},
				{Name: "maybe", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
					SecretName: "none", Optional: new(true),
				}}},
				{Name: "both", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
					Sources: []corev1.VolumeProjection{{Secret: &corev1.SecretProjection{LocalObjectReference: named("keys")}}},
				}}},
			},
			Containers: []corev1.Container{{Name: flinkconf.MainContainer, Env: []corev1.EnvVar{{
				Name: "PASSWORD", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
					LocalObjectReference: named("password"), Key: "it",
				}},
			}}}},
		},
	}
	waits := func(reason, why string) {
		t.Helper()
		gotReason, got := r.Holds(p)
		require.Equal(t, reason, gotReason)
		require.Contains(t, got, why)
	}
	secret := func(name string) {
		_, err := c.CoreV1().Secrets("team").Create(t.Context(), &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name},
		}, metav1.CreateOptions{})
		require.NoError(t, err)
	}
	waits(kubelet.Creating, `MountVolume.SetUp failed for volume "conf" : configmaps "flink-config-job" not found`)
	_, err := c.CoreV1().ConfigMaps("team").Create(t.Context(), &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "flink-config-job"},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	waits(kubelet.Creating, `volume "both" : secrets "keys" not found`)
	secret("keys")
	waits(kubelet.ConfigError, `secrets "password" not found`)
	secret("password")
	waits("", "")
}
