// SPDX-License-Identifier: Apache-2.0

package awsprov

import (
	"context"
	"maps"
	"slices"
	"strings"

	"emrflink/internal/awskind"
	"emrflink/internal/iam"
	"emrflink/internal/localcloud/account"
)

// subject is the resource that a phase is about.
type subject struct {
	kind  *kind
	row   awskind.Kind
	phase string
	// id and found are those of a resource that exists; in are its inputs.
	id    string
	found account.Resource
	in    map[string]any
}

// permitted asks for every action that the AWS provider needs for a phase of a resource, as the catalogue of AWS kinds has them.
// Only the session of a role is asked: the administrator may do everything.
func (s *Server) permitted(ctx context.Context, k *kind, phase, doing, operation, id string, inputs property) error {
	if s.caller.Role == "" {
		return nil
	}
	c := s.configured(ctx)
	props, err := k.props(c, inputs)
	if err != nil {
		return err
	}
	row, _ := awskind.OfType(k.token)
	sub := subject{kind: k, row: row, phase: phase, id: id, in: props}
	if id != "" {
		if sub.found, _ = s.opts.Account.Get(k.kind, id); phase != awskind.PhaseUpdate {
			maps.Copy(sub.in, sub.found.Props)
		}
	}
	calls := row.Calls()
	first := slices.IndexFunc(calls, func(c awskind.Call) bool { return c.Action == k.action(operation) })
	if first > 0 { // the operation itself is what the provider calls first
		calls[0], calls[first] = calls[first], calls[0]
	}
	for _, call := range calls {
		if !call.In(phase) || call.When != "" && !given(sub.in[call.When]) {
			continue
		}
		for _, ask := range s.asks(c, sub, call.Action) {
			if err := s.opts.Account.Authorize(s.as(c), call.Action, ask.arn, ask.keys); err != nil {
				return describe(ctx, doing, k.api, operation, id, err)
			}
		}
	}
	return nil
}

func given(v any) bool {
	switch t := v.(type) {
	case nil:
		return false
	case bool:
		return t
	case string:
		return t != ""
	case []any:
		return len(t) > 0
	}
	return true
}

// ask is one question: on which resource, with which condition keys.
type ask struct {
	arn  string
	keys map[string][]string
}

// asks are the questions about an action: one for each resource that the request names, or "*" where IAM knows none.
func (s *Server) asks(c config, sub subject, action string) []ask {
	table, err := iam.Actions()
	if err != nil {
		return nil
	}
	row, _ := table.Action(action)
	keys := s.contextOf(c, sub, action)
	if len(row.Types) == 0 || action == "logs:DescribeLogGroups" {
		return []ask{{"*", keys}}
	}
	if arns, special := s.roles(sub, action); special {
		var out []ask
		for _, arn := range arns {
			out = append(out, ask{arn, keys})
		}
		return out
	}
	var out []ask
	for _, pattern := range row.Types {
		parts := strings.SplitN(pattern, ":", 6)
		for i, v := range []string{1: s.opts.Account.Partition(), 3: c.region, 4: s.opts.Account.ID()} {
			if v != "" && parts[i] == "{}" {
				parts[i] = v
			}
		}
		typ := parts[5]
		if i := strings.IndexAny(typ, "/:"); i >= 0 {
			typ = typ[:i]
		}
		for _, r := range s.named(sub, action, parts[2], typ) {
			all := maps.Clone(keys)
			prefix := "aws:ResourceTag/"
			if r.made {
				prefix = "aws:RequestTag/"
			}
			for k, v := range r.tags {
				all[prefix+k] = []string{v}
			}
			parts[5] = r.path
			out = append(out, ask{strings.Join(parts, ":"), all})
		}
	}
	return out
}

// target is a resource that a request names: what follows the account in its ARN, and its tags; made says that the request
// makes it.
type target struct {
	path string
	tags map[string]string
	made bool
}
