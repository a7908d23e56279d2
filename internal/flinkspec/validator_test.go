// SPDX-License-Identifier: Apache-2.0

package flinkspec

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// right is a FlinkDeployment that the open-source operator takes.
const right = `{
  "serviceAccount": "flink", "flinkVersion": "v1_20",
  "flinkConfiguration": {"state.checkpoints.dir": "s3://b/c", "state.savepoints.dir": "s3://b/s"},
  "jobManager": {"resource": {"memory": "2048m", "cpu": 1}}, "taskManager": {"resource": {"memory": "2048m", "cpu": 1}},
  "job": {"jarURI": "local:///opt/flink/x.jar", "parallelism": 2, "upgradeMode": "savepoint"}
}`

func parsed(t *testing.T, text string) map[string]any {
	t.Helper()
	var out map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &out))
	return out
}

// set changes a field of a spec; a nil value takes it away.
func set(spec map[string]any, value any, path ...string) {
	for _, name := range path[:len(path)-1] {
		if spec[name] == nil {
			spec[name] = map[string]any{}
		}
		spec, _ = spec[name].(map[string]any)
	}
	if last := path[len(path)-1]; value == nil {
		delete(spec, last)
	} else {
		spec[last] = value
	}
}

// One fault each in a right object, and the operator's answer (DefaultValidator of release 1.10); "" = accepted.
func TestTheValidatorAnswersAsTheOperatorDoes(t *testing.T) {
	t.Parallel()
	conf := func(key, value string) func(map[string]any) {
		return func(s map[string]any) { set(s, value, "flinkConfiguration", key) }
	}
	at := func(value any, path ...string) func(map[string]any) {
		return func(s map[string]any) { set(s, value, path...) }
	}
	both := func(changes ...func(map[string]any)) func(map[string]any) {
		return func(s map[string]any) {
			for _, c := range changes {
				c(s)
			}
		}
	}
	noSavepoints := at(nil, "flinkConfiguration", "state.savepoints.dir")
	lastState := at("last-state", "job", "upgradeMode")
	const savepointDir = "config key[state.savepoints.dir]"
	for _, c := range []struct {
		what   string
		change func(map[string]any)
		want   string
	}{
		{"nothing", both(), ""},
		{"no jarURI", at(nil, "job", "jarURI"), ""},
		{"replicas and no parallelism", both(at(3.0, "taskManager", "replicas"), at(nil, "job", "parallelism")), ""},
		{"replicas 0", at(0.0, "taskManager", "replicas"), "TaskManager replicas must be larger than 0"},
		{"parallelism 0", at(0.0, "job", "parallelism"), "Job parallelism must be larger than 0"},
		{"no parallelism", at(nil, "job", "parallelism"), "Job parallelism must be larger than 0"},
		{
			"rollback without HA",
			conf("kubernetes.operator.deployment.rollback.enabled", "true"),
			"HA must be enabled for rollback support.",
		},
		{"rollback with HA", both(conf("kubernetes.operator.deployment.rollback.enabled", "true"),
			conf("high-availability.type", "kubernetes")), ""},
		{"health check without recovery", both(conf("kubernetes.operator.cluster.health-check.enabled", "true"),
			conf("kubernetes.operator.jm-deployment-recovery.enabled", "false")),
			"Deployment recovery (kubernetes.operator.jm-deployment-recovery.enabled) must be enabled for job health check " +
				"(kubernetes.operator.cluster.health-check.enabled) support."},
		{"periodic savepoints without a directory", both(noSavepoints, lastState,
			conf("kubernetes.operator.periodic.savepoint.interval", "6h")),
			"Periodic savepoints cannot be enabled when " + savepointDir + " is not set"},
		{"maximum age without a directory", both(noSavepoints, lastState,
			conf("kubernetes.operator.job.upgrade.last-state.max.allowed.checkpoint.age", "1h")),
			"In order to use max-checkpoint age functionality " + savepointDir +
				" must be set to allow triggering savepoint upgrades."},
		{"nonce without a directory", both(noSavepoints, lastState, at(1.0, "job", "savepointTriggerNonce")),
			"Savepoint could not be manually triggered for the running job while " + savepointDir + " is not set"},
		{"savepoint mode without a directory", noSavepoints,
			"Job could not be upgraded with savepoint while " + savepointDir + " is not set"},
		{"last-state without checkpoints", both(lastState, at(nil, "flinkConfiguration", "state.checkpoints.dir")),
			"Checkpoint directory[state.checkpoints.dir] must be defined for last-state and savepoint upgrade modes"},
		{"checkpoints by a name that the operator's Flink does not know", both(lastState,
			at(nil, "flinkConfiguration", "state.checkpoints.dir"), conf("execution.checkpointing.dir", "s3://b/c")),
			"Checkpoint directory[state.checkpoints.dir] must be defined for last-state and savepoint upgrade modes"},
		{
			"stateless without directories",
			both(at("stateless", "job", "upgradeMode"), at(map[string]any{}, "flinkConfiguration")),
			"",
		},
		{"a log file of another name", at("x", "logConfiguration", "log4j.properties"),
			"Invalid log config key: log4j.properties. Allowed keys are [log4j-console.properties, logback-console.xml]"},
		{"a log file", at("x", "logConfiguration", "logback-console.xml"), ""},
		{
			"no service account", at(nil, "serviceAccount"),
			"spec.serviceAccount must be defined. If you use helm, its value should be " +
				"the same with the name of jobServiceAccount.",
		},
		{"ingress without template", at(map[string]any{}, "ingress"), "Ingress template must be defined"},
		{"cluster id", conf("kubernetes.cluster-id", "x"), "Forbidden Flink config key: kubernetes.cluster-id"},
		{"namespace", conf("kubernetes.namespace", "x"), "Forbidden Flink config key: kubernetes.namespace"},
		{"HA cluster id", conf("high-availability.cluster-id", "x"), "Forbidden Flink config key: high-availability.cluster-id"},
		{"a negative factor", both(conf("job.autoscaler.enabled", "true"), conf("job.autoscaler.scale-up.max-factor", "-1")),
			"The AutoScalerOption job.autoscaler.scale-up.max-factor is invalid, it should be a value within the range [0.0, " +
				"+Infinity]"},
		{
			"a factor that is none",
			both(conf("job.autoscaler.enabled", "true"), conf("job.autoscaler.scale-up.max-factor", "many")),
			"Invalid value in the autoscaler config job.autoscaler.scale-up.max-factor",
		},
		{"a negative factor, autoscaler off", conf("job.autoscaler.scale-up.max-factor", "-1"), ""},
		{"storage", at("2X", "taskManager", "resource", "ephemeralStorage"),
			`TaskManager resource ephemeral storage parse error: "2X" is no quantity of Kubernetes`},
		{
			"memory", at("lots", "jobManager", "resource", "memory"),
			`JobManager resource memory parse error: "lots" is no amount of ` +
				"memory: a whole number with a unit such as 2048m or 2g",
		},
		{"no memory", at(nil, "taskManager", "resource"),
			"TaskManager resource memory must be defined using `spec.taskManager.resource.memory`"},
		{"memory by key", both(at(nil, "taskManager", "resource"), conf("taskmanager.memory.process.size", "2g")), ""},
		{
			"no JobManager",
			at(nil, "jobManager"),
			"JobManager resource memory must be defined using `spec.jobManager.resource.memory`",
		},
		{"standby without HA", at(2.0, "jobManager", "replicas"),
			"High availability should be enabled when starting standby JobManagers."},
		{"no JobManagers", at(0.0, "jobManager", "replicas"), "JobManager replicas should not be configured less than one."},
		{"no version", at(nil, "flinkVersion"), "Flink Version must be defined."},
		{"last-state without HA", lastState, ""},
		{"HA without a directory", conf("high-availability.type", "kubernetes"), ""},
	} {
		spec := parsed(t, right)
		c.change(spec)
		got := ""
		if refusals := ValidateDeployment(Object{Name: "right", Spec: spec}); len(refusals) > 0 {
			got = refusals[0].Message
			require.NotEmpty(t, refusals[0].Path, c.what)
		}
		require.Equal(t, c.want, got, c.what)
	}
	for name, fine := range map[string]bool{
		"right": true, "a": true, "abcdefghij-bcdefghij-bcdefghij-bcdefghij-bcdef": false, "1a": false,
		"a-": false, "A": false, "": false,
	} {
		refusals := ValidateDeployment(Object{Name: name, Spec: parsed(t, right)})
		require.Equal(t, fine, len(refusals) == 0, name)
	}
}

