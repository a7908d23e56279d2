// SPDX-License-Identifier: Apache-2.0

package flinkspec

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"emrflink/internal/pattern"
)

// Refusal is a message of the operator's validator, and the field that it is about.
type Refusal struct {
	Path    string
	Message string
}

// Object is what the validator sees of an object.
type Object struct {
	Name, Namespace string
	Spec            map[string]any
	// EMR says that EMR's operator reads it: executionRoleArn stands for a service account, and jobManager.storageDir turns
	// high availability on.
	EMR bool
}

// Conf is the object's flinkConfiguration, and what EMR's operator makes of jobManager.storageDir. Values that are no text
// are those that YAML would write.
func (o Object) Conf() map[string]string {
	conf := Flatten(o.get("flinkConfiguration"))
	if o.EMR && o.HA() && conf["high-availability.type"] == "" && conf["high-availability"] == "" {
		conf["high-availability.type"] = "kubernetes"
		if dir := o.text("jobManager.storageDir"); dir != "" {
			conf["high-availability.storageDir"] = dir
		}
	}
	return conf
}

// Flatten makes one level of a configuration that may have several, as later operators read it.
func Flatten(v any) map[string]string {
	out := map[string]string{}
	var add func(prefix string, v any)
	add = func(prefix string, v any) {
		m, nested := v.(map[string]any)
		if !nested {
			out[prefix] = Text(v)
			return
		}
		for k, v := range m {
			add(strings.TrimPrefix(prefix+"."+k, "."), v)
		}
	}
	if m, ok := v.(map[string]any); ok {
		add("", m)
	}
	return out
}

// Text is a scalar as a configuration has it.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func (o Object) get(path string) any {
	var at any = o.Spec
	for _, name := range strings.Split(path, ".") {
		m, _ := at.(map[string]any)
		at = m[name]
	}
	return at
}

func (o Object) text(path string) string { return strings.TrimSpace(Text(o.get(path))) }

func (o Object) has(path string) bool { return o.get(path) != nil }

// number is an integer field, or what stands for it.
func (o Object) number(path string, otherwise int) int {
	n, err := strconv.Atoi(o.text(path))
	if err != nil {
		return otherwise
	}
	return n
}

// HA says whether EMR's high availability is on, which is its default.
func (o Object) HA() bool { return o.EMR && o.text("jobManager.highAvailabilityEnabled") != "false" }

// highlyAvailable says whether a configuration has a service of high availability.
func highlyAvailable(conf map[string]string) bool {
	mode := conf["high-availability.type"]
	if mode == "" {
		mode = conf["high-availability"]
	}
	return mode != "" && !strings.EqualFold(mode, "none")
}

// ValidName says whether the operator takes a name for a FlinkDeployment.
func ValidName(name string) bool { return deploymentName().MatchString(name) }

var deploymentName = pattern.Lazy(`^[a-z]([-a-z\d]{0,43}[a-z\d])?$`)

// logFiles are the keys that logConfiguration may have.
var logFiles = []string{"log4j-console.properties", "logback-console.xml"}

// ForbiddenKeys are configuration keys that the operator sets and refuses.
var ForbiddenKeys = []string{"kubernetes.namespace", "kubernetes.cluster-id", "high-availability.cluster-id"}

// ValidateDeployment applies the rules of the operator's validator (DefaultValidator of release 1.10) to a new
// FlinkDeployment, in its order: the first refusal is the one that the operator shows.
func ValidateDeployment(o Object) []Refusal {
	conf := o.Conf()
	var out []Refusal
	for _, rule := range []func(Object, map[string]string) []Refusal{
		ruleName, ruleVersion, ruleConf, ruleIngress, ruleLog, ruleJob,
		func(o Object, c map[string]string) []Refusal { return ruleProcess(o, c, "jobManager", "JobManager") },
		func(o Object, c map[string]string) []Refusal { return ruleProcess(o, c, "taskManager", "TaskManager") },
		ruleAccount, ruleAutoscaler,
	} {
		out = append(out, rule(o, conf)...)
	}
	return out
}

// ValidateSessionJob applies the rules to a new FlinkSessionJob; cluster is its session cluster, nil if it is not known.
func ValidateSessionJob(o Object, cluster *Object) []Refusal {
	out := badName(o.text("deploymentName"), "spec.deploymentName")
	if !o.has("job") {
		out = append(out, Refusal{"spec.job", "The job spec should not be empty"})
	}
	if cluster == nil {
		return out
	}
	if cluster.has("job") {
		out = append(out, Refusal{"spec.deploymentName", "Can not submit session job to application cluster"})
	}
	if cluster.Name != o.text("deploymentName") {
		out = append(out, Refusal{"spec.deploymentName", "The session job's cluster id is not match with the session cluster"})
	}
	conf := cluster.Conf()
	maps.Copy(conf, o.Conf())
	return append(append(out, ruleJob(o, conf)...), ruleAutoscaler(o, conf)...)
}

