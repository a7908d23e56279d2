// SPDX-License-Identifier: Apache-2.0

package kubeprov

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/localcloud/provider/schema"
)

const (
	// nameDigits is how many hex digits the provider puts after a logical name.
	nameDigits = 8
	// maxName is the longest name that every kind takes.
	maxName = 253

	autonamed = "pulumi.com/autonamed"
)

func resourceKey(s string) resource.PropertyKey { return resource.PropertyKey(s) }

// member returns the object below a property, nil when there is none.
func member(m property, key resource.PropertyKey) property {
	if v := m[key]; v.IsObject() {
		return v.ObjectValue()
	}
	return nil
}

// str returns a text property, "" when it is none or not known.
func str(m property, key resource.PropertyKey) string {
	if v := m[key]; v.IsString() {
		return v.StringValue()
	}
	return ""
}

// unstructuredOf writes inputs as an object of Kubernetes: whole numbers become
// integers, and what is the engine's own is left out.
func unstructuredOf(inputs property) (*unstructured.Unstructured, error) {
	plain := map[string]any{}
	for k, v := range inputs {
		if !strings.HasPrefix(string(k), "__") {
			plain[string(k)] = v.Mappable()
		}
	}
	b, err := json.Marshal(plain)
	if err != nil {
		return nil, fmt.Errorf("encode object: %w", err)
	}
	obj := &unstructured.Unstructured{}
	if err := obj.UnmarshalJSON(b); err != nil {
		return nil, fmt.Errorf("encode object: %w", err)
	}
	return obj, nil
}

// properties are an object of the cluster as the engine keeps it, without the
// bookkeeping of who owns which field.
func properties(obj *unstructured.Unstructured) property {
	copied := obj.DeepCopy()
	unstructured.RemoveNestedField(copied.Object, "metadata", "managedFields")
	return resource.NewPropertyMapFromMap(copied.Object)
}

// idOf is the id of an object: namespace/name, or name.
func idOf(obj *unstructured.Unstructured) string {
	if ns := obj.GetNamespace(); ns != "" {
		return ns + "/" + obj.GetName()
	}
	return obj.GetName()
}

// autoname gives an object a name when its program gives none. The annotation
// tells later that the name was made, and may be kept.
func autoname(s *Server, req *pulumirpc.CheckRequest, logical string, olds, news property) error {
	meta := member(news, "metadata")
	if meta == nil {
		if !news["metadata"].IsNull() {
			return nil // not known yet
		}
		meta = property{}
		news["metadata"] = resource.NewProperty(meta)
	}
	if !meta["name"].IsNull() || !meta["generateName"].IsNull() {
		return nil
	}
	old := ""
	if was := member(olds, "metadata"); str(member(was, "annotations"), autonamed) == "true" {
		old = str(was, "name")
	}
	auto := schema.Autoname{Digits: nameDigits, Max: maxName, Lower: true, Stable: s.opts.PreviewOnly}
	name, err := auto.Name(req, logical, old)
	if err != nil {
		return err
	}
	meta["name"] = resource.NewProperty(name)
	annotations := member(meta, "annotations")
	if annotations == nil {
		annotations = property{}
		if meta["annotations"].ContainsUnknowns() {
			return nil
		}
	}
	annotations[autonamed] = resource.NewProperty("true")
	meta["annotations"] = resource.NewProperty(annotations)
	return nil
}