// EMR's operator takes a role for the service account, and its own field for high availability.
func TestEMRsFieldsStandForTheOperatorsOwn(t *testing.T) {
	t.Parallel()
	spec := parsed(t, right)
	set(spec, nil, "serviceAccount")
	set(spec, "arn:aws:iam::111122223333:role/r", "executionRoleArn")
	set(spec, 2.0, "jobManager", "replicas")
	set(spec, "s3://b/ha", "jobManager", "storageDir")
	require.Empty(t, ValidateDeployment(Object{Name: "a", Spec: spec, EMR: true}))
	require.Len(t, ValidateDeployment(Object{Name: "a", Spec: spec}), 2)
	set(spec, false, "jobManager", "highAvailabilityEnabled")
	require.Equal(t,
		[]Refusal{{"spec.jobManager.replicas", "High availability should be enabled when starting standby JobManagers."}},
		ValidateDeployment(Object{Name: "a", Spec: spec, EMR: true}))
}

func TestSessionJobsAndSnapshots(t *testing.T) {
	t.Parallel()
	session := parsed(t, right)
	set(session, nil, "job")
	cluster := &Object{Name: "cluster", Spec: session}
	job := parsed(t, `{"deploymentName": "cluster", "job": {"jarURI": "s3://b/x.jar", "parallelism": 1}}`)
	require.Empty(t, ValidateSessionJob(Object{Name: "j", Spec: job}, cluster))
	require.Empty(t, ValidateSessionJob(Object{Name: "j", Spec: job}, nil))
	application := &Object{Name: "cluster", Spec: parsed(t, right)}
	require.Equal(t, "Can not submit session job to application cluster",
		ValidateSessionJob(Object{Name: "j", Spec: job}, application)[0].Message)
	set(job, 0.0, "job", "parallelism")
	require.Equal(t, "Job parallelism must be larger than 0",
		ValidateSessionJob(Object{Name: "j", Spec: job}, cluster)[0].Message)
	require.Equal(t, "The job spec should not be empty",
		ValidateSessionJob(Object{Name: "j", Spec: parsed(t, `{"deploymentName": "cluster"}`)}, nil)[0].Message)

	for text, want := range map[string]string{
		`{"savepoint": {}, "jobReference": {"name": "a"}}`: "",
		`{"savepoint": {"alreadyExists": true}}`:           "",
		`{"savepoint": {}}`:                                "Job reference must be supplied for this snapshot",
		`{"savepoint": {}, "checkpoint": ` +
			`{}}`: "Exactly one of checkpoint or savepoint configurations has to be set.",
		`{}`: "Exactly one of checkpoint or savepoint configurations has to be set.",
		`{"checkpoint": {}, "jobReference": {"name": "a"}}`: "",
	} {
		got := ""
		o := Object{Name: "s", Namespace: "ns", Spec: parsed(t, text)}
		if r := ValidateSnapshot(o, true); len(r) > 0 {
			got = r[0].Message
		}
		require.Equal(t, want, got, text)
		missing := ValidateSnapshot(o, false)
		switch {
		case want == "" && o.has("jobReference"):
			require.Equal(t, []Refusal{{"spec.jobReference", "Target for snapshot ns/a was not found"}}, missing)
		case want == "":
			require.Empty(t, missing, "what exists needs no job")
		default:
			require.Equal(t, want, missing[0].Message)
		}
	}
}