// ValidateSnapshot applies the rules to a new FlinkStateSnapshot. found says whether its job is in the cluster.
func ValidateSnapshot(o Object, found bool) []Refusal {
	if o.has("savepoint") == o.has("checkpoint") {
		return []Refusal{{"spec", "Exactly one of checkpoint or savepoint configurations has to be set."}}
	}
	switch {
	case o.has("savepoint") && o.text("savepoint.alreadyExists") == "true":
		return nil
	case !o.has("jobReference"):
		return []Refusal{{"spec.jobReference", "Job reference must be supplied for this snapshot"}}
	case !found:
		return []Refusal{{"spec.jobReference", fmt.Sprintf("Target for snapshot %s/%s was not found", o.Namespace,
			o.text("jobReference.name"))}}
	}
	return nil
}

func badName(name, path string) []Refusal {
	if ValidName(name) {
		return nil
	}
	return []Refusal{{path, fmt.Sprintf("The FlinkDeployment name: %s is invalid, must consist of lower case alphanumeric "+
		"characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "+
		"'abc-123'), and the length must be no more than 45 characters.", name)}}
}

func ruleName(o Object, _ map[string]string) []Refusal { return badName(o.Name, "metadata.name") }

func ruleVersion(o Object, _ map[string]string) []Refusal {
	if o.text("flinkVersion") == "" {
		return []Refusal{{"spec.flinkVersion", "Flink Version must be defined."}}
	}
	return nil
}

func on(conf map[string]string, key string) bool {
	value, set := conf[key]
	if !set {
		k, _ := KeyOf(key)
		value = k.Default
	}
	return strings.EqualFold(value, "true")
}

func ruleConf(_ Object, conf map[string]string) []Refusal {
	var out []Refusal
	for _, key := range ForbiddenKeys {
		if _, set := conf[key]; set {
			out = append(out, Refusal{"spec.flinkConfiguration." + key, "Forbidden Flink config key: " + key})
		}
	}
	const rollback, health, recovery = "kubernetes.operator.deployment.rollback.enabled",
		"kubernetes.operator.cluster.health-check.enabled", "kubernetes.operator.jm-deployment-recovery.enabled"
	if on(conf, rollback) && !highlyAvailable(conf) {
		out = append(out, Refusal{"spec.flinkConfiguration." + rollback, "HA must be enabled for rollback support."})
	}
	if on(conf, health) && !on(conf, recovery) {
		out = append(out, Refusal{"spec.flinkConfiguration." + recovery, "Deployment recovery (" + recovery +
			") must be enabled for job health check (" + health + ") support."})
	}
	return out
}

func ruleIngress(o Object, _ map[string]string) []Refusal {
	if o.has("ingress") && !o.has("ingress.template") {
		return []Refusal{{"spec.ingress", "Ingress template must be defined"}}
	}
	return nil
}

func ruleLog(o Object, _ map[string]string) []Refusal {
	files, _ := o.get("logConfiguration").(map[string]any)
	var out []Refusal
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !slices.Contains(logFiles, name) {
			out = append(out, Refusal{"spec.logConfiguration." + name,
				fmt.Sprintf("Invalid log config key: %s. Allowed keys are [%s]", name, strings.Join(logFiles, ", "))})
		}
	}
	return out
}

func ruleJob(o Object, conf map[string]string) []Refusal {
	if !o.has("job") {
		return nil
	}
	const checkpoints, savepoints = "state.checkpoints.dir", "state.savepoints.dir"
	const periodic, age = "kubernetes.operator.periodic.savepoint.interval",
		"kubernetes.operator.job.upgrade.last-state.max.allowed.checkpoint.age"
	var out []Refusal
	mode := o.text("job.upgradeMode")
	if mode == "" {
		mode = "stateless"
	}
	if mode != "stateless" && setting(conf, checkpoints) == "" {
		out = append(out, Refusal{"spec.flinkConfiguration",
			"Checkpoint directory[" + checkpoints + "] must be defined for last-state and savepoint upgrade modes"})
	}
	if setting(conf, savepoints) == "" {
		key := "config key[" + savepoints + "]"
		for _, r := range []struct {
			applies bool
			refusal Refusal
		}{
			{
				mode == "savepoint",
				Refusal{"spec.job.upgradeMode", "Job could not be upgraded with savepoint while " + key + " is not set"},
			},
			{o.has("job.savepointTriggerNonce"), Refusal{"spec.job.savepointTriggerNonce",
				"Savepoint could not be manually triggered for the running job while " + key + " is not set"}},
			{conf[periodic] != "", Refusal{"spec.flinkConfiguration." + periodic,
				"Periodic savepoints cannot be enabled when " + key + " is not set"}},
			{conf[age] != "", Refusal{"spec.flinkConfiguration." + age,
				"In order to use max-checkpoint age functionality " + key +
					" must be set to allow triggering savepoint upgrades."}},
		} {
			if r.applies {
				out = append(out, r.refusal)
			}
		}
	}
	switch {
	case o.has("taskManager.replicas") && o.number("taskManager.replicas", 1) < 1:
		out = append(out, Refusal{"spec.taskManager.replicas", "TaskManager replicas must be larger than 0"})
	case !o.has("taskManager.replicas") && o.number("job.parallelism", 0) < 1:
		out = append(out, Refusal{"spec.job.parallelism", "Job parallelism must be larger than 0"})
	}
	return out
}

