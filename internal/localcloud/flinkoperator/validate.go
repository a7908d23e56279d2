// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/flinkspec"
	"emrflink/internal/localcloud/flinkconf"
)

// validate applies the rules of the open-source operator's validator, EMR's own, and refuses what the stand-in does not do.
// It returns the first problem, as the operator does, or "".
func (d *deployment) validate() string {
	if d.bad != nil {
		return "the spec cannot be read: " + d.bad.Error()
	}
	switch {
	case d.spec.Mode == "standalone":
		return "the local stand-in of the EMR Flink operator does not do mode: standalone"
	case len(d.spec.Ingress) > 0:
		return "the local stand-in of the EMR Flink operator does not do spec.ingress"
	}
	spec, _, _ := unstructured.NestedMap(d.obj.Object, "spec")
	if refusals := flinkspec.ValidateDeployment(flinkspec.Object{Name: d.ref.Name, Spec: spec, EMR: true}); len(refusals) > 0 {
		return refusals[0].Message
	}
	for _, rule := range []func(*deployment) string{ruleImage, ruleIdentity, ruleHighAvailability, ruleJob} {
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
		if _, err := flinkspec.ResourceMemory(c.Resource.Memory); err != nil {
			return err.Error()
		}
	}
	return ""
}

func ruleImage(d *deployment) string {
	if d.spec.Image == "" && !flinkspec.ReleaseLabel().MatchString(d.spec.EmrReleaseLabel) {
		return fmt.Sprintf("emrReleaseLabel %q must have the form emr-x.y.z-flink-latest or emr-x.y.z-flink-yyyymmdd",
			d.spec.EmrReleaseLabel)
	}
	return ""
}

func ruleIdentity(d *deployment) string {
	if d.spec.ExecutionRoleARN == "" {
		return ""
	}
	if account, role := splitRole(d.spec.ExecutionRoleARN); account == "" || role == "" {
		return fmt.Sprintf("executionRoleArn %q is not the ARN of an IAM role", d.spec.ExecutionRoleARN)
	}
	return ""
}

func ruleHighAvailability(d *deployment) string {
	switch {
	case d.ha() && d.spec.JobManager.StorageDir == "":
		return "jobManager.storageDir is required when high availability is enabled"
	case d.ha() && !flinkspec.IsS3(d.spec.JobManager.StorageDir):
		return fmt.Sprintf("jobManager.storageDir %q must be an S3 path", d.spec.JobManager.StorageDir)
	}
	return ""
}

// ruleJob is what the stand-in cannot do where the operator or Flink fails later.
func ruleJob(d *deployment) string {
	j, conf := d.spec.Job, d.spec.FlinkConfiguration
	if j == nil {
		return ""
	}
	if j.JarURI == "" {
		return "Jar URI must be defined"
	}
	if v, ok := conf[flinkconf.Interval]; ok {
		if _, err := flinkspec.Duration(v); err != nil {
			return flinkconf.Interval + ": " + err.Error()
		}
	}
	if dir := conf[flinkconf.Checkpoints]; dir != "" && !flinkspec.IsS3(dir) {
		return fmt.Sprintf("the local stand-in of the EMR Flink operator writes checkpoints to S3 only, not to %q", dir)
	}
	return ""
}
