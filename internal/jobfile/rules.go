// SPDX-License-Identifier: Apache-2.0

package jobfile

import (
	"fmt"
	"strings"

	"emrflink/internal/flinkspec"
	"emrflink/internal/pattern"
)

// undeletable is what follows when the operator cannot read an object.
const undeletable = "the operator says it in an event or in status.error, runs nothing, and can never delete the object: " +
	"its finalizer stays"

// checkRules applies the operator's own validator.
func checkRules(d *document) {
	var refusals []flinkspec.Refusal
	switch d.kind {
	case flinkspec.KindDeployment:
		refusals = flinkspec.ValidateDeployment(d.spec)
	case flinkspec.KindStateSnapshot:
		refusals = flinkspec.ValidateSnapshot(d.spec, true) // the files alone do not show it
	default:
		return // a session job is judged with its cluster
	}
	d.refused(refusals)
}

func (d *document) refused(refusals []flinkspec.Refusal) {
	for _, r := range refusals {
		effect := "the operator refuses it in status.error, and nothing runs"
		if r.Path == "spec.flinkVersion" || strings.Contains(r.Message, "memory parse error") {
			effect = undeletable
		}
		d.problem(Error, "operator", r.Path, r.Message, effect, mendOf(d, r))
	}
}

// mends are those of the operator's refusals: of the first row whose path and text are in the refusal. NAME is the job's.
var mends = []struct{ path, text, mend string }{
	{"", "Forbidden", "leave it out: the operator sets it itself, from name and namespace"},
	{"", "AutoScalerOption", "a number that is not negative"},
	{"", "autoscaler config", "a number that is not negative"},
	{"", "Deployment recovery", "true, or leave it out"},
	{"", "resource memory", `resource: {memory: "2048m", cpu: 1}; a whole number with m or g, which are MiB and GiB here`},
	{"", "storage parse error", "a quantity of Kubernetes, such as 20G"},
	{"", "HA must be enabled", "jobManager: {highAvailabilityEnabled: true, storageDir: s3://BUCKET/NAMESPACE/jobmanager/NAME}"},
	{"", "High availability", "jobManager: {highAvailabilityEnabled: true, storageDir: s3://BUCKET/NAMESPACE/jobmanager/NAME}"},
	{"", "Exactly one", "savepoint: {}, or checkpoint: {}"},
	{"", "Invalid log config key", "the file's content below log4j-console.properties"},
	{"metadata.name", "", "a name such as my-job-2"},
	{"spec.flinkVersion", "", "flinkVersion: v1_20, the line of EMR 7.6 and later"},
	{
		"spec.serviceAccount",
		"",
		"executionRoleArn: the ARN of the team's role (emrflink outputs), from which EMR makes the service account",
	},
	{"spec.job.parallelism", "", "job: {parallelism: 2}"},
	{"spec.jobReference", "", "jobReference: {kind: FlinkDeployment, name: ...}"},
	{"spec.job", "should not be empty", "job: {jarURI: ..., parallelism: ..., upgradeMode: ...}"},
	{"spec.deploymentName", "", "deploymentName: the FlinkDeployment without a job"},
	{"spec.ingress", "", "leave spec.ingress out: Flink's UI has no login"},
	{".replicas", "", "1 or more"},
}

// mendOf is the mend of a refusal.
func mendOf(d *document, r flinkspec.Refusal) string {
	for key, newer := range map[string]string{
		"state.checkpoints.dir": "execution.checkpointing.dir", "state.savepoints.dir": "execution.checkpointing.savepoint-dir",
	} {
		if strings.Contains(r.Message, "["+key+"]") {
			return directory(d, key, newer)
		}
	}
	for _, m := range mends {
		if strings.Contains(r.Path, m.path) && strings.Contains(r.Message, m.text) {
			return strings.ReplaceAll(m.mend, "NAME}", d.name+"}")
		}
	}
	return ""
}

