// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"maps"
	"slices"
	"strings"

	"emrflink/internal/localcloud/account"
)

// launch is what an instance launch needs, from the request and its template.
type launch struct {
	template *account.Resource // nil without one
	image    string
	subnets  []string
	groups   []string
	profile  string // name or ARN, "" when none
	spot     bool
	kind     string // instance type
	userData string
	request  map[string]map[string]string // tags by resource type, from the request
	data     map[string]map[string]string // the same from the template's data
}

// fromTemplate fills what the request left open.
func (l *launch) fromTemplate(r account.Resource) {
	l.template = &r
	p := r.All()
	if l.image == "" {
		l.image = str(p, "imageId")
	}
	if len(l.groups) == 0 {
		l.groups = strs(p, "networkInterfaces.securityGroups", "vpcSecurityGroupIds")
	}
	if l.profile == "" {
		l.profile = str(p, "iamInstanceProfile.name", "iamInstanceProfile.arn")
	}
	l.data = map[string]map[string]string{}
	for _, s := range blocks(p, "tagSpecifications") {
		tags := map[string]string{}
		if m, ok := s["tags"].(map[string]any); ok {
			for k, v := range m {
				if text, ok := v.(string); ok {
					tags[k] = text
				}
			}
		}
		l.data[str(s, "resourceType")] = tags
	}
}

// tags are those a resource type gets: the template's overlaid with the
// request's.
func (l *launch) tags(typ string) map[string]string {
	m := maps.Clone(l.data[typ])
	if m == nil {
		m = map[string]string{}
	}
	maps.Copy(m, l.request[typ])
	return m
}

// uses are the needs of one launching action: everything that it uses and makes, as EC2 asks.
func (q *request) uses(action string, l *launch) (out []need, err error) {
	add := func(arn string, all ...keys) { out = append(out, need{action: action, arn: arn, keys: joined(all...)}) }
	if l.template != nil {
		add(q.arn("ec2", "launch-template/"+l.template.ID), resourceTags("ec2", l.template.Tags))
	}
	if l.image != "" {
		add("arn:" + q.account.Partition() + ":ec2:" + q.region + "::image/" + l.image)
	}
	for _, part := range []struct {
		arnType string
		ids     []string
	}{{"subnet", l.subnets}, {"security-group", l.groups}} {
		for _, id := range part.ids {
			kind, _ := ec2Kind(id)
			r, ok := q.account.Get(kind, id)
			if !ok {
				return out, notFoundUse(part.arnType, id)
			}
			add(q.arn("ec2", part.arnType+"/"+id), resourceTags("ec2", r.Tags))
		}
	}
	made := []string{"instance", "volume", "network-interface"}
	if action == "ec2:CreateFleet" {
		made = append(made, "fleet")
	}
	if l.spot {
		made = append(made, "spot-instances-request")
	}
	for _, typ := range made {
		add(q.arn("ec2", typ+"/*"), requestTags(l.tags(typ)))
	}
	return out, nil
}

func notFoundUse(arnType, id string) error {
	if arnType == "subnet" {
		return invalid("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", id)
	}
	return invalid("InvalidGroup.NotFound", "The security group '%s' does not exist", id)
}

// sideEffects are the needs to tag what is made and to pass the role of the instance profile.
func (q *request) sideEffects(l *launch) (out []need, err error) {
	for _, typ := range slices.Sorted(maps.Keys(l.request)) {
		out = append(out, q.tagOnCreate(typ, l.request[typ], q.op)...)
	}
	for _, typ := range slices.Sorted(maps.Keys(l.data)) {
		if typ != "spot-instances-request" || l.spot {
			out = append(out, q.tagOnCreate(typ, l.data[typ], "RunInstances")...)
		}
	}
	if l.profile == "" {
		return out, nil
	}
	name := l.profile
	if _, after, ok := strings.Cut(l.profile, ":instance-profile/"); ok {
		name = after[strings.LastIndex(after, "/")+1:]
	}
	profile, ok := q.account.Get(account.KindInstanceProfile, name)
	if !ok {
		return out, invalid("InvalidParameterValue", "Value (%s) for parameter iamInstanceProfile.name is invalid. Invalid "+
			"IAM Instance Profile name", name)
	}
	role := str(profile.All(), "role")
	if role == "" {
		return out, invalid("InvalidParameterValue", "Value (%s) for parameter iamInstanceProfile.name is invalid. Invalid "+
			"IAM Instance Profile: no role is associated", name)
	}
	return append(out, q.passing(role)), nil
}

// launchNeeds reads the launch of RunInstances.
func launchNeeds(q *request) ([]need, error) {
	l, err := q.parseLaunch()
	if err != nil {
		return nil, err
	}
	q.launch = l
	out, err := q.uses("ec2:RunInstances", l)
	if err != nil {
		return out, err
	}
	more, err := q.sideEffects(l)
	return append(out, more...), err
}

func (q *request) parseLaunch() (*launch, error) {
	l := &launch{
		image: q.form.str("ImageId"), groups: q.form.strings("SecurityGroupId"), subnets: one(q.form.str("SubnetId")),
		profile: q.form.str("IamInstanceProfile", "Name"), request: q.form.tagSpecs("TagSpecification"),
		spot: q.form.str("InstanceMarketOptions", "MarketType") == "spot",
		kind: q.form.str("InstanceType"), userData: q.form.str("UserData"),
	}
	if arn := q.form.str("IamInstanceProfile", "Arn"); arn != "" {
		l.profile = arn
	}
	if nics := q.form.items("NetworkInterface"); len(nics) > 0 {
		l.subnets, l.groups = one(nics[0].str("SubnetId")), nics[0].strings("SecurityGroupId")
	}
	if q.form.has("LaunchTemplate") {
		r, err := q.template(q.form.str("LaunchTemplate", "LaunchTemplateId"), q.form.str("LaunchTemplate", "LaunchTemplateName"))
		if err != nil {
			return nil, err
		}
		l.fromTemplate(r)
		if l.kind == "" {
			l.kind = str(r.All(), "instanceType")
		}
	}
	return l, nil
}

// runInstances launches instances directly.
func runInstances(q *request) (answer, error) {
	l := q.launch
	if err := q.dryRun(); err != nil {
		return answer{}, err
	}
	if len(l.subnets) == 0 {
		return answer{}, invalid("MissingInput", "No subnets found for the default VPC: the simulated account has none, name "+
			"a subnet")
	}
	run := l.run(l.kind, l.subnets[0], q.form.integer(1, "MaxCount"))
	run.UserData = l.userData
	made, err := q.account.RunInstances(q.ctx, q.caller, run)
	if err != nil {
		return answer{}, err
	}
	var rows []node
	for _, r := range made {
		rows = append(rows, el("", append(q.instanceRow(r, r.All()).body, ec2Tags(r.Tags))...))
	}
	return q.ec2(q.reservation(rows, "r-"+strings.TrimPrefix(made[0].ID, "i-")).kids...)
}

// run is the account's launch request for one type in one subnet.
func (l *launch) run(instanceType, subnet string, count int) account.RunRequest {
	r := account.RunRequest{
		Count: count, InstanceType: instanceType, SubnetID: subnet, ImageID: l.image, SecurityGroupIDs: l.groups,
		InstanceProfile: l.profile,
		Spot:            l.spot, Tags: l.tags("instance"), VolumeTags: l.tags("volume"), ENITags: l.tags("network-interface"),
	}
	if l.template != nil {
		r.LaunchTemplateID = l.template.ID
	}
	return r
}
