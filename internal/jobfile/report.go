// SPDX-License-Identifier: Apache-2.0

package jobfile

import (
	"cmp"
	"slices"
	"strings"

	"emrflink/internal/flinkspec"
	"emrflink/internal/mask"
)

// Severity is how bad a problem is.
type Severity string

// The severities. An error keeps the job from starting, from keeping its state, or from being deleted; a warning costs
// something, or is likely not what was meant; a note is said so that nobody is surprised.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Note    Severity = "note"
)

func (s Severity) rank() int { return slices.Index([]Severity{Error, Warning, Note}, s) }

// Problem is one thing that is wrong with a file.
type Problem struct {
	Severity Severity `json:"severity"`
	Code     string   `json:"code"` // stable id of the kind of problem
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Object   string   `json:"object"` // "FlinkDeployment NAME"
	Path     string   `json:"path"`   // of the field, "spec.job.parallelism"
	Message  string   `json:"message"`
	Effect   string   `json:"effect"` // what Kubernetes, the operator or Flink would do with it
	Mend     string   `json:"mend"`
}

// Result is what was found in all files: the JSON document of `job validate`.
type Result struct {
	SchemaVersion int       `json:"schemaVersion"`
	Operator      string    `json:"operator"` // release of the operator by whose rules the files were checked
	Flink         string    `json:"flink"`    // line of Flink whose configuration keys were applied
	Objects       []string  `json:"objects"`  // of Flink, that were checked
	Errors        int       `json:"errors"`
	Warnings      int       `json:"warnings"`
	Notes         int       `json:"notes"`
	Problems      []Problem `json:"problems"`
	NotChecked    []string  `json:"notChecked"` // what a file alone cannot show
}

// report collects problems. What is secret is masked on its way in.
type report struct {
	problems []Problem
	secrets  []string
	by       flinkspec.Versions
	live     bool // a stack is asked too, and knows what the files alone do not show
}

func (r *report) add(p Problem) {
	for _, text := range []*string{&p.Message, &p.Effect, &p.Mend} {
		for _, s := range r.secrets {
			*text = strings.ReplaceAll(*text, s, mask.Secret)
		}
	}
	if !slices.Contains(r.problems, p) {
		r.problems = append(r.problems, p)
	}
}

// sorted are the problems by file, line and weight.
func (r *report) sorted() []Problem {
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Severity.rank(), b.Severity.rank()), strings.Compare(a.Path, b.Path), strings.Compare(a.Code, b.Code))
	})
	return r.problems
}
