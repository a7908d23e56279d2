// SPDX-License-Identifier: Apache-2.0

// Command flinkfacts writes what package flinkspec knows of the Flink Kubernetes operator: the fields of its objects and its
// configuration keys, each with the releases that have it. It reads the release tags of a clone of
// https://github.com/apache/flink-kubernetes-operator. With -home it writes what a Flink distribution has instead: the packages
// of its class path, for package jarcheck, and its configuration keys.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// releases are those of which EMR has had one, and the later ones that people copy from.
var releases = []string{
	"1.5.0", "1.6.1", "1.7.0", "1.8.0", "1.9.0", "1.10.0", "1.11.0", "1.12.1", "1.13.0", "1.14.0", "1.15.0", next,
}

// next is the release that the main branch becomes.
const next = "1.16.0"

// row is a fact and the releases that have it.
type row struct {
	kind, name, typ, value string
	choices                map[string]string // enum value: first release that has it
	since, until           string
}

// table has rows by kind and name.
type table map[string]*row

// see notes that a release has a fact. What a later release says of it wins, but for the type: that of the reference counts.
func (t table) see(release, reference, kind, name, typ, value string, choices []string) {
	id := kind + "\t" + name
	if kind == scopeOperator || kind == scopeResource {
		id = name // a key is on several pages
	}
	r := t[id]
	if r == nil {
		r = &row{kind: kind, name: name, typ: typ, value: value, since: release, choices: map[string]string{}}
		t[id] = r
	}
	if kind == scopeResource {
		r.kind = kind
	}
	r.until = release
	if before(release, reference) || release == reference {
		r.typ, r.value = typ, value
	}
	for _, c := range choices {
		if r.choices[c] == "" {
			r.choices[c] = release
		}
	}
}

// before compares releases by their minor number.
func before(a, b string) bool {
	minor := func(s string) int {
		n, _ := strconv.Atoi(strings.Split(s, ".")[1])
		return n
	}
	return minor(a) < minor(b)
}

// Where a key is read: only in the operator's own configuration, or in a resource's too.
const (
	scopeOperator = "operator"
	scopeResource = "resource"
)

func main() {
	clone := flag.String("operator", "", "a clone of apache/flink-kubernetes-operator with its tags")
	out := flag.String("out", "internal/flinkspec", "folder to write to")
	reference := flag.String("reference", "1.10.0", "release whose types and defaults count")
	home := flag.String("home", "", "a Flink home with lib: read it, and not a clone")
	flag.Parse()
	if *home != "" {
		err := errors.Join(packages(*home, "internal/jarcheck/packages.tsv"),
			keys(context.Background(), *home, "internal/flinkspec/flink-keys.tsv"))
		if err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(context.Background(), *clone, *out, *reference); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, clone, out, reference string) error {
	fields, keys := table{}, table{}
	for _, release := range releases {
		commit := "release-" + release
		if release == next {
			commit = "HEAD"
		}
		show := func(path string) ([]byte, error) {
			// #nosec G204 -- the clone that the caller names
			return exec.CommandContext(ctx, "git", "-C", clone, "show", commit+":"+path).Output()
		}
		if err := readFields(show, fields, release, reference); err != nil {
			return err
		}
		for _, page := range []string{
			"auto_scaler", "kubernetes_operator_config", "kubernetes_operator_metric", "dynamic", "system", "system_advanced",
		} {
			suffix := "_configuration"
			if page == "dynamic" || strings.HasPrefix(page, "system") {
				suffix = "_section"
			}
			html, err := show("docs/layouts/shortcodes/generated/" + page + suffix + ".html")
			if err != nil {
				continue // not every release has every page
			}
			scope := scopeOperator
			if page == "auto_scaler" || page == "dynamic" {
				scope = scopeResource
			}
			readKeys(string(html), keys, release, reference, scope)
		}
	}
	return write(out, reference, fields, keys)
}

func write(out, reference string, fields, keys table) error {
	source := fmt.Sprintf("made by internal/tools/flinkfacts from the releases %s to %s of apache/flink-kubernetes-operator; "+
		"types and defaults of %s", releases[0], releases[len(releases)-1], reference)
	for name, t := range map[string]struct {
		head string
		rows table
	}{
		"fields.tsv": {"kind, path, type, default, first release, last release, choices with their first release", fields},
		"operator-keys.tsv": {
			"where it is read, key, type, default, first release, last release, choices with their first release", keys,
		},
	} {
		var b strings.Builder
		fmt.Fprintf(&b, "# %s\n# %s\n", t.head, source)
		for _, id := range slices.Sorted(maps.Keys(t.rows)) {
			r := t.rows[id]
			var choices []string
			for _, c := range slices.Sorted(maps.Keys(r.choices)) {
				choices = append(choices, c+"@"+r.choices[c])
			}
			fmt.Fprintln(&b, strings.Join(
				[]string{r.kind, r.name, r.typ, r.value, r.since, r.until, strings.Join(choices, " ")}, "\t"))
		}
		if err := os.WriteFile(filepath.Join(out, name), []byte(b.String()), 0o644); err != nil { // #nosec G306 -- a public file
			return err
		}
	}
	return nil
}

// schema is the part of an OpenAPI schema that counts here.
type schema struct {
	Type       string            `json:"type"`
	Enum       []string          `json:"enum"`
	Properties map[string]schema `json:"properties"`
	Items      *schema           `json:"items"`
	Additional any               `json:"additionalProperties"`
	AnyType    bool              `json:"x-kubernetes-preserve-unknown-fields"`
}

func readFields(show func(string) ([]byte, error), t table, release, reference string) error {
	for kind, plural := range map[string]string{
		"FlinkDeployment": "flinkdeployments", "FlinkSessionJob": "flinksessionjobs", "FlinkStateSnapshot": "flinkstatesnapshots",
	} {
		text, err := show("helm/flink-kubernetes-operator/crds/" + plural + ".flink.apache.org-v1.yml")
		if err != nil {
			continue // a kind that this release does not have
		}
		var crd struct {
			Spec struct {
				Versions []struct {
					Schema struct {
						OpenAPI schema `json:"openAPIV3Schema"`
					} `json:"schema"`
				} `json:"versions"`
			} `json:"spec"`
		}
		if err := yaml.Unmarshal(text, &crd); err != nil {
			return fmt.Errorf("release %s, %s: %w", release, plural, err)
		}
		walk(crd.Spec.Versions[0].Schema.OpenAPI.Properties["spec"], "spec", func(path string, s schema) {
			typ := s.Type
			switch {
			case strings.HasSuffix(path, ".podTemplate") || path == "spec.podTemplate":
				typ = "podTemplate"
			case s.AnyType && len(s.Properties) == 0 || s.Additional != nil:
				typ = "map"
			case typ == "":
				typ = "any"
			}
			t.see(release, reference, kind, path, typ, "", s.Enum)
		})
	}
	return nil
}

// walk visits a schema and what is below it. A pod template has a schema of Kubernetes, which is no matter of the operator.
func walk(s schema, path string, visit func(string, schema)) {
	visit(path, s)
	if strings.HasSuffix(path, "podTemplate") {
		return
	}
	for name, p := range s.Properties {
		walk(p, path+"."+name, visit)
	}
	if s.Items != nil && len(s.Items.Properties) > 0 {
		for name, p := range s.Items.Properties {
			walk(p, path+"[]."+name, visit)
		}
	}
}
