// SPDX-License-Identifier: Apache-2.0

package awsprov

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/provider/plug"
	"emrflink/internal/localcloud/provider/propdiff"
)

// props are a resource's inputs as the account takes them: plain JSON values,
// with the provider's default tags among the tags.
func (k *kind) props(c config, inputs property) (account.Props, error) {
	in := maps.Clone(inputs)
	delete(in, "timeouts")
	if k.tagged() {
		all, _ := c.withDefaults(in["tags"])
		if len(all) > 0 {
			in["tags"] = resource.NewProperty(all)
		}
	}
	// The account keeps JSON types only; a round trip makes sure of it.
	b, err := json.Marshal(plug.Known(in))
	if err != nil {
		return nil, err
	}
	out := account.Props{}
	return out, json.Unmarshal(b, &out)
}

// live is what the account says of a resource, in the properties that the
// SDK's type has, under what the program asked.
func (k *kind) live(c config, r account.Resource, inputs property) property {
	out := property{}
	for name, v := range r.All() {
		if given, ok := r.Props[name]; ok && name == "arn" {
			v = given // a target's own ARN is not the resource's
		}
		if k.out.Has(name) {
			out[resource.PropertyKey(name)] = resource.NewPropertyValue(v)
		}
	}
	if k.tagged() {
		all := property{}
		for name, v := range r.Tags {
			all[resource.PropertyKey(name)] = resource.NewProperty(v)
		}
		out["tagsAll"] = resource.NewProperty(all)
		given := property{}
		if inputs["tags"].IsObject() {
			given = inputs["tags"].ObjectValue()
		}
		if own := c.own(r, given); len(own) > 0 {
			out["tags"] = resource.NewProperty(own)
		} else {
			delete(out, "tags")
		}
	}
	return out
}

// outputs are the state after a change: as requested, and what AWS added.
func (k *kind) outputs(c config, r account.Resource, inputs property) property {
	return overlay(k.live(c, r, inputs), inputs)
}

// planned are the outputs of a change that has not happened: the inputs, what
// AWS had added before, and unknowns for all that it will add.
func (k *kind) planned(c config, olds, inputs property) property {
	out := property{}
	for _, name := range k.out.Names() {
		key := resource.PropertyKey(name)
		switch {
		case k.in.Has(name):
		case olds == nil:
			out[key] = plug.Unknown()
		case !olds[key].IsNull():
			out[key] = olds[key]
		}
	}
	for _, name := range k.computed {
		if key := resource.PropertyKey(name); !olds[key].IsNull() {
			out[key] = olds[key]
		}
	}
	if olds != nil && k.changed(olds, inputs) {
		for _, name := range k.moving {
			out[resource.PropertyKey(name)] = plug.Unknown()
		}
	}
	for _, pattern := range k.assigned {
		object, name, _ := strings.Cut(pattern, ".")
		value := plug.Unknown()
		if olds != nil {
			value = member(olds, object)[resource.PropertyKey(name)]
		}
		out = overlay(out, property{
			resource.PropertyKey(object): resource.NewProperty(property{resource.PropertyKey(name): value}),
		})
	}
	out = overlay(out, inputs)
	if k.tagged() {
		all, known := c.withDefaults(inputs["tags"])
		out["tagsAll"] = resource.NewProperty(all)
		if !known {
			out["tagsAll"] = plug.Unknown()
		}
	}
	return out
}

// member is an object among properties, empty when there is none.
func member(in property, name string) property {
	if v := in[resource.PropertyKey(name)]; v.IsObject() {
		return v.ObjectValue()
	}
	return property{}
}

// changed tells whether an input other than the tags is another.
func (k *kind) changed(olds, inputs property) bool {
	for key, v := range inputs {
		if key != "tags" && k.in.Has(string(key)) && !olds[key].DeepEquals(v) {
			return true
		}
	}
	return false
}

// overlay returns base with top over it; objects are merged, so that what AWS
// adds inside one stays.
func overlay(base, top property) property {
	out := maps.Clone(base)
	for key, v := range top {
		if have := out[key]; key != "tags" && have.IsObject() && v.IsObject() {
			v = resource.NewProperty(overlay(have.ObjectValue(), v.ObjectValue()))
		}
		if v.IsNull() {
			continue
		}
		out[key] = v
	}
	return out
}

// actual are the inputs that would make the resource what it is: the old ones
// with the account's values where those mean something else. Without old inputs
// (an import) they are all that the account keeps.
func (k *kind) actual(c config, r account.Resource, olds property) property {
	state := k.live(c, r, olds)
	if len(olds) == 0 {
		out := property{}
		for key, v := range state {
			if _, asked := r.Props[string(key)]; asked && k.in.Has(string(key)) {
				out[key] = v
			}
		}
		return out
	}
	out := maps.Clone(olds)
	rules := k.rules()
	for key, was := range olds {
		is, ok := state[key]
		if !ok || key == "tags" {
			continue
		}
		is = project(was, is)
		if len(propdiff.Diff(property{key: was}, property{key: is}, rules)) > 0 {
			out[key] = is
		}
	}
	if k.tagged() {
		if tags, ok := state["tags"]; ok {
			out["tags"] = tags
		} else {
			delete(out, "tags")
		}
	}
	return out
}

// project keeps of an actual object the properties that the wanted one names:
// the rest is AWS's.
func project(want, actual value) value {
	switch {
	case want.IsObject() && actual.IsObject():
		out := property{}
		for key, w := range want.ObjectValue() {
			if a, ok := actual.ObjectValue()[key]; ok {
				out[key] = project(w, a)
			}
		}
		return resource.NewProperty(out)
	case want.IsArray() && actual.IsArray() && len(want.ArrayValue()) == len(actual.ArrayValue()):
		out := slices.Clone(actual.ArrayValue())
		for i, w := range want.ArrayValue() {
			out[i] = project(w, out[i])
		}
		return resource.NewProperty(out)
	}
	return actual
}
