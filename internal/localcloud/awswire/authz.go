// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"emrflink/internal/localcloud/account"
)

// keys are the condition keys of one authorization question.
type keys = map[string][]string

// need is one permission that a call needs.
type need struct {
	action string // "" is the operation's own
	arn    string
	keys   keys
}

// Actions of more than one operation.
const (
	createTags = "ec2:CreateTags"
	passRole   = "iam:PassRole"
)

// trusted is why no permission is asked of who takes over a role with a token.
const trusted = "the caller has no identity yet: the role's trust policy decides"

// on is the need of the operation's own action on one resource.
func on(arn string, extra ...keys) ([]need, error) {
	return []need{{arn: arn, keys: joined(extra...)}}, nil
}

func joined(all ...keys) keys {
	out := keys{}
	for _, k := range all {
		maps.Copy(out, k)
	}
	return out
}

// authorize asks for what an operation needs.
func (q *request) authorize(o Operation) error {
	if o.open != "" {
		return nil
	}
	var needs []need
	var after error
	if o.needs != nil {
		needs, after = o.needs(q)
	}
	if len(needs) == 0 && after == nil {
		needs = []need{{arn: "*"}} // a request about nothing is no way round the question
	}
	for _, n := range needs {
		err := q.allow(cmp.Or(n.action, o.Actions()[0]), n.arn, n.keys)
		if o.byItem {
			q.refused = append(q.refused, err)
		} else if err != nil {
			return err
		}
	}
	return after
}

// allow asks whether the caller may do action on arn. The keys that AWS always supplies are added.
func (q *request) allow(action, arn string, extra keys) error {
	return q.account.Authorize(q.caller, action, arn, joined(keys{
		"aws:RequestedRegion": {q.region}, "aws:SecureTransport": {"true"},
		"aws:PrincipalArn": {q.caller.ARN}, "aws:PrincipalAccount": {q.account.ID()},
	}, extra))
}

// requestTags are the keys of tags that a request sets.
func requestTags(tags map[string]string) keys {
	k := keys{}
	for name, v := range tags {
		k["aws:RequestTag/"+name] = []string{v}
	}
	if len(tags) > 0 {
		k["aws:TagKeys"] = slices.Sorted(maps.Keys(tags))
	}
	return k
}

// resourceTags are the keys of tags that a resource carries.
func resourceTags(service string, tags map[string]string) keys {
	k := keys{}
	for name, v := range tags {
		k["aws:ResourceTag/"+name] = []string{v}
		if service != "" {
			k[service+":ResourceTag/"+name] = []string{v}
		}
	}
	return k
}

// arn builds an ARN of the request's region and the account.
func (q *request) arn(service, resource string) string {
	return strings.Join([]string{"arn", q.account.Partition(), service, q.region, q.account.ID(), resource}, ":")
}

// globalARN builds an ARN without a region (IAM).
func (q *request) globalARN(service, resource string) string {
	return strings.Join([]string{"arn", q.account.Partition(), service, "", q.account.ID(), resource}, ":")
}

// arnOf is a resource's own ARN, or the one made of service and path.
func (q *request) arnOf(r account.Resource, service, path string) string {
	if r.ARN != "" {
		return r.ARN
	}
	return q.arn(service, path)
}

// passing is the need to pass the role of an instance profile, which EC2 has when an instance is to get it.
func (q *request) passing(role string) need {
	arn := q.globalARN("iam", "role/"+role)
	if r, ok := q.account.Get(account.KindRole, role); ok && r.ARN != "" {
		arn = r.ARN
	}
	return need{action: passRole, arn: arn, keys: keys{"iam:PassedToService": {"ec2.amazonaws.com"}}}
}

// visible says whether a regional resource is of the request's region.
func (q *request) visible(r account.Resource) bool { return r.Region == "" || r.Region == q.region }
