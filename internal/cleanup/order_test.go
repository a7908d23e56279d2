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
	"emrflink/internal/plans"
)

// ordered is an engine that can be told an order.
type ordered struct {
	*engine
	told []plans.Order
	err  error
}

func (o *ordered) Rearrange(_ context.Context, order plans.Order) error {
	o.told = append(o.told, order)
	return o.err
}

func TestObjectsGoWithTheClusterWhenNothingInAWSNeedsTheirControllers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		held bool // a node is left
		err  error
	}{"nothing is held": {}, "a node is": {held: true}, "the state cannot be written": {err: errors.New("disk full")}} {
		w := newWorld(t)
		if c.held {
			w.kube = kubetest.New()
		}
		o := &ordered{engine: w.engine, err: c.err}
		w.c.Engine = o
		report, err := w.run(t)
		require.NoError(t, err, name)
		require.Len(t, o.told, 1, name)
		require.Equal(t, !c.held, o.told[0].Kubernetes, name)
		require.Equal(t, 1, w.engine.runs, name)
		require.Equal(t, c.err != nil, strings.Contains(strings.Join(report.Warnings, "\n"), "disk full"), name)
	}
}

// EKS removes an addon from the cluster first, which fails when that does not answer.
func TestAddonsGoWithAClusterThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	for _, reached := range []bool{true, false} {
		w := newWorld(t)
		if !reached {
			w.c.Scope.WithoutCluster = true
			w.c.Connect = func(context.Context, awsapi.Cluster) (Cluster, error) { return nil, errors.New("refused") }
		}
		o := &ordered{engine: w.engine}
		w.c.Engine = o
		_, err := w.run(t)
		require.NoError(t, err)
		require.Equal(t, !reached, o.told[0].With[addon] == eksCluster)
	}
}

// A StatefulSet makes a claim again, and an operator the StatefulSet: what is at the top goes.
func TestWhatMakesAClaimAgainGoesWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	set := func(name string, owners ...any) {
		w.kube.Put(kubetest.Object(kube.KindStatefulSet, "team", name, map[string]any{
			"metadata": map[string]any{"ownerReferences": owners},
			"spec":     map[string]any{"volumeClaimTemplates": []any{map[string]any{"metadata": map[string]any{"name": "db"}}}},
		}))
	}
	set("plain")
	set("made", map[string]any{
		"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "name": "top", "uid": "1", "controller": true,
	})
	set("other")
	top := kube.Kind{APIVersion: "monitoring.coreos.com/v1", Kind: "Prometheus"}
	w.kube.Put(kubetest.Object(top, "team", "top", nil))
	for _, name := range []string{"db-plain-0", "db-made-0"} {
		claim := kubetest.Object(kube.KindPVC, "team", name, nil)
		claim.SetFinalizers([]string{"kubernetes.io/pvc-protection"})
		w.kube.Put(claim)
	}
	w.kube.React(func(verb string, o *unstructured.Unstructured) {
		claim := map[string]string{"plain": "db-plain-0", "top": "db-made-0"}[o.GetName()]
		if verb == "gone" && claim != "" {
			_, _ = w.kube.Patch(context.Background(), kube.KindPVC.Ref("team", claim), "",
				map[string]any{"metadata": map[string]any{"finalizers": nil}})
		}
	})
	w.c.Timeouts = map[string]time.Duration{PhaseVolumes: 10 * time.Second}
	report, err := w.run(t)
	require.NoError(t, err)
	require.Empty(t, report.Warnings)
	require.Contains(t, w.kube.Calls(), "delete StatefulSet team/plain")
	require.Contains(t, w.kube.Calls(), "delete Prometheus team/top")
	require.NotContains(t, w.kube.Calls(), "delete StatefulSet team/made", "its maker takes it along")
	require.NotContains(t, w.kube.Calls(), "delete StatefulSet team/other")
}

func TestAPodThatUsesAClaimGoesWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pod := func(name, claim string) {
		w.kube.Put(kubetest.Object(kube.KindPod, "team", name, map[string]any{"spec": map[string]any{
			"nodeName": "node-1", "volumes": []any{map[string]any{
				"name": "data", "persistentVolumeClaim": map[string]any{"claimName": claim},
			}},
		}}))
	}
	pod("writer", "data")
	pod("other", "another")
	claim, err := w.kube.Get(t.Context(), kube.KindPVC.Ref("team", "data"))
	require.NoError(t, err)
	claim.SetFinalizers([]string{"kubernetes.io/pvc-protection"})
	w.kube.Put(claim)
	w.kube.React(func(verb string, o *unstructured.Unstructured) {
		if verb == "gone" && o.GetName() == "writer" {
			_, _ = w.kube.Patch(context.Background(), kube.KindPVC.Ref("team", "data"), "",
				map[string]any{"metadata": map[string]any{"finalizers": nil}})
		}
	})
	w.c.Timeouts = map[string]time.Duration{PhaseVolumes: 10 * time.Second}
	report, err := w.run(t)
	require.NoError(t, err)
	require.Empty(t, report.Warnings)
	require.Contains(t, w.kube.Calls(), "delete Pod team/writer")
	require.NotContains(t, w.kube.Calls(), "delete Pod team/other")
}
