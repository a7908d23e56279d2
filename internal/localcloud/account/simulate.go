// SPDX-License-Identifier: Apache-2.0

package account

import (
	"slices"
	"strings"

	"emrflink/internal/iam"
)

// Simulate says what the policies of a role, and its permissions boundary, make of a call: "allowed", "explicitDeny" or
// "implicitDeny". Missing are the condition keys that statements about the action ask for and that keys has not.
func (a *Account) Simulate(role, action, resource string, keys map[string][]string) (decision string, missing []string) {
	a.ledger.Lock()
	defer a.ledger.Unlock()
	t := &tx{a: a}
	r := t.get(KindRole, role)
	if r == nil {
		return "implicitDeny", nil
	}
	request := iam.Request{Action: action, Resource: resource, Context: t.contextKeys(resource, keys)}
	request.Context["aws:principalarn"] = []string{r.ARN}
	documents := t.policiesOf(r)
	decided := iam.Evaluate(documents, request)
	if boundary := str(r.Props, "permissionsBoundary"); boundary != "" {
		limit := t.parseAll([]string{t.policy(boundary)})
		within := iam.Evaluate(limit, request)
		decided.Allowed = decided.Allowed && within.Allowed
		decided.ExplicitDeny = decided.ExplicitDeny || within.ExplicitDeny
		documents = append(documents, limit...)
	}
	for _, d := range documents {
		for _, s := range d.Statements {
			for _, c := range s.Conditions {
				if _, given := request.Context[strings.ToLower(c.Key)]; !given && s.Covers(action) {
					missing = append(missing, c.Key)
				}
			}
		}
	}
	slices.Sort(missing)
	decision = "implicitDeny"
	switch {
	case decided.ExplicitDeny:
		decision = "explicitDeny"
	case decided.Allowed:
		decision = "allowed"
	}
	return decision, slices.Compact(missing)
}
