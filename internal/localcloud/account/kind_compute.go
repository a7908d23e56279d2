// SPDX-License-Identifier: Apache-2.0

package account

import (
	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/awsid"
	"maps"
	"net/http"
)

// computeKinds are launch templates, instances, volumes and network interfaces.
func computeKinds() map[Kind]*spec {
	return map[Kind]*spec{
		KindLaunchTemplate: templateSpec(),
		KindInstance: {
			missing: func(id string) *awserror.Error {
				return awserror.Bad("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", id)
			},
			usable: stateRunning,
			make:   func(*tx, *Resource) error { return nil }, // instances are made by run
			update: func(_ *tx, old, r *Resource) error {
				if is := str(r.Props, "instanceType"); is != "" && is != str(old.All(), "instanceType") {
					return awserror.Status(http.StatusNotImplemented, "NotImplemented",
						"the local account does not change the type of an instance")
				}
				return nil
			},
			gone: goneInstance,
		},
		KindVolume: {
			missing: missingEC2("InvalidVolume.NotFound", "volume"),
			usable:  stateAvailable,
			fixed:   []string{"availabilityZone", "encrypted", "snapshotId"},
			refused: []string{"outpostArn", "multiAttachEnabled"},
			check:   checkVolume,
			make: func(t *tx, r *Resource) error {
				r.ID = awsid.EC2("vol")
				r.ARN = t.arn("ec2", "volume/"+r.ID)
				r.Attrs = Props{"arn": r.ARN, "createTime": stamp(t.Now)}
				defaults(r.Attrs, r.Props, Props{"type": "gp2", "encrypted": false})
				r.HourlyUSD = priceOfVolume(*r)
				return nil
			},
			update: func(_ *tx, _, r *Resource) error { r.HourlyUSD = priceOfVolume(*r); return nil },
			blocked: func(_ *tx, r *Resource) error {
				if r.State != stateInUse {
					return nil
				}
				return awserror.Bad("VolumeInUse", "Volume %s is currently attached to %s", r.ID, str(r.Attrs, "instanceId"))
			},
		},
		KindNetworkInterface: {
			missing: missingEC2("InvalidNetworkInterfaceID.NotFound", "networkInterface ID"),
			usable:  stateAvailable,
			refs: []ref{
				{path: "subnetId", kind: KindSubnet, required: true},
				{path: "securityGroups", kind: KindSecurityGroup},
			},
			make: makeInterface,
			blocked: func(_ *tx, r *Resource) error {
				if r.State != stateInUse {
					return nil
				}
				return awserror.Bad("InvalidParameterValue", "Network interface '%s' is currently in use.", r.ID)
			},
		},
	}
}

// templateSpec is the rule of launch templates.
func templateSpec() *spec {
	return &spec{
		missing: func(id string) *awserror.Error {
			return awserror.Bad("InvalidLaunchTemplateId.NotFound",
				"The specified launch template, with template ID %s, does not exist.", id)
		},
		usable: stateAvailable,
		refused: []string{"instanceRequirements", "elasticGpuSpecifications", "elasticInferenceAccelerator",
			"securityGroupNames"},
		refs: []ref{{path: "vpcSecurityGroupIds", kind: KindSecurityGroup, weak: true}},
		check: func(t *tx, p Props, self string) error {
			name := str(p, "name")
			if len(name) < 3 || len(name) > 128 {
				return awserror.Bad("InvalidLaunchTemplateName.MalformedException",
					"A launch template name must be between 3 and 128 characters: '%s'", name)
			}
			if t.first(KindLaunchTemplate, func(r *Resource) bool {
				return r.ID != self && r.Name == name && r.Region == t.region()
			}) != nil {
				return awserror.Bad("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.")
			}
			if typ := str(p, "instanceType"); typ != "" && !t.knownType(typ) {
				return errInstanceType(typ)
			}
			return nil
		},
		make: func(t *tx, r *Resource) error {
			r.ID = awsid.EC2("lt")
			r.ARN = t.arn("ec2", "launch-template/"+r.ID)
			r.Name = str(r.Props, "name")
			r.Attrs = Props{"arn": r.ARN, "latestVersion": 1.0, "defaultVersion": 1.0}
			return nil
		},
		update: func(_ *tx, old, r *Resource) error {
			latest, _ := number(old.Attrs, "latestVersion")
			r.Attrs["latestVersion"] = latest + 1
			if flag(r.Props, "updateDefaultVersion") {
				r.Attrs["defaultVersion"] = latest + 1
			}
			return nil
		},
	}
}

func priceOfVolume(r Resource) float64 {
	all := r.All()
	size, _ := number(all, "size")
	return volumePrice(str(all, "type"), size)
}

func checkVolume(t *tx, p Props, _ string) error {
	if _, err := t.zone(Props{"availabilityZone": Value(p, "availabilityZone")}); err != nil || str(p, "availabilityZone") == "" {
		return awserror.Bad("InvalidZone.NotFound", "The zone '%s' does not exist.", str(p, "availabilityZone"))
	}
	if size, ok := number(p, "size"); !ok || size < 1 || size > 65536 {
		return awserror.Bad("InvalidParameterValue", "Volume of %.0fGiB is not between 1 and 65536", size)
	}
	if typ := str(p, "type"); typ != "" && volumePrice(typ, 1) == 0 {
		return awserror.Bad("UnknownVolumeType", "Unknown volume type: %s", typ)
	}
	return nil
}

