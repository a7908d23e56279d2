// SPDX-License-Identifier: Apache-2.0

package kubeprov

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	quantity "k8s.io/apimachinery/pkg/api/resource"

	"emrflink/internal/localcloud/provider/propdiff"
)

// immutable are the fields that Kubernetes does not change on an object, by the
// kind's group and name; those of every kind are under "".
func immutable() map[string][]string {
	workload := []string{"spec.selector"}
	return map[string][]string{
		"":                            {"apiVersion", "kind", "metadata.name", "metadata.namespace", "metadata.generateName"},
		"apps/Deployment":             workload,
		"apps/DaemonSet":              workload,
		"apps/ReplicaSet":             workload,
		"apps/StatefulSet":            {"spec.selector", "spec.serviceName", "spec.podManagementPolicy", "spec.volumeClaimTemplates"},
		"batch/Job":                   {"spec.selector", "spec.template", "spec.completions", "spec.completionMode"},
		"/Pod":                        {"spec"},
		"/Service":                    {"spec.clusterIP", "spec.type"},
		"/PersistentVolumeClaim":      {"spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeMode", "spec.volumeName"},
		"storage.k8s.io/StorageClass": {"parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"},
		"rbac.authorization.k8s.io/ClusterRoleBinding": {"roleRef"},
		"rbac.authorization.k8s.io/RoleBinding":        {"roleRef"},
		"scheduling.k8s.io/PriorityClass":              {"value", "preemptionPolicy"},
	}
}

// forced are the fields whose change needs a new object. The data of a ConfigMap
// or Secret can be changed, but the provider makes a new one unless it is told
// not to, so that what mounts it notices.
func forced(inputs property, c *config) []string {
	apiVersion, kind := str(inputs, "apiVersion"), str(inputs, "kind")
	group, _, named := strings.Cut(apiVersion, "/")
	if !named {
		group = ""
	}
	table := immutable()
	out := slices.Concat(table[""], table[group+"/"+kind])
	if group == "" && kind == "ConfigMap" && (c == nil || !c.configMapMutable) {
		out = append(out, "data", "binaryData")
	}
	if group == "" && kind == "Secret" {
		out = append(out, "type")
		if c == nil || !c.secretMutable {
			out = append(out, "data", "stringData")
		}
	}
	return out
}

func diffObjects(olds, news property, c *config) *pulumirpc.DiffResponse {
	fields := forced(news, c)
	changes := propdiff.Diff(olds, news, propdiff.Rules{
		Equal: func(_ string, was, is value) bool { return sameScalar(was, is) },
		Replace: func(pattern string) bool {
			return slices.ContainsFunc(fields, func(f string) bool {
				return pattern == f || strings.HasPrefix(pattern, f+".") || strings.HasPrefix(f, pattern+".") && covers(pattern)
			})
		},
	})
	out := propdiff.Response(changes)
	was, is := member(olds, "metadata"), member(news, "metadata")
	// A name that stays cannot be taken twice.
	out.DeleteBeforeReplace = len(out.Replaces) > 0 && str(was, "name") == str(is, "name") &&
		str(was, "namespace") == str(is, "namespace")
	return out
}

// covers says that a change of a whole subtree changes what is immutable in it:
// the subtree came or went. Metadata always stays.
func covers(pattern string) bool { return pattern == "spec" }

// sameScalar says that Kubernetes writes one value as the other: 1000m is 1.
func sameScalar(was, is value) bool {
	if !was.IsString() || !is.IsString() {
		return false
	}
	a, err := quantity.ParseQuantity(was.StringValue())
	if err != nil {
		return false
	}
	b, err := quantity.ParseQuantity(is.StringValue())
	return err == nil && a.Cmp(b) == 0
}

// actualInputs are the inputs that would make the object what it is: the given
// ones with the cluster's values where those mean something else. Without given
// ones (an import) they are all that the cluster has and did not add itself.
func actualInputs(inputs, state property) property {
	if len(inputs) == 0 {
		out := maps.Clone(state)
		delete(out, "status")
		if meta := member(out, "metadata"); meta != nil {
			meta = maps.Clone(meta)
			for _, key := range []resource.PropertyKey{"uid", "resourceVersion", "creationTimestamp", "generation", "selfLink"} {
				delete(meta, key)
			}
			out["metadata"] = resource.NewProperty(meta)
		}
		return out
	}
	out := projectMap(inputs, state)
	for key, v := range inputs {
		if strings.HasPrefix(string(key), "__") {
			out[key] = v
		}
	}
	if given := member(inputs, "stringData"); given != nil {
		out["stringData"] = resource.NewProperty(secretTexts(given, member(state, "data")))
	}
	return out
}

func projectMap(want, live property) property {
	out := property{}
	for key, w := range want {
		if l, ok := live[key]; ok {
			out[key] = project(w, l)
		}
	}
	return out
}

func project(want, live value) value {
	switch {
	case want.IsObject() && live.IsObject():
		return resource.NewProperty(projectMap(want.ObjectValue(), live.ObjectValue()))
	case want.IsArray() && live.IsArray() && len(want.ArrayValue()) == len(live.ArrayValue()):
		out := slices.Clone(live.ArrayValue())
		for i, w := range want.ArrayValue() {
			out[i] = project(w, out[i])
		}
		return resource.NewProperty(out)
	case sameScalar(want, live):
		return want
	}
	return live
}

// secretTexts are the texts of a secret that the cluster keeps in base64.
func secretTexts(given, data property) property {
	out := property{}
	for key := range given {
		if b, err := base64.StdEncoding.DecodeString(str(data, key)); err == nil && data[key].IsString() {
			out[key] = resource.NewProperty(string(b))
		}
	}
	return out
}
