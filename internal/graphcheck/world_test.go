// SPDX-License-Identifier: Apache-2.0

package graphcheck_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/components/componenttest"
	"emrflink/internal/flinkjob"
	"emrflink/internal/golden"
	"emrflink/internal/graphcheck"
	"emrflink/internal/localcloud/chart"
	"emrflink/stacks"
)

type object = map[string]any

// newWorld runs the program with its defaults and renders a sample job for each pool that takes task managers.
func newWorld(t testing.TB) *graphcheck.World {
	t.Helper()
	w := &graphcheck.World{Graph: componenttest.Run(t, stacks.Blueprint), Jobs: map[string]*unstructured.Unstructured{},
		Render: render}
	for _, p := range w.Graph.Outputs["nodePools"].([]any) {
		pool := p.(object)
		if pool["flinkRole"] != flinkjob.RoleTaskManager {
			continue
		}
		name := pool["name"].(string)
		spec, err := flinkjob.SpecFrom(w.Graph.Outputs, flinkjob.Options{NodePool: name})
		require.NoError(t, err)
		objects, err := flinkjob.Render(spec)
		require.NoError(t, err)
		w.Jobs[name] = objects[0]
	}
	require.Len(t, w.Jobs, 2)
	return w
}

// karpenterCRDs stand in for Karpenter's, which are in another module: rendering a chart wants some.
const karpenterCRDs = `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: ` +
	`nodepools.karpenter.sh}}`

// render renders the stand-in of a chart, which is strict about its values.
func render(r graphcheck.Release) error {
	charts := chart.Charts{KarpenterCRDs: func() ([]byte, error) { return []byte(karpenterCRDs), nil }}
	_, err := charts.Render(chart.Request{
		Chart: r.Chart, Repo: r.Repo, Version: r.Version, Release: r.Name, Namespace: r.Namespace, Values: r.Values,
	})
	return err
}

// TestTheBlueprintPasses: with its defaults, and in the ways in which users change it, the graph gives no reasons.
func TestTheBlueprintPasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, r := range graphcheck.All() {
		require.Empty(t, r.Run(w), r.Name)
	}
	require.Greater(t, len(graphcheck.Cases(w)), 40)
}

// TestPoliciesOfEveryConfigurationFit: IAM's part holds with many teams, the longest names and in another region.
func TestPoliciesOfEveryConfigurationFit(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]map[string]string{
		"the longest names": {"emrflink:name": strings.Repeat("n", 20), "emrflink:teams": `["` + strings.Repeat("t", 24) + `"]`},
		"three teams":       {"emrflink:teams": `["a","b","c"]`},
		"another region":    {"emrflink:region": "eu-west-1"},
		"an administrator":  {"emrflink:admins": `["arn:aws:iam::111122223333:role/admin"]`},
		"an autoscaler":     {"emrflink:clusterAutoscaler": "true"},
		"a Prometheus":      {"emrflink:observability": `{"prometheus":"inCluster","alerts":true}`},
		"Pod Identity":      {"emrflink:podIdentity": "true"},
		"a key of its own":  {"emrflink:kmsKey": `{"enabled":true}`},
	} {
		o := componenttest.Options{Config: config}
		if region := config["emrflink:region"]; region != "" {
			o.Region = region
		}
		w := &graphcheck.World{Graph: componenttest.Run(t, stacks.Blueprint, o)}
		require.Empty(t, graphcheck.Documents(w), name)
		require.Empty(t, graphcheck.Access(w), name)
		require.Empty(t, graphcheck.Namespaces(w), name)
		require.Empty(t, graphcheck.Outputs(w), name)
	}
}

const schedulerFile = "../../localkube/internal/karpenter/testdata/blueprint.json"

// TestLocalkubeSchedulesWhatIsRendered keeps the file that Karpenter's scheduler is tested with (in another module, which
// cannot run the program) equal to what the program renders.
func TestLocalkubeSchedulesWhatIsRendered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pools, pods := []any{}, object{}
	for _, r := range w.Graph.Resources {
		if strings.HasSuffix(r.Type, ":NodePool") {
			pools = append(pools, r.Inputs)
		}
	}
	for name, job := range w.Jobs {
		byRole := object{}
		for role, field := range map[string]string{"jobmanager": "jobManager", "taskmanager": "taskManager"} {
			template, _, err := unstructured.NestedMap(job.Object, "spec", field, "podTemplate")
			require.NoError(t, err)
			delete(template, "apiVersion")
			delete(template, "kind")
			byRole[role] = template
		}
		pods[name] = byRole
	}
	raw, err := json.MarshalIndent(object{
		"nodeClass": w.Graph.Find(t, "pools-nodeclass").Inputs, "nodePools": pools, "pods": pods,
		"karpenterValues": w.Graph.Find(t, "karpenter-chart").Inputs["values"],
	}, "", "  ")
	require.NoError(t, err)
	golden.Equal(t, schedulerFile, string(raw)+"\n")
}
