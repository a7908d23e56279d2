// SPDX-License-Identifier: Apache-2.0

// Package stackconfig reads the settings of a stack: it validates what the program validates, and what only the tool
// knows, such as the rules whose findings can be accepted.
//
// Place: domain, above stacks and findings. Nothing is contacted.
package stackconfig

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"emrflink/internal/findings"
	"emrflink/internal/iam"
	"emrflink/stacks"
)

// Parse validates settings as a stack file carries them. All problems are in one [stacks.ConfigError].
func Parse(file string, values map[string]any) (stacks.Config, error) {
	config, err := stacks.Parse(file, values)
	if err != nil {
		return config, err
	}
	known := findings.IDs()
	var bad []stacks.Problem
	for i, a := range config.AcceptedFindings {
		if !slices.Contains(known, a.Rule) {
			bad = append(bad, stacks.Problem{
				File: file, Key: fmt.Sprintf("acceptedFindings[%d].rule", i), Value: strconv.Quote(a.Rule), Why: "no such rule",
				Nearest: stacks.Nearest(a.Rule, known),
			})
		}
	}
	for i, t := range config.Teams {
		for place, document := range t.Documents() {
			if why := refusedByIAM(document); why != "" {
				bad = append(bad, stacks.Problem{File: file, Key: fmt.Sprintf("teams[%d].policies[%d]", i, place), Why: why})
			}
		}
	}
	slices.SortStableFunc(bad, func(a, b stacks.Problem) int { return cmp.Compare(a.Key, b.Key) })
	if len(bad) > 0 {
		return stacks.Config{}, &stacks.ConfigError{Problems: bad}
	}
	return config, nil
}

// refusedByIAM says why IAM would refuse a policy of a role, "" when it takes it.
func refusedByIAM(document string) string {
	doc, err := iam.Parse([]byte(document))
	if err == nil {
		err = doc.CheckIdentity()
	}
	if err != nil {
		return "MalformedPolicyDocument: " + err.Error()
	}
	return ""
}

// Accepted are the findings that settings accept.
func Accepted(c stacks.Config) []findings.Acceptance {
	var out []findings.Acceptance
	for _, a := range c.AcceptedFindings {
		out = append(out, findings.Acceptance(a))
	}
	return out
}
