// SPDX-License-Identifier: Apache-2.0

package stacks

import (
	"fmt"
	"regexp"
	"strings"

	"emrflink/stacks/nearest"
)

// AcceptedFinding takes a finding of a preview as decided.
type AcceptedFinding struct {
	// Rule is the id of the rule.
	Rule string `json:"rule"`
	// Resource is a URN or the name of a resource, in which * matches anything; empty means every resource.
	Resource string `json:"resource"`
	// Reason says why.
	Reason string `json:"reason"`
}

// ruleForm is that of a rule's id. Which rules there are, the program does not know: previews do.
var ruleForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

func (v *validator) acceptedFindings(all []AcceptedFinding) {
	seen := map[[2]string]bool{}
	for i, a := range all {
		key := fmt.Sprintf("acceptedFindings[%d]", i)
		switch {
		case a.Rule == "":
			v.add(key+".rule", a.Rule, "", "the id of a rule is required")
		case !ruleForm.MatchString(a.Rule):
			v.add(key+".rule", a.Rule, strings.ToLower(strings.ReplaceAll(a.Rule, "_", "-")),
				"not the id of a rule, such as public-endpoint")
		case seen[[2]string{a.Rule, a.Resource}]:
			v.add(key, a.Rule, "", "listed twice")
		}
		if strings.TrimSpace(a.Reason) == "" {
			v.add(key+".reason", a.Reason, "", "say why the finding is accepted")
		}
		seen[[2]string{a.Rule, a.Resource}] = true
	}
}

// Nearest is the candidate that a word was probably meant to be, or "" when none is near.
func Nearest(word string, candidates []string) string {
	near, _ := nearest.Of(word, candidates)
	return near
}
