// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"

	"emrflink/internal/localcloud/account"
)

// pool is one way to serve a fleet: a type in a subnet by a template.
type pool struct {
	launch   launch
	kind     string // instance type
	subnet   string
	zone     string
	priority float64 // lower is preferred; +Inf when not given
	usd      float64 // per hour in the fleet's capacity type
}

// fleetRequest is what CreateFleet asks for.
type fleetRequest struct {
	spot     bool
	strategy string
	count    int
	pools    []pool
}

// fleetNeeds reads the fleet: the launching actions on everything, then the rest.
func fleetNeeds(q *request) (out []need, err error) {
	if q.fleet, err = q.parseFleet(); err != nil {
		return nil, err
	}
	all := q.fleet.union()
	for _, action := range []string{"ec2:CreateFleet", "ec2:RunInstances"} {
		for _, l := range all {
			more, err := q.uses(action, l)
			if out = append(out, more...); err != nil {
				return out, err
			}
		}
	}
	for _, l := range all {
		more, err := q.sideEffects(l)
		if out = append(out, more...); err != nil {
			return out, err
		}
	}
	return out, nil
}

// createFleet serves fleets of the type "instant": the pools are tried in the
// order of the allocation strategy until one has capacity.
func createFleet(q *request) (answer, error) {
	f := q.fleet
	if err := q.dryRun(); err != nil {
		return answer{}, err
	}
	f.sort()
	var failures []node
	for _, p := range f.pools {
		made, err := q.account.RunInstances(q.ctx, q.caller, p.launch.run(p.kind, p.subnet, f.count))
		if err == nil {
			return q.fleetAnswer(f.filled(p, made), failures)
		}
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return answer{}, err
		}
		e := q.translate(asError(err))
		if e.HTTP >= http.StatusInternalServerError && !capacityError(e.Code) {
			return answer{}, err
		}
		failures = append(failures, el("", p.overrides(), txt("lifecycle", f.lifecycle()), txt("errorCode", e.Code),
			txt("errorMessage", e.Message)))
	}
	return q.fleetAnswer(nil, failures)
}

// capacityError says whether a code means that one pool is out: AWS answers
// some of these with status 500.
func capacityError(code string) bool {
	switch code {
	case "InsufficientInstanceCapacity", "UnfulfillableCapacity", "MaxSpotInstanceCountExceeded", "VcpuLimitExceeded",
		"Unsupported",
		"InsufficientFreeAddressesInSubnet", "SpotMaxPriceTooLow", "InsufficientHostCapacity":
		return true
	}
	return false
}

func (q *request) parseFleet() (*fleetRequest, error) {
	if t := q.form.str("Type"); t != "instant" {
		return nil, refuse(http.StatusNotImplemented, "NotImplemented",
			"ec2:CreateFleet with Type=%q is not simulated: only \"instant\"", t)
	}
	target := q.form.at("TargetCapacitySpecification")
	f := &fleetRequest{count: target.integer(0, "TotalTargetCapacity"),
		strategy: q.form.str("OnDemandOptions", "AllocationStrategy")}
	switch kind := target.str("DefaultTargetCapacityType"); kind {
	case "on-demand", "":
	case "spot":
		f.spot, f.strategy = true, q.form.str("SpotOptions", "AllocationStrategy")
	default:
		return nil, refuse(http.StatusNotImplemented, "NotImplemented", "ec2:CreateFleet with capacity type %q is not simulated",
			kind)
	}
	if f.count < 1 {
		return nil, invalid("InvalidParameterValue", "TotalTargetCapacity must be at least 1")
	}
	for _, c := range q.form.items("LaunchTemplateConfigs") {
		if err := q.parseFleetConfig(f, c); err != nil {
			return nil, err
		}
	}
	if len(f.pools) == 0 {
		return nil, invalid("InvalidFleetConfiguration", "the fleet has no launch template with an override")
	}
	return f, nil
}