// operatorNames are names of a key that the operator's own Flink, 1.19, reads: it does not know the names that 1.20 brought.
var operatorNames = map[string]string{
	"state.checkpoints.dir": "state.backend.fs.checkpointdir", "state.savepoints.dir": "savepoints.state.backend.fs.dir",
}

// setting is a key's value as the operator reads it.
func setting(conf map[string]string, key string) string {
	if v := strings.TrimSpace(conf[key]); v != "" {
		return v
	}
	return strings.TrimSpace(conf[operatorNames[key]])
}

// sized are the keys that can stand for spec.jobManager.resource.memory and its like.
func sized(conf map[string]string, component string) bool {
	for _, key := range []string{"process.size", "flink.size"} {
		if conf[component+".memory."+key] != "" {
			return true
		}
	}
	heap := conf["jobmanager.memory.heap.size"] != ""
	if component == "taskmanager" {
		heap = conf["taskmanager.memory.task.heap.size"] != "" && conf["taskmanager.memory.managed.size"] != ""
	}
	return heap
}

func ruleProcess(o Object, conf map[string]string, field, name string) []Refusal {
	path := "spec." + field
	var out []Refusal
	memory, storage := o.text(field+".resource.memory"), o.text(field+".resource.ephemeralStorage")
	if memory == "" && !sized(conf, strings.ToLower(name)) {
		out = append(out, Refusal{path, name + " resource memory must be defined using `" + path + ".resource.memory`"})
	}
	if memory != "" {
		if _, err := ResourceMemory(memory); err != nil {
			out = append(out, Refusal{path + ".resource.memory", name + " resource memory parse error: " + err.Error()})
		}
	}
	if storage != "" {
		if _, err := Quantity(storage); err != nil {
			out = append(out, Refusal{path + ".resource.ephemeralStorage",
				name + " resource ephemeral storage parse error: " + err.Error()})
		}
	}
	// EMR's default of two JobManagers goes with its high availability.
	replicas := o.number(field+".replicas", 1)
	switch {
	case replicas < 1:
		out = append(out, Refusal{path + ".replicas", name + " replicas should not be configured less than one."})
	case field == "jobManager" && replicas > 1 && !highlyAvailable(conf):
		out = append(out, Refusal{path + ".replicas", "High availability should be enabled when starting standby JobManagers."})
	}
	return out
}

func ruleAccount(o Object, _ map[string]string) []Refusal {
	if o.has("serviceAccount") || o.EMR && o.has("executionRoleArn") {
		return nil
	}
	return []Refusal{{
		"spec.serviceAccount",
		"spec.serviceAccount must be defined. If you use helm, its value should be the same " +
			"with the name of jobServiceAccount.",
	}}
}

// positive are the autoscaler's numbers that must not be negative.
var positive = []string{
	"job.autoscaler.scale-down.max-factor", "job.autoscaler.scale-up.max-factor", "job.autoscaler.target.utilization",
	"job.autoscaler.target.utilization.boundary",
}

func ruleAutoscaler(_ Object, conf map[string]string) []Refusal {
	if !on(conf, "job.autoscaler.enabled") {
		return nil
	}
	var out []Refusal
	for _, key := range positive {
		text, set := conf[key]
		if !set {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		switch {
		case err != nil:
			out = append(out, Refusal{"spec.flinkConfiguration." + key, "Invalid value in the autoscaler config " + key})
		case n < 0:
			out = append(out, Refusal{"spec.flinkConfiguration." + key, fmt.Sprintf(
				"The AutoScalerOption %s is invalid, it should be a value within the range [0.0, +Infinity]", key)})
		}
	}
	return out
}

// ReleaseLabel is EMR's notation of a release for Flink.
var ReleaseLabel = pattern.Lazy(`^emr-(\d+\.\d+\.\d+)-flink-(latest|\d{8})$`)
