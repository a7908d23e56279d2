// SPDX-License-Identifier: Apache-2.0

package jobfile

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"emrflink/internal/flinkspec"
	"emrflink/internal/pattern"
	"emrflink/observability"
	"emrflink/stacks/nearest"
)

const configuration = "spec.flinkConfiguration."

// families are keys of which a part is a name of the user's, or which Flink hands on to another library.
var families = pattern.Lazy(`^(metrics|traces|events)\.reporters?(\.|$)|^metrics\.scope\.variables|` +
	`^(fs|s3|s3a|s3p|presto\.s3|hive\.s3|flink\.hadoop|dstl\.dfs|sql-gateway|sql-client|table|python|hive|hudi|iceberg|aws)\.|` +
	`^(client|kafka|user|app|env|containerized\.(master|taskmanager))\.|^pipeline\.global-job-parameters|` +
	`^external-resource\.[^.]+\.|^kubernetes\.operator\.plugins\.|^security\.delegation\.token\.provider\.|` +
	`^state\.backend\.(forst|rocksdb)\.|^(restart|cleanup)-strategy\.|^kubernetes\.(env|hadoop|rest-service)\.|` +
	`^kubernetes\.(jobmanager|taskmanager)\.(annotations|labels|node-selector|tolerations|entrypoint)`)

// elsewhere are keys of other ways to run Flink.
var elsewhere = pattern.Lazy(`^(yarn|mesos)\.`)

// overwritten are keys that the operator writes itself, with what decides instead.
var overwritten = map[string]string{
	"parallelism.default":                       "spec.job.parallelism",
	"jobmanager.memory.process.size":            "spec.jobManager.resource.memory",
	"taskmanager.memory.process.size":           "spec.taskManager.resource.memory",
	"kubernetes.jobmanager.cpu":                 "spec.jobManager.resource.cpu",
	"kubernetes.jobmanager.cpu.amount":          "spec.jobManager.resource.cpu",
	"kubernetes.taskmanager.cpu":                "spec.taskManager.resource.cpu",
	"kubernetes.taskmanager.cpu.amount":         "spec.taskManager.resource.cpu",
	"kubernetes.jobmanager.replicas":            "spec.jobManager.replicas",
	"kubernetes.container.image":                "spec.image",
	"kubernetes.container.image.ref":            "spec.image",
	"kubernetes.service-account":                "spec.executionRoleArn, or spec.serviceAccount",
	"kubernetes.pod-template-file":              "spec.podTemplate",
	"kubernetes.pod-template-file.default":      "spec.podTemplate",
	"kubernetes.pod-template-file.jobmanager":   "spec.jobManager.podTemplate",
	"kubernetes.pod-template-file.taskmanager":  "spec.taskManager.podTemplate",
	"pipeline.jars":                             "spec.job.jarURI",
	"execution.savepoint.path":                  "spec.job.initialSavepointPath",
	"execution.target":                          "spec.mode and spec.job",
	"execution.shutdown-on-application-finish":  "the operator: the JobManager stays, so that it can read the result",
	"web.cancel.enable":                         "the operator: a job is cancelled by its object",
	"kubernetes.rest-service.exposed.type":      "the operator: ClusterIP",
	"jobmanager.rpc.address":                    "Kubernetes: the address of the JobManager's pod or service",
	"rest.address":                              "Kubernetes: the service NAME-rest",
	"internal.cluster.execution-mode":           "the operator",
	"job-result-store.delete-on-commit":         "the operator: false",
	"kubernetes.operator.job.autoscaler.flavor": "the operator",
}

// checkConf looks at each key of the configuration.
func checkConf(d *document) {
	conf := flinkspec.Flatten(d.spec.Spec["flinkConfiguration"])
	for _, key := range slices.Sorted(maps.Keys(conf)) {
		d.key(key, conf[key])
	}
	d.olderKeys(conf)
	for _, s := range d.inClear() {
		d.problem(Warning, "secret", s.path, s.name+" has a secret in clear",
			"it is in the object, in a ConfigMap and in Flink's log: Flink prints its configuration at its start",
			"a Kubernetes Secret, by kubernetes.env.secretKeyRef or kubernetes.secrets in the configuration, or by "+
				"envFrom.secretRef in a pod template. For S3 the role serves: leave static keys out")
	}
	d.highAvailability(conf)
	d.parallelism(conf)
	d.metrics(conf)
	const submit = "web.submit.enable"
	if d.kind == flinkspec.KindDeployment && !d.has("spec.job") && strings.EqualFold(conf[submit], "false") {
		d.problem(Error, "session-submit", configuration+submit, submit+" is false in a session cluster",
			"the operator cannot start session jobs: it sends their jars as the UI does, and Flink answers 400", "leave it out")
	}
}

