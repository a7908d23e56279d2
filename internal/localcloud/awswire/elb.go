// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"slices"

	"emrflink/internal/localcloud/account"
)

// classicVersion is the version by which a request is one of the older API, that of classic load balancers: the two share the
// service, the host and the names of operations.
const classicVersion = "2012-06-01"

// nsClassicELB is the namespace of the older API.
const nsClassicELB = "http://elasticloadbalancing.amazonaws.com/doc/" + classicVersion + "/"

func (q *request) isClassic() bool {
	if q.form.str("Version") != classicVersion {
		return false
	}
	q.ns = nsClassicELB
	return true
}

// mostBalancers is how many classic load balancers a page has when nobody says.
const mostBalancers = 400

func (q *request) classicBalancer(name string) (account.Resource, error) {
	r, ok := q.account.Get(account.KindClassicBalancer, name)
	if !ok || !q.visible(r) {
		return r, invalid("LoadBalancerNotFound", "There is no ACTIVE Load Balancer named '%s'", name)
	}
	return r, nil
}

func describeClassicBalancers(q *request) (answer, error) {
	names := q.form.strings("LoadBalancerNames")
	for _, name := range names {
		if _, err := q.classicBalancer(name); err != nil {
			return answer{}, err
		}
	}
	all := q.account.Find(account.KindClassicBalancer, func(r account.Resource) bool {
		return q.visible(r) && (len(names) == 0 || slices.Contains(names, r.Name))
	})
	part, next, known := pageOf(all, idOf, q.form.integer(mostBalancers, "PageSize"), q.form.str("Marker"))
	if !known {
		return answer{}, invalid("ValidationError", "Invalid Marker.")
	}
	var rows []node
	for _, r := range part {
		p, scheme := r.All(), "internet-facing"
		if truthy(p, "internal") {
			scheme = "internal"
		}
		rows = append(rows, el("", txt("LoadBalancerName", r.Name), txt("DNSName", str(p, "dnsName")),
			txt("VPCId", str(p, "vpcId")), txt("Scheme", scheme), when("CreatedTime", r.CreatedAt),
			texts("Subnets", "member", strs(p, "subnets")), texts("SecurityGroups", "member", strs(p, "securityGroups"))))
	}
	return q.query(list("LoadBalancerDescriptions", "member", rows), opt("NextMarker", next))
}

func describeClassicTags(q *request) (answer, error) {
	var rows []node
	for _, name := range q.form.strings("LoadBalancerNames") {
		r, err := q.classicBalancer(name)
		if err != nil {
			return answer{}, err
		}
		rows = append(rows, el("", txt("LoadBalancerName", name), list("Tags", "member", tagNodes(r.Tags, "Key", "Value"))))
	}
	return q.query(list("TagDescriptions", "member", rows))
}

func oneClassicBalancer(q *request) ([]need, error) {
	name := q.form.str("LoadBalancerName")
	r, _ := q.account.Get(account.KindClassicBalancer, name)
	return on(q.arn("elasticloadbalancing", "loadbalancer/"+name), resourceTags("elasticloadbalancing", r.Tags))
}

// deleteClassicBalancer succeeds for one that is gone, as on AWS.
func deleteClassicBalancer(q *request) (answer, error) {
	r, err := q.classicBalancer(q.form.str("LoadBalancerName"))
	if err != nil {
		return q.query()
	}
	if err := q.account.Delete(q.ctx, q.caller, account.KindClassicBalancer, r.ID); err != nil {
		return answer{}, err
	}
	return q.query()
}
