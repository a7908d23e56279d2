// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"emrflink/internal/plans"
)

// cleanMap replaces secrets, unknowns and engine-internal encodings in properties by what may be shown. A nil map
// stays nil. Keys that the engine keeps for itself (`__defaults`, `__internal`) are dropped.
func cleanMap(m map[string]any) map[string]any {
	if m == nil {
		return nil
	}
	out := make(map[string]any, len(m))
	for k, v := range m {
		if strings.HasPrefix(k, "__") {
			continue
		}
		out[k] = clean(v)
	}
	return out
}

// clean replaces secrets, unknowns and engine-internal encodings in one value.
func clean(v any) any {
	switch v := v.(type) {
	case string:
		return cleanString(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = clean(v[i])
		}
		return out
	case map[string]any:
		if sig, ok := v[resource.SigKey].(string); ok {
			return cleanSigned(sig, v)
		}
		return cleanMap(v)
	}
	return v
}

// cleanString names the sentinels by which the engine transports unknown values, also inside a longer text.
func cleanString(s string) string {
	if len(s) < len(plugin.UnknownStringValue) || !strings.Contains(s, "-") {
		return s
	}
	for _, sentinel := range []string{
		plugin.UnknownStringValue, plugin.UnknownBoolValue, plugin.UnknownNumberValue, plugin.UnknownArrayValue,
		plugin.UnknownAssetValue, plugin.UnknownArchiveValue, plugin.UnknownObjectValue,
	} {
		s = strings.ReplaceAll(s, sentinel, plans.Unknown)
	}
	return s
}

// cleanSigned turns a value with a type signature into a plain one.
func cleanSigned(sig string, v map[string]any) any {
	switch sig {
	case resource.SecretSig:
		return plans.Secret
	case resource.AssetSig, resource.ArchiveSig:
		hash, _ := v["hash"].(string)
		return "[asset " + hash + "]"
	case resource.ResourceReferenceSig:
		urn, _ := v["urn"].(string)
		return urn
	case resource.OutputValueSig:
		if secret, _ := v["secret"].(bool); secret {
			return plans.Secret
		}
		if value, known := v["value"]; known {
			return clean(value)
		}
		return plans.Unknown
	}
	return "[" + sig + "]"
}

// hasSecret tells whether v holds a value that the engine encrypts.
func hasSecret(v any) bool {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if hasSecret(e) {
				return true
			}
		}
	case map[string]any:
		if v[resource.SigKey] == resource.SecretSig {
			return true
		}
		for _, e := range v {
			if hasSecret(e) {
				return true
			}
		}
	}
	return false
}

// lookup finds the value at a property path; false when there is none. A secret or unknown container answers for
// everything below it.
func lookup(root map[string]any, path resource.PropertyPath) (any, bool) {
	var at any = root
	for _, key := range path {
		switch v := at.(type) {
		case map[string]any:
			name, ok := key.(string)
			if !ok {
				return nil, false
			}
			if at, ok = v[name]; !ok {
				return nil, false
			}
		case []any:
			i, ok := key.(int)
			if !ok || i < 0 || i >= len(v) {
				return nil, false
			}
			at = v[i]
		case string:
			if v == plans.Secret || v == plans.Unknown {
				return v, true
			}
			return nil, false
		default:
			return nil, false
		}
	}
	return at, true
}
