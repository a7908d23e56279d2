// SPDX-License-Identifier: Apache-2.0

package graphcheck

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Jobs: a sample job lives in a team's namespace, under the team's role, and writes where the team may write; what it
// asks of the cluster (ports, storage of its leader election) is what network policies and EMR take.
func Jobs(w *World) []string {
	var out report
	teams, _ := w.Graph.Outputs["teams"].(object)
	for _, pool := range sorted(w.Jobs) {
		job := w.Jobs[pool].Object
		at := func(path ...string) string {
			v, _, _ := unstructured.NestedFieldNoCopy(job, path...)
			return asText(v)
		}
		team := ""
		for _, name := range sorted(teams) {
			if w.output("teams", name, "namespace") == at("metadata", "namespace") {
				team = name
			}
		}
		out.add(team == "", "the job on %s: namespace %q is no team's", pool, at("metadata", "namespace"))
		told := func(key string) string { return w.output("teams", team, key) }
		out.add(at("spec", "executionRoleArn") != told("jobRoleArn"), "the job on %s: role %q is not the team's", pool,
			at("spec", "executionRoleArn"))
		out.add(at("spec", "emrReleaseLabel") != w.output("emrReleaseLabel"), "the job on %s: release %q is not the platform's",
			pool, at("spec", "emrReleaseLabel"))
		group := at("spec", "monitoringConfiguration", "cloudWatchMonitoringConfiguration", "logGroupName")
		out.add(group != told("logGroup"), "the job on %s: log group %q is not the team's: its events are refused", pool, group)
		setting := func(key string) string { return at("spec", "flinkConfiguration", key) }
		below(&out, pool, "checkpoints", strings.Replace(setting("state.checkpoints.dir"), "s3p://", "s3://", 1),
			told("checkpointUri"))
		below(&out, pool, "savepoints", setting("state.savepoints.dir"), told("savepointUri"))
		below(&out, pool, "leader election", at("spec", "jobManager", "storageDir"), told("jobmanagerUri"))
		below(&out, pool, "logs", "s3://"+at("spec", "monitoringConfiguration", "s3MonitoringConfiguration", "logUri"),
			told("logUri"))
		for _, port := range []string{"taskmanager.data.port", "taskmanager.rpc.port"} {
			out.add(setting(port) == "" || setting(port) == "0", "the job on %s: %s is random: no network policy can name it",
				pool, port)
		}
		out.add(setting("web.submit.enable") != "false", "the job on %s: anyone who reaches Flink's page runs code", pool)
	}
	return out
}

// below: what a job writes lies where the team's role may write.
func below(out *report, pool, what, uri, home string) {
	out.add(home == "" || !strings.HasPrefix(uri, home+"/"), "the job on %s: %s go to %q, the team may write below %q", pool,
		what, uri, home)
}
