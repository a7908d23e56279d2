// SPDX-License-Identifier: Apache-2.0

package awsprov

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// action spells an operation of a type as IAM does: "s3:CreateBucket".
func (k *kind) action(operation string) string {
	service, _, _ := strings.Cut(string(k.kind), ":")
	if service == "elbv2" || service == "elb" {
		service = "elasticloadbalancing"
	}
	return service + ":" + operation
}

// Actions are the AWS actions by which the provider changes the account, sorted.
func Actions() []string {
	found := map[string]bool{}
	for _, k := range table() {
		for _, op := range []string{k.api.create, k.api.update, k.api.delete} {
			found[k.action(op)] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// faulty asks the account's fault plan about a change, as AWS's API would be asked for it.
func (s *Server) faulty(ctx context.Context, k *kind, doing, operation, name string) error {
	if err := s.opts.Account.Fault(ctx, k.action(operation), k.kind, name); err != nil {
		return describe(ctx, doing, k.api, operation, name, err)
	}
	return nil
}
