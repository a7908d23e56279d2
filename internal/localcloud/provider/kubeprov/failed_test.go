// SPDX-License-Identifier: Apache-2.0

package kubeprov_test

import (
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/structpb"

	"emrflink/internal/kube"
	"emrflink/internal/localcloud/provider/kubeprov"
	"emrflink/internal/localcloud/provider/kubeprov/apitest"
)

func ready(_ string, o object) {
	o["status"] = object{"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
}

// upgrade imports the release and changes it to what is asked, as the engine does.
func (e *engine) upgrade(inputs *structpb.Struct) (*pulumirpc.UpdateResponse, error) {
	e.t.Helper()
	const id = "kube-system/metrics"
	read, err := e.Read(e.ctx, &pulumirpc.ReadRequest{Id: id, Urn: urn(helm)})
	require.NoError(e.t, err)
	require.Equal(e.t, id, read.Id)
	diff, err := e.Diff(e.ctx, &pulumirpc.DiffRequest{Id: id, Urn: urn(helm), OldInputs: read.Inputs, News: inputs})
	require.NoError(e.t, err)
	require.Equal(e.t, pulumirpc.DiffResponse_DIFF_SOME, diff.Changes, "what is imported is upgraded")
	require.Empty(e.t, diff.Replaces)
	return e.Update(e.ctx, &pulumirpc.UpdateRequest{Id: id, Urn: urn(helm), Olds: read.Properties, News: inputs})
}

// Helm's own rules: any record of a release locks its name, and one that is pending locks the release.
func TestAReleaseThatIsRecordedCannotBeMadeAgain(t *testing.T) {
	t.Parallel()
	for state, refusal := range map[string]string{
		kube.HelmDeployed: "", kube.HelmFailed: "",
		kube.HelmPendingInstall: "another operation (install/upgrade/rollback) is in progress",
		kube.HelmPendingUpgrade: "another operation (install/upgrade/rollback) is in progress",
	} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			a := apitest.New(t)
			a.OnApply = ready
			record := kube.HelmRelease{Name: "metrics", Namespace: "kube-system", Version: 1}
			record.Info.Status, record.Chart.Metadata.Name = state, "metrics-server"
			secret, err := record.Secret()
			require.NoError(t, err)
			path := "/api/v1/namespaces/kube-system/secrets/" + secret.GetName()
			a.Objects[path] = secret.Object

			e := connect(t, kubeprov.Options{}, object{"kubeconfig": a.Kubeconfig()})
			_, inputs, err := e.create(helm, release(), 0)
			require.ErrorContains(t, err, "cannot re-use a name that is still in use")
			out, err := e.upgrade(inputs)
			if refusal != "" {
				require.ErrorContains(t, err, refusal)
				delete(a.Objects, path)
				_, err = e.Update(e.ctx, &pulumirpc.UpdateRequest{Id: "kube-system/metrics", Urn: urn(helm), News: inputs})
				require.ErrorContains(t, err, `"metrics" has no deployed releases`)
				_, _, err = e.create(helm, release(), 0)
				require.NoError(t, err, "without its record the name is free")
				return
			}
			require.NoError(t, err)
			status, _ := plain(t, out.Properties)["status"].(object)
			require.Equal(t, kube.HelmDeployed, status["status"])
			require.InDelta(t, 2, status["revision"], 0)
		})
	}
}

func TestAnObjectOfSomebodyElseStopsAnInstallation(t *testing.T) {
	t.Parallel()
	a := apitest.New(t)
	a.OnApply = ready
	e := connect(t, kubeprov.Options{}, object{"kubeconfig": a.Kubeconfig()})
	_, _, err := e.create(deploy, object{"metadata": object{"name": "metrics-metrics-server", "namespace": "kube-system"}}, 0)
	require.NoError(t, err)
	_, _, err = e.create(helm, release(), 0)
	require.ErrorContains(t, err, "Deployment kube-system/metrics-metrics-server exists and cannot be imported")
	require.False(t, a.Has("/api/v1/namespaces/kube-system/secrets/sh.helm.release.v1.metrics.v1"))
}
