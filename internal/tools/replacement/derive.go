// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"emrflink/internal/tools/terraform"
)

// also are attributes that every experiment with a type sets, because the provider asks for one of a group.
func also() map[string][]string {
	return map[string][]string{
		"aws_cloudwatch_event_rule":   {"event_pattern"},
		"aws_flow_log":                {"vpc_id"},
		"aws_instance":                {"ami", "instance_type"},
		"aws_route":                   {"destination_cidr_block", "gateway_id"},
		"aws_route_table_association": {"subnet_id"},
		"aws_security_group_rule":     {"self"},
	}
}

// together are attributes that the provider takes only with others.
func together() map[string][]string {
	return map[string][]string{
		"aws_kms_key.rotation_period_in_days":          {"enable_key_rotation"},
		"aws_kms_key.xks_key_id":                       {"custom_key_store_id"},
		"aws_subnet.customer_owned_ipv4_pool":          {"map_customer_owned_ip_on_launch", "outpost_arn"},
		"aws_subnet.map_customer_owned_ip_on_launch":   {"customer_owned_ipv4_pool", "outpost_arn"},
		"aws_vpc.ipv4_netmask_length":                  {"ipv4_ipam_pool_id"},
		"aws_vpc.ipv6_cidr_block":                      {"ipv6_ipam_pool_id"},
		"aws_vpc.ipv6_cidr_block_network_border_group": {"assign_generated_ipv6_cidr_block"},
		"aws_vpc.ipv6_netmask_length":                  {"ipv6_ipam_pool_id"},
	}
}

// before are old values that the provider checks when it reads a state.
func before() map[string]any {
	return map[string]any{
		"aws_eks_cluster.compute_config.enabled":                                       false, // no auto mode
		"aws_eks_cluster.kubernetes_network_config.elastic_load_balancing.enabled":     false,
		"aws_eks_cluster.storage_config.block_storage.enabled":                         false,
		"aws_eks_pod_identity_association.role_arn":                                    "arn:aws:iam::111122223333:role/old",
		"aws_s3_bucket_lifecycle_configuration.transition_default_minimum_object_size": "all_storage_classes_128K",
	}
}

// experiment is one resource that has a state and whose configuration gives one attribute a value that is not known yet:
// the provider then says whether it could change it in place.
type experiment struct {
	resource terraform.Resource
	field    terraform.Field
	// full says that the state has a value for every attribute, else it has one for those that are required.
	full bool
}

func (e experiment) name() string {
	if e.full {
		return e.field.Terraform + "_changed"
	}
	return e.field.Terraform + "_added"
}

func (e experiment) address() string { return e.resource.Terraform + "." + e.name() }

// experiments are two for each property of each type.
func experiments(resources map[string]terraform.Resource) []experiment {
	var out []experiment
	for _, typ := range slices.Sorted(maps.Keys(resources)) {
		r := resources[typ]
		for _, f := range r.Fields {
			if a, ok := r.Schema.Block.Attributes[f.Terraform]; ok && !a.Input() {
				continue
			}
			out = append(out, experiment{r, f, true}, experiment{r, f, false})
		}
	}
	return out
}

// config sets the attributes that have to be set, and the named ones; a named block with all that is in it.
func config(b terraform.Block, named func(string) bool) map[string]any {
	out := map[string]any{}
	for name, a := range b.Attributes {
		if a.Required || a.Input() && named(name) {
			out[name] = terraform.Placeholder
		}
	}
	for name, n := range b.Blocks {
		switch {
		case named(name):
			out[name] = []any{config(n.Block, func(string) bool { return true })}
		case n.MinItems > 0:
			out[name] = []any{config(n.Block, func(string) bool { return false })}
		}
	}
	delete(out, "timeouts")
	return out
}

func (e experiment) config() map[string]any {
	names := append([]string{e.field.Terraform}, also()[e.resource.Terraform]...)
	names = append(names, together()[e.resource.Terraform+"."+e.field.Terraform]...)
	return config(e.resource.Schema.Block, func(name string) bool { return slices.Contains(names, name) })
}

// state gives the attributes a value: all, or those that are required.
func state(b terraform.Block, full bool, at string) map[string]any {
	out := map[string]any{}
	for name, a := range b.Attributes {
		out[name] = nil
		if full || a.Required || name == "id" {
			out[name] = value(a.Type)
			if v, ok := before()[at+"."+name]; ok {
				out[name] = v
			}
		}
	}
	for name, n := range b.Blocks {
		some := full && name != "timeouts" || n.MinItems > 0
		switch {
		case n.Mode == "single" && some:
			out[name] = state(n.Block, full, at+"."+name)
		case n.Mode == "single":
			out[name] = nil
		case some:
			out[name] = []any{state(n.Block, full, at+"."+name)}
		default:
			out[name] = []any{}
		}
	}
	return out
}

