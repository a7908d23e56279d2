// SPDX-License-Identifier: Apache-2.0

package preflight

import "emrflink/internal/check"

const ownPolicy = "arn:aws:iam::111122223333:policy/kinesis"

func policies() map[string]broken {
	named := func(arn string) func(*world, *Deploy) {
		return func(_ *world, d *Deploy) { d.Policies = append(d.Policies, NamedPolicy{"permissionsBoundary", arn}) }
	}
	return map[string]broken{
		"no policy is named": {func(_ *world, d *Deploy) { d.Policies = nil }, "policies", check.OK, nil},
		"a policy that does not exist": {named(ownPolicy + "s"), "policies", check.Error, []string{
			"permissionsBoundary: there is no " + ownPolicy + "s", "NoSuchEntity",
			"in Pulumi.dev.yaml set emrflink:permissionsBoundary to one of: aws iam list-policies",
		}},
		"a policy of another account": {named("arn:aws:iam::999999999999:policy/kinesis"), "policies", check.Error, []string{
			"is of account 999999999999", "InvalidInput", "an ARN of account 111122223333",
		}},
	}
}
