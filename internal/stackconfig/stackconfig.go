// SPDX-License-Identifier: Apache-2.0

// Package stackconfig reads the settings of a stack: it validates what the program validates, and what only the tool
// knows, such as the rules whose findings can be accepted.
//
// Place: domain, above stacks and findings. Nothing is contacted.
package stackconfig

import (
	"fmt"
	"slices"
	"strconv"

	"emrflink/internal/findings"
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
	if len(bad) > 0 {
		return stacks.Config{}, &stacks.ConfigError{Problems: bad}
	}
	return config, nil
}

// Accepted are the findings that settings accept.
func Accepted(c stacks.Config) []findings.Acceptance {
	var out []findings.Acceptance
	for _, a := range c.AcceptedFindings {
		out = append(out, findings.Acceptance(a))
	}
	return out
}
