// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"emrflink/internal/awsapi"
	"emrflink/internal/check"
)

func roles() map[string]broken {
	const id, ours = "role-creation", "arn:aws:iam::111122223333:policy/limit"
	refused := func(decision string, missing ...string) func(*world, *Deploy) {
		return func(w *world, _ *Deploy) { w.verdict = awsapi.Verdict{Decision: decision, Missing: missing} }
	}
	return map[string]broken{
		"roles need a boundary": {refused("explicitDeny", boundaryKey), id, check.Error, []string{
			"may not make roles without a permissions boundary", "explicitDeny", "a policy asks for iam:PermissionsBoundary",
			"in Pulumi.dev.yaml set emrflink:permissionsBoundary to ARN", "aws iam list-policies",
		}},
		"roles need the boundary that they have": {func(w *world, d *Deploy) {
			refused("explicitDeny", boundaryKey)(w, d)
			d.Roles.Boundary = ours
		}, id, check.OK, []string{"with the permissions boundary " + ours}},
		"no roles with this boundary": {func(w *world, d *Deploy) {
			refused("implicitDeny")(w, d)
			d.Roles = Roles{Path: "/platform/", Boundary: ours}
		}, id, check.Error, []string{
			"with the permissions boundary " + ours + " below /platform/", "emrflink policy --for deploy",
		}},
		"an organization that allows no roles": {refused("organization"), id, check.Error, []string{"AWS Organizations"}},
		"a verdict that depends on the call": {refused("implicitDeny", "aws:SourceIp"), id, check.Warning, []string{
			"aws:SourceIp",
		}},
	}
}
