// SPDX-License-Identifier: Apache-2.0

package jobfile

import (
	"fmt"
	"strings"

	"emrflink/internal/flinkspec"
)

// checkMemory divides the memory of both processes as Flink will.
func checkMemory(d *document) {
	if d.kind != flinkspec.KindDeployment {
		return
	}
	conf := d.spec.Conf()
	for _, p := range []struct {
		field  string
		divide func(map[string]string, int64) (flinkspec.Memory, error)
	}{{"jobManager", flinkspec.JobManagerMemory}, {"taskManager", flinkspec.TaskManagerMemory}} {
		path := "spec." + p.field + ".resource.memory"
		text := d.text(path)
		process, err := flinkspec.ResourceMemory(text)
		if text == "" || err != nil {
			continue // the operator's own rule says it
		}
		m, err := p.divide(conf, process)
		switch {
		case err != nil:
			d.problem(Error, "memory", path, fmt.Sprintf("%s of memory are not enough: %v", flinkspec.MiB(process), err),
				"Flink fails before it starts: IllegalConfigurationException", "more memory, or less of what is named")
		case p.field == "taskManager" && m.TaskHeap < 64<<20:
			d.problem(Warning, "memory", path,
				fmt.Sprintf("of %s, %s are the heap of the tasks (managed %s, network %s, metaspace %s, "+
					"overhead %s)", flinkspec.MiB(process), flinkspec.MiB(m.TaskHeap), flinkspec.MiB(m.Managed),
					flinkspec.MiB(m.Network),
					flinkspec.MiB(m.Metaspace),
					flinkspec.MiB(m.Overhead)), "OutOfMemoryError: Java heap space", `memory: "2048m"`)
		}
	}
}

// local says whether a directory is one of a pod: it goes with it.
func local(dir string) bool {
	return strings.HasPrefix(dir, "/") || strings.HasPrefix(dir, "file:") || dir != "" && !strings.Contains(dir, "://")
}

// value is a key of the configuration by its present or an older name, with the path of the one that is there.
func (d *document) setting(conf map[string]string, key string) (value, path string) {
	k, _ := flinkspec.KeyOf(key)
	for _, name := range append([]string{key}, k.Fallbacks...) {
		if v := strings.TrimSpace(conf[name]); v != "" {
			return v, configuration + name
		}
	}
	return "", strings.TrimSuffix(configuration, ".")
}

// checkState asks whether the job's state outlives its pods.
func checkState(d *document) {
	if d.kind == flinkspec.KindStateSnapshot {
		return
	}
	conf := d.spec.Conf()
	dirs := map[string]string{}
	for what, key := range map[string]string{"checkpoints": "state.checkpoints.dir", "savepoints": "state.savepoints.dir"} {
		dir, path := d.setting(conf, key)
		dirs[what] = dir
		if !local(dir) || placeholder(dir) {
			continue
		}
		where, lasting := d.mounted(strings.TrimPrefix(strings.TrimPrefix(dir, "file://"), "file:"))
		severity, effect := Error, "the state goes with the pod: after the loss of a node the job starts empty, or not at all"
		if lasting {
			severity, effect = Warning, "a volume of one node is there for the pods of that node only"
		}
		d.problem(severity, "local-state", path, fmt.Sprintf("%s is %s, %s", strings.TrimPrefix(path, configuration), dir, where),
			effect, fmt.Sprintf("%s: %q", key, "s3://BUCKET/NAMESPACE/"+what+"/"+d.name))
	}
	archive, path := d.setting(conf, "jobmanager.archive.fs.dir")
	if local(archive) {
		d.problem(Warning, "local-state", path, "jobmanager.archive.fs.dir is "+archive+", a folder of the JobManager's pod",
			"no history server finds it, and it goes with the pod", "s3://BUCKET/NAMESPACE/archive, or leave it out")
	}
	if d.has("spec.job") {
		d.upgrades(conf, dirs)
	}
}

// upgrades asks whether the upgrade mode has something to start from.
func (d *document) upgrades(conf map[string]string, dirs map[string]string) {
	interval, path := d.setting(conf, "execution.checkpointing.interval")
	mode := d.text("spec.job.upgradeMode")
	stateful := mode == "savepoint" || mode == "last-state"
	if interval != "" && dirs["checkpoints"] == "" && !stateful {
		d.problem(Warning, "no-directory", path, "checkpoints are taken, and state.checkpoints.dir is not set",
			"they live in the JobManager's memory and go with it. When a bounded job has ended, "+
				"the operator fails on each pass over "+
				"it, and changes of it are never seen again", `state.checkpoints.dir: "s3p://BUCKET/NAMESPACE/checkpoints/`+
				d.name+`"`)
	}
	if interval == "" && mode == "last-state" {
		d.problem(Note, "no-checkpoints", "spec.job.upgradeMode", "upgradeMode is last-state, and the file sets no "+
			"execution.checkpointing.interval", "if the program does not turn checkpoints on either, "+
			"an upgrade has nothing to start from",
			`execution.checkpointing.interval: "60s"`)
	}
	if d.kind != flinkspec.KindDeployment {
		return
	}
	if mode == "last-state" && !d.spec.HA() && conf["high-availability.type"] == "" && conf["high-availability"] == "" {
		d.problem(Warning, "last-state", "spec.job.upgradeMode", "upgradeMode is last-state, and high availability is off",
			"the operator takes it; the first upgrade has nothing to start from but the last checkpoint, if its path is known",
			"jobManager: {highAvailabilityEnabled: true, storageDir: s3://BUCKET/NAMESPACE/jobmanager/"+d.name+"}")
	}
	if !stateful && dirs["checkpoints"] == "" && d.spec.HA() {
		d.problem(Note, "stateless", "spec.job", "upgradeMode is stateless and state.checkpoints.dir is not set",
			"high availability brings the job back after a loss of the JobManager; a change of the file starts it empty",
			"upgradeMode: savepoint, with state.checkpoints.dir and state.savepoints.dir, if the job has state")
	}
}

// mounted says which volume of the pods a directory is on, and whether it outlives a pod.
func (d *document) mounted(dir string) (where string, lasting bool) {
	for _, template := range podTemplates {
		for _, container := range d.items(template + ".spec.containers") {
			for _, mount := range d.items(container + ".volumeMounts") {
				at := strings.TrimSuffix(d.text(mount+".mountPath"), "/")
				if at == "" || dir != at && !strings.HasPrefix(dir, at+"/") {
					continue
				}
				for _, volume := range d.items(template + ".spec.volumes") {
					if d.text(volume+".name") != d.text(mount+".name") {
						continue
					}
					if d.has(volume+".persistentVolumeClaim") || d.has(volume+".nfs") || d.has(volume+".csi") {
						return "on the volume " + d.text(mount+".name"), true
					}
					for _, kind := range []string{"emptyDir", "hostPath", "ephemeral"} {
						if d.has(volume + "." + kind) {
							return "on a volume of kind " + kind, false
						}
					}
				}
			}
		}
	}
	return "a folder of the pod", false
}
