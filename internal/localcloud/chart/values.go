// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"emrflink/stacks/nearest"
)

// decode puts values over the defaults that are in the struct into. A key that
// the struct has no field for is an error, wherever it is; free-form maps take
// everything.
func decode(values map[string]any, into any) error {
	if err := errors.Join(unknown("", values, reflect.TypeOf(into).Elem())...); err != nil {
		return err
	}
	b, err := json.Marshal(values)
	if err != nil {
		return fmt.Errorf("values: %w", err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		var typed *json.UnmarshalTypeError
		if errors.As(err, &typed) {
			return fmt.Errorf("value %s: want %s, got a %s", typed.Field, typed.Type, typed.Value)
		}
		return fmt.Errorf("values: %w", err)
	}
	return nil
}

func unknown(path string, values map[string]any, t reflect.Type) []error {
	var out []error
	fields := map[string]reflect.Type{}
	collect(t, fields)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		at := strings.TrimPrefix(path+"."+key, ".")
		ft, ok := fields[key]
		if !ok {
			out = append(out, fmt.Errorf("value %s is not one the stand-in knows%s",
				at, nearest.Suggest(key, slices.Sorted(maps.Keys(fields)))))
			continue
		}
		if nested, isMap := values[key].(map[string]any); isMap && ft.Kind() == reflect.Struct {
			out = append(out, unknown(at, nested, ft)...)
		}
	}
	return out
}

// collect finds the JSON names of a struct's fields, embedded ones included.
func collect(t reflect.Type, into map[string]reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			collect(f.Type, into)
			continue
		}
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			into[name] = f.Type
		}
	}
}

// The free-form parts of values.
type (
	object  = map[string]any
	objects = []any
)

// serviceAccount is the block that most charts have.
type serviceAccount struct {
	Create      bool              `json:"create"`
	Name        string            `json:"name"`
	Annotations map[string]string `json:"annotations"`
}

// placement is where a workload's pods go.
type placement struct {
	NodeSelector              map[string]string `json:"nodeSelector"`
	Affinity                  object            `json:"affinity"`
	Tolerations               objects           `json:"tolerations"`
	TopologySpreadConstraints objects           `json:"topologySpreadConstraints"`
	Resources                 object            `json:"resources"`
	PriorityClassName         string            `json:"priorityClassName"`
}

// repository is an image whose tag is the chart's.
type repository struct {
	Image struct {
		Repository string `json:"repository"`
	} `json:"image"`
}

// registry is an image of which only the registry is another.
type registry struct {
	Image struct {
		Registry string `json:"registry"`
	} `json:"image"`
}

// From is the image in a registry, by default in another.
func (r registry) From(public, path string) string {
	return cmp.Or(r.Image.Registry, public) + "/" + path
}

// pdb is a PodDisruptionBudget.
type pdb struct {
	Enabled        bool   `json:"enabled"`
	Name           string `json:"name"`
	MaxUnavailable any    `json:"maxUnavailable"`
	MinAvailable   any    `json:"minAvailable"`
}
