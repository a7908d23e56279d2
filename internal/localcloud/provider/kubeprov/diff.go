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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"emrflink/internal/localcloud/provider/propdiff"
	"emrflink/internal/replacement"
)

// forced are the rules of the object's kind that the provider's settings leave on. The data of a ConfigMap or Secret can
// be changed, but the provider makes a new one unless it is told not to, so that what mounts it notices. What only the API
// server refuses is left to it. An object that says that it is immutable is made anew whatever the settings are.
func forced(inputs property, c *config) []replacement.Row {
	apiVersion, kind := str(inputs, "apiVersion"), str(inputs, "kind")
	if !strings.Contains(apiVersion, "/") {
		apiVersion = "core/" + apiVersion
	}
	immutable, _ := flag(inputs["immutable"])
	return slices.DeleteFunc(replacement.Rows("kubernetes:"+apiVersion+":"+kind), func(r replacement.Row) bool {
		switch r.Note {
		case "unless enableConfigMapMutable":
			return c != nil && c.configMapMutable && !immutable
		case "unless enableSecretMutable":
			return c != nil && c.secretMutable && !immutable
		}
		return r.How == "apiserver"
	})
}

func diffObjects(olds, news property, c *config) *pulumirpc.DiffResponse {
	rows := forced(news, c)
	olds, news = namespaced(olds, news, c), namespaced(news, news, c)
	changes := propdiff.Diff(olds, news, propdiff.Rules{
		Equal:   func(_ string, was, is value) bool { return sameScalar(was, is) },
		Replace: func(pattern string, _ propdiff.Op) bool { return replacement.Covers(rows, pattern, false, false) },
	})
	out := propdiff.Response(changes)
	was, is := member(olds, "metadata"), member(news, "metadata")
	// A name that stays cannot be taken twice.
	out.DeleteBeforeReplace = len(out.Replaces) > 0 && str(was, "name") == str(is, "name") &&
		str(was, "namespace") == str(is, "namespace")
	return out
}

// namespaced is an object with the namespace that it is really in: "default" when it names none, and none when its kind
// lives in none, whatever it names. A kind that nobody knows yet lives in one.
func namespaced(obj, news property, c *config) property {
	meta := member(obj, "metadata")
	if meta == nil || meta["namespace"].ContainsUnknowns() {
		return obj
	}
	meta, obj = maps.Clone(meta), maps.Clone(obj)
	if inNone(news, c) {
		delete(meta, "namespace")
	} else if str(meta, "namespace") == "" {
		meta["namespace"] = resource.NewProperty(metav1.NamespaceDefault)
		if c != nil && c.namespace != "" {
			meta["namespace"] = resource.NewProperty(c.namespace)
		}
	}
	obj["metadata"] = resource.NewProperty(meta)
	return obj
}

// inNone tells whether objects of the kind live in no namespace. A cluster is asked about kinds that are not Kubernetes'
// own only.
func inNone(inputs property, c *config) bool {
	switch kind := str(inputs, "kind"); {
	case slices.Contains(clusterKinds(), kind):
		return true
	case c == nil || c.kubeconfig == "" || builtIn(str(inputs, "apiVersion")):
		return false
	default:
		client, err := c.client()
		if err != nil {
			return false
		}
		gv, _ := schema.ParseGroupVersion(str(inputs, "apiVersion"))
		in, err := client.Namespaced(gv.WithKind(kind))
		return err == nil && !in
	}
}

// clusterKinds are Kubernetes' own kinds that live in no namespace, as the provider lists them
// (provider/pkg/kinds/kinds.go).
func clusterKinds() []string {
	return []string{
		"APIService", "CertificateSigningRequest", "ClusterRole", "ClusterRoleBinding", "CSIDriver", "CSINode",
		"CustomResourceDefinition", "FlowSchema", "IngressClass", "MutatingWebhookConfiguration", "Namespace", "Node",
		"PersistentVolume", "PodSecurityPolicy", "PriorityClass", "PriorityLevelConfiguration", "RuntimeClass", "StorageClass",
		"ValidatingWebhookConfiguration", "VolumeAttachment",
	}
}

// builtIn tells a group of Kubernetes' own from one that a definition adds.
func builtIn(apiVersion string) bool {
	group, _, has := strings.Cut(apiVersion, "/")
	return !has || !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io")
}

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
