// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"emrflink/internal/kube"
)

type object = map[string]any

// flinkSpec is what the stand-in reads of spec.
type flinkSpec struct {
	EmrReleaseLabel    string            `json:"emrReleaseLabel"`
	ExecutionRoleARN   string            `json:"executionRoleArn"`
	Image              string            `json:"image"`
	ImagePullPolicy    string            `json:"imagePullPolicy"`
	FlinkVersion       string            `json:"flinkVersion"`
	Mode               string            `json:"mode"`
	ServiceAccount     string            `json:"serviceAccount"`
	FlinkConfiguration map[string]string `json:"flinkConfiguration"`
	Ingress            object            `json:"ingress"`
	PodTemplate        object            `json:"podTemplate"`
	JobManager         componentSpec     `json:"jobManager"`
	TaskManager        componentSpec     `json:"taskManager"`
	Job                *jobSpec          `json:"job"`
	Monitoring         struct {
		Image string `json:"image"`
		S3    struct {
			LogURI string `json:"logUri"`
		} `json:"s3MonitoringConfiguration"`
		CloudWatch struct {
			LogGroupName        string `json:"logGroupName"`
			LogStreamNamePrefix string `json:"logStreamNamePrefix"`
		} `json:"cloudWatchMonitoringConfiguration"`
		Rotation struct {
			Size string `json:"rotationSize"`
		} `json:"containerLogRotationConfiguration"`
		SideCarResources struct {
			Limits struct {
				CPULimit    string `json:"cpuLimit"`
				MemoryLimit string `json:"memoryLimit"`
			} `json:"limits"`
		} `json:"sideCarResources"`
	} `json:"monitoringConfiguration"`
}

type componentSpec struct {
	HighAvailabilityEnabled *bool  `json:"highAvailabilityEnabled"`
	Replicas                *int   `json:"replicas"`
	StorageDir              string `json:"storageDir"`
	Resource                struct {
		Memory string  `json:"memory"`
		CPU    float64 `json:"cpu"`
	} `json:"resource"`
	PodTemplate object `json:"podTemplate"`
}

type jobSpec struct {
	JarURI                 string   `json:"jarURI"`
	EntryClass             string   `json:"entryClass"`
	Args                   []string `json:"args"`
	Parallelism            int      `json:"parallelism"`
	UpgradeMode            string   `json:"upgradeMode"`
	State                  string   `json:"state"`
	InitialSavepointPath   string   `json:"initialSavepointPath"`
	SavepointRedeployNonce int64    `json:"savepointRedeployNonce"`
	SavepointTriggerNonce  int64    `json:"savepointTriggerNonce"`
	CheckpointTriggerNonce int64    `json:"checkpointTriggerNonce"`
}

// deployment is one FlinkDeployment as it was listed.
type deployment struct {
	obj  *unstructured.Unstructured
	ref  kube.Ref
	uid  string
	spec flinkSpec
	bad  error // spec could not be read

	isBack  bool   // it was rolled back: its spec here is the last stable one
	from    string // what a job that has ended goes on from
	pending bool   // its spec is not the one that is observed

	sessions []string // of a session cluster: the names of its session jobs
}

func newDeployment(o *unstructured.Unstructured) *deployment {
	d := &deployment{obj: o, ref: kube.RefOf(o), uid: string(o.GetUID())}
	d.read()
	d.back()
	return d
}

func (d *deployment) read() {
	spec, _, _ := unstructured.NestedMap(d.obj.Object, "spec")
	d.spec = flinkSpec{}
	d.bad = runtime.DefaultUnstructuredConverter.FromUnstructured(spec, &d.spec)
	if d.spec.Job != nil && d.spec.Job.State == "" {
		d.spec.Job.State = "running"
	}
}

func (d *deployment) ha() bool {
	return d.spec.JobManager.HighAvailabilityEnabled == nil || *d.spec.JobManager.HighAvailabilityEnabled
}

