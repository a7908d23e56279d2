// SPDX-License-Identifier: Apache-2.0

package deploy_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/components/helm"
	"emrflink/internal/deploy"
	"emrflink/internal/helmchart"
	"emrflink/internal/localcloud/chart"
	"emrflink/internal/plans"
)

func TestOnlyChartsOfAnotherVersionHaveTheirDefinitionsUpdated(t *testing.T) {
	t.Parallel()
	release := func(version string, more map[string]any) map[string]any {
		out := map[string]any{"chart": "oci://registry/operator", "version": version}
		for k, v := range more {
			out[k] = v
		}
		return out
	}
	step := func(before, after map[string]any) plans.Step {
		return plans.Step{Type: helm.Token, Old: before, New: after}
	}
	got := deploy.Upgraded(plans.Plan{Steps: []plans.Step{
		step(release("1", nil), release("2", nil)),
		step(release("1", nil), release("1", map[string]any{"values": map[string]any{"a": "b"}})),
		step(nil, release("2", nil)),
		step(release("1", nil), nil),
		step(release("1", nil), release("2", map[string]any{"skipCrds": true})),
		step(release("1", nil), release("2", map[string]any{
			"chart": "stack", "repositoryOpts": map[string]any{"repo": "https://charts.example.org"},
		})),
		{Type: "aws:eks/addon:Addon", Old: release("1", nil), New: release("2", nil)},
	}})
	require.Equal(t, []helmchart.Ref{
		{Chart: "oci://registry/operator", Version: "2"}, {Chart: "stack", Repo: "https://charts.example.org", Version: "2"},
	}, got)
}

// cluster takes what is applied, or refuses it.
type cluster struct {
	applied []string
	err     error
}

func (c *cluster) Apply(_ context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	c.applied = append(c.applied, o.GetName())
	return o, c.err
}

func TestDefinitionsAreAppliedAndAFailureNamesTheChart(t *testing.T) {
	t.Parallel()
	registry := httptest.NewServer(chart.Registry(chart.Charts{}))
	t.Cleanup(registry.Close)
	source := helmchart.Source{Instead: strings.TrimPrefix(registry.URL, "http://")}
	charts := []helmchart.Ref{{Chart: "oci://public.ecr.aws/emr-on-eks/flink-kubernetes-operator", Version: "7.13.0"}}
	c := &cluster{}
	n, err := deploy.Definitions{Fetch: source.Fetch, Cluster: c}.Update(t.Context(), charts)
	require.NoError(t, err)
	require.Equal(t, 3, n)
	require.Contains(t, c.applied, "flinkdeployments.flink.apache.org")

	c.err = errors.New("forbidden")
	_, err = deploy.Definitions{Fetch: source.Fetch, Cluster: c}.Update(t.Context(), charts)
	require.ErrorContains(t, err, "flink-kubernetes-operator 7.13.0: forbidden")
	var failed *deploy.DefinitionsError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "helm show crds oci://public.ecr.aws/emr-on-eks/flink-kubernetes-operator --version 7.13.0", failed.Hint())

	charts[0].Version = "6.0.0"
	_, err = deploy.Definitions{Fetch: source.Fetch, Cluster: c}.Update(t.Context(), charts)
	require.ErrorContains(t, err, "6.0.0")
}
