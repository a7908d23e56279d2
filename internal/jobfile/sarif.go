// SPDX-License-Identifier: Apache-2.0

package jobfile

import (
	"maps"
	"slices"
)

// The parts of a SARIF 2.1.0 log that code scanning reads.
type (
	// SARIF is a log of one run, as GitHub's code scanning and editors take it.
	SARIF struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver struct {
				Name  string      `json:"name"`
				Rules []sarifRule `json:"rules"`
			} `json:"driver"`
		} `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifRule struct {
		ID string `json:"id"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		Level     Severity        `json:"level"` // SARIF has the same three words
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region struct {
				StartLine int `json:"startLine"`
			} `json:"region"`
		} `json:"physicalLocation"`
	}
)

// SARIF is the result as code scanning takes it.
func (r Result) SARIF() SARIF {
	run := sarifRun{Results: []sarifResult{}}
	run.Tool.Driver.Name = "emrflink job validate"
	rules := map[string]bool{}
	for _, p := range r.Problems {
		rules[p.Code] = true
		text := p.Message + ". Then: " + p.Effect
		if p.Mend != "" {
			text += ". Mend: " + p.Mend
		}
		at := sarifLocation{}
		at.Physical.Artifact.URI, at.Physical.Region.StartLine = p.File, p.Line
		run.Results = append(run.Results, sarifResult{
			RuleID: p.Code, Level: p.Severity, Message: sarifText{text}, Locations: []sarifLocation{at},
		})
	}
	run.Tool.Driver.Rules = []sarifRule{}
	for _, id := range slices.Sorted(maps.Keys(rules)) {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{id})
	}
	return SARIF{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run},
	}
}
