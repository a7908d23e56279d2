// SPDX-License-Identifier: Apache-2.0

package jobfile

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/flinkspec"
	"emrflink/internal/golden"
)

// good is a job file in which nothing is wrong.
const good = `apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: good, namespace: flink-team-a}
spec:
  emrReleaseLabel: emr-7.13.0-flink-latest
  executionRoleArn: arn:aws:iam::111122223333:role/flink-team-a-job
  flinkVersion: v1_20
  flinkConfiguration:
    taskmanager.numberOfTaskSlots: "2"
    execution.checkpointing.interval: 60s
    state.checkpoints.dir: s3p://bucket/flink-team-a/checkpoints/good
    state.savepoints.dir: s3://bucket/flink-team-a/savepoints/good
  podTemplate:
    spec:
      nodeSelector: {NodeGroupType: FlinkComputeOptimized}
      containers: [{name: flink-main-container}]
  jobManager:
    storageDir: s3://bucket/flink-team-a/jobmanager/good
    resource: {memory: "2048m", cpu: 1}
  taskManager:
    resource: {memory: "2048m", cpu: 1}
  job:
    jarURI: local:///opt/flink/examples/streaming/StateMachineExample.jar
    parallelism: 2
    upgradeMode: savepoint
`

func codes(r Result) []string {
	var out []string
	for _, p := range r.Problems {
		out = append(out, string(p.Severity)+" "+p.Code+" "+p.Path)
	}
	return out
}

func TestAGoodFileRaisesNothing(t *testing.T) {
	t.Parallel()
	require.Empty(t, codes(Check(File{Name: "good.yaml", Text: []byte(good)})))
	rendered, err := os.ReadFile("../../examples/jobs/basic/rendered.yaml")
	require.NoError(t, err)
	r := Check(File{Name: "basic", Text: rendered})
	require.Zero(t, r.Errors+r.Warnings, codes(r))
	require.Equal(t, []string{"FlinkDeployment basic"}, r.Objects)
}