// directory is the mend of a directory that the operator misses: it does not know the name that Flink 1.20 gave the key.
func directory(d *document, key, newer string) string {
	if d.has(configuration + newer) {
		return fmt.Sprintf("%s in place of %s: the operator reads Flink 1.19's names", key, newer)
	}
	what := strings.Split(key, ".")[1]
	return fmt.Sprintf("flinkConfiguration: {%s: %q}", key, "s3://BUCKET/NAMESPACE/"+what+"/"+d.name)
}

var (
	roleARN  = pattern.Lazy(`^arn:aws[a-z-]*:iam::\d{12}:role/(.+)$`)
	imageEMR = pattern.Lazy(`/emr-(\d+\.\d+\.\d+)(?:-flink)?(?:[:@]|$)`)
)

// checkEMR looks at what EMR adds to a FlinkDeployment.
func checkEMR(d *document) {
	if d.kind != flinkspec.KindDeployment {
		return
	}
	d.release()
	d.role()
	if d.text("spec.mode") == "standalone" {
		d.problem(Error, "mode", "spec.mode", "mode: standalone",
			"EMR documents native mode only: role, logs and high availability "+
				"are built on it", "leave mode out")
	}
	if d.has("spec.ingress") {
		d.problem(Warning, "ingress", "spec.ingress", "an ingress shows Flink's UI, which has no login, to whoever reaches it",
			"everybody can cancel the job and read its configuration",
			"leave it out; kubectl port-forward svc/"+d.name+"-rest 8081")
	}
	dir := d.text("spec.jobManager.storageDir")
	switch {
	case !d.spec.HA():
	case dir == "":
		d.problem(Error, "storage-dir", "spec.jobManager", "jobManager.storageDir is missing: high availability is EMR's default",
			"EMR's operator refuses it",
			"jobManager: {storageDir: s3://BUCKET/NAMESPACE/jobmanager/"+d.name+
				"}, or highAvailabilityEnabled: false and replicas: 1")
	case !flinkspec.IsS3(dir) && !placeholder(dir):
		d.problem(Error, "storage-dir", "spec.jobManager.storageDir", fmt.Sprintf("jobManager.storageDir is %q", dir),
			"EMR's operator takes a path in S3 only", "s3://BUCKET/NAMESPACE/jobmanager/"+d.name)
	}
	rotation := "spec.monitoringConfiguration.containerLogRotationConfiguration.maxFilesToKeep"
	if n := d.at[rotation]; n != nil && n.ShortTag() == "!!int" {
		d.problem(Note, "type", rotation, "maxFilesToKeep is a number; the files of AWS quote it",
			"the type is not documented: the API server may refuse it", fmt.Sprintf("maxFilesToKeep: %q", n.Value))
	}
}

func (d *document) release() {
	label, image := d.text("spec.emrReleaseLabel"), d.text("spec.image")
	switch {
	case label == "" && image == "":
		d.problem(Error, "release", "spec", "emrReleaseLabel is missing, and there is no image either",
			"EMR's operator does not know what to run", "emrReleaseLabel: emr-7.13.0-flink-latest")
		return
	case label == "":
		d.problem(Warning, "release", "spec.image", "emrReleaseLabel is missing: "+image+" runs without EMR's file systems, log "+
			"sidecar and credentials", "checkpoints to s3p:// and logs in CloudWatch do not work unless the image brings them",
			"emrReleaseLabel: emr-7.13.0-flink-latest, beside the image if it is made from EMR's")
	case placeholder(label):
	case !flinkspec.ReleaseLabel().MatchString(label):
		d.problem(Error, "release", "spec.emrReleaseLabel", fmt.Sprintf("emrReleaseLabel is %q", label),
			"EMR's operator finds no image of that name", "emr-7.13.0-flink-latest, or emr-7.13.0-flink-yyyymmdd")
	default:
		release := flinkspec.ReleaseLabel().FindStringSubmatch(label)[1]
		version := d.text("spec.flinkVersion")
		if want := flinkspec.FlinkVersion(release); want != "" && version != "" && version != want {
			d.problem(Warning, "flink-version", "spec.flinkVersion",
				fmt.Sprintf("flinkVersion is %s; %s has %s", version, label, want),
				"the operator sets and reads the configuration of another line of Flink than runs", "flinkVersion: "+want)
		}
		d.operatorRelease(label, release)
	}
	for _, path := range []string{"spec.image", "spec.monitoringConfiguration.image"} {
		d.image(path, label)
	}
}

