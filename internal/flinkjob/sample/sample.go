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
	// Settings are what only the user knows, given by --set; never null.
	Settings []Setting `json:"settings"`
	// Permissions are the actions that its policy.json has beyond a team's own; never null.
	Permissions []string `json:"permissions"`
	// Takes is what its pods take with the parallelism that a run has by default.
	Takes Size `json:"takes"`
}

// Setting is a value that the manifest of a sample has no way to know.
type Setting struct {
	Name    string `json:"name"`
	Text    string `json:"text"`
	Default string `json:"default,omitempty"` // "" = it must be given
	Example string `json:"example,omitempty"`
}

// Size is that of all pods of a job.
type Size struct {
	Pods      int     `json:"pods"`
	CPU       float64 `json:"cpu"`
	MemoryGiB float64 `json:"memoryGiB"`
}