// metrics says when a file takes away the reporter that the operator's defaults give to every job.
func (d *document) metrics(conf map[string]string) {
	const list, prom = "metrics.reporters", "metrics.reporter.prom."
	off := func(key, message string) {
		d.problem(Note, "metrics", configuration+key, message, "dashboards and alerts see nothing of the job", "leave it out")
	}
	names := strings.FieldsFunc(conf[list], func(r rune) bool { return r == ',' || r == ';' || r == ' ' })
	if _, set := conf[list]; set && !slices.Contains(names, "prom") {
		off(list, list+" does not name prom, the reporter of the operator's defaults")
	}
	if port, set := conf[prom+"port"]; set && port != strconv.Itoa(observability.JobPort) {
		off(prom+"port", fmt.Sprintf("metrics are offered at port %s, and read at %d", port, observability.JobPort))
	}
	if factory, set := conf[prom+"factory.class"]; set && !strings.HasSuffix(factory, ".PrometheusReporterFactory") {
		off(prom+"factory.class", "the reporter prom is "+factory)
	}
}

// olderKeys says once which keys have a newer name. Those that the operator reads have theirs for the sake of its older Flink.
func (d *document) olderKeys(conf map[string]string) {
	var older []string
	for _, key := range slices.Sorted(maps.Keys(conf)) {
		if k, known := flinkspec.KeyOf(key); known && k.Name != key && key != "state.checkpoints.dir" &&
			key != "state.savepoints.dir" {
			older = append(older, key+" is "+k.Name)
		}
	}
	if len(older) > 0 {
		d.problem(Note, "older-key", strings.TrimSuffix(configuration, "."),
			"keys by their older names; in Flink "+flinkspec.Flink+" "+strings.Join(older, ", "), "they still work",
			"the newer names")
	}
}

// key looks at one key.
func (d *document) key(key, value string) {
	path := configuration + key
	k, known := flinkspec.KeyOf(key)
	if slices.Contains(flinkspec.ForbiddenKeys, key) {
		return // the operator's own rule says it
	}
	if d.unread(key, k, known) {
		return
	}
	switch {
	case !known:
		d.unknownKey(key)
		return
	case k.Deprecated:
		d.problem(Note, "deprecated-key", path, key+" is deprecated in Flink "+flinkspec.Flink, "it still works", "leave it out")
	}
	if err := k.Check(value); err != nil && !placeholder(value) {
		d.problem(Error, "value", path, key+": "+err.Error(), "Flink fails at its start: Could not parse value for key '"+key+"'",
			example(k))
	}
}

// unread says whether nothing reads a key here, and why.
func (d *document) unread(key string, k flinkspec.Key, known bool) bool {
	path := configuration + key
	auto, prefixed := strings.CutPrefix(key, "kubernetes.operator.job.autoscaler.")
	switch {
	case elsewhere().MatchString(key):
		d.problem(Warning, "dead-key", path, key+" is a key of Flink on YARN or Mesos", "nothing reads it here", "leave it out")
	case overwritten[key] != "":
		d.problem(Warning, "overwritten-key", path, key+" is set by "+overwritten[key],
			"the operator writes its own value over this one", "leave it out")
	case prefixed && !d.emrBefore("7.2"):
		d.problem(Warning, "dead-key", path, key+" is the older name of job.autoscaler."+auto,
			"EMR 7.2 and later document the name without kubernetes.operator.", "job.autoscaler."+auto)
	case known && k.Note != "" && !d.emrBefore("7.2"):
		d.problem(Warning, "dead-key", path, key+": "+k.Note, "nothing reads it on this release", "leave it out")
	case known && !k.In(d.r.by.Operator):
		d.otherRelease(k, path)
	case known && k.OperatorOnly:
		d.problem(Warning, "operator-key", path, key+" is a key of the operator's own configuration",
			"the operator does not read it in a job's", "leave it out; it is a value of the operator's Helm chart")
	case known && k.Connector:
		d.problem(Warning, "connector-key", path, key+" is an option of a table's connector",
			"Flink does not read it here", "in SQL: WITH ('"+key+"' = '...')")
	default:
		return false
	}
	return true
}

// emrBefore says whether a release of EMR was chosen, and is an earlier one.
func (d *document) emrBefore(release string) bool {
	return d.r.by.EMR != "" && flinkspec.ReleaseBefore(d.r.by.EMR, release)
}

// example is a value that the key takes.
func example(k flinkspec.Key) string {
	switch {
	case len(k.Choices) > 0:
		return "one of " + strings.Join(k.Choices, ", ")
	case k.Default != "":
		return fmt.Sprintf("for example its default, %q", k.Default)
	}
	return map[string]string{
		"Duration": `for example "10s"`, "MemorySize": `for example "512m"`, "Integer": "a whole number",
	}[k.Type]
}

