// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
)

// hooked is a cluster whose API server asks a webhook before it deletes a node pool, until a moment after nobody names it.
type hooked struct {
	*kubetest.Store
	kind    kube.Kind
	answer  string
	refused int // so often once its configuration is gone
}

func (h *hooked) Delete(ctx context.Context, ref kube.Ref, p kube.Propagation) error {
	configs, err := h.List(ctx, h.kind, kube.ListOptions{})
	if err != nil {
		return err
	}
	if ref.Kind == kube.KindNodePool && (len(configs) > 0 || h.refused > 0) {
		if len(configs) == 0 {
			h.refused--
		}
		return kube.NewError("delete", ref, "InternalError", h.answer)
	}
	return h.Store.Delete(ctx, ref, p)
}

func TestAWebhookThatIsGoneKeepsNothing(t *testing.T) {
	t.Parallel()
	const gone = `Internal error occurred: failed calling webhook "hook.example.org": failed to call webhook: no endpoints`
	for name, c := range map[string]struct {
		kind   kube.Kind
		answer string
		frees  bool
	}{
		"one that validates": {kube.KindValidatingWebhook, gone, true},
		"one that mutates":   {kube.KindMutatingWebhook, gone, true},
		"one that answers and denies": {
			kube.KindValidatingWebhook, `admission webhook "hook.example.org" denied the request`, false,
		},
		"another one": {
			kube.KindValidatingWebhook, strings.ReplaceAll(gone, "hook.example", "other.example"), false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.kube.Put(kubetest.Object(c.kind, "", "hooks", map[string]any{
				"webhooks": []any{map[string]any{"name": "first.example.org"}, map[string]any{"name": "hook.example.org"}},
			}))
			h := &hooked{w.kube, c.kind, c.answer, 3}
			w.c.Connect = func(context.Context, awsapi.Cluster) (Cluster, error) { return h, nil }
			w.c.Timeouts = map[string]time.Duration{PhaseNodePools: time.Minute}
			report, err := w.run(t)
			require.NoError(t, err)
			left, err := w.kube.List(t.Context(), c.kind, kube.ListOptions{})
			require.NoError(t, err)
			require.Equal(t, c.frees, len(left) == 0)
			require.Equal(t, c.frees, strings.Contains(strings.Join(report.Warnings, "\n"),
				`webhook "hook.example.org" does not answer, so `+c.kind.Kind+` "hooks" was deleted`))
			require.Equal(t, c.frees, strings.Contains(strings.Join(w.journal, "\n"), "gone NodePool flink"))
		})
	}
}

func TestKindsWithoutAServerGoBeforeTheNamespaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	service := func(name, available string) *unstructured.Unstructured {
		return kubetest.Object(kube.KindAPIService, "", name, map[string]any{"status": map[string]any{
			"conditions": []any{map[string]any{"type": "Available", "status": available}},
		}})
	}
	w.kube.Put(service("v1beta1.metrics.k8s.io", "False"))
	w.kube.Put(service("v1.apps", "True"))
	w.kube.Put(kubetest.Object(kube.KindAPIService, "", "v1.young", nil))
	report, err := w.run(t)
	require.NoError(t, err)
	left, err := w.kube.List(t.Context(), kube.KindAPIService, kube.ListOptions{})
	require.NoError(t, err)
	require.Len(t, left, 2, "what is served, and what is not known yet, stays")
	require.Contains(t, strings.Join(report.Warnings, "\n"), `APIService "v1beta1.metrics.k8s.io" has no server`)

	w = newWorld(t)
	w.kube.Fail("list APIService", errors.New("boom"))
	report, err = w.run(t)
	require.NoError(t, err, "the engine has its turn")
	require.Contains(t, strings.Join(report.Warnings, "\n"), "boom")
}

// Deleting a snapshot deletes its savepoint, unless it says otherwise.
func TestRetainedSavepointsOutliveTheirSnapshots(t *testing.T) {
	t.Parallel()
	for _, retain := range []bool{true, false} {
		w := newWorld(t)
		w.c.Scope.RetainData = retain
		savepoint := map[string]any{"spec": map[string]any{"savepoint": map[string]any{"disposeOnDelete": true}}}
		w.kube.Put(kubetest.Object(kube.KindFlinkStateSnapshot, "team", "by-hand", savepoint))
		w.kube.Put(kubetest.Object(kube.KindFlinkStateSnapshot, "team", "checkpoint", map[string]any{
			"spec": map[string]any{"checkpoint": map[string]any{}},
		}))
		kept := map[string]any{}
		w.kube.React(func(verb string, o *unstructured.Unstructured) {
			if verb == "gone" && o.GetKind() == "FlinkStateSnapshot" {
				kept[o.GetName()], _, _ = unstructured.NestedFieldCopy(o.Object, "spec", "savepoint", "disposeOnDelete")
			}
		})
		_, err := w.run(t)
		require.NoError(t, err)
		require.Equal(t, map[string]any{"by-hand": !retain, "checkpoint": nil}, kept)
	}
}

// An orphan of a Service that went long ago is not waited for: nobody in the cluster deletes it, and the sweep does.
func TestALoadBalancerThatNobodyWasAskedToDeleteIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.kube = kubetest.New()
	w.add(awsapi.Resource{Service: "elasticloadbalancing", Type: awsapi.TypeLoadBalancer, ID: "lb-orphan",
		CreatedBy: "kubernetes", Tags: map[string]string{"elbv2.k8s.aws/cluster": cluster}})
	report, err := w.run(t)
	require.NoError(t, err)
	require.Less(t, report.ElapsedSeconds, 60.0)
	w.inOrder(t, "engine", "sweep lb-orphan")
}

// A cluster without the CRDs of the Gateway API has no such load balancers; with them they go while their controller runs.
func TestTheLoadBalancersOfGatewaysGoWithTheRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.kube.WithoutKind(kube.KindGateway)
	_, err := w.run(t)
	require.NoError(t, err)

	w = newWorld(t)
	w.kube.Put(kubetest.Object(kube.KindGateway, "team", "public", nil))
	report, err := w.run(t)
	require.NoError(t, err)
	require.Contains(t, ids(report.Deleted), "team/public")
	w.inOrder(t, "gone Gateway public", "gone NodePool flink", "engine")
}
