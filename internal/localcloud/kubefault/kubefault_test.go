// SPDX-License-Identifier: Apache-2.0

package kubefault

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"

	"emrflink/internal/kube"
	"emrflink/internal/localcloud/provider/kubeclient"
	"emrflink/internal/localcloud/provider/kubeprov/apitest"
	"emrflink/internal/localtarget"
)

func cluster(t *testing.T) (*apitest.API, *kubeclient.Client) {
	t.Helper()
	api := apitest.New(t)
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(api.Kubeconfig()))
	require.NoError(t, err)
	c, err := kubeclient.New(config)
	require.NoError(t, err)
	return api, c
}

func TestEveryFaultOfAClusterIsImplemented(t *testing.T) {
	t.Parallel()
	known := slices.Collect(maps.Keys(breakers()))
	for _, f := range localtarget.ClusterFaults() {
		if f.Action != localtarget.APIServerGone { // that is done to the process
			require.Contains(t, known, f.Action)
		}
		require.NotEmpty(t, f.Does)
	}
	require.Len(t, localtarget.ClusterFaults(), len(known)+1)
	_, c := cluster(t)
	_, ok, err := Set(t.Context(), c, "kubernetes:Nothing", "")
	require.NoError(t, err)
	require.False(t, ok)
}

// That Helm refuses a release whose newest revision is pending is a test of the provider.
func TestAReleaseIsMadePendingAndGetsItsStatusBack(t *testing.T) {
	t.Parallel()
	_, c := cluster(t)
	status := func(version int) string {
		all, err := releases(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, version, all["n/r"].Version)
		return all["n/r"].Info.Status
	}
	for version, pending := range map[int]string{1: kube.HelmPendingInstall, 2: kube.HelmPendingUpgrade} {
		r := kube.HelmRelease{Namespace: "n", Name: "r", Version: version}
		r.Info.Status = kube.HelmFailed
		require.NoError(t, save(t.Context(), c, r, nil, nil))
		n, _, err := Set(t.Context(), c, localtarget.PendingRelease, "n/other")
		require.NoError(t, err)
		require.Zero(t, n)
		n, _, err = Set(t.Context(), c, localtarget.PendingRelease, "n/*")
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, pending, status(version))
		require.NoError(t, Clear(t.Context(), c, localtarget.PendingRelease))
		require.Equal(t, kube.HelmFailed, status(version))
		secret, err := r.Secret()
		require.NoError(t, err)
		require.NoError(t, c.Delete(t.Context(), secret))
	}
}

func TestOnlyTheNamespacesThatMatchAreBroken(t *testing.T) {
	t.Parallel()
	api, c := cluster(t)
	for _, name := range []string{"kube-system", "default", "flink-a", "flink-b", "other"} {
		ns := &unstructured.Unstructured{Object: object{"apiVersion": "v1", "kind": "Namespace"}}
		ns.SetName(name)
		_, err := apply(t.Context(), c, ns)
		require.NoError(t, err)
	}
	for match, want := range map[string]int{"": 3, "flink-*": 2, "none": 0} {
		n, _, err := Set(t.Context(), c, localtarget.StuckNamespace, match)
		require.NoError(t, err)
		require.Equal(t, want, n, match)
	}
	require.True(t, api.Has("/api/v1/namespaces/flink-a/configmaps/never-deleted"))
	require.NoError(t, Clear(t.Context(), c, localtarget.StuckNamespace))
	require.False(t, api.Has("/api/v1/namespaces/flink-a/configmaps/never-deleted"))
	require.True(t, api.Has("/api/v1/namespaces/flink-a"), "nothing else is taken away")
}
