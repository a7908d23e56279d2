// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/localcloud/flinkconf"
)

// Details are what the objects of a job consist of, by kind and name.
func Details(list []unstructured.Unstructured) map[string][]string {
	out := map[string][]string{}
	for i := range list {
		o := &list[i]
		name := o.GetKind() + " " + normal(o.GetName())
		for k, v := range o.GetLabels() {
			if k != "pod-template-hash" && !strings.HasPrefix(k, "topology.kubernetes.io/") {
				out[name] = append(out[name], "label "+k+"="+v)
			}
		}
		for _, owner := range o.GetOwnerReferences() {
			out[name] = append(out[name], fmt.Sprintf("owner %s, controller %t, blockOwnerDeletion %t", owner.Kind,
				owner.Controller != nil && *owner.Controller, owner.BlockOwnerDeletion != nil && *owner.BlockOwnerDeletion))
		}
		out[name] = append(out[name], inside(o)...)
		slices.Sort(out[name])
		out[name] = slices.Compact(out[name])
	}
	return out
}

// inside is what is special to a kind.
func inside(o *unstructured.Unstructured) (out []string) {
	switch o.GetKind() {
	case "ConfigMap":
		data, _, _ := unstructured.NestedStringMap(o.Object, "data")
		for k, v := range data {
			if k != flinkconf.ConfFile {
				out = append(out, "key "+normal(k))
				continue
			}
			for key, value := range flinkconf.Parse(v) {
				out = append(out, "setting "+key+": "+normal(value))
			}
		}
	case "Service":
		ports, _, _ := unstructured.NestedSlice(o.Object, "spec", "ports")
		for _, p := range ports {
			out = append(out, fmt.Sprintf("port %v %v", p.(object)["name"], p.(object)["port"]))
		}
		out = append(out, "type "+text(o, "spec", "type"))
	case "Deployment":
		containers, _, _ := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
		for _, c := range containers {
			out = append(out, container(c.(object))...)
		}
	}
	return out
}

// container is what runs in a JobManager's pod.
func container(c object) (out []string) {
	name := fmt.Sprint(c["name"])
	for _, field := range []string{
		"command", "args", "startupProbe", "livenessProbe", "readinessProbe", "resources", "imagePullPolicy",
	} {
		if v, ok := c[field]; ok {
			out = append(out, fmt.Sprintf("container %s %s %v", name, field, v))
		}
	}
	for field, key := range map[string]string{"ports": "containerPort", "env": "name", "volumeMounts": "mountPath"} {
		list, _ := c[field].([]any)
		for _, v := range list {
			out = append(out, strings.TrimSpace(fmt.Sprintf("container %s %s %v", name, field, v.(object)[key])))
		}
	}
	return out
}
