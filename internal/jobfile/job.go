// SPDX-License-Identifier: Apache-2.0

package jobfile

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"emrflink/internal/flinkspec"
	"emrflink/stacks/nearest"
)

// checkJob looks at spec.job.
func checkJob(d *document) {
	if !d.has("spec.job") {
		return
	}
	if d.text("spec.job.state") == "suspended" {
		d.problem(Warning, "born-suspended", "spec.job.state", "the job is made suspended",
			"the operator does nothing with it and writes no status: whoever waits for one waits for ever", "state: running")
	}
	d.jar()
	session := d.kind == flinkspec.KindSessionJob
	if from := d.text("spec.job.initialSavepointPath"); local(from) && !placeholder(from) {
		d.problem(Error, "savepoint", "spec.job.initialSavepointPath", "initialSavepointPath is "+from+", a folder of a pod",
			"the job fails at its start: the operator does not look whether the path exists", "a path in S3")
	}
	if session && d.text("spec.job.upgradeMode") == "last-state" {
		d.problem(Error, "last-state", "spec.job.upgradeMode", "upgradeMode is last-state",
			"session jobs cannot use it: high availability's data is the cluster's", "upgradeMode: savepoint, or stateless")
	}
	if d.text("spec.job.allowNonRestoredState") == "true" {
		d.problem(Note, "non-restored-state", "spec.job.allowNonRestoredState", "allowNonRestoredState is true",
			"state whose operator is no longer found is dropped without a word", "false, once the upgrade that needed it is done")
	}
}

// jar looks at where the program is.
func (d *document) jar() {
	jar := d.text("spec.job.jarURI")
	scheme, rest, hasScheme := strings.Cut(jar, "://")
	session := d.kind == flinkspec.KindSessionJob
	switch {
	case jar == "" && !session:
		d.problem(Error, "jar", "spec.job", "job.jarURI is missing",
			"the operator takes it, and fails on each pass: ReconciliationException (NullPointerException)",
			"jarURI: local:///opt/flink/usrlib/my-job.jar, or s3://BUCKET/NAMESPACE/my-job.jar")
	case jar == "" || placeholder(jar):
	case !hasScheme:
		d.problem(Error, "jar", "spec.job.jarURI", fmt.Sprintf("jarURI is %q, which has no scheme", jar),
			"the operator cannot read it",
			"local:// for a file of the image, s3:// for an object")
	case session && scheme == "local":
		d.problem(Error, "jar", "spec.job.jarURI",
			"a session job's jar is fetched by the operator: local:// is a file of Flink's image",
			"the operator tries again on each pass, with lifecycle UPGRADING", "s3://BUCKET/NAMESPACE/"+path.Base(rest))
	case session && scheme == "file":
		d.problem(Warning, "jar", "spec.job.jarURI", jar+" is a file of the operator's own image",
			"it is there only if the image was made so", "s3://BUCKET/NAMESPACE/"+path.Base(rest))
	case scheme == "http" || scheme == "https":
		d.problem(Warning, "jar", "spec.job.jarURI", "the jar is fetched by "+scheme,
			"it needs a way out for the operator's pod (session job) or the JobManager's, which a network policy can close",
			"s3://BUCKET/NAMESPACE/"+path.Base(rest))
	case !slices.Contains([]string{"local", "s3", "s3a", "s3p", "file"}, scheme):
		d.problem(Warning, "jar", "spec.job.jarURI", "EMR documents local:// and s3:// for jars, not "+scheme+"://",
			"Flink finds no file system for it", "s3://BUCKET/NAMESPACE/"+path.Base(rest))
	}
}

var podTemplates = []string{"spec.podTemplate", "spec.jobManager.podTemplate", "spec.taskManager.podTemplate"}

// mainContainer is the container of Flink in its pods.
const mainContainer = "flink-main-container"