// value is any value of a type.
func value(typ any) any {
	switch t := typ.(type) {
	case string:
		return map[string]any{"string": "old", "number": 1, "bool": true}[t]
	case []any:
		switch inner := t[1].(type) {
		case map[string]any:
			out := map[string]any{}
			for name, f := range inner {
				out[name] = value(f)
			}
			return out
		default:
			if t[0] == "map" {
				return map[string]any{"old": value(inner)}
			}
			return []any{value(inner)}
		}
	}
	return nil
}

// setup is the configuration and the state of experiments.
func setup(all []experiment) (cfg, st map[string]any) {
	resources := terraform.Unknowns()
	var instances []any
	for _, e := range all {
		typ := e.resource.Terraform
		if resources[typ] == nil {
			resources[typ] = map[string]any{}
		}
		resources[typ][e.name()] = e.config()
		instances = append(instances, map[string]any{
			"mode": "managed", "type": typ, "name": e.name(),
			"provider": `provider["registry.terraform.io/hashicorp/aws"]`,
			"instances": []any{map[string]any{
				"schema_version": e.resource.Schema.Version, "attributes": state(e.resource.Schema.Block, e.full, typ),
			}},
		})
	}
	return terraform.Config(resources), map[string]any{
		"version": 4, "terraform_version": "1.0.0", "serial": 1, "lineage": "replacement", "outputs": map[string]any{},
		"resources": instances,
	}
}

// how a property was seen to force a replacement.
type evidence struct{ changed, added, removed bool }

// found is what the experiments showed, by type and property.
type found map[string]map[string]*evidence

// derive plans all experiments. One that the provider refuses is left out of a second plan; its reason is returned.
func derive(ctx context.Context, tf *terraform.Terraform, all []experiment) (found, []terraform.Diagnostic, error) {
	var refused []terraform.Diagnostic
	for range 3 {
		cfg, st := setup(all)
		changes, diagnostics, err := tf.Plan(ctx, cfg, st)
		if err != nil {
			return nil, nil, err
		}
		if len(diagnostics) == 0 {
			return read(all, changes), refused, nil
		}
		bad := map[string]bool{}
		for _, d := range diagnostics {
			if !bad[d.Address] {
				refused = append(refused, d)
			}
			bad[d.Address] = true
		}
		left := slices.DeleteFunc(slices.Clone(all), func(e experiment) bool { return bad[e.address()] })
		if len(left) == len(all) {
			return nil, nil, fmt.Errorf("the provider refuses the experiments as a whole: %s", diagnostics[0])
		}
		all = left
	}
	return nil, nil, fmt.Errorf("the provider refuses ever more experiments; the last one: %s", refused[len(refused)-1])
}

// read sorts out which property each path that forces a replacement is.
func read(all []experiment, changes []terraform.Change) found {
	byAddress := map[string]experiment{}
	for _, e := range all {
		byAddress[e.address()] = e
	}
	out := found{}
	for _, c := range changes {
		e, ok := byAddress[c.Address]
		if !ok {
			continue
		}
		set := e.config()
		for _, path := range c.Replaces {
			property, ok := translate(e.resource.Fields, path)
			if !ok {
				continue
			}
			if out[e.resource.Pulumi] == nil {
				out[e.resource.Pulumi] = map[string]*evidence{}
			}
			seen := out[e.resource.Pulumi][property]
			if seen == nil {
				seen = &evidence{}
				out[e.resource.Pulumi][property] = seen
			}
			_, given := set[path[0]]
			seen.removed = seen.removed || !given
			seen.changed = seen.changed || given && e.full
			seen.added = seen.added || given && !e.full
		}
	}
	return out
}

// translate is the property that a path of attributes is; false for one that Pulumi does not have, such as tags_all.
func translate(fields []terraform.Field, path []string) (string, bool) {
	var out []string
	for _, name := range path {
		i := slices.IndexFunc(fields, func(f terraform.Field) bool { return f.Terraform == name })
		if i < 0 {
			return "", false
		}
		out, fields = append(out, fields[i].Pulumi), fields[i].Fields
		if len(fields) == 0 {
			break // a key of a map, or an element of a set
		}
	}
	return strings.Join(out, "."), len(out) > 0
}
