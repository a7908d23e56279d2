// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"slices"

	"emrflink/internal/localcloud/account"
)

func describeLoadBalancers(q *request) (answer, error) {
	if q.isClassic() {
		return describeClassicBalancers(q)
	}
	names, arns := q.form.strings("Names"), q.form.strings("LoadBalancerArns")
	var rows []node
	for _, r := range q.account.List(account.KindLoadBalancer) {
		if !q.visible(r) || len(names) > 0 && !slices.Contains(names, r.Name) || len(arns) > 0 && !slices.Contains(arns, r.ARN) {
			continue
		}
		p := r.All()
		kind, scheme := str(p, "loadBalancerType"), "internet-facing"
		if kind == "" {
			kind = "application"
		}
		if truthy(p, "internal") {
			scheme = "internal"
		}
		rows = append(rows, el("", txt("LoadBalancerArn", r.ARN), txt("LoadBalancerName", r.Name), txt("VpcId", str(p, "vpcId")),
			txt("Type", kind),
			txt("Scheme", scheme), opt("DNSName", str(p, "dnsName")), when("CreatedTime", r.CreatedAt),
			el("State", txt("Code", r.State)),
			texts("SecurityGroups", "member", strs(p, "securityGroups"))))
	}
	if len(rows) < len(names)+len(arns) {
		return answer{}, invalid("LoadBalancerNotFound", "One or more load balancers not found")
	}
	return q.query(list("LoadBalancers", "member", rows))
}

func (q *request) balancer(arn string) (account.Resource, error) {
	r, ok := q.account.ByARN(arn)
	if !ok || r.Kind != account.KindLoadBalancer {
		return r, invalid("LoadBalancerNotFound", "Load balancer '%s' not found", arn)
	}
	return r, nil
}

func describeBalancerTags(q *request) (answer, error) {
	if q.isClassic() {
		return describeClassicTags(q)
	}
	var rows []node
	for _, arn := range q.form.strings("ResourceArns") {
		r, err := q.balancer(arn)
		if err != nil {
			return answer{}, err
		}
		rows = append(rows, el("", txt("ResourceArn", arn), list("Tags", "member", tagNodes(r.Tags, "Key", "Value"))))
	}
	return q.query(list("TagDescriptions", "member", rows))
}

func oneBalancer(q *request) ([]need, error) {
	if q.isClassic() {
		return oneClassicBalancer(q)
	}
	arn := q.form.str("LoadBalancerArn")
	r, _ := q.account.ByARN(arn)
	return on(arn, resourceTags("elasticloadbalancing", r.Tags))
}

// deleteLoadBalancer succeeds for one that is gone, as on AWS.
func deleteLoadBalancer(q *request) (answer, error) {
	if q.isClassic() {
		return deleteClassicBalancer(q)
	}
	arn := q.form.str("LoadBalancerArn")
	r, err := q.balancer(arn)
	if err != nil {
		return q.query()
	}
	if err := q.account.Delete(q.ctx, q.caller, account.KindLoadBalancer, r.ID); err != nil {
		return answer{}, err
	}
	return q.query()
}
