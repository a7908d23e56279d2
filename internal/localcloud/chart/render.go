// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
)

//go:embed templates/*.yaml
var templates embed.FS

//go:embed crds/*.yml
var crdFiles embed.FS

// data is what a template sees.
type data struct {
	Request
	Name       string // chart name
	AppVersion string
	Values     any
	// Labels and Selector are the common labels, and those of them that select pods.
	Labels, Selector map[string]string
}

// execute renders a template file over values.
func execute(file string, r Request, app string, values any) ([]*unstructured.Unstructured, error) {
	selector := map[string]string{"app.kubernetes.io/name": r.name(), "app.kubernetes.io/instance": r.Release}
	labels := map[string]string{
		"helm.sh/chart": r.name() + "-" + r.Version, "app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/version": app,
	}
	maps.Copy(labels, selector)
	return fill(file, data{Request: r, Name: r.name(), AppVersion: app, Values: values, Labels: labels, Selector: selector})
}

// fill renders a template file over anything.
func fill(file string, over any) ([]*unstructured.Unstructured, error) {
	t, err := template.New(file).Option("missingkey=error").Funcs(template.FuncMap{
		"json": toJSON, "text": toText, "plus": merge, "union": union, "full": fullname,
		"join": func(list []string) string { return strings.Join(list, ",") }, "pairs": pairs,
	}).ParseFS(templates, "templates/"+file)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, over); err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	rendered, err := kube.Objects(out.Bytes())
	for _, obj := range rendered {
		prune(obj.Object)
	}
	return rendered, err
}

// prune drops what a value that is not given leaves behind: nulls, and empty
// maps of labels and the like.
func prune(m map[string]any) {
	for k, v := range m {
		switch v := v.(type) {
		case nil:
			delete(m, k)
		case map[string]any:
			prune(v)
		case []any:
			for _, e := range v {
				if em, ok := e.(map[string]any); ok {
					prune(em)
				}
			}
		}
	}
}

// union is two maps in one.
func union(a, b map[string]string) map[string]string {
	out := make(map[string]string, len(a)+len(b))
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}

// pairs writes a map as a=b,c=d, sorted.
func pairs(m map[string]string) string {
	out := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k+"="+m[k])
	}
	return strings.Join(out, ",")
}

// toJSON writes a value as JSON, which is YAML too.
func toJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// toText writes a value as a quoted text.
func toText(v any) (string, error) { return toJSON(fmt.Sprint(v)) }

// merge adds pairs of names and values to a map of labels.
func merge(m map[string]string, pairs ...string) (map[string]string, error) {
	if len(pairs)%2 != 0 {
		return nil, errors.New("a name without a value")
	}
	out := union(m, nil)
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = pairs[i+1]
	}
	return out, nil
}

// fullname is the name of a chart's objects: the release's when it contains the
// chart's name, as Helm's starter chart has it.
func fullname(release, chart string) string {
	if strings.Contains(release, chart) {
		return release
	}
	return release + "-" + chart
}
