// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
)

const mainContainer = "flink-main-container"

// podTemplate merges the user's pod templates (spec, then component) with what
// Flink and EMR add: the main container, the log sidecar, the fetch of an S3 jar.
func (d *deployment) podTemplate(component, serviceAccount string) object {
	own, args := d.spec.JobManager, "kubernetes-jobmanager.sh kubernetes-application"
	ports := []any{containerPort("rest", 8081), containerPort("jobmanager-rpc", 6123), containerPort("blobserver", 6124)}
	if d.spec.Job == nil {
		args = "kubernetes-jobmanager.sh kubernetes-session"
	}
	if component == componentWorker {
		own, args = d.spec.TaskManager, "kubernetes-taskmanager.sh"
		ports = []any{containerPort("taskmanager-rpc", d.port("taskmanager.rpc.port", 6122))}
		if p := d.port("taskmanager.data.port", 0); p > 0 {
			ports = append(ports, containerPort("data", p))
		}
	}
	main, sidecar := d.images()
	tmpl := object{}
	mergeTemplate(tmpl, d.spec.PodTemplate)
	mergeTemplate(tmpl, own.PodTemplate)
	delete(tmpl, "apiVersion")
	delete(tmpl, "kind")
	containers := []any{object{
		"name": mainContainer, "image": main, "command": []any{"/docker-entrypoint.sh"}, "args": []any{"bash", "-c", args},
		"ports": ports, "resources": own.resources(),
	}}
	if d.spec.Monitoring.S3.LogURI != "" || d.spec.Monitoring.CloudWatch.LogGroupName != "" {
		containers = append(containers, object{"name": "fluentd", "image": sidecar, "resources": d.sidecarResources()})
	}
	spec := object{"serviceAccountName": serviceAccount, "containers": containers}
	if d.spec.Job != nil && isS3(d.spec.Job.JarURI) {
		spec["initContainers"] = []any{object{
			"name": "flink-artifact", "image": main, "args": []any{"aws", "s3", "cp", d.spec.Job.JarURI, "/opt/flink/usrlib/"},
		}}
	}
	mergeTemplate(tmpl, object{
		"metadata": object{"labels": d.labels(component), "annotations": object{standInKey: "true", hashKey: d.hash()}},
		"spec":     spec,
	})
	return tmpl
}

// containerPort has a name of at most 15 characters: the API server refuses more.
func containerPort(name string, n int64) object {
	return object{"name": name, "containerPort": n, "protocol": "TCP"}
}

func (d *deployment) port(key string, def int64) int64 {
	if n, err := strconv.ParseInt(d.spec.FlinkConfiguration[key], 10, 32); err == nil && n > 0 {
		return n
	}
	return def
}

// resources are requests and limits alike, as Flink sets them.
func (c componentSpec) resources() object {
	mib, err := memoryMiB(c.Resource.Memory)
	if err != nil {
		return object{}
	}
	r := func() object {
		out := object{"memory": fmt.Sprintf("%dMi", mib)}
		if c.Resource.CPU > 0 {
			out["cpu"] = strconv.FormatFloat(c.Resource.CPU, 'f', -1, 64)
		}
		return out
	}
	return object{"requests": r(), "limits": r()}
}

func (d *deployment) sidecarResources() object {
	limits := object{"memory": "512Mi"} // EMR's default
	if m := d.spec.Monitoring.SideCarResources.Limits.MemoryLimit; m != "" {
		limits["memory"] = m
	}
	if c := d.spec.Monitoring.SideCarResources.Limits.CPULimit; c != "" {
		limits["cpu"] = c
	}
	return object{"limits": limits}
}

// images resolves the release label as EMR's public registry names the images
// (the real operator takes its regional mirror).
func (d *deployment) images() (main, sidecar string) {
	main = d.spec.Image
	m := releaseLabel.FindStringSubmatch(d.spec.EmrReleaseLabel)
	if m == nil {
		return main, "public.ecr.aws/emr-on-eks/fluentd:latest"
	}
	if main == "" {
		main = "public.ecr.aws/emr-on-eks/flink/emr-" + m[1] + "-flink:" + m[2]
	}
	return main, "public.ecr.aws/emr-on-eks/fluentd/emr-" + m[1] + ":latest"
}

// taskManager is the bare pod <name>-taskmanager-1-<n>.
func (d *deployment) taskManager(n int, owner *unstructured.Unstructured) *unstructured.Unstructured {
	_, worker := d.accounts()
	pod := d.podTemplate(componentWorker, worker)
	pod["spec"].(object)["restartPolicy"] = "Never"
	meta := pod["metadata"].(object)
	meta["ownerReferences"] = d.owned(owner)
	return newObject(kube.KindPod, d.ref.Namespace, fmt.Sprintf("%s-taskmanager-1-%d", d.ref.Name, n), pod)
}

// workerIndex is the n of a TaskManager's name, 0 for another pod.
func (d *deployment) workerIndex(pod string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(pod, d.ref.Name+"-taskmanager-1-"))
	if err != nil {
		return 0
	}
	return n
}

// mergeTemplate merges src into dst: objects by key, lists of named objects
// (containers, volumes, env) by name; other lists are replaced.
func mergeTemplate(dst, src object) {
	for k, v := range src {
		switch v := v.(type) {
		case object:
			old, ok := dst[k].(object)
			if !ok {
				old = object{}
				dst[k] = old
			}
			mergeTemplate(old, v)
		case []any:
			dst[k] = mergeList(dst[k], v)
		default:
			dst[k] = v
		}
	}
}

func mergeList(old any, list []any) []any {
	out, _ := old.([]any)
	out = append([]any(nil), out...)
	for _, item := range list {
		m, ok := item.(object)
		if !ok {
			return list
		}
		name, ok := m["name"].(string)
		if !ok {
			return list
		}
		merged := object{}
		at := -1
		for i, o := range out {
			if om, ok := o.(object); ok && om["name"] == name {
				at = i
				mergeTemplate(merged, om)
			}
		}
		mergeTemplate(merged, m)
		if at < 0 {
			out = append(out, merged)
		} else {
			out[at] = merged
		}
	}
	return out
}