// masters is the number of JobManager replicas: EMR's default is two with high
// availability, else one.
func (d *deployment) masters() int {
	switch {
	case d.spec.JobManager.Replicas != nil:
		return *d.spec.JobManager.Replicas
	case d.ha():
		return 2
	}
	return 1
}

// jobID is that of the running or last job, "" before the first.
func (d *deployment) jobID() string { return d.status("jobStatus", "jobId") }

// nextJobID is the id of a job that does not go on with an earlier one's high-availability data.
func (d *deployment) nextJobID(now time.Time) string {
	sum := sha256.Sum256([]byte(d.uid + now.Format(time.RFC3339Nano)))
	return hex.EncodeToString(sum[:16])
}

// redeploys says that the job is to start from its initialSavepointPath, whatever runs: its redeploy nonce is another one.
// Without that, another path changes nothing.
func (d *deployment) redeploys() bool {
	last, deployed := d.lastSpec()
	return deployed && d.spec.Job != nil && d.spec.Job.SavepointRedeployNonce != 0 &&
		(last.Job == nil || last.Job.SavepointRedeployNonce != d.spec.Job.SavepointRedeployNonce)
}

// hash identifies what has to be redeployed when it changes. State and trigger
// nonces act on the running job, the upgrade mode on its next change, and the first path only on one that is deployed.
func (d *deployment) hash() string {
	spec, _, _ := unstructured.NestedMap(d.obj.Object, "spec")
	return hashOf(spec)
}

func hashOf(spec object) string {
	for _, f := range []string{"state", "savepointTriggerNonce", "checkpointTriggerNonce", "initialSavepointPath",
		"upgradeMode"} {
		unstructured.RemoveNestedField(spec, "job", f)
	}
	raw, _ := json.Marshal(spec) // maps of JSON values always encode
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}

func (d *deployment) status(path ...string) string {
	s, _, _ := unstructured.NestedString(d.obj.Object, append([]string{"status"}, path...)...)
	return s
}

// lastReconciled is the spec that was reconciled last, as it was written.
func (d *deployment) lastReconciled() (object, bool) {
	var last struct {
		Spec object `json:"spec"`
	}
	raw := d.status("reconciliationStatus", "lastReconciledSpec")
	if raw == "" || json.Unmarshal([]byte(raw), &last) != nil {
		return nil, false
	}
	return last.Spec, true
}

// lastSpec is the spec that was reconciled last.
func (d *deployment) lastSpec() (flinkSpec, bool) {
	var last struct {
		Spec flinkSpec `json:"spec"`
	}
	raw := d.status("reconciliationStatus", "lastReconciledSpec")
	if raw == "" || json.Unmarshal([]byte(raw), &last) != nil {
		return flinkSpec{}, false
	}
	return last.Spec, true
}

// base36 is EMR's encoding of role names in service-account names.
func base36(s string) string { return new(big.Int).SetBytes([]byte(s)).Text(36) }

// accounts are the names of the job's service accounts, JobManager's first.
func (d *deployment) accounts() (master, worker string) {
	if d.spec.ExecutionRoleARN == "" {
		return d.spec.ServiceAccount, d.spec.ServiceAccount
	}
	account, role := splitRole(d.spec.ExecutionRoleARN)
	name := func(part string) string {
		return fmt.Sprintf("emr-containers-sa-flink-%s-%s-%s", part, account, base36(role))
	}
	return name(componentMaster), name(componentWorker)
}

func splitRole(arn string) (account, role string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[2] != "iam" || !strings.HasPrefix(parts[5], "role/") {
		return "", ""
	}
	name := parts[5][strings.LastIndex(parts[5], "/")+1:]
	return parts[4], name
}

// cpu is the number of cores as a setting; "" when the spec says none.
func (c componentSpec) cpu() string {
	if c.Resource.CPU <= 0 {
		return ""
	}
	return strconv.FormatFloat(c.Resource.CPU, 'f', -1, 64)
}
