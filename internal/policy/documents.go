// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"emrflink/components/iamdoc"
	"emrflink/internal/iam"
)

// statements joins grants: those of one group under the same conditions share a statement.
func statements(grants []grant) ([]iamdoc.Statement, error) {
	type key struct{ group, service, conditions string }
	found := map[key]*iamdoc.Statement{}
	for _, g := range grants {
		text, err := json.Marshal(g.conditions)
		if err != nil {
			return nil, fmt.Errorf("write the conditions of %s: %w", g.action, err)
		}
		k := key{group: g.group, conditions: string(text)}
		if g.group == "make" || g.group == "own" { // one condition of several services, whose resources are apart
			k.service, _, _ = strings.Cut(g.action, ":")
		}
		s := found[k]
		if s == nil {
			s = &iamdoc.Statement{Effect: "Allow", Condition: g.conditions}
			found[k] = s
		}
		s.Action, s.Resource = append(s.Action, g.action), append(s.Resource, g.resource)
	}
	order := slices.SortedFunc(maps.Keys(found), func(a, b key) int {
		return strings.Compare(a.group+" "+a.service+" "+a.conditions, b.group+" "+b.service+" "+b.conditions)
	})
	var out []iamdoc.Statement
	for _, k := range order {
		s := found[k]
		slices.Sort(s.Action)
		slices.Sort(s.Resource)
		s.Action, s.Resource = slices.Compact(s.Action), slices.Compact(s.Resource)
		s.Sid = strings.ToUpper(k.group[:1]) + k.group[1:]
		out = append(out, *s)
	}
	return out, nil
}

// numbered gives every statement a Sid of its own: "Own", "Own2".
func numbered(all []iamdoc.Statement) {
	seen := map[string]int{}
	for i, s := range all {
		if seen[s.Sid]++; seen[s.Sid] > 1 {
			all[i].Sid += strconv.Itoa(seen[s.Sid])
		}
	}
}

// documents packs the statements into as few managed policies as their quota allows, in order.
func documents(name string, grants []grant) ([]Managed, error) {
	all, err := statements(grants)
	if err != nil {
		return nil, err
	}
	if all, err = fitting(all); err != nil {
		return nil, err
	}
	numbered(all)
	out := []Managed{}
	for len(all) > 0 {
		n := len(all)
		for ; n > 1; n-- {
			if text, err := iamdoc.New(all[:n]...).JSON(); err != nil || len(text) <= iamdoc.MaxManagedPolicy {
				break // an error shows again below
			}
		}
		if out, err = pack(out, name, all[:n]); err != nil {
			return nil, err
		}
		all = all[n:]
	}
	if len(out) > 1 {
		for i := range out {
			out[i].Name += "-" + strconv.Itoa(i+1)
		}
	}
	return out, nil
}

// fitting halves the actions of a statement that no document can hold.
func fitting(all []iamdoc.Statement) ([]iamdoc.Statement, error) {
	var out []iamdoc.Statement
	for _, s := range all {
		text, err := iamdoc.New(s).JSON()
		switch {
		case err != nil:
			return nil, fmt.Errorf("write a policy document: %w", err)
		case len(text) <= iamdoc.MaxManagedPolicy-8: // a Sid may get digits
			out = append(out, s)
			continue
		case len(s.Action) == 1:
			return nil, fmt.Errorf("the resources of %s do not fit into a policy", s.Action[0])
		}
		a, b := s, s
		a.Action, b.Action = s.Action[:len(s.Action)/2], s.Action[len(s.Action)/2:]
		halves, err := fitting([]iamdoc.Statement{a, b})
		if err != nil {
			return nil, err
		}
		out = append(out, halves...)
	}
	return out, nil
}

// pack adds a policy of some statements.
func pack(to []Managed, name string, statements []iamdoc.Statement) ([]Managed, error) {
	text, err := iamdoc.New(statements...).Managed()
	if err != nil {
		return nil, fmt.Errorf("write policy %q: %w", name, err)
	}
	return append(to, Managed{
		Name: name, Size: iam.Size(text), Statements: len(statements), Document: json.RawMessage(text),
	}), nil
}

const noKubernetes = "Kubernetes: IAM gives no access to the API of the cluster."

// notes are what IAM does not give, and what to know before the policies are attached.
func (s Subject) notes(purpose Purpose, policies int) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	switch purpose {
	case Preview:
		say("%s To compare Kubernetes objects, the identity needs an EKS access entry; one of a reader is enough "+
			"(AmazonEKSAdminViewPolicy).", noKubernetes)
	default:
		say("%s The identity needs an EKS access entry: list its role in emrflink:admins; without any, the identity that "+
			"creates the cluster has one.", noKubernetes)
	}
	if purpose == Deploy {
		say("A deploy under this policy cannot delete the VPC, the cluster, the bucket or a key: a change of settings that " +
			"replaces one of them needs the policy of cleanup too.")
		if !s.bounded() {
			say("Whoever makes roles and policies can give them any permission. With emrflink:permissionsBoundary, this policy " +
				"allows only roles that have it.")
		}
	}
	if s.Account == Placeholder {
		say("%s stands for the account: pass --account, and the documents are ready for use.", Placeholder)
	}
	if policies > iam.MaxAttached {
		say("%d policies: a role takes %d. Ask for a higher quota, or split the purposes over two roles.", policies,
			iam.MaxAttached)
	}
	return out
}

func (s Subject) bounded() bool {
	for _, r := range s.Resources {
		if r.Type == "aws:iam/role:Role" && r.Inputs["permissionsBoundary"] != nil {
			return true
		}
	}
	return false
}