func (d *document) otherRelease(k flinkspec.Key, path string) {
	operator := d.r.by.Operator
	when := "operator " + k.Since + " and later"
	mend := "leave it out"
	if k.RemovedIn(operator) {
		when = "operators until " + k.Until
	}
	// The operator's 1.11 turned the words of its utilization keys around.
	word, turned := strings.CutPrefix(k.Name, "job.autoscaler.utilization.")
	switch {
	case turned && word == "target":
		mend = "job.autoscaler.target.utilization, as " + operator + " spells it"
	case turned:
		mend = "job.autoscaler.target.utilization and job.autoscaler.target.utilization.boundary, as " + operator + " spells them"
	case k.Name == "job.autoscaler.target.utilization":
		mend = "job.autoscaler.utilization.target, as " + operator + " spells it"
	case k.Name == "job.autoscaler.target.utilization.boundary":
		mend = "job.autoscaler.utilization.min and job.autoscaler.utilization.max, as " + operator + " spells them"
	}
	d.problem(Warning, "newer-key", path, fmt.Sprintf("%s is a key of %s; this one is %s", k.Name, when, operator),
		"nothing reads it, and the default acts", mend)
}

func (d *document) unknownKey(key string) {
	if families().MatchString(key) {
		return
	}
	names := flinkspec.KeyNames(d.r.by.Operator)
	mend := "the key as Flink " + flinkspec.Flink + " spells it, or leave it out"
	if near, ok := nearest.Of(key, names); ok {
		mend = near
	}
	d.problem(Warning, "unknown-key", configuration+key, fmt.Sprintf("neither Flink %s nor operator %s has a key %s%s",
		flinkspec.Flink, d.r.by.Operator, key, nearest.Suggest(key, names)), "nothing reads it, and the default acts", mend)
}

// highAvailability looks at keys that say something else than EMR's operator.
func (d *document) highAvailability(conf map[string]string) {
	for _, key := range []string{"high-availability.type", "high-availability", "recovery.mode"} {
		mode, set := conf[key]
		if !set || strings.EqualFold(mode, "kubernetes") || strings.EqualFold(mode, "none") ||
			strings.HasSuffix(mode, "KubernetesHaServicesFactory") {
			continue
		}
		d.problem(Error, "high-availability", configuration+key, fmt.Sprintf("%s is %q", key, mode),
			"EMR's high availability is that of Kubernetes, with jobManager.storageDir; "+
				"the team's network policy closes ZooKeeper's "+
				"port 2181", "jobManager: {highAvailabilityEnabled: true, storageDir: s3://BUCKET/NAMESPACE/jobmanager/"+d.name+
				"}")
	}
	for _, key := range slices.Sorted(maps.Keys(conf)) {
		if strings.HasPrefix(key, "high-availability.zookeeper.") {
			d.problem(Warning, "dead-key", configuration+key, key+" is of ZooKeeper's high availability",
				"nothing reads it on EMR",
				"leave it out")
		}
	}
	dir, set := conf["high-availability.storageDir"]
	switch {
	case set && !flinkspec.IsS3(dir) && !placeholder(dir):
		d.problem(Error, "high-availability", configuration+"high-availability.storageDir",
			fmt.Sprintf("high-availability.storageDir is %q, a folder of a pod", dir),
			"what the JobManager needs after its loss goes with it",
			"jobManager: {storageDir: s3://BUCKET/NAMESPACE/jobmanager/"+d.name+"}")
	case !set && d.kind == flinkspec.KindDeployment && !d.spec.HA() &&
		strings.EqualFold(conf["high-availability.type"], "kubernetes"):
		d.problem(Error, "high-availability", configuration+"high-availability.type", "high-availability.storageDir is missing",
			"the operator takes it, and the JobManager fails at its start", "s3://BUCKET/NAMESPACE/jobmanager/"+d.name)
	}
}

// parallelism looks at numbers that do not go together.
func (d *document) parallelism(conf map[string]string) {
	const most, slotsKey = "pipeline.max-parallelism", "taskmanager.numberOfTaskSlots"
	limit, limited := number(conf[most])
	tasks, _ := number(d.text("spec.job.parallelism"))
	if limited && tasks > limit {
		d.problem(Error, "parallelism", "spec.job.parallelism",
			fmt.Sprintf("parallelism %d is more than %s, which is %d", tasks, most, limit), "the job fails at its start",
			fmt.Sprintf("%s of at least %d", most, tasks))
	}
	if limited && strings.EqualFold(conf["job.autoscaler.enabled"], "true") && divisors(limit) < 8 {
		d.problem(Warning, "max-parallelism", configuration+most,
			fmt.Sprintf("%s is %d, which has %d divisors", most, limit, divisors(limit)),
			"the autoscaler moves between divisors of it, so that key groups are spread evenly",
			"a multiple of 60, such as 120 or 720")
	}
	slots, _ := number(conf[slotsKey])
	cpu, err := strconv.ParseFloat(d.text("spec.taskManager.resource.cpu"), 64)
	if err == nil && cpu > 0 && float64(slots) > 4*cpu {
		d.problem(Warning, "slots", configuration+slotsKey,
			fmt.Sprintf("%d slots share %g CPU of a TaskManager", slots, cpu), "tasks of a pipeline wait for each other",
			fmt.Sprintf("1 or 2 slots a CPU: %d", int(max(1, cpu))))
	}
}

func number(text string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	return n, err == nil && n > 0
}

func divisors(n int) int {
	count := 0
	for i := 1; i <= n; i++ {
		if n%i == 0 {
			count++
		}
	}
	return count
}
