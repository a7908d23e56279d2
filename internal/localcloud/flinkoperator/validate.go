// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"fmt"
	"regexp"
	"strings"

	"emrflink/internal/localcloud/flinkconf"
)

var (
	deploymentName = regexp.MustCompile(`^[a-z]([-a-z\d]{0,43}[a-z\d])?$`)
	releaseLabel   = regexp.MustCompile(`^emr-(\d+\.\d+\.\d+)-flink-(latest|\d{8})$`)
)

// validate applies the rules of the open-source operator's validator, EMR's own,
// and refuses what the stand-in does not do. It returns the first problem, as the
// operator does, or "".
func (d *deployment) validate() string {
	if d.bad != nil {
		return "the spec cannot be read: " + d.bad.Error()
	}
	for _, rule := range []func(*deployment) string{
		ruleName, ruleUnsupported, ruleImage, ruleIdentity, ruleForbiddenKeys, ruleResources, ruleHighAvailability, ruleJob,
	} {
		if problem := rule(d); problem != "" {
			return problem
		}
	}
	return ""
}

// unreadable is what keeps the operator from reading a deployment's configuration, which it does before a cleanup too; ""
// when it can. Memory that is missing is no reason, memory that does not parse is.
func (d *deployment) unreadable() string {
	if d.spec.FlinkVersion == "" {
		return "Flink Version must be defined."
	}
	for _, c := range []componentSpec{d.spec.JobManager, d.spec.TaskManager} {
		if c.Resource.Memory == "" {
			continue
		}
		if _, err := flinkconf.MemoryMiB(c.Resource.Memory); err != nil {
			return err.Error()
		}
	}
	return ""
}

func ruleName(d *deployment) string {
	if !deploymentName.MatchString(d.ref.Name) {
		return fmt.Sprintf("The FlinkDeployment name: %s is invalid, must consist of lower case alphanumeric characters or "+
			"'-', start with an alphabetic character, and be at most 45 characters long", d.ref.Name)
	}
	return ""
}

func ruleUnsupported(d *deployment) string {
	switch {
	case d.spec.Mode == "standalone":
		return "the local stand-in of the EMR Flink operator does not do mode: standalone"
	case len(d.spec.Ingress) > 0:
		return "the local stand-in of the EMR Flink operator does not do spec.ingress"
	case d.spec.FlinkVersion == "":
		return "Flink Version must be defined."
	}
	return ""
}

func ruleImage(d *deployment) string {
	if d.spec.Image == "" && !releaseLabel.MatchString(d.spec.EmrReleaseLabel) {
		return fmt.Sprintf("emrReleaseLabel %q must have the form emr-x.y.z-flink-latest or emr-x.y.z-flink-yyyymmdd",
			d.spec.EmrReleaseLabel)
	}
	return ""
}

func ruleIdentity(d *deployment) string {
	if d.spec.ExecutionRoleARN == "" {
		if d.spec.ServiceAccount == "" {
			return "executionRoleArn or serviceAccount must be defined"
		}
		return ""
	}
	if account, role := splitRole(d.spec.ExecutionRoleARN); account == "" || role == "" {
		return fmt.Sprintf("executionRoleArn %q is not the ARN of an IAM role", d.spec.ExecutionRoleARN)
	}
	return ""
}

func ruleForbiddenKeys(d *deployment) string {
	for _, key := range []string{"kubernetes.namespace", "kubernetes.cluster-id", "high-availability.cluster-id"} {
		if _, ok := d.spec.FlinkConfiguration[key]; ok {
			return "Forbidden Flink config key: " + key
		}
	}
	if v, ok := d.spec.FlinkConfiguration["execution.checkpointing.interval"]; ok {
		if _, err := flinkconf.Duration(v); err != nil {
			return "execution.checkpointing.interval: " + err.Error()
		}
	}
	return ""
}

func ruleResources(d *deployment) string {
	for what, c := range map[string]componentSpec{"JobManager": d.spec.JobManager, "TaskManager": d.spec.TaskManager} {
		if c.Resource.Memory == "" {
			return what + " resource memory must be defined using `spec." + strings.ToLower(what[:1]) + what[1:] +
				".resource.memory`"
		}
		if _, err := flinkconf.MemoryMiB(c.Resource.Memory); err != nil {
			return what + " resource memory: " + err.Error()
		}
	}
	return ""
}

func ruleHighAvailability(d *deployment) string {
	switch {
	case d.masters() < 1:
		return "JobManager replicas should not be configured less than one."
	case !d.ha() && d.masters() > 1:
		return "High availability should be enabled when starting standby JobManagers."
	case d.ha() && d.spec.JobManager.StorageDir == "":
		return "jobManager.storageDir is required when high availability is enabled"
	case d.ha() && !flinkconf.IsS3(d.spec.JobManager.StorageDir):
		return fmt.Sprintf("jobManager.storageDir %q must be an S3 path", d.spec.JobManager.StorageDir)
	}
	return ""
}

func ruleJob(d *deployment) string {
	j, conf := d.spec.Job, d.spec.FlinkConfiguration
	if j == nil {
		return ""
	}
	switch {
	case j.JarURI == "":
		return "Jar URI must be defined"
	case j.Parallelism < 1 && conf["jobmanager.scheduler"] != "adaptive":
		return "Job parallelism must be larger than 0"
	case j.UpgradeMode == "savepoint" && conf["state.savepoints.dir"] == "":
		return "Job could not be upgraded with savepoint while config key[state.savepoints.dir] is not set"
	case j.SavepointTriggerNonce != 0 && conf["state.savepoints.dir"] == "":
		return "Savepoint could not be manually triggered for the running job while config key[state.savepoints.dir] is not set"
	case j.UpgradeMode != "stateless" && j.UpgradeMode != "" && conf["state.checkpoints.dir"] == "":
		return "Checkpoint directory[state.checkpoints.dir] must be defined for last-state and savepoint upgrade modes"
	case conf["state.checkpoints.dir"] != "" && !flinkconf.IsS3(conf["state.checkpoints.dir"]):
		return fmt.Sprintf("the local stand-in of the EMR Flink operator writes checkpoints to S3 only, not to %q",
			conf["state.checkpoints.dir"])
	}
	return ""
}
