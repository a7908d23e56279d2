// SPDX-License-Identifier: Apache-2.0

package adopt_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/tools/clientcmd"

	"emrflink/components/helm"
	"emrflink/internal/adopt"
	"emrflink/internal/engine"
	"emrflink/internal/engine/enginetest"
	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/provider"
	"emrflink/internal/localcloud/provider/kubeprov/apitest"
	"emrflink/internal/plans"
)

// metrics installs one release, whose namespace is an output.
func metrics(kubeconfig string) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		k, err := kubernetes.NewProvider(ctx, "k", &kubernetes.ProviderArgs{
			Kubeconfig: pulumi.String(kubeconfig), ClusterIdentifier: pulumi.String("c"),
		})
		if err != nil {
			return err
		}
		namespace := k.URN().ApplyT(func(pulumi.URN) string { return "kube-system" }).(pulumi.StringOutput)
		_, err = helm.NewRelease(ctx, "metrics", &helm.Args{
			Name: "metrics", Chart: "metrics-server", Version: "3.13.0", Repo: "https://kubernetes-sigs.github.io/metrics-server/",
			Namespace: namespace,
		}, pulumi.Provider(k))
		return err
	}
}

// A provider that dies in the middle of an installation leaves a release that nothing has recorded: Pulumi forgets the
// operation of a create that failed.
func TestAReleaseThatNobodyRecordedIsTakenIntoTheStack(t *testing.T) {
	t.Parallel()
	a, err := account.Open(account.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	s, err := provider.Serve(t.Context(), provider.Options{Account: a})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	api := apitest.New(t)
	api.OnApply = func(_ string, o map[string]any) {
		o["status"] = map[string]any{"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
	}
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(api.Kubeconfig()))
	require.NoError(t, err)
	cluster, err := kube.FromConfig(config)
	require.NoError(t, err)
	var e *engine.Engine
	found := &adopt.Releases{
		Connect: func(context.Context) (adopt.Cluster, error) { return cluster, nil },
		Recorded: func(ctx context.Context, id string) (bool, error) {
			all, err := e.Resources(ctx)
			for _, r := range all {
				if r.ID == id {
					return true, err
				}
			}
			return false, err
		},
	}
	o := engine.Options{Stack: "one", Home: t.TempDir(), Command: enginetest.Command(), Env: map[string]string{
		"PULUMI_DEBUG_PROVIDERS":                      fmt.Sprintf("kubernetes:%d", s.Kubernetes),
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
	}}
	deploy := func(program pulumi.RunFunc) ([]string, error) {
		o.Program = program
		e, err = engine.Open(t.Context(), o)
		require.NoError(t, err)
		var said []string
		_, err := e.Deploy(t.Context(), func(ev plans.Event) {
			if text, ok := strings.CutPrefix(ev.Message, "info: "); ok && ev.Kind == plans.EventDiagnostic {
				said = append(said, text)
			}
		})
		return said, err
	}
	program := metrics(api.Kubeconfig())
	const id = "Helm release kube-system/metrics"

	api.DieAfter(2)
	_, err = deploy(program)
	require.Error(t, err)
	require.True(t, api.Revive())
	_, err = deploy(program)
	require.ErrorContains(t, err, "cannot re-use a name that is still in use", "as with the real provider")
	said, err := deploy(found.Into(program))
	require.NoError(t, err)
	require.Equal(t, []string{id + ": revision 1 was cut off (pending-install); its record is taken away"}, said)

	// The state is lost: the release is there, and whole.
	o.Stack = "two"
	_, err = deploy(program)
	require.ErrorContains(t, err, "cannot re-use a name that is still in use")
	said, err = deploy(found.Into(program))
	require.NoError(t, err)
	require.Equal(t, []string{id + " exists and is not recorded; it is taken over"}, said)
	said, err = deploy(found.Into(program))
	require.NoError(t, err)
	require.Empty(t, said, "what is recorded is not taken over again")
	plan, err := e.Preview(t.Context())
	require.NoError(t, err)
	require.Zero(t, plan.Summary.Changes(), "%+v", plan.Steps)
	_, err = e.Destroy(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, api.Objects, "the stack deletes what it took over")
}

func TestAnInterruptedCreationOfAReleaseIsLookedUp(t *testing.T) {
	t.Parallel()
	asked := engine.PendingCreate{Type: helm.Token, Name: "x", Inputs: map[string]any{
		"namespace": "n", "name": "r", "chart": "oci://example.org/c",
	}}
	record := func(version int, status string) *kube.HelmRelease {
		r := &kube.HelmRelease{Namespace: "n", Name: "r", Version: version}
		r.Info.Status, r.Chart.Metadata.Name = status, "c"
		return r
	}
	gone := kube.NewError("list", kube.Ref{}, kube.ReasonUnreachable, "connection refused")
	for name, c := range map[string]struct {
		revisions []*kube.HelmRelease
		fails     error
		id        string
		said, err string
	}{
		"none":         {},
		"one is whole": {revisions: []*kube.HelmRelease{record(1, kube.HelmDeployed)}, id: "n/r"},
		"one failed":   {revisions: []*kube.HelmRelease{record(1, kube.HelmFailed)}, id: "n/r"},
		"an installation was cut off": {
			revisions: []*kube.HelmRelease{record(1, kube.HelmPendingInstall)}, said: "revision 1 was cut off (pending-install)",
		},
		"an upgrade was cut off": {
			revisions: []*kube.HelmRelease{record(9, kube.HelmDeployed), record(10, kube.HelmPendingUpgrade)}, id: "n/r",
			said: "revision 10 was cut off (pending-upgrade)",
		},
		"the cluster does not answer": {fails: gone, said: "cannot be looked for: "},
		"the cluster refuses":         {fails: errors.New("forbidden"), err: "forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, said := kubetest.New(), ""
			for _, r := range c.revisions {
				secret, err := r.Secret()
				require.NoError(t, err)
				store.Put(secret)
			}
			store.Fail("list Secret", c.fails)
			find := adopt.Finder(adopt.Options{
				Releases: &adopt.Releases{Connect: func(context.Context) (adopt.Cluster, error) { return store, nil }},
				Say:      func(text string) { said += text },
			})
			id, found, err := find(t.Context(), asked)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.id, id)
			require.Equal(t, c.id != "", found)
			if c.said == "" {
				require.Empty(t, said)
			}
			require.Contains(t, said, c.said)
			store.Fail("list Secret", nil)
			left, err := store.List(t.Context(), kube.KindSecret, kube.ListOptions{})
			require.NoError(t, err)
			for i := range left {
				require.NotContains(t, left[i].GetLabels()["status"], "pending")
			}
		})
	}
}
