// SPDX-License-Identifier: Apache-2.0

package adopt_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
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
			Name: "metrics", Chart: "metrics-server", Version: "3.13.0",
			Repo:      "https://kubernetes-sigs.github.io/metrics-server/",
			Namespace: namespace,
		}, pulumi.Provider(k))
		return err
	}
}

// helmStack is a stack with one release, in a cluster that can die.
type helmStack struct {
	t       *testing.T
	api     *apitest.API
	cluster *kube.Client
	options engine.Options
	program pulumi.RunFunc
	e       *engine.Engine
}

func newHelmStack(t *testing.T) *helmStack {
	t.Helper()
	a, err := account.Open(account.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	s, err := provider.Serve(t.Context(), provider.Options{Account: a})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	w := &helmStack{t: t, api: apitest.New(t)}
	w.api.OnApply = func(_ string, o map[string]any) {
		o["status"] = map[string]any{"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
	}
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(w.api.Kubeconfig()))
	require.NoError(t, err)
	w.cluster, err = kube.FromConfig(config)
	require.NoError(t, err)
	w.program = metrics(w.api.Kubeconfig())
	w.options = engine.Options{Stack: "one", Home: t.TempDir(), Command: enginetest.Command(), Env: map[string]string{
		"PULUMI_DEBUG_PROVIDERS":                      fmt.Sprintf("kubernetes:%d", s.Kubernetes),
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
	}}
	return w
}

func (w *helmStack) releases() *adopt.Releases {
	return &adopt.Releases{
		Connect: func(context.Context) (adopt.Cluster, error) { return w.cluster, nil },
		Recorded: func(ctx context.Context) (map[string]bool, error) {
			all, err := w.e.Resources(ctx)
			out := map[string]bool{}
			for _, r := range all {
				out[r.ID] = true
			}
			return out, err
		},
	}
}

// deploy runs a program and returns what it said.
func (w *helmStack) deploy(program pulumi.RunFunc) (said []string, err error) {
	w.options.Program = program
	w.e, err = engine.Open(w.t.Context(), w.options)
	require.NoError(w.t, err)
	_, err = w.e.Deploy(w.t.Context(), func(ev plans.Event) {
		if text, ok := strings.CutPrefix(ev.Message, "info: "); ok && ev.Kind == plans.EventDiagnostic {
			said = append(said, text)
		}
	})
	return said, err
}

// whole requires that the stack has what the program says and deletes all of it.
func (w *helmStack) whole() {
	w.t.Helper()
	plan, err := w.e.Preview(w.t.Context())
	require.NoError(w.t, err)
	require.Zero(w.t, plan.Summary.Changes(), "%+v", plan.Steps)
	_, err = w.e.Destroy(w.t.Context(), nil)
	require.NoError(w.t, err)
	require.Empty(w.t, w.api.Objects, "the stack deletes what it took over")
}

// A provider that dies in the middle of an installation leaves a release that nothing has recorded: Pulumi forgets the
// operation of a create that failed.
func TestAReleaseThatNobodyRecordedIsTakenIntoTheStack(t *testing.T) {
	t.Parallel()
	w := newHelmStack(t)
	const id = "Helm release kube-system/metrics"
	w.api.DieAfter(2)
	_, err := w.deploy(w.program)
	require.Error(t, err)
	require.True(t, w.api.Revive())
	_, err = w.deploy(w.program)
	require.ErrorContains(t, err, "cannot re-use a name that is still in use", "as with the real provider")
	said, err := w.deploy(w.releases().Into(w.program))
	require.NoError(t, err)
	require.Equal(t, []string{id + ": revision 1 was cut off (pending-install); its record is taken away"}, said)

	w.options.Stack = "two" // the state is lost: the release is there, and whole
	_, err = w.deploy(w.program)
	require.ErrorContains(t, err, "cannot re-use a name that is still in use")
	said, err = w.deploy(w.releases().Into(w.program))
	require.NoError(t, err)
	require.Equal(t, []string{id + " exists and is not recorded; it is taken over"}, said)
	said, err = w.deploy(w.releases().Into(w.program))
	require.NoError(t, err)
	require.Empty(t, said, "what is recorded is not taken over again")
	w.whole()
}

// What is recorded, and was cut off or deleted by hand, is put right although the program says the same.
func TestAReleaseThatIsNotAsItWasRecordedIsPutRight(t *testing.T) {
	t.Parallel()
	w := newHelmStack(t)
	found := w.releases()
	w.options.Review = found.Review
	_, err := w.deploy(w.program)
	require.NoError(t, err)
	for _, status := range []string{kube.HelmFailed, kube.HelmPendingInstall, ""} {
		setStatus(t, w.api, status)
		_, err = w.deploy(w.program)
		require.NoError(t, err)
		newest, err := found.Find(t.Context(), "kube-system", "metrics", "metrics-server", func(text string) { t.Error(text) })
		require.NoError(t, err)
		require.Equal(t, "kube-system/metrics", newest)
	}
	setStatus(t, w.api, kube.HelmPendingInstall)
	w.whole()

	_, err = w.deploy(w.program)
	require.NoError(t, err)
	setStatus(t, w.api, "")
	w.whole()
}

// setStatus leaves one revision of the release, with a status; none and nothing of it without one.
func setStatus(t *testing.T, api *apitest.API, status string) {
	t.Helper()
	if status == "" {
		clear(api.Objects)
		return
	}
	r := kube.HelmRelease{Namespace: "kube-system", Name: "metrics", Version: 1}
	const folder = "/api/v1/namespaces/kube-system/secrets/"
	all, err := kube.HelmReleases([]unstructured.Unstructured{{Object: api.Objects[folder+r.Ref().Name]}})
	require.NoError(t, err)
	maps.DeleteFunc(api.Objects, func(path string, _ map[string]any) bool { return strings.HasPrefix(path, folder) })
	all[0].Info.Status = status
	secret, err := all[0].Secret()
	require.NoError(t, err)
	api.Objects[folder+secret.GetName()] = secret.Object
}

func TestARecordedReleaseIsReviewed(t *testing.T) {
	t.Parallel()
	recorded := plans.StateResource{Type: helm.Token, ID: "n/r", Inputs: map[string]any{"chart": "oci://example.org/c"}}
	for name, c := range map[string]struct {
		status, chart   string
		deploy, destroy engine.Verdict
		err             string
	}{
		"whole":              {status: kube.HelmDeployed, chart: "c"},
		"failed":             {status: kube.HelmFailed, chart: "c", deploy: engine.Broken},
		"cut off":            {status: kube.HelmPendingInstall, chart: "c", deploy: engine.Gone},
		"deleted by hand":    {deploy: engine.Gone, destroy: engine.Gone},
		"of somebody else's": {status: kube.HelmDeployed, chart: "d", destroy: engine.Gone, err: "chart=d, and not chart=c"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, destroy := range []bool{true, false} {
				store := kubetest.New()
				if c.status != "" {
					r := kube.HelmRelease{Namespace: "n", Name: "r", Version: 1}
					r.Info.Status, r.Chart.Metadata.Name = c.status, c.chart
					secret, err := r.Secret()
					require.NoError(t, err)
					store.Put(secret)
				}
				found := &adopt.Releases{Connect: func(context.Context) (adopt.Cluster, error) { return store, nil }}
				verdict, err := found.Review(t.Context(), recorded, destroy, func(string) {})
				if c.err != "" && !destroy {
					require.ErrorContains(t, err, c.err)
					continue
				}
				require.NoError(t, err)
				require.Equal(t, map[bool]engine.Verdict{true: c.destroy, false: c.deploy}[destroy], verdict)
				if destroy {
					require.Empty(t, store.Calls(), "a cleanup leaves it to Helm")
				}
			}
		})
	}
	none := &adopt.Releases{Connect: func(context.Context) (adopt.Cluster, error) { return nil, nil }}
	verdict, err := none.Review(t.Context(), recorded, true, func(string) {})
	require.NoError(t, err)
	require.Equal(t, engine.Whole, verdict, "not known is never gone")
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
	other := record(1, kube.HelmPendingInstall)
	other.Chart.Metadata.Name = "d"
	gone := kube.NewError("list", kube.Ref{}, kube.ReasonUnreachable, "connection refused")
	for name, c := range map[string]struct {
		revisions []*kube.HelmRelease
		fails     error
		stuck     error // of a deletion
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
		"the cluster refuses":         {fails: errors.New("forbidden"), said: "forbidden"},
		"its record cannot be taken away": {
			revisions: []*kube.HelmRelease{record(1, kube.HelmPendingInstall)}, stuck: errors.New("the webhook is gone"),
			said: "revision 1 is pending-install and its record cannot be taken away: the webhook is gone",
		},
		"of somebody else's": {
			revisions: []*kube.HelmRelease{other}, err: `the Helm release "n/r" exists and is not of this deployment`,
		},
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
			store.Fail("delete Secret", c.stuck)
			find := adopt.Finder(adopt.Options{
				Releases: &adopt.Releases{Connect: func(context.Context) (adopt.Cluster, error) { return store, nil }},
			})
			asked := asked
			asked.Notice = func(text string) { said += text }
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
				require.Equal(t, c.stuck != nil, strings.HasPrefix(left[i].GetLabels()["status"], "pending"))
			}
		})
	}
}
