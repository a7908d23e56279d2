// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"emrflink/internal/flinkspec"
	"emrflink/internal/jobfile"
	"emrflink/internal/untyped"
)

// Where the files of the comparison, its record and its page are.
const (
	casesFolder    = "internal/jobfile/testdata/cases"
	recordFile     = "webhook.json"
	comparisonPage = "docs/job-files.md"
)

// Comparison is what others said about job files.
type Comparison struct {
	Operator string `json:"operator"`
	Objects  []Said `json:"objects"`
}

// Said is what they said about one object.
type Said struct {
	File   string `json:"file"` // without its extension
	Object string `json:"object"`
	Digest string `json:"digest"` // of the object
	// APIServer and Webhook are refusals, "" for none. NotReached is why the webhook was not asked.
	APIServer  string `json:"apiServer,omitempty"`
	Webhook    string `json:"webhook,omitempty"`
	NotReached string `json:"notReached,omitempty"`

	values map[string]any
}

// objectsIn are the objects of Flink in the files of a folder, in their order.
func objectsIn(folder string) ([]Said, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil || len(files) == 0 {
		return nil, errors.Join(err, fmt.Errorf("%s has no job files (*.yaml)", folder))
	}
	var all []Said
	for _, path := range files {
		text, err := os.ReadFile(path) // #nosec G304 -- the developer's choice
		if err != nil {
			return nil, err
		}
		for _, values := range jobfile.Objects(jobfile.File{Name: path, Text: text}) {
			raw, err := json.Marshal(values)
			if err != nil {
				return nil, err
			}
			digest := sha256.Sum256(raw)
			one := Said{
				File: strings.TrimSuffix(filepath.Base(path), ".yaml"), Digest: hex.EncodeToString(digest[:8]), values: values,
				Object: fmt.Sprint(values["kind"], " ", untyped.Object(values["metadata"])["name"]),
			}
			if strings.HasPrefix(one.Object, "Flink") {
				all = append(all, one)
			}
		}
	}
	return all, nil
}

// recorded is the comparison of a folder as it was recorded. Files that changed since then have to be compared again.
func recorded(folder string) (Comparison, error) {
	var c Comparison
	raw, err := os.ReadFile(filepath.Join(folder, recordFile)) // #nosec G304 -- of the repository
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil {
		return c, err
	}
	now, err := objectsIn(folder)
	if err != nil {
		return c, err
	}
	same := func(a, b Said) bool { return a.File+a.Object+a.Digest == b.File+b.Object+b.Digest }
	if !slices.EqualFunc(now, c.Objects, same) {
		return c, fmt.Errorf("%s: the files are not those that were compared: make referee-webhook", folder)
	}
	for i := range now {
		c.Objects[i].values = now[i].values
	}
	return c, nil
}

// forOpenSource is an object for the open-source operator, which does not know that EMR's makes a service account of a role.
func forOpenSource(values map[string]any) map[string]any {
	out, spec := maps.Clone(values), maps.Clone(untyped.Object(values["spec"]))
	if spec["executionRoleArn"] != nil && spec["serviceAccount"] == nil {
		spec["serviceAccount"] = "of-the-role"
	}
	if spec != nil {
		out["spec"] = spec
	}
	return out
}

// port is the first refusal of our port of the operator's validator, which is the one that the operator shows.
func (s Said) port() string {
	values := forOpenSource(s.values)
	head := untyped.Object(values["metadata"])
	o := flinkspec.Object{
		Name: untyped.Text(head["name"]), Namespace: untyped.Text(head["namespace"]), Spec: untyped.Object(values["spec"]),
	}
	var all []flinkspec.Refusal
	switch values["kind"] {
	case flinkspec.KindDeployment:
		all = flinkspec.ValidateDeployment(o)
	case flinkspec.KindSessionJob:
		all = flinkspec.ValidateSessionJob(o, nil)
	case flinkspec.KindStateSnapshot:
		all = flinkspec.ValidateSnapshot(o, false)
	}
	if len(all) == 0 {
		return ""
	}
	return strings.Join(strings.Fields(all[0].Message), " ")
}

// unread ends what the operator says of an amount that it cannot read; the reason behind it is that of its parser, which can be
// "null". Ours is in other words.
const unread = " parse error: "

// Differences are the objects about which the webhook and our port of its validator say different things.
func (c Comparison) Differences() (out []string) {
	for _, s := range c.Objects {
		port := s.port()
		ours, _, _ := strings.Cut(port, unread)
		theirs, _, _ := strings.Cut(s.Webhook, unread)
		if s.NotReached == "" && ours != theirs {
			out = append(out, fmt.Sprintf("%s: %s:\n  webhook: %s\n  port:    %s", s.File, s.Object, s.Webhook, port))
		}
	}
	return out
}

const (
	comparisonBegin = "<!-- comparison: written by make referee-webhook -->\n"
	comparisonEnd   = "<!-- end of comparison -->\n"
)

// on is a page with the table of the comparison.
func (c Comparison) on(page, folder string) (string, error) {
	before, rest, begins := strings.Cut(page, comparisonBegin)
	_, after, ends := strings.Cut(rest, comparisonEnd)
	if !begins || !ends {
		return "", errors.New("the page has no place for the comparison: " + strings.TrimSpace(comparisonBegin))
	}
	table, err := c.table(folder)
	return before + comparisonBegin + table + comparisonEnd + after, err
}

// table has a row for each file.
func (c Comparison) table(folder string) (string, error) {
	out := "| file | API server | the operator's webhook | `job validate` |\n|---|---|---|---|\n"
	for i := 0; i < len(c.Objects); {
		var of []Said
		for name := c.Objects[i].File; i < len(c.Objects) && c.Objects[i].File == name; i++ {
			of = append(of, c.Objects[i])
		}
		path := filepath.Join(folder, of[0].File+".yaml")
		text, err := os.ReadFile(path) // #nosec G304 -- of the repository
		if err != nil {
			return "", err
		}
		ours := jobfile.Check(jobfile.File{Name: path, Text: text})
		out += fmt.Sprintf("| `%s` | %s | %s | %s, %s |\n", of[0].File, cell(of, func(s Said) string { return s.APIServer }),
			cell(of, func(s Said) string {
				if s.NotReached != "" {
					return "not reached: the API server does not take " + fields(s.NotReached, invalidField)
				}
				return s.Webhook
			}), counted(ours.Errors, "error"), counted(ours.Warnings, "warning"))
	}
	return out, nil
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// How the API server names fields: those that it does not know, and those whose values the CRD does not take.
var (
	unknownField = regexp.MustCompile(`unknown field "([^"]*)"`)
	invalidField = regexp.MustCompile(`\* (spec\.\S+): (?:Invalid|Unsupported) value`)
)

// fields are those that a refusal names.
func fields(refusal string, form *regexp.Regexp) string {
	var names []string
	for _, f := range form.FindAllStringSubmatch(refusal, -1) {
		names = append(names, "`"+f[1]+"`")
	}
	return strings.Join(slices.Compact(names), ", ")
}

// cell is what was said about the objects of a file: of several ones, with their names.
func cell(of []Said, said func(Said) string) string {
	var out []string
	for _, s := range of {
		text := said(s)
		if names := fields(text, unknownField); names != "" {
			text = "does not know " + names
		}
		if text == "" {
			continue
		}
		if _, name, _ := strings.Cut(s.Object, " "); len(of) > 1 {
			text = "`" + name + "`: " + text
		}
		out = append(out, strings.ReplaceAll(text, "|", "\\|"))
	}
	if len(out) == 0 {
		return "takes it"
	}
	return strings.Join(out, "; ")
}
