// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestAHelmRecordIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	var secrets []unstructured.Unstructured
	var want []HelmRelease
	for version, status := range map[int]string{11: HelmPendingUpgrade, 2: HelmDeployed} {
		r := HelmRelease{Name: "r", Namespace: "n", Version: version, Config: map[string]any{"a": "b"}}
		r.Info.Status = status
		secret, err := r.Secret()
		require.NoError(t, err)
		require.Equal(t, r.Ref(), RefOf(secret))
		require.Equal(t, status, secret.GetLabels()["status"])
		secrets, want = append(secrets, *secret), append(want, r)
	}
	if want[0].Version > want[1].Version {
		want[0], want[1] = want[1], want[0]
	}
	got, err := HelmReleases(secrets)
	require.NoError(t, err)
	require.Equal(t, want, got, "the oldest first, by number")
	require.False(t, got[0].Pending())
	require.True(t, got[1].Pending())
	require.Equal(t, "sh.helm.release.v1.r.v11", got[1].Ref().Name)

	require.NoError(t, unstructured.SetNestedField(secrets[0].Object, "no record", "data", "release"))
	_, err = HelmReleases(secrets)
	require.ErrorContains(t, err, `read the Helm record Secret "n/sh.helm.release.v1.r.v`)
}
