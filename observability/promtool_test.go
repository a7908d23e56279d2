// SPDX-License-Identifier: Apache-2.0

package observability_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/observability"
)

type object = map[string]any

// course is how a metric goes, a value a minute, and when its alert is to be seen: not yet, then, no more.
type course struct {
	series        map[string]string
	labels        map[string]string // of the alert, beside its severity
	before, after string
	fires         string
}

// of are the labels of the one job.
const of = `{namespace="team",flink_deployment="orders"}`

func courses() map[string]course {
	theJob := map[string]string{"namespace": "team", "flink_deployment": "orders"}
	none := map[string]string{}
	const jm, tm = "flink_jobmanager_job_", "flink_taskmanager_"
	return map[string]course{
		"FlinkJobNotRunning": {map[string]string{jm + "downtime" + of: "0+0x5 60000+60000x9 0+0x20"}, theJob, "4m", "30m", "14m"},
		"FlinkJobRestarting": {map[string]string{jm + "numRestarts" + of: "0+0x40 0+1x10 10+0x60"}, theJob, "30m", "110m", "52m"},
		"FlinkCheckpointOld": {map[string]string{jm + "numberOfCompletedCheckpoints" + of: "0+2x90 180+0x20 181+2x40"}, theJob,
			"80m", "130m", "105m"},
		"FlinkCheckpointNone": {map[string]string{
			jm + "numberOfCompletedCheckpoints" + of: "0+0x20 1+1x10", jm + "totalNumberOfCheckpoints" + of: "0+1x30",
		}, theJob, "1m", "25m", "12m"},
		"FlinkCheckpointFailing": {map[string]string{jm + "numberOfFailedCheckpoints" + of: "0+0x20 0+1x10 10+0x40"}, theJob,
			"15m", "60m", "28m"},
		"FlinkBackpressure": {map[string]string{tm + "job_task_backPressuredTimeMsPerSecond" + of: "0+0x10 900+0x40 0+0x40"},
			theJob, "9m", "80m", "40m"},
		"FlinkLagGrowing": {map[string]string{
			tm + "job_task_operator_pendingRecords" + of: "0+0x20 0+500x60 30000-1000x29 0+0x40",
		}, theJob, "15m", "120m", "70m"},
		"FlinkEventsLate": {map[string]string{tm + "job_task_operator_currentEmitEventTimeLag" + of: "0+0x10 600000+0x40 0+0x20"},
			theJob, "9m", "65m", "40m"},
		"FlinkHeapFull": {map[string]string{
			tm + "Status_JVM_Memory_Heap_Used" + of: "10+0x10 99+0x40 10+0x20",
			tm + "Status_JVM_Memory_Heap_Max" + of:  "100+0x80",
		}, theJob, "9m", "65m", "40m"},
		"FlinkOperatorDown": {map[string]string{`up{job="monitoring/flink-operator"}`: "1+0x10 0+0x20 1+0x20"},
			none, "5m", "45m", "25m"},
		"NoCapacityForPods": {map[string]string{`karpenter_pods_state{phase="Pending"}`: "_x10 1+0x30 _x30"},
			none, "5m", "65m", "35m"},
		"NodePoolLimitNear": {map[string]string{
			`karpenter_nodepools_usage{nodepool="p",resource_type="cpu"}`: "10+0x10 95+0x20 10+0x20",
			`karpenter_nodepools_limit{nodepool="p",resource_type="cpu"}`: "100+0x60",
		}, map[string]string{"nodepool": "p"}, "5m", "45m", "25m"},
		"SpotChurn": {map[string]string{
			`karpenter_interruption_received_messages_total{message_type="spot_interrupted"}`: "0+0x30 0+1x10 10+0x90",
		}, none, "20m", "120m", "45m"},
		"PrometheusVolumeFilling": {map[string]string{
			`kubelet_volume_stats_available_bytes{namespace="monitoring"}`: "50+0x10 5+0x30 50+0x20",
			`kubelet_volume_stats_capacity_bytes{namespace="monitoring"}`:  "100+0x70",
		}, map[string]string{"namespace": "monitoring"}, "5m", "60m", "35m"},
	}
}

func (c course) test(a observability.Alert) object {
	series := []any{}
	for name, values := range c.series {
		series = append(series, object{"series": name, "values": values})
	}
	labels := object{"severity": string(a.Severity)}
	for k, v := range c.labels {
		labels[k] = v
	}
	rules := observability.Groups(observability.Alerts())["groups"].([]any)[0].(object)["rules"].([]any)
	i := slices.IndexFunc(rules, func(r any) bool { return r.(object)["alert"] == a.Name })
	said := object{}
	for k, v := range rules[i].(object)["annotations"].(object) {
		said[k] = regexp.MustCompile(`\{\{ \$labels\.(\w+) \}\}`).ReplaceAllStringFunc(v.(string), func(s string) string {
			return c.labels[regexp.MustCompile(`\.(\w+)`).FindStringSubmatch(s)[1]]
		})
	}
	at := func(when string, alerts ...any) object {
		return object{"eval_time": when, "alertname": a.Name, "exp_alerts": alerts}
	}
	return object{"interval": "1m", "input_series": series, "alert_rule_test": []any{
		at(c.before), at(c.fires, object{"exp_labels": labels, "exp_annotations": said}), at(c.after),
	}}
}

// Every alert does not fire, fires and resolves, as Prometheus' own tool sees it. Each has a file of its own: the tool
// evaluates every rule of a file in every test.
func TestAlertsWithPromtool(t *testing.T) {
	t.Parallel()
	all := courses()
	require.Len(t, all, len(observability.Alerts()))
	path, err := exec.LookPath("promtool")
	for _, a := range observability.Alerts() {
		c, ok := all[a.Name]
		require.True(t, ok, "alert %s has no course", a.Name)
		t.Run(a.Name, func(t *testing.T) {
			t.Parallel()
			if err != nil {
				t.Skip("no promtool is on the PATH (Debian: apt-get install prometheus)")
			}
			rules := observability.Groups(observability.Alerts())["groups"].([]any)[0].(object)
			rules["rules"] = slices.DeleteFunc(rules["rules"].([]any), func(r any) bool { return r.(object)["alert"] != a.Name })
			dir := t.TempDir()
			write := func(name string, content object) string {
				raw, err := json.Marshal(content)
				require.NoError(t, err)
				file := filepath.Join(dir, name)
				require.NoError(t, os.WriteFile(file, raw, 0o600))
				return file
			}
			write("rules.json", object{"groups": []any{rules}})
			file := write("test.json", object{
				"rule_files": []string{"rules.json"}, "evaluation_interval": "1m", "tests": []any{c.test(a)},
			})
			out, err := exec.CommandContext(t.Context(), path, "test", "rules", file).CombinedOutput()
			require.NoError(t, err, string(out))
		})
	}
}
