// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"encoding/base64"
	"maps"
	"slices"

	"emrflink/internal/localcloud/account"
)

// maxUserData is EC2's limit of user data before base64, in bytes.
const maxUserData = 16384

func createLaunchTemplate(q *request) (answer, error) {
	tags := q.form.tagSpecs("TagSpecification")["launch-template"]
	if err := q.dryRun(); err != nil {
		return answer{}, err
	}
	name := q.form.str("LaunchTemplateName")
	if q.templateByName(name) != nil {
		return answer{}, invalid("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.")
	}
	p, err := templateProps(q.form.at("LaunchTemplateData"))
	if err != nil {
		return answer{}, err
	}
	p["name"], p["tags"] = name, tagMap(tags)
	r, err := q.account.Create(q.ctx, q.caller, account.KindLaunchTemplate, p)
	if err != nil {
		return answer{}, err
	}
	return q.ec2(el("launchTemplate", q.templateBody(r)...))
}

// templateProps reads LaunchTemplateData into the provider's properties. Parts
// that have no effect in the simulation and only say the default are dropped.
func templateProps(d *params) (account.Props, error) {
	p := account.Props{}
	set := func(name, value string) {
		if value != "" {
			p[name] = value
		}
	}
	set("imageId", d.str("ImageId"))
	set("instanceType", d.str("InstanceType"))
	if u := d.str("UserData"); u != "" {
		raw, err := base64.StdEncoding.DecodeString(u)
		if err != nil {
			return nil, invalid("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.")
		}
		if len(raw) > maxUserData {
			return nil, invalid("InvalidUserData.Malformed", "User data is limited to %d bytes", maxUserData)
		}
		p["userData"] = u
	}
	if profile := blockOf(d.at("IamInstanceProfile"), "name", "Name", "arn", "Arn"); len(profile) > 0 {
		p["iamInstanceProfile"] = profile
	}
	if groups := d.strings("SecurityGroupId"); len(groups) > 0 {
		p["vpcSecurityGroupIds"] = anys(groups)
	}
	var nics []any
	for _, n := range d.items("NetworkInterface") {
		nic := blockOf(n, "associatePublicIpAddress", "AssociatePublicIpAddress", "subnetId", "SubnetId", "interfaceType",
			"InterfaceType")
		nic["deviceIndex"] = float64(n.integer(0, "DeviceIndex"))
		if groups := n.strings("SecurityGroupId"); len(groups) > 0 {
			nic["securityGroups"] = anys(groups)
		}
		nics = append(nics, nic)
	}
	if len(nics) > 0 {
		p["networkInterfaces"] = nics
	}
	if mo := blockOf(d.at("MetadataOptions"), "httpEndpoint", "HttpEndpoint", "httpTokens", "HttpTokens", "httpProtocolIpv6",
		"HttpProtocolIpv6",
		"instanceMetadataTags", "InstanceMetadataTags"); len(mo) > 0 {
		if d.has("MetadataOptions", "HttpPutResponseHopLimit") {
			mo["httpPutResponseHopLimit"] = float64(d.integer(1, "MetadataOptions", "HttpPutResponseHopLimit"))
		}
		p["metadataOptions"] = mo
	}
	if devices := blockDevices(d); len(devices) > 0 {
		p["blockDeviceMappings"] = devices
	}
	var specs []any
	byType := d.tagSpecs("TagSpecification")
	for _, typ := range slices.Sorted(maps.Keys(byType)) {
		specs = append(specs, account.Props{"resourceType": typ, "tags": tagMap(byType[typ])})
	}
	if len(specs) > 0 {
		p["tagSpecifications"] = specs
	}
	return p, nil
}

// blockOf copies texts of a parameter tree into an object: property and
// parameter names alternate.
func blockOf(d *params, pairs ...string) account.Props {
	p := account.Props{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if v := d.str(pairs[i+1]); v != "" {
			p[pairs[i]] = v
		}
	}
	return p
}

