// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// Verdict is what IAM would answer to a call.
type Verdict struct {
	Allowed bool
	// Decision is IAM's word: "allowed", "explicitDeny", "implicitDeny"; "organization" when a policy of AWS Organizations does
	// not allow the call.
	Decision string
	// Missing are the condition keys that policies ask about and that were not given: with them, it may be another verdict.
	Missing []string
}

// Simulate asks IAM what a role or a user may do (iam:SimulatePrincipalPolicy). Keys are the condition keys of the call, with a
// value each.
func (c *Client) Simulate(ctx context.Context, principal, action, resource string, keys map[string]string) (Verdict, error) {
	in := &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: &principal, ActionNames: []string{action}, ResourceArns: []string{resource},
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		in.ContextEntries = append(in.ContextEntries, types.ContextEntry{
			ContextKeyName: aws.String(key), ContextKeyType: types.ContextKeyTypeEnumString,
			ContextKeyValues: []string{keys[key]},
		})
	}
	out, err := c.iam.SimulatePrincipalPolicy(ctx, in)
	if err != nil {
		return Verdict{}, wrap("iam:SimulatePrincipalPolicy", principal, err)
	}
	if len(out.EvaluationResults) != 1 {
		return Verdict{}, &Error{
			Op: "iam:SimulatePrincipalPolicy", Resource: principal, Code: "InvalidResponse", Message: "IAM gave no verdict",
		}
	}
	r := out.EvaluationResults[0]
	v := Verdict{
		Allowed: r.EvalDecision == types.PolicyEvaluationDecisionTypeAllowed, Decision: string(r.EvalDecision),
		Missing: slices.Clone(r.MissingContextValues),
	}
	if o := r.OrganizationsDecisionDetail; o != nil && !o.AllowedByOrganizations {
		v.Allowed, v.Decision = false, "organization"
	}
	slices.Sort(v.Missing)
	return v, nil
}
