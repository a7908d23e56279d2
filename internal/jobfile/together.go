// SPDX-License-Identifier: Apache-2.0

package jobfile

import (
	"fmt"
	"slices"
	"strings"

	"emrflink/internal/flinkspec"
)

// checkTogether looks at what objects of the files have to do with each other.
func checkTogether(all, flink []*document, r *report) {
	clusters := map[string]*document{}
	seen := map[string]*document{}
	for _, d := range flink {
		id := d.kind + " " + d.namespace + "/" + d.name
		if first := seen[id]; first != nil && d.name != "" {
			d.problem(Error, "twice", "metadata.name",
				fmt.Sprintf("%s is in %s, line %d already", d, first.file, first.root.Line),
				"the second one replaces the first", "another name")
		}
		seen[id] = d
		if d.kind == flinkspec.KindDeployment {
			clusters[d.name] = d
		}
	}
	for _, d := range flink {
		if d.kind == flinkspec.KindSessionJob {
			d.inCluster(clusters[d.text("spec.deploymentName")])
		}
		if !r.live {
			d.references(all)
		}
	}
	for _, d := range flink {
		if d.kind == flinkspec.KindDeployment && !d.has("spec.job") {
			d.sharedVolumes(all)
		}
	}
}

// inCluster judges a session job with its cluster.
func (d *document) inCluster(cluster *document) {
	if cluster == nil {
		d.refused(flinkspec.ValidateSessionJob(d.spec, nil))
		return
	}
	d.refused(flinkspec.ValidateSessionJob(d.spec, &cluster.spec))
	cluster.problem(Note, "delete-order", "metadata.name", "session jobs run in "+cluster.name,
		"a cluster with session jobs refuses to go: CleanupFailed", "delete the session jobs first")
}

// references names the ConfigMaps and Secrets that the pods need and the files do not have.
func (d *document) references(all []*document) {
	have := func(kind, name string) bool {
		return slices.ContainsFunc(all, func(o *document) bool { return o.kind == kind && o.name == name })
	}
	need := func(kind, path string) {
		name := d.text(path)
		if name == "" || have(kind, name) {
			return
		}
		d.problem(Note, "reference", path, fmt.Sprintf("the %s %q is not in the files", kind, name),
			"the pod waits in ContainerCreating or CreateContainerConfigError until it is in the namespace",
			"kubectl get "+strings.ToLower(kind)+" "+name)
	}
	if d.kind == flinkspec.KindStateSnapshot {
		d.target(have)
	}
	for _, template := range podTemplates {
		for _, v := range d.items(template + ".spec.volumes") {
			need("ConfigMap", v+".configMap.name")
			need("Secret", v+".secret.secretName")
			need("PersistentVolumeClaim", v+".persistentVolumeClaim.claimName")
		}
		for _, c := range d.items(template + ".spec.containers") {
			for _, from := range d.items(c + ".envFrom") {
				need("Secret", from+".secretRef.name")
				need("ConfigMap", from+".configMapRef.name")
			}
			for _, env := range d.items(c + ".env") {
				need("Secret", env+".valueFrom.secretKeyRef.name")
				need("ConfigMap", env+".valueFrom.configMapKeyRef.name")
			}
		}
	}
}

// target names the job of a snapshot that the files do not have.
func (d *document) target(have func(kind, name string) bool) {
	const job = "spec.jobReference"
	kind, name := d.text(job+".kind"), d.text(job+".name")
	missing := flinkspec.ValidateSnapshot(d.spec, false)
	if have(kind, name) || len(missing) == 0 || len(flinkspec.ValidateSnapshot(d.spec, true)) > 0 {
		return
	}
	d.problem(Note, "reference", job, fmt.Sprintf("the %s %q is not in the files", kind, name),
		"the operator refuses a snapshot whose job is not in the cluster: "+missing[0].Message,
		"kubectl get "+strings.ToLower(kind)+" "+name)
}

// sharedVolumes finds claims of one node that all pods of a session cluster mount.
func (d *document) sharedVolumes(all []*document) {
	for _, v := range d.items("spec.podTemplate.spec.volumes") {
		path := v + ".persistentVolumeClaim.claimName"
		for _, claim := range all {
			if claim.kind != "PersistentVolumeClaim" || claim.name != d.text(path) {
				continue
			}
			for _, mode := range claim.items("spec.accessModes") {
				if m := claim.text(mode); m == "ReadWriteOnce" || m == "ReadWriteOncePod" {
					d.problem(Error, "volume", path, fmt.Sprintf("all pods mount the claim %s, which is %s", claim.name, m),
						"it attaches to one node: pods on others wait in ContainerCreating",
						"state belongs in S3: leave the volume out")
				}
			}
		}
	}
}
