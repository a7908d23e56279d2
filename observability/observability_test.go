// SPDX-License-Identifier: Apache-2.0

package observability_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/golden"
	"emrflink/observability"
)

// The files that people import are those of the descriptions; -update writes them.
func TestTheFilesAreThoseOfTheDescriptions(t *testing.T) {
	t.Parallel()
	for _, d := range observability.Dashboards() {
		golden.Equal(t, filepath.Join("dashboards", d.UID+".json"), d.Grafana())
	}
	golden.Equal(t, "rules.json", observability.RulesFile(observability.Alerts()))
}

// expressions are those of all panels and alerts, by what has them.
func expressions() map[string]string {
	out := map[string]string{}
	for _, d := range observability.Dashboards() {
		for _, p := range d.Panels() {
			for _, q := range p.Queries {
				out[d.Title+": "+p.Title+" "+q.Legend] += q.Expr
			}
		}
	}
	for _, a := range observability.Alerts() {
		out[a.Name] = a.Expr
	}
	return out
}

var metric = regexp.MustCompile(`\b(flink|karpenter|node|kubelet|up)(_\w+)?\b`)

// A query has only metrics that a running process was seen to offer: names come from testdata, not from memory.
func TestEveryMetricWasSeen(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{"up": true} // of Prometheus itself
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, line := range strings.Fields(string(raw)) {
			seen[line] = true
		}
	}
	labels := regexp.MustCompile(`\{[^}]*\}|(by|on|group_left) \([^)]*\)`)
	for of, expr := range expressions() {
		names := metric.FindAllString(labels.ReplaceAllString(expr, " "), -1)
		require.NotEmpty(t, names, "%s has no metric", of)
		for _, name := range names {
			require.True(t, seen[name], "%s: %q is in no list of testdata", of, name)
		}
	}
}

func TestEveryPanelSaysWhatIsBadAndWhatToDo(t *testing.T) {
	t.Parallel()
	uids := map[string]bool{}
	for _, d := range observability.Dashboards() {
		require.False(t, uids[d.UID], d.UID)
		uids[d.UID] = true
		titles := map[string]bool{}
		for _, p := range d.Panels() {
			require.NotEmpty(t, p.Unit, p.Title)
			require.Regexp(t, `\.$`, p.Bad, p.Title)
			require.Regexp(t, `^emrflink \w`, p.Command, p.Title)
			require.False(t, titles[p.Title], "two panels are called %q", p.Title)
			titles[p.Title] = true
		}
	}
	for _, a := range observability.Alerts() {
		require.Regexp(t, `\.$`, a.Trouble.Cause, a.Name)
		require.Equal(t, strings.Contains(a.Expr, "flink_deployment"), a.Job, a.Name)
		if !a.Job {
			require.NotContains(t, a.Trouble.Of("JOB"), "{", a.Name)
		}
	}
}

func TestGrafanaTakesTheDashboards(t *testing.T) {
	t.Parallel()
	for _, d := range observability.Dashboards() {
		var doc struct {
			UID    string
			Panels []struct {
				ID      int
				GridPos struct{ X, Y, W, H int }
				Type    string
			}
		}
		require.NoError(t, json.Unmarshal([]byte(d.Grafana()), &doc))
		taken, ids := map[[2]int]string{}, map[int]bool{}
		for _, p := range doc.Panels {
			require.False(t, ids[p.ID], "%s: two panels have the id %d", d.UID, p.ID)
			ids[p.ID] = true
			require.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24)
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					require.Empty(t, taken[[2]int{x, y}], "%s: two panels lie over each other", d.UID)
					taken[[2]int{x, y}] = p.Type
				}
			}
		}
	}
}

// Prometheus' operator, and the tool that checks the queries, find the same pods at the same port.
func TestTargets(t *testing.T) {
	t.Parallel()
	for _, target := range observability.Targets([]string{"a", "b"}, "flink-kubernetes-operator", "kube-system") {
		monitor, job := target.PodMonitor(), target.Job()
		require.Equal(t, target.Namespaces, monitor["namespaceSelector"].(map[string]any)["matchNames"])
		rules := monitor["podMetricsEndpoints"].([]any)[0].(map[string]any)["relabelings"].([]any)
		kept := rules[0].(map[string]any)
		require.Equal(t, []any{"__meta_kubernetes_pod_container_name"}, kept["sourceLabels"])
		require.Equal(t, "keep", kept["action"])
		require.Len(t, job["relabel_configs"], len(rules)+len(target.Labels)+1, "the labels and the phase, too")
		raw, err := json.Marshal(monitor)
		require.NoError(t, err)
		require.Contains(t, string(raw), fmt.Sprintf(`"replacement":"$1:%d"`, target.Port))
		require.Equal(t, target.Flink, strings.Contains(string(raw), `"targetLabel":"flink_deployment"`))
	}
}
