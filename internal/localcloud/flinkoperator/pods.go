// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"cmp"
	"math"

	"emrflink/internal/flinkspec"
	"emrflink/internal/localcloud/flinkconf"
)

// masterTemplate is the pod template of the JobManagers: the user's, with what Flink and EMR add.
func (d *deployment) masterTemplate() object {
	account, _ := d.accounts()
	tmpl := d.podTemplate(d.spec.JobManager)
	entry := "kubernetes-application"
	if d.spec.Job == nil {
		entry = "kubernetes-session"
	}
	main, _ := d.images()
	container := object{
		"name": flinkconf.MainContainer, "image": main, "command": []any{"/docker-entrypoint.sh"},
		"args": []any{"bash", "-c", "kubernetes-jobmanager.sh " + entry + " "},
		"ports": []any{
			containerPort("rest", flinkconf.RESTPort), containerPort("jobmanager-rpc", 6123), containerPort("blobserver", 6124),
		},
		"resources": flinkconf.Resources(d.spec.JobManager.Resource.Memory, d.spec.JobManager.cpu()),
		"startupProbe": object{
			"httpGet": object{"path": "/config", "port": "rest"}, "periodSeconds": int64(1),
			"failureThreshold": int64(math.MaxInt32),
		},
		"volumeMounts": []any{
			object{"name": "flink-config-volume", "mountPath": flinkconf.ConfDir},
			object{"name": "pod-template-volume", "mountPath": flinkconf.PodTemplateDir},
		},
	}
	if d.ha() {
		container["env"] = []any{object{
			"name": "_POD_IP_ADDRESS", "valueFrom": object{"fieldRef": object{"apiVersion": "v1", "fieldPath": "status.podIP"}},
		}}
	}
	volume := func(name, configMap string) object {
		return object{"name": name, "configMap": object{"name": configMap}}
	}
	spec := object{
		"serviceAccountName": account, "containers": []any{container},
		"volumes": []any{volume("flink-config-volume", d.configName()), volume("pod-template-volume", d.templateName())},
	}
	if d.spec.Job != nil && flinkspec.IsS3(d.spec.Job.JarURI) {
		spec["initContainers"] = []any{object{
			"name": "flink-artifact", "image": main, "args": []any{"aws", "s3", "cp", d.spec.Job.JarURI, "/opt/flink/usrlib/"},
		}}
	}
	mergeTemplate(tmpl, object{
		"metadata": object{"labels": d.labels(componentMaster), "annotations": object{standInKey: "true", hashKey: d.hash()}},
		"spec":     spec,
	})
	return tmpl
}

// workerTemplate is the pod template from which the JobManager makes its TaskManagers.
func (d *deployment) workerTemplate() object {
	tmpl := d.podTemplate(d.spec.TaskManager)
	mergeTemplate(tmpl, object{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": object{"labels": d.labels(componentWorker), "annotations": object{standInKey: "true", hashKey: d.hash()}},
	})
	return tmpl
}

// podTemplate merges the user's pod templates (spec, then component) with EMR's log sidecar.
func (d *deployment) podTemplate(own componentSpec) object {
	tmpl := object{}
	mergeTemplate(tmpl, d.spec.PodTemplate)
	mergeTemplate(tmpl, own.PodTemplate)
	delete(tmpl, "apiVersion")
	delete(tmpl, "kind")
	if d.spec.Monitoring.S3.LogURI == "" && d.spec.Monitoring.CloudWatch.LogGroupName == "" {
		return tmpl
	}
	_, image := d.images()
	env := []any{
		object{"name": flinkconf.EnvLogGroup, "value": d.spec.Monitoring.CloudWatch.LogGroupName},
		object{"name": flinkconf.EnvLogPrefix, "value": d.spec.Monitoring.CloudWatch.LogStreamNamePrefix},
		object{"name": flinkconf.EnvLogURI, "value": d.spec.Monitoring.S3.LogURI},
	}
	if size := d.spec.Monitoring.Rotation.Size; size != "" {
		env = append(env, object{"name": flinkconf.EnvLogRotation, "value": size})
	}
	mergeTemplate(tmpl, object{"spec": object{"containers": []any{object{
		"name": flinkconf.Sidecar, "image": image, "resources": d.sidecarResources(), "env": env,
	}}}})
	return tmpl
}

// containerPort has a name of at most 15 characters: the API server refuses more.
func containerPort(name string, n int64) object {
	return object{"name": name, "containerPort": n, "protocol": "TCP"}
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
	m := flinkspec.ReleaseLabel().FindStringSubmatch(d.spec.EmrReleaseLabel)
	sidecar = d.spec.Monitoring.Image
	if m == nil {
		return main, cmp.Or(sidecar, "public.ecr.aws/emr-on-eks/fluentd:latest")
	}
	if main == "" {
		main = "public.ecr.aws/emr-on-eks/flink/emr-" + m[1] + "-flink:" + m[2]
	}
	return main, cmp.Or(sidecar, "public.ecr.aws/emr-on-eks/fluentd/emr-"+m[1]+":latest")
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
