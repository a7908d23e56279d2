// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"maps"
	"slices"
	"strings"

	"emrflink/internal/localcloud/account"
)

// keys are the condition keys of one authorization question.
type keys = map[string][]string

// allow asks whether the caller may do action on arn. The keys that AWS always
// supplies are added.
func (q *request) allow(action, arn string, extra ...keys) error {
	k := keys{"aws:RequestedRegion": {q.region}, "aws:SecureTransport": {"true"}, "aws:PrincipalArn": {q.caller.ARN},
		"aws:PrincipalAccount": {q.account.ID()}}
	for _, e := range extra {
		maps.Copy(k, e)
	}
	return q.account.Authorize(q.caller, action, arn, k)
}

// self asks for the operation being called.
func (q *request) self(arn string, extra ...keys) error {
	return q.allow(q.service+":"+q.op, arn, extra...)
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

// passRole asks for iam:PassRole on the role of an instance profile, as EC2
// does when an instance is to get it.
func (q *request) passRole(role string) error {
	arn := q.globalARN("iam", "role/"+role)
	if r, ok := q.account.Get(account.KindRole, role); ok && r.ARN != "" {
		arn = r.ARN
	}
	return q.allow("iam:PassRole", arn, keys{"iam:PassedToService": {"ec2.amazonaws.com"}})
}

// visible says whether a regional resource is of the request's region.
func (q *request) visible(r account.Resource) bool { return r.Region == "" || r.Region == q.region }
