// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
	"emrflink/internal/localcloud/chart"
	"emrflink/internal/localcloud/kubefault"
	"emrflink/internal/localcloud/provider/kubeclient"
	"emrflink/internal/localtarget"
)

func manifest(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	objs, err := kube.Objects([]byte(text))
	require.NoError(t, err)
	require.Len(t, objs, 1)
	return objs[0]
}

// gone waits for the end of an object, or until what blocks it has been said.
func gone(t *testing.T, c *kubeclient.Client, o *unstructured.Unstructured, blocker string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return c.AwaitGone(ctx, o, func(reason string) {
		if blocker != "" && strings.Contains(reason, blocker) {
			cancel()
		}
	})
}

// TestTheFaultsOfAClusterBite: with each of them a plain deletion through the API of a real control plane fails, or does
// not end, and ends once the fault is cleared.
func TestTheFaultsOfAClusterBite(t *testing.T) {
	t.Parallel()
	c, _ := controlPlane(t)
	s := server{t, c}
	crds, err := chart.EMRFlinkCRDs()
	require.NoError(t, err)
	for _, crd := range crds {
		s.admit(crd)
		_, err := c.AwaitReady(t.Context(), crd, kubeclient.HasCondition("Established", "True"), nil)
		require.NoError(t, err)
	}
	const job = `{apiVersion: flink.apache.org/v1beta1, kind: FlinkDeployment, metadata: {name: job, namespace: webhook}, ` +
		`spec: {flinkVersion: v1_20}}`
	for _, f := range []struct {
		action, match, object, refusal, blocker string
	}{
		{localtarget.StuckNamespace, "stuck", `{apiVersion: v1, kind: Namespace, metadata: {name: stuck}}`, "",
			"controller-is-gone in 1 resource instances"},
		{localtarget.DeadAPIService, "", `{apiVersion: v1, kind: Namespace, metadata: {name: undiscovered}}`, "",
			"gone.local.emrflink/v1"},
		{localtarget.UndeletableJob, "jobs", `{apiVersion: v1, kind: Namespace, metadata: {name: jobs}}`, "",
			"flinkdeployments.flink.apache.org/finalizer in 2 resource instances"},
		{localtarget.DeadWebhook, "", `{apiVersion: v1, kind: ConfigMap, metadata: {name: other, namespace: default}}`, "", ""},
		{localtarget.DeadWebhook, "", job, `failed calling webhook "webhook.gone.local.emrflink"`, ""},
	} {
		o := manifest(t, f.object)
		if ns := o.GetNamespace(); ns != "" && ns != "default" {
			s.admit(manifest(t, `{apiVersion: v1, kind: Namespace, metadata: {name: `+ns+`}}`))
		}
		s.admit(o)
		n, known, err := kubefault.Set(t.Context(), c, f.action, f.match)
		require.NoError(t, err, f.action)
		require.True(t, known)
		require.Positive(t, n)

		if f.refusal != "" {
			// The API server hears of a webhook a moment later.
			require.Eventually(t, func() bool {
				_, err = c.Apply(t.Context(), o, kubeclient.ApplyOptions{Manager: "other", Force: true})
				return err != nil && strings.Contains(err.Error(), f.refusal)
			}, time.Minute, 100*time.Millisecond, "it can be changed")
			require.ErrorContains(t, c.Delete(t.Context(), o), f.refusal)
		} else {
			require.NoError(t, c.Delete(t.Context(), o))
			err = gone(t, c, o, f.blocker)
			if f.blocker == "" {
				require.NoError(t, err, "the fault is about one group only")
			} else {
				require.ErrorContains(t, err, f.blocker, f.action)
			}
		}
		require.NoError(t, kubefault.Clear(t.Context(), c, f.action))
		// The API server hears of a webhook that is gone a moment later.
		require.Eventually(t, func() bool { return c.Delete(t.Context(), o) == nil }, time.Minute, 100*time.Millisecond, f.action)
		require.NoError(t, gone(t, c, o, ""), "%s is cleared", f.action)
	}
}