// checkPods looks at the pod templates.
func checkPods(d *document) {
	d.standby()
	selected := false
	for _, template := range podTemplates {
		spec := template + ".spec"
		for _, path := range []string{".nodeSelector", ".affinity"} {
			selected = selected || d.has(spec+path)
		}
		d.containers(template)
		for _, volume := range d.items(spec + ".volumes") {
			if d.has(volume + ".hostPath") {
				d.problem(Error, "pod-security", volume+".hostPath", "a hostPath volume",
					"the team's namespace refuses the pod (pod security \"baseline\"): its ReplicaSet says ReplicaFailure, "+
						"and the job waits",
					"a PersistentVolumeClaim or an emptyDir; state belongs in S3")
			}
		}
		for _, field := range []string{"hostNetwork", "hostPID", "hostIPC"} {
			if d.text(spec+"."+field) == "true" {
				d.problem(Error, "pod-security", spec+"."+field, field+" is true",
					"the team's namespace refuses the pod (pod security \"baseline\")", "leave it out")
			}
		}
	}
	if d.kind == flinkspec.KindDeployment && !selected {
		d.problem(Note, "no-node-selector", "spec", "no pod template selects nodes",
			"pods go to the node pool with the highest weight: JobManagers can land on spot nodes",
			"podTemplate: {spec: {nodeSelector: {NodeGroupType: ..., FlinkRole: ...}}} for each of jobManager and taskManager")
	}
}

// standby looks at where the JobManagers run of a file that asks for more than one. Of EMR's default, which is two, nothing is
// said: nobody chose it.
func (d *document) standby() {
	n, err := strconv.Atoi(d.text("spec.jobManager.replicas"))
	if d.kind != flinkspec.KindDeployment || err != nil || n < 2 {
		return
	}
	for _, template := range []string{"spec.podTemplate", "spec.jobManager.podTemplate"} {
		if d.has(template+".spec.affinity.podAntiAffinity") || d.has(template+".spec.topologySpreadConstraints") {
			return
		}
	}
	d.problem(Note, "jobmanagers-together", "spec.jobManager", fmt.Sprintf("nothing keeps the %d JobManagers apart", n),
		"all can be on one node: its loss takes the standby too, and the job waits for a new pod",
		"podAntiAffinity by kubernetes.io/hostname of pods with app: "+d.name+" and component: jobmanager, or replicas: 1")
}

func (d *document) containers(template string) {
	spec := template + ".spec"
	volumes := []string{}
	for _, v := range d.items(spec + ".volumes") {
		volumes = append(volumes, d.text(v+".name"))
	}
	names := []string{}
	for _, c := range append(d.items(spec+".containers"), d.items(spec+".initContainers")...) {
		name := d.text(c + ".name")
		if strings.HasPrefix(c, spec+".containers") {
			names = append(names, name)
		}
		d.container(c, name, volumes)
	}
	if len(names) > 0 && !slices.Contains(names, mainContainer) {
		d.problem(Warning, "main-container", spec+".containers",
			fmt.Sprintf("no container is named %s: there is %s", mainContainer, strings.Join(names, ", ")),
			"it runs beside Flink; nothing of it reaches Flink's own container",
			"name: "+mainContainer+", if it is meant to be Flink's")
	}
}

func (d *document) container(c, name string, volumes []string) {
	for _, m := range d.items(c + ".volumeMounts") {
		if v := d.text(m + ".name"); !slices.Contains(volumes, v) && !d.elsewhereVolume(v) {
			d.problem(Error, "volume", m+".name",
				fmt.Sprintf("%s mounts the volume %q, which the template does not have%s", name, v,
					nearest.Suggest(v, volumes)), "the API server refuses the pod", "a volume of that name below volumes")
		}
	}
	if d.text(c+".securityContext.privileged") == "true" {
		d.problem(Error, "pod-security", c+".securityContext.privileged", name+" is privileged",
			"the team's namespace refuses the pod (pod security \"baseline\")", "leave it out")
	}
	for _, env := range d.items(c + ".env") {
		if d.has(env+".valueFrom") && name == mainContainer {
			d.problem(Warning, "value-from", env+".valueFrom", "env with valueFrom in "+mainContainer,
				"EMR's operator can write an empty value beside it, and the API server refuses the pod then",
				"envFrom: [{secretRef: ...}]")
		}
	}
	if name == mainContainer && (d.has(c+".resources.requests") || d.has(c+".resources.limits")) {
		d.problem(Note, "resources", c+".resources", "resources of "+mainContainer,
			"the operator writes those of jobManager.resource and taskManager.resource over them", "leave them out")
	}
}

// elsewhereVolume says whether the common template has a volume that the template of a process mounts.
func (d *document) elsewhereVolume(name string) bool {
	for _, v := range d.items("spec.podTemplate.spec.volumes") {
		if d.text(v+".name") == name {
			return true
		}
	}
	// Flink itself makes these.
	return strings.HasPrefix(name, "flink-config-volume") || strings.HasPrefix(name, "pod-template-volume")
}
