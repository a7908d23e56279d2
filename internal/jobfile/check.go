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
	set  []string // PATH=VALUE, by Set
	fill *Values  // in the place of placeholders, by Filled
}

// notChecked is what only the live stack shows.
var notChecked = []string{
	"whether role, bucket, jar, namespace, Secrets, ConfigMaps and volumes exist, and quotas and node pools fit",
}

// Check is CheckBy for the operator and Flink of EMR 7.6 and later.
func Check(files ...File) Result { return CheckBy(flinkspec.DefaultVersions(), files...) }

// CheckBy looks at all objects of the files together: a session job's cluster may be in another one.
func CheckBy(by flinkspec.Versions, files ...File) Result {
	result, _ := CheckLive(by, nil, files...) // what is not asked does not fail
	return result
}

// Live is what a live stack says of an object of the files. Its File and Line are found by Object and Path.
type Live func(objects []map[string]any) (problems []Problem, notChecked []string, err error)

// CheckLive is CheckBy with what a live stack says too.
func CheckLive(by flinkspec.Versions, live Live, files ...File) (Result, error) {
	r := &report{by: by, live: live != nil}
	var all []*document
	for _, f := range files {
		all = append(all, read(f, r)...)
	}
	result := Result{
		SchemaVersion: 1, Operator: by.Operator, Flink: by.Flink, Objects: []string{}, Problems: []Problem{},
		NotChecked: append(slices.Clone(by.Unknown), notChecked...),
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
	if live != nil {
		result.NotChecked = slices.Clone(by.Unknown)
		unknown, err := checkStack(live, all, r)
		if err != nil {
			return result, err
		}
		result.NotChecked = append(append([]string{}, result.NotChecked...), unknown...)
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
	return result, nil
}

// checkStack asks the stack about all objects, and notes where in the files its answers belong.
func checkStack(live Live, all []*document, r *report) (notChecked []string, err error) {
	var objects []map[string]any
	at := map[string]*document{}
	for _, d := range all {
		objects = append(objects, d.values)
		at[d.String()] = d
	}
	problems, notChecked, err := live(objects)
	for _, p := range problems {
		if d := at[p.Object]; d != nil {
			p.File, p.Line = d.file, d.line(p.Path)
		} else if len(all) > 0 {
			p.File, p.Line = all[0].file, 1
		}
		r.add(p)
	}
	return notChecked, err
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
