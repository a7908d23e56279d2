// SPDX-License-Identifier: Apache-2.0

package kubeprov_test

import (
	"context"
	"fmt"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/client-go/tools/clientcmd"

	"emrflink/components/componenttest"
	"emrflink/internal/adopt"
	eng "emrflink/internal/engine"
	"emrflink/internal/kube"
	"emrflink/internal/localcloud/chart"
	"emrflink/internal/localcloud/provider/kubeprov"
	"emrflink/internal/localcloud/provider/kubeprov/apitest"
	"emrflink/stacks"
)

// crd stands for Karpenter's: the charts only pass them on.
const crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: nodepools.karpenter.sh}\n"

// world is a cluster in which a provider installs one release, and what looks for releases there.
type world struct {
	*engine
	api    *apitest.API
	found  *adopt.Releases
	inputs *structpb.Struct
	id     string
	in     object
	said   []string
}

// blueprint are the releases of the default deployment and of its options.
func blueprint(t *testing.T) map[string]object {
	t.Helper()
	out := map[string]object{}
	g := componenttest.Run(t, stacks.Blueprint,
		componenttest.Options{Config: map[string]string{"emrflink:clusterAutoscaler": "true"}})
	for _, r := range g.Resources {
		if r.Type == helm {
			out[r.Name] = r.Inputs
		}
	}
	require.GreaterOrEqual(t, len(out), 7)
	return out
}

func newWorld(t *testing.T, in object) *world {
	t.Helper()
	charts := chart.Charts{KarpenterCRDs: func() ([]byte, error) { return []byte(crd), nil }}
	w := &world{api: apitest.New(t), in: in}
	w.api.OnApply = func(_ string, o object) {
		n := any(1)
		if spec, _ := o["spec"].(object); spec["replicas"] != nil {
			n = spec["replicas"]
		}
		o["status"] = object{
			"replicas": n, "updatedReplicas": n, "availableReplicas": n, "readyReplicas": n,
			"conditions": []any{object{"type": "Established", "status": "True"}},
		}
	}
	w.engine = connect(t, kubeprov.Options{KarpenterCRDs: charts.KarpenterCRDs}, object{"kubeconfig": w.api.Kubeconfig()})
	w.inputs = w.check(helm, in)
	w.id = fmt.Sprintf("%s/%s", in["namespace"], in["name"])
	repo, _ := in["repositoryOpts"].(object)
	url, _ := repo["repo"].(string)
	values, _ := in["values"].(object)
	out, err := charts.Render(chart.Request{
		Chart: in["chart"].(string), Repo: url, Version: in["version"].(string), Release: in["name"].(string),
		Namespace: in["namespace"].(string), Values: values,
	})
	require.NoError(t, err)
	w.api.Serve(append(out.CRDs, out.Objects...)...)
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(w.api.Kubeconfig()))
	require.NoError(t, err)
	config.QPS = -1
	client, err := kube.FromConfig(config)
	require.NoError(t, err)
	w.found = &adopt.Releases{Connect: func(context.Context) (adopt.Cluster, error) { return client, nil }}
	return w
}

// deploy does what a deploy does of which nothing but the cluster knows: a release that is found is imported and upgraded,
// another one is made.
func (w *world) deploy() error {
	id, err := w.found.Find(w.ctx, w.in["namespace"].(string), w.in["name"].(string), w.in["chart"].(string),
		func(text string) { w.said = append(w.said, text) })
	if err != nil {
		return err
	}
	if id == "" {
		_, err = w.Create(w.ctx, &pulumirpc.CreateRequest{Urn: urn(helm), Properties: w.inputs})
		return err
	}
	require.Equal(w.t, w.id, id)
	read, err := w.Read(w.ctx, &pulumirpc.ReadRequest{Id: id, Urn: urn(helm)})
	if err != nil {
		return err
	}
	_, err = w.Update(w.ctx, &pulumirpc.UpdateRequest{Id: id, Urn: urn(helm), Olds: read.Properties, News: w.inputs})
	return err
}

func (w *world) remove() error {
	_, err := w.Delete(w.ctx, &pulumirpc.DeleteRequest{Id: w.id, Urn: urn(helm), OldInputs: w.inputs})
	return err
}

// deployed requires that the newest revision is whole.
func (w *world) deployed(at string) {
	w.t.Helper()
	read, err := w.Read(w.ctx, &pulumirpc.ReadRequest{Id: w.id, Urn: urn(helm), Inputs: w.inputs})
	require.NoError(w.t, err)
	status, _ := plain(w.t, read.Properties)["status"].(object)
	require.Equal(w.t, kube.HelmDeployed, status["status"], at)
}

// gone requires that nothing is left but what Helm never deletes.
func (w *world) gone(at string) {
	w.t.Helper()
	for path := range w.api.Objects {
		require.Contains(w.t, path, "/customresourcedefinitions/", at)
	}
}

// Every release is cut off before and after every change that it makes in the cluster: while it is installed, while it is
// upgraded, and while it is uninstalled. The next run ends what was begun.
func TestAReleaseThatWasCutOffAnywhereIsEndedByTheNextRun(t *testing.T) {
	t.Parallel()
	for name, in := range blueprint(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, in)
			for n, more := 0, true; more; n++ {
				more = w.cutOff(n)
			}
		})
	}
}

// cutOff lets the cluster die after so many changes of an installation, an upgrade and a removal, and tells whether the
// installation had not ended by then.
func (w *world) cutOff(changes int) (early bool) {
	at := fmt.Sprintf("after %d changes", changes)
	clear(w.api.Objects)
	w.api.DieAfter(changes)
	err := w.deploy()
	if early = w.api.Revive(); early {
		require.Error(w.t, err, at)
	}
	require.NoError(w.t, w.deploy(), at)
	w.deployed(at)

	w.api.DieAfter(changes)
	_ = w.deploy() // an upgrade
	w.api.Revive()
	require.NoError(w.t, w.deploy(), at)
	w.deployed(at)

	w.api.DieAfter(changes)
	_ = w.remove()
	w.api.Revive()
	require.NoError(w.t, w.remove(), at)
	w.gone(at)
	return early
}

func TestWhatIsDoneToAReleaseIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, release())
	w.api.DieAfter(2)
	require.Error(t, w.deploy())
	w.api.Revive()
	require.NoError(t, w.deploy())
	require.Equal(t, []string{
		"Helm release kube-system/metrics: revision 1 was cut off (pending-install); its record is taken away",
	}, w.said)

	w.in["chart"] = "oci://example.org/metrics-client"
	err := w.deploy()
	var foreign *eng.ForeignError
	require.ErrorAs(t, err, &foreign)
	require.Equal(t, "helm status metrics --namespace kube-system", foreign.Show)
	w.deployed("a release of another chart is left alone")
}