func makeInterface(t *tx, r *Resource) error {
	subnet := t.get(KindSubnet, str(r.Props, "subnetId"))
	ip, err := t.takeAddress(subnet)
	if err != nil {
		return err
	}
	r.ID = awsid.EC2("eni")
	r.ARN = t.arn("ec2", "network-interface/"+r.ID)
	groups := strs(r.Props, "securityGroups")
	if len(groups) == 0 && !flag(r.Attrs, "withoutGroups") {
		groups = []string{t.defaultGroup(str(subnet.Props, "vpcId"))}
	}
	for _, id := range groups {
		if sg := t.get(KindSecurityGroup, id); sg == nil || str(sg.Props, "vpcId") != str(subnet.Props, "vpcId") {
			return awserror.Bad("InvalidGroup.NotFound", "The security group '%s' does not exist in VPC '%s'", id,
				str(subnet.Props, "vpcId"))
		}
	}
	delete(r.Attrs, "withoutGroups")
	r.Props["securityGroups"] = anyStrings(groups)
	maps.Copy(r.Attrs, Props{
		"arn": r.ARN, "ownerId": t.a.opts.AccountID, "privateIp": ip, "privateDnsName": privateName(ip, t.region()),
		"availabilityZone": str(subnet.Attrs, "availabilityZone"), "vpcId": str(subnet.Props, "vpcId"),
	})
	defaults(r.Attrs, r.Attrs, Props{"interfaceType": "interface"})
	return nil
}

// defaultGroup is the id of a VPC's default security group.
func (t *tx) defaultGroup(vpc string) string {
	if v := t.get(KindVPC, vpc); v != nil {
		return str(v.Attrs, "defaultSecurityGroupId")
	}
	return ""
}

// interfaceRequest asks for a network interface that belongs to something.
type interfaceRequest struct {
	typ, description string
	owner            string // what it is attached to
	by               string
	groups           []string
	tags             map[string]string
}

// addInterface makes a network interface that is in use.
func (t *tx) addInterface(subnet *Resource, q interfaceRequest) (*Resource, error) {
	r := t.made(KindNetworkInterface, "", "", q.by,
		Props{"subnetId": subnet.ID, "description": q.description, "securityGroups": anyStrings(q.groups)},
		Props{"interfaceType": q.typ, "attachedTo": q.owner, "requesterManaged": q.typ != "interface",
			"withoutGroups": q.typ == "nat_gateway"},
		maps.Clone(q.tags))
	if err := makeInterface(t, r); err != nil {
		return nil, err
	}
	r.State = stateInUse
	t.put(r)
	return r, nil
}

// attachedTo are the interfaces and volumes that belong to something.
func (t *tx) attachedTo(owner string) (interfaces, volumes []*Resource) {
	mine := func(r *Resource) bool { return str(r.Attrs, "attachedTo") == owner }
	return t.where(KindNetworkInterface, mine), t.where(KindVolume, mine)
}

// goneInstance removes the interface and the root volume of an instance; other volumes become available.
func goneInstance(t *tx, r *Resource) {
	interfaces, volumes := t.attachedTo(r.ID)
	for _, eni := range interfaces {
		t.remove(KindNetworkInterface, eni.ID)
	}
	for _, v := range volumes {
		if flag(v.Attrs, "deleteOnTermination") {
			t.remove(KindVolume, v.ID)
			continue
		}
		t.edit(KindVolume, v.ID, func(n *Resource) {
			n.State = stateAvailable
			for _, k := range []string{"attachedTo", "instanceId"} {
				delete(n.Attrs, k)
			}
		})
	}
}

func (t *tx) knownType(name string) bool { _, ok := t.a.types[name]; return ok }

func errInstanceType(name string) *awserror.Error {
	return awserror.Bad("InvalidInstanceType", "The following supplied instance types do not exist: [%s]", name)
}

// AttachVolume attaches a volume to an instance of its zone; it survives the instance.
func (a *Account) AttachVolume(volumeID, instanceID string) error {
	return a.do(Caller{}, func(t *tx) error {
		v, i := t.get(KindVolume, volumeID), t.usable(KindInstance, instanceID)
		switch {
		case v == nil:
			return a.missing(KindVolume, volumeID)
		case i == nil:
			return a.missing(KindInstance, instanceID)
		case v.State == stateInUse:
			return awserror.Bad("VolumeInUse", "%s is already attached to an instance", volumeID)
		case str(v.Props, "availabilityZone") != str(i.Attrs, "availabilityZone"):
			return awserror.Bad("InvalidVolume.ZoneMismatch",
				"The volume '%s' is not in the same availability zone as instance '%s'",
				volumeID, instanceID)
		}
		t.edit(KindVolume, volumeID, func(r *Resource) {
			r.State = stateInUse
			r.Attrs["attachedTo"], r.Attrs["instanceId"] = instanceID, instanceID
		})
		return nil
	})
}

// DetachVolume makes a volume available again.
func (a *Account) DetachVolume(volumeID string) error {
	return a.do(Caller{}, func(t *tx) error {
		v := t.get(KindVolume, volumeID)
		if v == nil {
			return a.missing(KindVolume, volumeID)
		}
		if v.State != stateInUse {
			return awserror.Bad("IncorrectState", "Volume '%s' is in the '%s' state.", volumeID, v.State)
		}
		t.edit(KindVolume, volumeID, func(r *Resource) {
			r.State = stateAvailable
			for _, k := range []string{"attachedTo", "instanceId"} {
				delete(r.Attrs, k)
			}
		})
		return nil
	})
}
