// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"emrflink/internal/localcloud/account"
)

func describeVolumes(q *request) (answer, error) {
	t := table{ids: "VolumeId", notFound: "InvalidVolume.NotFound", noun: "volume",
		filters: []string{"volume-id", "status", "availability-zone", "attachment.instance-id", "volume-type", "size",
			"encrypted"}}
	return q.describe(t, "volumeSet", q.rows(account.KindVolume, func(r account.Resource, p account.Props) row {
		instance := volumeInstance(p)
		var attachments []node
		if instance != "" {
			device := str(p, "deviceName")
			if device == "" {
				device = "/dev/xvda"
			}
			attachments = []node{el("", txt("volumeId", r.ID), txt("instanceId", instance), txt("device", device),
				txt("status", "attached"),
				boolean("deleteOnTermination", true))}
		}
		kind := str(p, "type", "volumeType")
		if kind == "" {
			kind = "gp3"
		}
		zone := str(p, "availabilityZone")
		return row{
			attrs: map[string][]string{"volume-id": {r.ID}, "status": {r.State}, "availability-zone": one(zone),
				"attachment.instance-id": one(instance),
				"volume-type":            {kind},
				"size":                   one(str(p, "size", "volumeSize")), "encrypted": one(str(p, "encrypted"))},
			body: []node{txt("volumeId", r.ID), num("size", whole(p, "size", whole(p, "volumeSize", 0))), txt("volumeType", kind),
				txt("status", r.State),
				txt("availabilityZone", zone), when("createTime", r.CreatedAt), boolean("encrypted", truthy(p, "encrypted")),
				list("attachmentSet", "item", attachments)},
		}
	}))
}

// volumeInstance is the instance that a volume is attached to, "" when none.
func volumeInstance(p account.Props) string {
	return str(p, "instanceId")
}

func deleteVolume(q *request) (answer, error) {
	return q.deleteByID(account.KindVolume, q.form.str("VolumeId"))
}

func createVolume(q *request) (answer, error) {
	tags := q.form.tagSpecs("TagSpecification")["volume"]
	if err := q.dryRun(); err != nil {
		return answer{}, err
	}
	kind := q.form.str("VolumeType")
	if kind == "" {
		kind = "gp2"
	}
	p := account.Props{"availabilityZone": q.form.str("AvailabilityZone"), "size": float64(q.form.integer(0, "Size")),
		"type":      kind,
		"encrypted": q.form.boolean("Encrypted"), "tags": tagMap(tags)}
	r, err := q.account.Create(q.ctx, q.caller, account.KindVolume, p)
	if err != nil {
		return answer{}, err
	}
	return q.ec2(txt("volumeId", r.ID), num("size", q.form.integer(0, "Size")), txt("volumeType", kind), txt("status", r.State),
		txt("availabilityZone", q.form.str("AvailabilityZone")), when("createTime", r.CreatedAt),
		boolean("encrypted", q.form.boolean("Encrypted")),
		ec2Tags(r.Tags))
}

// newTagged is the need to make something with tags.
func newTagged(arnType string) func(*request) ([]need, error) {
	return func(q *request) ([]need, error) {
		tags := q.form.tagSpecs("TagSpecification")[arnType]
		made := need{arn: q.arn("ec2", arnType+"/*"), keys: requestTags(tags)}
		return append([]need{made}, q.tagOnCreate(arnType, tags, q.op)...), nil
	}
}

// tagOnCreate is the need to tag, which EC2 has when an operation makes something with tags.
func (q *request) tagOnCreate(arnType string, tags map[string]string, operation string) []need {
	if len(tags) == 0 {
		return nil
	}
	return []need{{
		action: createTags, arn: q.arn("ec2", arnType+"/*"), keys: joined(requestTags(tags),
			keys{"ec2:CreateAction": {operation}}),
	}}
}