func (q *request) parseFleetConfig(f *fleetRequest, c *params) error {
	r, err := q.template(c.str("LaunchTemplateSpecification", "LaunchTemplateId"),
		c.str("LaunchTemplateSpecification", "LaunchTemplateName"))
	if err != nil {
		return err
	}
	for _, o := range c.items("Overrides") {
		p := pool{kind: o.str("InstanceType"), subnet: o.str("SubnetId"), priority: math.Inf(1)}
		if p.kind == "" {
			p.kind = str(r.All(), "instanceType")
		}
		t, known := q.instanceType(p.kind)
		if !known {
			return invalid("InvalidInstanceType", "The instance type '%s' is not simulated", p.kind)
		}
		if p.subnet == "" {
			return invalid("InvalidFleetConfiguration", "an override without SubnetId is not simulated")
		}
		if v, err := strconv.ParseFloat(o.str("Priority"), 64); err == nil {
			p.priority = v
		}
		if p.usd = t.OnDemandUSD; f.spot {
			p.usd = t.SpotUSD
		}
		subnet, ok := q.account.Get(account.KindSubnet, p.subnet)
		if !ok {
			return notFoundUse("subnet", p.subnet)
		}
		p.zone, _ = q.zone(str(subnet.All(), "availabilityZone"), str(subnet.All(), "availabilityZoneId"))
		p.launch = launch{spot: f.spot, image: o.str("ImageId"), subnets: []string{p.subnet},
			request: q.form.tagSpecs("TagSpecification")}
		p.launch.fromTemplate(r)
		if a := imageArch(p.launch.image); a != "" && a != ec2Arch(t.Arch) {
			return invalid("InvalidParameterValue", "The architecture '%s' of the instance type %s does not match the "+
				"architecture '%s' of the image %s",
				ec2Arch(t.Arch), p.kind, a, p.launch.image)
		}
		f.pools = append(f.pools, p)
	}
	return nil
}

// union is one launch for each template, with all its subnets: what is asked
// for permission is asked once.
func (f *fleetRequest) union() []*launch {
	var out []*launch
	byID := map[string]*launch{}
	for _, p := range f.pools {
		id := p.launch.template.ID + "/" + p.launch.image
		l := byID[id]
		if l == nil {
			c := p.launch
			l = &c
			l.subnets = nil
			byID[id] = l
			out = append(out, l)
		}
		if !slices.Contains(l.subnets, p.subnet) {
			l.subnets = append(l.subnets, p.subnet)
		}
	}
	return out
}

// sort orders the pools as the allocation strategy prefers them. Capacity is
// the same everywhere in the simulation, so what AWS weighs by capacity goes by
// price.
func (f *fleetRequest) sort() {
	prioritized := f.strategy == "prioritized" || f.strategy == "capacity-optimized-prioritized"
	slices.SortStableFunc(f.pools, func(a, b pool) int {
		if prioritized {
			return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(a.usd, b.usd))
		}
		return cmp.Or(cmp.Compare(a.usd, b.usd), cmp.Compare(a.priority, b.priority))
	})
}

func (f *fleetRequest) lifecycle() string {
	if f.spot {
		return "spot"
	}
	return "on-demand"
}

// overrides is how an answer names a pool.
func (p pool) overrides() node {
	o := el("overrides", txt("instanceType", p.kind), txt("subnetId", p.subnet), txt("availabilityZone", p.zone),
		opt("imageId", p.launch.image))
	if !math.IsInf(p.priority, 1) {
		o.kids = append(o.kids, txt("priority", strconv.FormatFloat(p.priority, 'f', -1, 64)))
	}
	t := p.launch.template
	return el("launchTemplateAndOverrides", el("launchTemplateSpecification", txt("launchTemplateId", t.ID),
		txt("launchTemplateName", templateName(*t)),
		txt("version", "$Latest")), o)
}

func (f *fleetRequest) filled(p pool, made []account.Resource) []node {
	var ids []string
	for _, r := range made {
		ids = append(ids, r.ID)
	}
	return []node{el("", p.overrides(), txt("lifecycle", f.lifecycle()), texts("instanceIds", "item", ids),
		txt("instanceType", p.kind))}
}

func (q *request) fleetAnswer(instances, failures []node) (answer, error) {
	return q.ec2(txt("fleetId", "fleet-"+q.id), list("errorSet", "item", failures), list("fleetInstanceSet", "item", instances))
}
