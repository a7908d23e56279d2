// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"maps"
	"slices"
	"strings"

	"emrflink/internal/localcloud/account"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// launch is what an instance launch needs, from the request and its template.
type launch struct {
	template *account.Resource // nil without one
	image    string
	subnets  []string
	groups   []string
	profile  string // name or ARN, "" when none
	spot     bool
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
	for _, s := range objects(p, "tagSpecifications") {
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

// authorizeLaunch asks for one launching action on everything that it uses and
// makes, as EC2 does, then for the tagging and for passing the role.
func (q *request) authorizeLaunch(action string, l *launch) error {
	if l.template != nil {
		if err := q.allow(action, q.arn("ec2", "launch-template/"+l.template.ID),
			resourceTags("ec2", l.template.Tags)); err != nil {
			return err
		}
	}
	if l.image != "" {
		if err := q.allow(action, "arn:"+q.account.Partition()+":ec2:"+q.region+"::image/"+l.image); err != nil {
			return err
		}
	}
	for arnType, ids := range map[string][]string{"subnet": l.subnets, "security-group": l.groups} {
		for _, id := range ids {
			kind, _ := ec2Kind(id)
			r, ok := q.account.Get(kind, id)
			if !ok {
				return notFoundUse(arnType, id)
			}
			if err := q.allow(action, q.arn("ec2", arnType+"/"+id), resourceTags("ec2", r.Tags)); err != nil {
				return err
			}
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
		if err := q.allow(action, q.arn("ec2", typ+"/*"), requestTags(l.tags(typ))); err != nil {
			return err
		}
	}
	return nil
}

func notFoundUse(arnType, id string) error {
	if arnType == "subnet" {
		return invalid("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", id)
	}
	return invalid("InvalidGroup.NotFound", "The security group '%s' does not exist", id)
}

// authorizeSideEffects asks for tagging what is made and for passing the role
// of the instance profile.
func (q *request) authorizeSideEffects(l *launch) error {
	for _, typ := range sortedKeys(l.request) {
		if err := q.tagOnCreate(typ, l.request[typ]); err != nil {
			return err
		}
	}
	for _, typ := range sortedKeys(l.data) {
		if len(l.data[typ]) == 0 || typ == "spot-instances-request" && !l.spot {
			continue
		}
		if err := q.allow("ec2:CreateTags", q.arn("ec2", typ+"/*"), requestTags(l.data[typ]),
			keys{"ec2:CreateAction": {"RunInstances"}}); err != nil {
			return err
		}
	}
	if l.profile == "" {
		return nil
	}
	name := l.profile
	if _, after, ok := strings.Cut(l.profile, ":instance-profile/"); ok {
		name = after[strings.LastIndex(after, "/")+1:]
	}
	profile, ok := q.account.Get(account.KindInstanceProfile, name)
	if !ok {
		return invalid("InvalidParameterValue",
			"Value (%s) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name", name)
	}
	role := str(profile.All(), "role")
	if role == "" {
		return invalid("InvalidParameterValue", "Value (%s) for parameter iamInstanceProfile.name is invalid. Invalid IAM "+
			"Instance Profile: no role is associated", name)
	}
	return q.passRole(role)
}

// runInstances launches instances directly.
func runInstances(q *request) (answer, error) {
	l := &launch{
		image: q.form.str("ImageId"), groups: q.form.strings("SecurityGroupId"), subnets: one(q.form.str("SubnetId")),
		profile: q.form.str("IamInstanceProfile", "Name"), request: q.form.tagSpecs("TagSpecification"),
		spot: q.form.str("InstanceMarketOptions", "MarketType") == "spot",
	}
	if arn := q.form.str("IamInstanceProfile", "Arn"); arn != "" {
		l.profile = arn
	}
	if nics := q.form.items("NetworkInterface"); len(nics) > 0 {
		l.subnets, l.groups = one(nics[0].str("SubnetId")), nics[0].strings("SecurityGroupId")
	}
	kind, userData := q.form.str("InstanceType"), q.form.str("UserData")
	if q.form.has("LaunchTemplate") {
		r, err := q.template(q.form.str("LaunchTemplate", "LaunchTemplateId"), q.form.str("LaunchTemplate", "LaunchTemplateName"))
		if err != nil {
			return answer{}, err
		}
		l.fromTemplate(r)
		if kind == "" {
			kind = str(r.All(), "instanceType")
		}
	}
	if err := q.authorizeLaunch("ec2:RunInstances", l); err != nil {
		return answer{}, err
	}
	if err := q.authorizeSideEffects(l); err != nil {
		return answer{}, err
	}
	if err := q.dryRun(); err != nil {
		return answer{}, err
	}
	if len(l.subnets) == 0 {
		return answer{}, invalid("MissingInput",
			"No subnets found for the default VPC: the simulated account has none, name a subnet")
	}
	run := l.run(kind, l.subnets[0], q.form.integer(1, "MaxCount"))
	run.UserData = userData
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
		InstanceProfile: l.profile, Spot: l.spot, Tags: l.tags("instance"), VolumeTags: l.tags("volume"),
		ENITags: l.tags("network-interface"),
	}
	if l.template != nil {
		r.LaunchTemplateID = l.template.ID
	}
	return r
}
