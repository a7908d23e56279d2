// SPDX-License-Identifier: Apache-2.0

package stacks

import (
	"encoding/json"
	"reflect"
	"strings"

	"emrflink/components/network"
)

// Schema is the JSON Schema of a stack file, for editors. It has the shape and the choices of each key; what a value may be
// beyond that, Parse knows.
func Schema() map[string]any {
	settings := map[string]any{}
	var c Config
	for _, f := range fields() {
		s := shape(reflect.TypeOf(f.place(&c)).Elem())
		s["description"] = f.Doc
		s["default"] = jsonValue(f.Default, s["type"] == "string")
		if f.Example != "" {
			s["examples"] = []any{jsonValue(f.Example, s["type"] == "string")}
		}
		if values := choices()[f.Name]; values != nil {
			if items, list := s["items"].(map[string]any); list {
				items["enum"] = values
			} else {
				s["enum"] = values
			}
		}
		settings[Namespace+":"+f.Name] = s
	}
	text := map[string]any{"type": "string"}
	return map[string]any{
		"$schema": "http://json-schema.org/draft-07/schema#", "title": "Settings of an emrflink stack (Pulumi.STACK.yaml)",
		"type": "object", "additionalProperties": false,
		"properties": map[string]any{
			"config": map[string]any{
				"type": []string{"object", "null"}, "additionalProperties": false, "properties": settings,
				"patternProperties": map[string]any{"^(aws|eks|kubernetes|pulumi):": map[string]any{}},
			},
			"environment": map[string]any{}, "secretsprovider": text, "encryptedkey": text, "encryptionsalt": text,
		},
	}
}

// choices are the values of the keys that take a few.
func choices() map[string]any {
	return map[string]any{
		"target": []string{TargetLocal, TargetAWS}, "natGateways": network.NatChoices(), "flowLogs": network.FlowLogsChoices(),
		"region": Regions(), "logRetentionDays": retentions(), "interfaceEndpoints": network.EndpointServices(),
	}
}

// shape is the schema of a type, and of what may stand for it.
func shape(t reflect.Type) map[string]any {
	own := ownShape(t)
	if _, ok := reflect.Zero(t).Interface().(shorthand); !ok {
		return own
	}
	if t.Kind() == reflect.String {
		return map[string]any{"anyOf": []any{own, map[string]any{"type": "object"}}}
	}
	return map[string]any{"anyOf": []any{map[string]any{"type": "string"}, own}}
}

func ownShape(t reflect.Type) map[string]any {
	switch t.Kind() {
	case reflect.Int:
		return map[string]any{"type": "integer"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": shape(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": shape(t.Elem())}
	case reflect.Struct:
		members := map[string]any{}
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			members[name] = shape(t.Field(i).Type)
		}
		return map[string]any{"type": "object", "additionalProperties": false, "properties": members}
	}
	return map[string]any{"type": "string"}
}

// jsonValue is the value that a stack file spells so.
func jsonValue(text string, isText bool) any {
	var v any
	if isText || json.Unmarshal([]byte(text), &v) != nil {
		return text
	}
	return v
}
