// SPDX-License-Identifier: Apache-2.0

package jobfile

import (
	"slices"
	"strings"

	"emrflink/internal/flinkspec"
)

// File is a file by the name that people know it by.
type File struct {
	Name string
	Text []byte
}

// notChecked is what only the live stack shows.
var notChecked = []string{
	"whether role, bucket, jar, namespace, Secrets, ConfigMaps and volumes exist, and quotas and node pools fit",
}

// Check looks at all objects of the files together: a session job's cluster may be in another one.
func Check(files ...File) Result {
	r := &report{}
	var all []*document
	for _, f := range files {
		all = append(all, read(f.Name, f.Text, r)...)
	}
	result := Result{
		SchemaVersion: 1, Operator: flinkspec.Operator, Flink: flinkspec.Flink, Objects: []string{}, Problems: []Problem{},
		NotChecked: notChecked,
	}
	for _, d := range checkAll(all, r) {
		result.Objects = append(result.Objects, d.String())
	}
	if len(result.Objects) == 0 && len(r.problems) == 0 {
		for _, f := range files {
			r.add(Problem{
				Severity: Error, Code: "no-flink", File: f.Name, Line: 1, Message: "there is no object of Flink in this file",
				Effect: "there is nothing to run",
				Mend:   "a job is a FlinkDeployment, or a FlinkSessionJob beside one, of apiVersion " + flinkspec.APIVersion,
			})
		}
	}
	result.Problems = append(result.Problems, r.sorted()...)
	for _, p := range result.Problems {
		switch p.Severity {
		case Error:
			result.Errors++
		case Warning:
			result.Warnings++
		case Note:
			result.Notes++
		}
	}
	return result
}

// checkAll looks at the objects of Flink among all, which it returns.
func checkAll(all []*document, r *report) []*document {
	var flink []*document
	for _, d := range all {
		if isFlink(d) {
			flink = append(flink, d)
			r.secrets = append(r.secrets, d.secrets()...)
		}
	}
	for _, d := range flink {
		for _, check := range []func(*document){
			checkHead, checkFields, checkRules, checkEMR, checkConf, checkMemory, checkState, checkJob, checkPods,
			checkPlaceholders,
		} {
			check(d)
		}
	}
	checkTogether(all, flink, r)
	return flink
}

var flinkKinds = []string{flinkspec.KindDeployment, flinkspec.KindSessionJob, flinkspec.KindStateSnapshot}

func isFlink(d *document) bool {
	group, _, _ := strings.Cut(d.text("apiVersion"), "/")
	return slices.Contains(flinkKinds, d.kind) || group == "flink.apache.org"
}