// Files as people really wrote them; what is said of each is in its golden file.
func TestFilesThatPeopleWrote(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/cases/*.yaml")
	require.NoError(t, err)
	require.Greater(t, len(files), 9)
	for _, path := range files {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		r := Check(File{Name: filepath.Base(path), Text: text})
		require.Positive(t, r.Errors+r.Warnings, path)
		var b strings.Builder
		for _, p := range r.Problems {
			require.NotEmpty(t, p.Effect, "%s %s", path, p.Code)
			require.NotEmpty(t, p.Mend, "%s %s", path, p.Code)
			fmt.Fprintf(&b, "%d %s %s %s\n  %s\n  then %s\n  mend %s\n", p.Line, p.Severity, p.Code, p.Path, p.Message, p.Effect,
				p.Mend)
		}
		require.NotContains(t, b.String(), "canary-8Jq2Lx")
		require.NotContains(t, b.String(), "wJalrXUtnFEMI")
		golden.Equal(t, strings.TrimSuffix(path, ".yaml")+".txt", b.String())
	}
}

// fault is a change of a file that makes something wrong, and the code that says it. The text is replaced once.
type fault struct{ what, old, new, code string }

var faults = []fault{
	{"a field that is misspelt", "parallelism: 2", "paralelism: 2", "unknown-field"},
	{"a field of a later operator", "resource: {memory: \"2048m\", cpu: 1}", "resources: {limits: {memory: 2Gi}}", "newer-field"},
	{"a number as a text", "cpu: 1", "cpu: \"1\"", "type"},
	{"a text as a number", "\"2048m\"", "2048", "type"},
	{"a version that does not exist", "v1_20", "v1_21", "choice"},
	{"a version of Flink 2", "v1_20", "v2_0", "newer-value"},
	{"no version", "  flinkVersion: v1_20\n", "", "operator"},
	{"an upgrade mode that is none", "upgradeMode: savepoint", "upgradeMode: save-point", "choice"},
	{"a name with a capital", "name: good", "name: Good", "operator"},
	{"a name that is too long", "name: good", "name: " + strings.Repeat("g", 46), "operator"},
	{"a forbidden key", "execution.checkpointing.interval: 60s", "kubernetes.cluster-id: x", "operator"},
	{"an unknown key", "execution.checkpointing.interval", "execution.checkpoint.interval", "unknown-key"},
	{
		"a key of a later operator",
		"execution.checkpointing.interval: 60s",
		"job.autoscaler.utilization.max: \"0.8\"",
		"newer-key",
	},
	{
		"a key of the operator's own",
		"execution.checkpointing.interval: 60s",
		"kubernetes.operator.reconcile.interval: 5s",
		"operator-key",
	},
	{"a key of YARN", "execution.checkpointing.interval: 60s", "yarn.application.name: x", "dead-key"},
	{"a key that the operator writes", "execution.checkpointing.interval: 60s", "parallelism.default: \"4\"", "overwritten-key"},
	{
		"a key that EMR no longer reads",
		"execution.checkpointing.interval: 60s",
		"job.autoscaler.autotune.enable: \"true\"",
		"dead-key",
	},
	{"reporters without that of the defaults", "execution.checkpointing.interval: 60s", "metrics.reporters: slf4j", "metrics"},
	{"metrics at another port", "execution.checkpointing.interval: 60s", "metrics.reporter.prom.port: \"9250\"", "metrics"},
	{"another reporter", "execution.checkpointing.interval: 60s", "metrics.reporter.prom.factory.class: x.Y", "metrics"},
	{"a wrong duration", ": 60s", ": 60 parsecs", "value"},
	{"a wrong number", "\"2\"", "\"two\"", "value"},
	{"a value that is a number", "\"2\"", "2", "type"},
	{"memory in words", "\"2048m\"", "\"two gigs\"", "operator"},
	{"memory that Flink does not divide", "\"2048m\"", "\"300m\"", "memory"},
	{"checkpoints in a folder", "s3p://bucket/flink-team-a/checkpoints/good", "file:///tmp/checkpoints", "local-state"},
	{"savepoints in a folder", "s3://bucket/flink-team-a/savepoints/good", "/savepoints", "local-state"},
	{"no checkpoint directory", "    state.checkpoints.dir: s3p://bucket/flink-team-a/checkpoints/good\n", "", "operator"},
	{"no savepoint directory", "    state.savepoints.dir: s3://bucket/flink-team-a/savepoints/good\n", "", "operator"},
	{"no storage", "    storageDir: s3://bucket/flink-team-a/jobmanager/good\n", "", "storage-dir"},
	{"storage in a folder", "s3://bucket/flink-team-a/jobmanager/good", "file:///ha", "storage-dir"},
	{"a placeholder", "s3://bucket", "s3://${S3_BUCKET}", "placeholder"},
	{"a placeholder of envsubst", "s3://bucket", "s3://$S3_BUCKET", "placeholder"},
	{"a role of envsubst", "arn:aws:iam::111122223333:role/flink-team-a-job", "$FLINK_JOB_ROLE", "placeholder"},
	{"a placeholder in words", "s3://bucket", "s3://{ BUCKET NAME }", "placeholder"},
	{"a placeholder in brackets", "111122223333", "<account-id>", "placeholder"},
	{"a role that is none", "arn:aws:iam::111122223333:role/flink-team-a-job", "flink-team-a-job", "role"},
	{"no role", "  executionRoleArn: arn:aws:iam::111122223333:role/flink-team-a-job\n", "", "operator"},
	{"a release that is none", "emr-7.13.0-flink-latest", "7.13.0", "release"},
	{"an old release", "emr-7.13.0-flink-latest", "emr-7.0.0-flink-latest", "release"},
	{"no release", "  emrReleaseLabel: emr-7.13.0-flink-latest\n", "", "release"},
	{"another line of Flink", "v1_20", "v1_18", "flink-version"},
	{"an image that moves", "  flinkVersion", "  image: example/flink:latest\n  flinkVersion", "image-tag"},
	{
		"an image of another release", "  flinkVersion",
		"  image: public.ecr.aws/emr-on-eks/flink/emr-7.6.0-flink:20250101\n  flinkVersion",
		"image-release",
	},
	{"standalone", "  flinkVersion", "  mode: standalone\n  flinkVersion", "mode"},
	{"an ingress", "  flinkVersion", "  ingress: {template: x.example.org}\n  flinkVersion", "ingress"},
	{"made suspended", "upgradeMode: savepoint", "upgradeMode: savepoint\n    state: suspended", "born-suspended"},
	{"no jar", "    jarURI: local:///opt/flink/examples/streaming/StateMachineExample.jar\n", "", "jar"},
	{"a jar without a scheme", "local:///opt", "/opt", "jar"},
	{"a jar on HDFS", "local:///opt", "hdfs:///opt", "jar"},
	{"a savepoint in a folder", "upgradeMode: savepoint", "upgradeMode: savepoint\n    initialSavepointPath: /s/1", "savepoint"},
	{"a host's folder", "containers: [", "volumes: [{name: v, hostPath: {path: /x}}]\n      containers: [", "pod-security"},
	{"the host's network", "containers: [", "hostNetwork: true\n      containers: [", "pod-security"},
	{
		"a privileged container", "{name: flink-main-container}",
		"{name: flink-main-container, securityContext: {privileged: true}}",
		"pod-security",
	},
	{"a mount without its volume", "{name: flink-main-container}",
		"{name: flink-main-container, volumeMounts: [{name: v, mountPath: /v}]}", "volume"},
	{"a container of another name", "{name: flink-main-container}", "{name: flink-main}", "main-container"},
	{"a variable of a field", "{name: flink-main-container}",
		"{name: flink-main-container, env: [{name: A, valueFrom: {fieldRef: {fieldPath: x}}}]}", "value-from"},
	{"a secret in a variable", "{name: flink-main-container}",
		"{name: flink-main-container, env: [{name: DB_PASSWORD, value: hunter2hunter2}]}", "secret"},
	{"a secret in a key", "execution.checkpointing.interval: 60s", "s3.secret-key: hunter2hunter2", "secret"},
	{"ZooKeeper", "execution.checkpointing.interval: 60s", "high-availability.type: zookeeper", "high-availability"},
	{"more tasks than key groups", "execution.checkpointing.interval: 60s", "pipeline.max-parallelism: \"1\"", "parallelism"},
	{"too many slots", "\"2\"", "\"64\"", "slots"},
	{"a kind that is none", "kind: FlinkDeployment", "kind: FlinkDeploymnet", "kind"},
	{"an older API", "v1beta1", "v1alpha1", "api-version"},
	{"no name", "{name: good, namespace: flink-team-a}", "{namespace: flink-team-a}", "name"},
	{"a key twice", "parallelism: 2", "parallelism: 2\n    parallelism: 3", "duplicate"},
	{"a tab", "  flinkVersion", "\tflinkVersion", "syntax"},
	{
		"levels",
		"    execution.checkpointing.interval: 60s",
		"    execution: {checkpointing.interval: 60s}",
		"nested-configuration",
	},
}

// clothes are other ways to write the same file.
var clothes = map[string]func(string) string{
	"as it is":      func(s string) string { return s },
	"windows":       func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
	"with a head":   func(s string) string { return "# a comment\n---\n" + s },
	"beside others": func(s string) string { return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n---\n" + s },
	"in a list": func(s string) string {
		return "apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n  ") + "\n"
	},
	"with a status": func(s string) string { return s + "status: {lifecycleState: STABLE}\n" },
}

func TestEveryFaultIsSaidInAllItsClothes(t *testing.T) {
	t.Parallel()
	tried := 0
	for _, f := range faults {
		require.Contains(t, good, f.old, f.what)
		faulty := strings.Replace(good, f.old, f.new, 1)
		for name, dress := range clothes {
			r := Check(File{Name: "job.yaml", Text: []byte(dress(faulty))})
			require.Truef(t, slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Code == f.code && p.Line > 0 }),
				"%s, %s: %v", f.what, name, codes(r))
			text, err := json.Marshal(r)
			require.NoError(t, err)
			require.NotContains(t, string(text), "hunter2", f.what)
			tried++
		}
	}
	require.Greater(t, tried, 300)
	for name, dress := range clothes {
		r := Check(File{Name: "job.yaml", Text: []byte(dress(good))})
		require.Zero(t, r.Errors+r.Warnings, "%s: %v", name, codes(r))
	}
}

// variations of the good file in which nothing is wrong either.
var variations = []struct{ old, new string }{
	{"", ""},
	{"60s", "\"60000\""},
	{"60s", "1 min"},
	{"60s", "\"PT1M\""},
	{"\"2048m\"", "2g"},
	{"\"2048m\"", "\"2 gb\""},
	{"\"2048m\"", "2Gi"},
	{"\"2048m\"", "4096m"},
	{"\"2048m\"", "\"2147483648\""},
	{"cpu: 1", "cpu: 0.5"},
	{"cpu: 1", "cpu: 2.0"},
	{"cpu: 1", "cpu: 1, ephemeralStorage: 20G"},
	{"parallelism: 2", "parallelism: 200"},
	{"emr-7.13.0-flink-latest", "emr-7.9.0-flink-20250425"},
	{"upgradeMode: savepoint", "upgradeMode: last-state"},
	{"upgradeMode: savepoint", "upgradeMode: stateless"},
	{"upgradeMode: savepoint", "upgradeMode: savepoint\n    state: running"},
	{"upgradeMode: savepoint", "upgradeMode: savepoint\n    args: [\"--input\", \"s3://in/x\", \"{\\\"a\\\": 1}\"]"},
	{
		"upgradeMode: savepoint",
		"upgradeMode: savepoint\n    args: [\"CREATE TABLE t (a ARRAY<STRING>, b MAP<STRING, INT>, r ROW<name STRING>)\"]",
	},
	{"upgradeMode: savepoint", "upgradeMode: savepoint\n    entryClass: org.example.Job"},
	{
		"upgradeMode: savepoint",
		"upgradeMode: savepoint\n    initialSavepointPath: s3://bucket/flink-team-a/savepoints/good/savepoint-1",
	},
	{"upgradeMode: savepoint", "upgradeMode: savepoint\n    savepointTriggerNonce: 3"},
	{"local:///opt/flink/examples/streaming/StateMachineExample.jar", "s3://bucket/jars/job.jar"},
	{"local:///opt/flink/examples/streaming/StateMachineExample.jar", "s3a://bucket/jars/job.jar"},
	{"  flinkVersion", "  restartNonce: 1\n  flinkVersion"},
	{"  flinkVersion", "  mode: native\n  flinkVersion"},
	{"  flinkVersion", "  imagePullPolicy: Always\n  flinkVersion"},
	{"  flinkVersion", "  image: 111122223333.dkr.ecr.us-west-2.amazonaws.com/flink:1.4.2\n  flinkVersion"},
	{"  flinkVersion", "  image: example.org:5000/flink@sha256:0123456789abcdef\n  flinkVersion"},
	{
		"  flinkVersion",
		"  logConfiguration:\n    log4j-console.properties: |\n      rootLogger.level = ${sys:level}\n  flinkVersion",
	},
	{"  flinkVersion", "  monitoringConfiguration: {s3MonitoringConfiguration: {logUri: bucket/logs}}\n  flinkVersion"},
	{
		"  flinkVersion",
		"  monitoringConfiguration: {cloudWatchMonitoringConfiguration: {logGroupName: /aws/emr-flink/a}}\n  flinkVersion",
	},
	{
		"  flinkVersion",
		"  monitoringConfiguration: {containerLogRotationConfiguration: {rotationSize: 1GB, maxFilesToKeep: " +
			"\"10\"}}\n  flinkVersion",
	},
	{"    storageDir", "    replicas: 1\n    storageDir"},
	{"    storageDir", "    replicas: 2\n    storageDir"},
	{"    storageDir", "    highAvailabilityEnabled: true\n    storageDir"},
	{"    storageDir: s3://bucket/flink-team-a/jobmanager/good\n", "    highAvailabilityEnabled: false\n    replicas: 1\n"},
	{
		"execution.checkpointing.interval: 60s",
		"metrics.reporter.prom.factory.class: org.apache.flink.metrics.prometheus.PrometheusReporterFactory",
	},
	{"execution.checkpointing.interval: 60s", "metrics.scope.jm: <host>.jobmanager"},
	{"execution.checkpointing.interval: 60s", "metrics.reporters: slf4j, prom"},
	{"execution.checkpointing.interval: 60s", "fs.s3a.endpoint.region: eu-south-1"},
	{"execution.checkpointing.interval: 60s", "env.java.opts.all: -Dx=1"},
	{"execution.checkpointing.interval: 60s", "containerized.master.env.HADOOP_HOME: /x"},
	{"execution.checkpointing.interval: 60s", "pipeline.global-job-parameters: a:1,b:2"},
	{"execution.checkpointing.interval: 60s", "job.autoscaler.enabled: \"true\"\n    pipeline.max-parallelism: \"720\""},
	{"execution.checkpointing.interval: 60s", "job.autoscaler.target.utilization: \"0.6\""},
	{"execution.checkpointing.interval: 60s", "aws.glue.enabled: \"true\""},
	{"execution.checkpointing.interval: 60s", "hudi.enabled: \"true\""},
	{"execution.checkpointing.interval: 60s", "restart-strategy.type: exponential-delay"},
	{"execution.checkpointing.interval: 60s", "restart-strategy: fixed-delay"},
	{"execution.checkpointing.interval: 60s", "jobmanager.scheduler: adaptive"},
	{"execution.checkpointing.interval: 60s", "execution.checkpointing.mode: exactly_once"},
	{"execution.checkpointing.interval: 60s", "state.backend.type: rocksdb\n    state.backend.incremental: \"true\""},
	{"execution.checkpointing.interval: 60s", "taskmanager.memory.managed.fraction: \"0.2\""},
	{"execution.checkpointing.interval: 60s", "kubernetes.operator.periodic.savepoint.interval: 6h"},
	{"execution.checkpointing.interval: 60s", "kubernetes.operator.savepoint.history.max.count: \"5\""},
	{"execution.checkpointing.interval: 60s", "cluster.taskmanager.graceful-decommission.enabled: \"true\""},
	{"execution.checkpointing.interval: 60s", "table.exec.state.ttl: 1 d"},
	{"execution.checkpointing.interval: 60s", "python.executable: python3"},
	{"execution.checkpointing.interval: 60s", "kubernetes.secrets: tls:/opt/flink/tls"},
	{"execution.checkpointing.interval: 60s", "security.ssl.internal.truststore: /opt/flink/tls/t.jks"},
	{"{name: flink-main-container}", "{name: flink-main-container, env: [{name: AWS_REGION, value: us-west-2}]}"},
	{"{name: flink-main-container}", "{name: flink-main-container}, {name: sidecar, image: x:1}"},
	{"containers: [{name: flink-main-container}]",
		"volumes: [{name: v, emptyDir: {}}]\n      containers: [{name: flink-main-container, volumeMounts: [{name: v, " +
			"mountPath: /v}]}]"},
	{"nodeSelector: {NodeGroupType: FlinkComputeOptimized}", "affinity: {nodeAffinity: {}}"},
	{"{name: flink-main-container}", "{name: flink-main-container}, {name: sidecar, image: x:1, command: [sh, -c, " +
		"\"echo $HOSTNAME ${HOME}\"], args: [\"$PATH\"]}"},
	{
		"upgradeMode: savepoint",
		"upgradeMode: savepoint\n    args: [\"SELECT JSON_VALUE(a, '$.b') FROM t\", \"costs 5$\", \"$1\"]",
	},
}

func TestGoodFilesOfOtherShapesRaiseNoAlarm(t *testing.T) {
	t.Parallel()
	require.GreaterOrEqual(t, len(variations), 60)
	for _, v := range variations {
		require.Contains(t, good, v.old)
		r := Check(File{Name: "job.yaml", Text: []byte(strings.Replace(good, v.old, v.new, 1))})
		require.Zero(t, r.Errors+r.Warnings, "%s: %v", v.new, codes(r))
	}
}

func TestSessionJobsAreJudgedWithTheirCluster(t *testing.T) {
	t.Parallel()
	cluster := strings.Split(good, "  job:\n")[0]
	job := "apiVersion: flink.apache.org/v1beta1\nkind: FlinkSessionJob\nmetadata: {name: j}\n" +
		"spec: {deploymentName: good, job: {jarURI: \"s3://b/x.jar\", parallelism: 1, upgradeMode: savepoint}}\n"
	r := Check(File{Name: "cluster", Text: []byte(cluster)}, File{Name: "job", Text: []byte(job)})
	require.Equal(t, []string{"note delete-order metadata.name"}, codes(r))
	closed := strings.Replace(cluster, "execution.checkpointing.interval: 60s", "web.submit.enable: \"false\"", 1)
	require.Equal(t, []string{"error session-submit spec.flinkConfiguration.web.submit.enable"},
		codes(Check(File{Name: "cluster", Text: []byte(closed)})))
	r = Check(File{Name: "application", Text: []byte(good)}, File{Name: "job", Text: []byte(job)})
	require.Contains(t, codes(r), "error operator spec.deploymentName")
	r = Check(File{Name: "job", Text: []byte(strings.Replace(job, "s3://b", "local:///b", 1))})
	require.Equal(t, []string{"error jar spec.job.jarURI"}, codes(r))
	snapshot := "apiVersion: flink.apache.org/v1beta1\nkind: FlinkStateSnapshot\nmetadata: {name: s, namespace: flink-team-a}\n" +
		"spec: {savepoint: {}}\n"
	require.Equal(t, []string{"error operator spec.jobReference"}, codes(Check(File{Name: "s", Text: []byte(snapshot)})))
	of := strings.Replace(snapshot, "savepoint: {}", "savepoint: {}, jobReference: {kind: FlinkDeployment, name: good}", 1)
	alone := Check(File{Name: "s", Text: []byte(of)})
	require.Equal(t, []string{"note reference spec.jobReference"}, codes(alone))
	require.Contains(t, alone.Problems[0].Effect, "Target for snapshot flink-team-a/good was not found")
	require.Empty(t, codes(Check(File{Name: "s", Text: []byte(of)}, File{Name: "job", Text: []byte(good)})))
	twice := Check(File{Name: "a", Text: []byte(good)}, File{Name: "b", Text: []byte(good)})
	require.Contains(t, codes(twice), "error twice metadata.name")
}

func TestWhatIsNoJobFile(t *testing.T) {
	t.Parallel()
	for text, code := range map[string]string{
		"": "no-flink", "apiVersion: v1\nkind: ConfigMap\n": "no-flink", "just words": "syntax", "- a\n- b\n": "syntax",
		"a: [": "syntax", "a: &a [*a]": "syntax", "a: &a {b: *a}": "syntax", laughs(): "syntax",
	} {
		r := Check(File{Name: "x", Text: []byte(text)})
		require.Len(t, r.Problems, 1, "%q: %v", text, codes(r))
		require.Equal(t, code, r.Problems[0].Code, text)
		require.Equal(t, 1, r.Errors)
	}
}

// laughs are anchors that make a billion fields of ten lines.
func laughs() string {
	text := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		text += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	return text
}

func TestJSONIsYAML(t *testing.T) {
	t.Parallel()
	r := Check(File{Name: "j", Text: []byte(`{"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkSessionJob",
 "metadata": {"name": "j"},
 "spec": {"deploymentName": "c", "job": {"jarURI": "s3://b/x.jar", "parallelism": 1, "upgradeMode": "last-state"}}}`)})
	require.Contains(t, codes(r), "error last-state spec.job.upgradeMode")
}

func TestTheSARIFLogHasEveryProblem(t *testing.T) {
	t.Parallel()
	r := Check(File{Name: "job.yaml", Text: []byte(strings.Replace(good, "v1_20", "v2_0", 1))})
	log := r.SARIF()
	require.Equal(t, "2.1.0", log.Version)
	require.Len(t, log.Runs[0].Results, len(r.Problems))
	require.Equal(t, "newer-value", log.Runs[0].Results[0].RuleID)
	require.Equal(t, 7, log.Runs[0].Results[0].Locations[0].Physical.Region.StartLine)
}

// It does not run beside the other tests: the fastest of three runs is what the check itself takes.
func TestAHundredFilesTakeLessThanASecond(t *testing.T) { //nolint:paralleltest // it measures
	Check(File{Name: "warm", Text: []byte(good)}) // the tables are read once
	fastest := time.Hour
	for range 3 {
		start := time.Now()
		for i := range 100 {
			require.Len(t, Check(File{Name: fmt.Sprint(i), Text: []byte(good)}).Objects, 1)
		}
		fastest = min(fastest, time.Since(start))
	}
	require.Less(t, fastest, time.Second)
}

// Whatever is in a file, it is an answer and no crash.
func FuzzCheck(f *testing.F) {
	f.Add(good)
	f.Add("a: &a [*a]")
	f.Add("kind: List\nitems: 3")
	f.Add("apiVersion: " + flinkspec.APIVersion +
		"\nkind: FlinkDeployment\nspec: {job: 3, podTemplate: [1], flinkConfiguration: x}")
	f.Fuzz(func(t *testing.T, text string) {
		r := Check(File{Name: "f", Text: []byte(text)})
		require.Equal(t, len(r.Problems), r.Errors+r.Warnings+r.Notes)
	})
}
