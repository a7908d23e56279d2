// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"emrflink/internal/awsapi"
	"emrflink/internal/check"
)

// NamedPolicy is an IAM policy that the settings name and do not make.
type NamedPolicy struct {
	Key string // setting: teams[0].policies[1]
	ARN string
}

// policies checks that each policy of the settings can be attached to a role of this account.
func (a Account) policies(ctx context.Context, who awsapi.Identity) []check.Check {
	const id = "policies"
	if len(a.Deploy.Policies) == 0 {
		return []check.Check{fine(id, "the settings name none")}
	}
	var missing, why, fix []string
	for _, p := range a.Deploy.Policies {
		account := strings.Split(p.ARN, ":")[4]
		if account != "aws" && account != who.Account {
			missing = append(missing, p.Key+": "+p.ARN+" is of account "+account)
			why = append(why, "InvalidInput: a role takes policies of its own account, "+who.Account+", or of AWS")
			fix = append(fix, a.Deploy.at(p.Key, "an ARN of account "+who.Account))
			continue
		}
		_, found, err := a.AWS.Lookup(ctx, awsapi.TypePolicy, p.ARN)
		if err != nil {
			return []check.Check{unknown(id, "policy "+p.ARN, err)}
		}
		if !found {
			name := p.ARN[strings.LastIndex(p.ARN, "/")+1:]
			missing = append(missing, p.Key+": there is no "+p.ARN)
			why = append(why, "NoSuchEntity: IAM attaches no policy that does not exist, and the role is made before it")
			fix = append(fix, a.Deploy.at(p.Key, "one of: aws iam list-policies --query \"Policies[?contains(PolicyName, '"+name+
				"')].Arn\""))
		}
	}
	if len(missing) == 0 {
		return []check.Check{fine(id, "%d that the settings name can be attached", len(a.Deploy.Policies))}
	}
	return []check.Check{{
		ID: id, Status: check.Error, What: strings.Join(missing, "; "), Why: strings.Join(slices.Compact(why), "; "),
		Fix: strings.Join(fix, "\n"),
	}}
}

// at says where a value stands that has to change.
func (d Deploy) at(key, to string) string {
	return fmt.Sprintf("in %s set emrflink:%s to %s", d.File, key, to)
}