// operatorRelease compares the release of a job with that of the operator.
func (d *document) operatorRelease(label, release string) {
	const path, effect = "spec.emrReleaseLabel", "AWS supports a job of the operator's own release only"
	by := d.r.by
	switch {
	case by.EMR == "" && by.Operator != flinkspec.Operator: // EMR has no operator of it, or an older one that nobody named
	case by.EMR == "" && flinkspec.ReleaseBefore(release, "7.6"):
		d.problem(Error, "release", path, label+" is of an older line than the stack's operator ("+flinkspec.Operator+
			", EMR 7.6 and later)", effect,
			"emrReleaseLabel: emr-7.13.0-flink-latest, or the stack's (emrflink outputs emrReleaseLabel)")
	case by.EMR != "" && (flinkspec.ReleaseBefore(release, by.EMR) || flinkspec.ReleaseBefore(by.EMR, release)):
		severity := Warning // seen to run, within a line of Flink
		if flinkspec.FlinkVersion(release) != flinkspec.FlinkVersion(by.EMR) {
			severity = Error
		}
		d.problem(severity, "release", path, fmt.Sprintf("%s is of another release than the operator, which is that of EMR %s",
			label, by.EMR), effect, fmt.Sprintf("emrReleaseLabel: emr-%s.0-flink-latest", by.EMR))
	}
}

// image looks at the tag of an image.
func (d *document) image(path, label string) {
	image := d.text(path)
	if image == "" || placeholder(image) {
		return
	}
	name := image[strings.LastIndex(image, "/")+1:]
	if _, tag, tagged := strings.Cut(name, ":"); !strings.Contains(image, "@sha256:") && (!tagged || tag == "latest") {
		d.problem(Warning, "image-tag", path, image+" has a tag that moves",
			"a restarted pod can have other bytes than the running ones: Flink refuses a job graph of another jar",
			"a dated tag, or the digest")
	}
	m := imageEMR().FindStringSubmatch(image)
	if m == nil || label == "" || strings.HasPrefix(label, "emr-"+m[1]+"-") {
		return
	}
	d.problem(Warning, "image-release", path, fmt.Sprintf("the image is of EMR %s, emrReleaseLabel is %s", m[1], label),
		"init and log containers are of another release than Flink", "images of one release")
}

func (d *document) role() {
	role := d.text("spec.executionRoleArn")
	switch {
	case role == "" && d.has("spec.serviceAccount"):
		d.problem(Warning, "role", "spec.serviceAccount", "executionRoleArn is missing: the service account "+
			d.text("spec.serviceAccount")+" is one of your own", "without a role on it, S3 answers AccessDenied at the first "+
			"checkpoint",
			"executionRoleArn: the ARN of the team's role (emrflink outputs), and no serviceAccount")
	case role == "" || placeholder(role):
	case roleARN().FindString(role) == "":
		d.problem(Error, "role", "spec.executionRoleArn", fmt.Sprintf("executionRoleArn is %q", role),
			"EMR's operator refuses it: it is no ARN of a role", "arn:aws:iam::111122223333:role/NAME")
	case strings.Contains(roleARN().FindStringSubmatch(role)[1], "/"):
		d.problem(Warning, "role", "spec.executionRoleArn", "the role has a path",
			"EMR makes the service account's name of account and role; what it does with a path is not documented",
			"a role without a path")
	}
}