func blockDevices(d *params) []any {
	var out []any
	for _, b := range d.items("BlockDeviceMapping") {
		// The provider writes these booleans as text.
		ebs := blockOf(b.at("Ebs"), "volumeType", "VolumeType", "encrypted", "Encrypted", "deleteOnTermination",
			"DeleteOnTermination",
			"kmsKeyId", "KmsKeyId", "snapshotId", "SnapshotId")
		for prop, param := range map[string]string{"volumeSize": "VolumeSize", "iops": "Iops", "throughput": "Throughput"} {
			if b.has("Ebs", param) {
				ebs[prop] = float64(b.integer(0, "Ebs", param))
			}
		}
		out = append(out, account.Props{"deviceName": b.str("DeviceName"), "ebs": ebs})
	}
	return out
}

func (q *request) templateBody(r account.Resource) []node {
	return []node{txt("launchTemplateId", r.ID), txt("launchTemplateName", templateName(r)), when("createTime", r.CreatedAt),
		txt("createdBy", q.caller.ARN), num("defaultVersionNumber", whole(r.All(), "defaultVersion", 1)),
		num("latestVersionNumber", whole(r.All(), "latestVersion", 1)), ec2Tags(r.Tags)}
}

func templateName(r account.Resource) string {
	if n := str(r.All(), "name"); n != "" {
		return n
	}
	return r.Name
}

// templateByName finds a launch template of the region, nil when there is none.
func (q *request) templateByName(name string) *account.Resource {
	for _, r := range q.account.List(account.KindLaunchTemplate) {
		if q.visible(r) && templateName(r) == name {
			return &r
		}
	}
	return nil
}

// template finds a launch template by id or else by name.
func (q *request) template(id, name string) (account.Resource, error) {
	if id != "" {
		r, ok := q.account.Get(account.KindLaunchTemplate, id)
		if !ok || !q.visible(r) {
			return account.Resource{}, invalid("InvalidLaunchTemplateId.NotFound",
				"The specified launch template, with template ID %s, does not exist.", id)
		}
		return r, nil
	}
	r := q.templateByName(name)
	if r == nil {
		return account.Resource{}, invalid("InvalidLaunchTemplateName.NotFoundException",
			"The specified launch template, with template name %s, does not exist.", name)
	}
	return *r, nil
}

func describeLaunchTemplates(q *request) (answer, error) {
	t := table{ids: "LaunchTemplateId", notFound: "InvalidLaunchTemplateId.NotFound", noun: "specified launch template",
		filters: []string{"launch-template-name"}}
	var rows []row
	for _, r := range q.account.List(account.KindLaunchTemplate) {
		if q.visible(r) {
			rows = append(rows, row{id: r.ID, name: templateName(r), tags: r.Tags, body: q.templateBody(r),
				attrs: map[string][]string{"launch-template-name": {templateName(r)}}})
		}
	}
	if names := q.form.strings("LaunchTemplateName"); len(names) > 0 {
		for _, n := range names {
			if !slices.ContainsFunc(rows, func(r row) bool { return r.name == n }) {
				if err := q.dryRun(); err != nil {
					return answer{}, err
				}
				_, err := q.template("", n)
				return answer{}, err
			}
		}
		rows = slices.DeleteFunc(rows, func(r row) bool { return !slices.Contains(names, r.name) })
	}
	return q.describe(t, "launchTemplates", rows)
}

// oneTemplate exists: the tags that a policy may name belong to a template that does.
func oneTemplate(q *request) ([]need, error) {
	r, err := q.namedTemplate()
	if err != nil {
		return nil, err
	}
	return on(q.arn("ec2", "launch-template/"+r.ID), resourceTags("ec2", r.Tags))
}

func (q *request) namedTemplate() (account.Resource, error) {
	return q.template(q.form.str("LaunchTemplateId"), q.form.str("LaunchTemplateName"))
}

func deleteLaunchTemplate(q *request) (answer, error) {
	r, err := q.namedTemplate()
	if err != nil {
		return answer{}, err
	}
	if err := q.dryRun(); err != nil {
		return answer{}, err
	}
	if err := q.account.Delete(q.ctx, q.caller, account.KindLaunchTemplate, r.ID); err != nil {
		return answer{}, err
	}
	return q.ec2(el("launchTemplate", q.templateBody(r)...))
}
