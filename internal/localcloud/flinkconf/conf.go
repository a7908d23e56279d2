// SPDX-License-Identifier: Apache-2.0

package flinkconf

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Conf is Flink's configuration.
type Conf map[string]string

// The keys that the stand-ins set or read. Those that begin with "$internal" pass from the operator to the JobManager.
const (
	JobID           = "$internal.pipeline.job-id"
	MainClass       = "$internal.application.main"
	ProgramArgs     = "$internal.application.program-args" // a List
	FlinkVersion    = "$internal.flink.version"
	ClusterID       = "kubernetes.cluster-id"
	Namespace       = "kubernetes.namespace"
	Name            = "pipeline.name"
	Jars            = "pipeline.jars"
	Parallelism     = "parallelism.default"
	Slots           = "taskmanager.numberOfTaskSlots"
	Interval        = "execution.checkpointing.interval"
	Checkpoints     = "state.checkpoints.dir"
	Retained        = "state.checkpoints.num-retained"
	Retention       = "execution.checkpointing.externalized-checkpoint-retention"
	Savepoints      = "state.savepoints.dir"
	HA              = "high-availability.type"
	HAStorage       = "high-availability.storageDir"
	HACluster       = "high-availability.cluster-id"
	Restore         = "execution.savepoint.path"
	Entrypoint      = "kubernetes.internal.jobmanager.entrypoint.class"
	Image           = "kubernetes.container.image.ref"
	WorkerAccount   = "kubernetes.taskmanager.service-account"
	WorkerCPU       = "kubernetes.taskmanager.cpu.amount"
	WorkerMemory    = "taskmanager.memory.process.size"
	WorkerTemplate  = "kubernetes.pod-template-file.taskmanager"
	WorkerRPCPort   = "taskmanager.rpc.port"
	WorkerDataPort  = "taskmanager.data.port"
	ConfDir         = "/opt/flink/conf"
	ConfFile        = "flink-conf.yaml"
	PodTemplateDir  = "/opt/flink/pod-template"
	PodTemplateFile = "taskmanager-pod-template.yaml"
	RESTPort        = 8081
)

// MainContainer is the container of Flink itself in its pods.
const MainContainer = "flink-main-container"

// The variables of EMR's log sidecar that the operator stand-in sets. EMR does not document its own.
const (
	Sidecar      = "fluentd"
	EnvLogGroup  = "EMRFLINK_LOG_GROUP"
	EnvLogPrefix = "EMRFLINK_LOG_STREAM_PREFIX"
	EnvLogURI    = "EMRFLINK_LOG_URI" // in S3, without a scheme
	// EnvLogRotation is the size at which a file of the log is rotated, such as 300KB; not set: EMR's default.
	EnvLogRotation = "EMRFLINK_LOG_ROTATION_SIZE"
)

// Parse reads flink-conf.yaml: "key: value" on each line.
func Parse(text string) Conf {
	c := Conf{}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if ok && !strings.HasPrefix(key, "#") {
			c[key] = strings.TrimSpace(value)
		}
	}
	return c
}

// String is the file that Parse reads. A value is kept on one line.
func (c Conf) String() string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(&b, "%s: %s\n", k, strings.ReplaceAll(c[k], "\n", " "))
	}
	return b.String()
}

// Number is a key's positive number, or what stands for it.
func (c Conf) Number(key string, otherwise int) int {
	if n, err := strconv.Atoi(c[key]); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// List writes a list as Flink reads it: with ";" between, and what has one itself, or a quotation mark, in single ones.
func List(values []string) string {
	var out []string
	for _, v := range values {
		if strings.ContainsAny(v, `;'"`) {
			v = "'" + strings.ReplaceAll(v, "'", "''") + "'"
		}
		out = append(out, v)
	}
	return strings.Join(out, ";")
}
