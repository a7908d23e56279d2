// SPDX-License-Identifier: Apache-2.0

// Package sample describes the jobs that come with the tool, for code that lists them without running one: it imports
// nothing. Package flinkjob has the jobs themselves.
package sample

// SchemaVersion is the version of List. Fields are added, never changed.
const SchemaVersion = 1

// List is the JSON document of `emrflink sample-job list`.
type List struct {
	SchemaVersion int      `json:"schemaVersion"`
	Samples       []Sample `json:"samples"` // the simplest first; never null
}

// Sample is a job that comes with the tool.
type Sample struct {
	Name        string `json:"name"`
	Title       string `json:"title"`
	Description string `json:"description"`
}
