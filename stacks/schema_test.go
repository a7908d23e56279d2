// SPDX-License-Identifier: Apache-2.0

package stacks

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"emrflink/internal/golden"
)

func settingsSchema(t *testing.T) map[string]map[string]any {
	t.Helper()
	raw, err := json.Marshal(Schema())
	require.NoError(t, err)
	var doc struct {
		Properties struct {
			Config struct{ Properties map[string]map[string]any }
		}
	}
	require.NoError(t, json.Unmarshal(raw, &doc))
	return doc.Properties.Config.Properties
}

// TestTheSchemaTakesWhatIsTaken compares defaults and examples, which Parse takes, with the schema's types and choices.
func TestTheSchemaTakesWhatIsTaken(t *testing.T) {
	t.Parallel()
	settings := settingsSchema(t)
	require.Len(t, settings, len(Keys()))
	for _, k := range Keys() {
		s := settings[Namespace+":"+k.Name]
		require.Equal(t, k.Doc, s["description"])
		requireShape(t, k.Name, s, s["default"])
		for _, example := range s["examples"].([]any) {
			requireShape(t, k.Name, s, example)
			_, err := Parse("", map[string]any{k.Name: example})
			require.NoError(t, err)
		}
	}
}

func requireShape(t *testing.T, path string, s map[string]any, v any) {
	t.Helper()
	if either, ok := s["anyOf"].([]any); ok {
		text := reflect.TypeOf(v).Kind() == reflect.String
		fits := func(one any) bool { return (one.(map[string]any)["type"] == "string") == text }
		s = either[slices.IndexFunc(either, fits)].(map[string]any)
	}
	kinds := map[string]reflect.Kind{
		"string": reflect.String, "integer": reflect.Float64, "boolean": reflect.Bool, "array": reflect.Slice,
		"object": reflect.Map,
	}
	require.Equal(t, kinds[s["type"].(string)], reflect.TypeOf(v).Kind(), path)
	if enum, ok := s["enum"].([]any); ok {
		require.Contains(t, enum, v, path)
	}
	switch x := v.(type) {
	case []any:
		for i, one := range x {
			requireShape(t, fmt.Sprintf("%s[%d]", path, i), s["items"].(map[string]any), one)
		}
	case map[string]any:
		members, _ := s["properties"].(map[string]any)
		for name, one := range x {
			member, known := members[name].(map[string]any)
			if !known {
				member, known = s["additionalProperties"].(map[string]any)
			}
			require.True(t, known, "%s.%s", path, name)
			requireShape(t, path+"."+name, member, one)
		}
	}
}

// TestTheSchemasChoicesAreTaken gives Parse each value that the schema offers for a key of its own.
func TestTheSchemasChoicesAreTaken(t *testing.T) {
	t.Parallel()
	for key, values := range choices() {
		v := reflect.ValueOf(values)
		require.Positive(t, v.Len())
		for i := range v.Len() {
			value := v.Index(i).Interface()
			if key == "interfaceEndpoints" {
				value = []any{value}
			}
			_, err := Parse("", map[string]any{key: value, "availabilityZones": 2, // which every region has
				"mirrors": `{"images":{"*":"111122223333.dkr.ecr.us-west-2.amazonaws.com/all"}}`, // without NAT
			})
			require.NoError(t, err, "%s = %v", key, value)
		}
	}
}

// TestThePulumiProjectHasTheKeys writes Pulumi.yaml: Pulumi's own commands and editors then know the keys too. A key without a
// default would be required in every stack.
func TestThePulumiProjectHasTheKeys(t *testing.T) {
	t.Parallel()
	type items struct {
		Type string
	}
	var text strings.Builder
	text.WriteString(projectHead)
	for _, k := range Keys() {
		s := settingsSchema(t)[Namespace+":"+k.Name]
		key := struct {
			Type        string `yaml:",omitempty"`
			Description string
			Items       *items `yaml:",omitempty"`
			Default     yaml.Node
		}{Type: s["type"].(string), Description: k.Doc}
		if of, list := s["items"].(map[string]any); list && of["anyOf"] == nil {
			key.Items = &items{of["type"].(string)}
		} else if list {
			key.Type = "" // Pulumi has no type for a list of texts and objects
		}
		raw, err := json.Marshal(s["default"])
		require.NoError(t, err)
		var doc yaml.Node
		require.NoError(t, yaml.Unmarshal(raw, &doc))
		key.Default = *doc.Content[0]
		var out strings.Builder
		enc := yaml.NewEncoder(&out)
		enc.SetIndent(2)
		require.NoError(t, enc.Encode(map[string]any{"config": map[string]any{Namespace + ":" + k.Name: key}}))
		text.WriteString(strings.TrimPrefix(out.String(), "config:\n"))
	}
	golden.Equal(t, "../Pulumi.yaml", text.String())
}

const projectHead = `name: emrflink
description: Amazon EMR on EKS with Apache Flink
runtime: go
main: cmd/blueprint
# The keys of a stack with their defaults, for Pulumi's own commands; "make golden" writes them. A default that you change here
# holds for every stack whose Pulumi.STACK.yaml does not set the key, here and for emrflink.
config:
`
