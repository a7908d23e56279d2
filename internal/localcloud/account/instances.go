// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/awsid"
	"emrflink/internal/localcloud/ledger"
	"emrflink/internal/pattern"
)

// RunInstances starts instances and returns them in state "pending" (or "running" when nothing waits),
// each with its root volume and network interface. Refusals are those of ec2:RunInstances, among them
// InsufficientInstanceCapacity when a fault says so.
func (a *Account) RunInstances(ctx context.Context, c Caller, q RunRequest) ([]Resource, error) {
	capacity := "on-demand"
	if q.Spot {
		capacity = "spot"
	}
	zone := ""
	if subnet, ok := a.Get(KindSubnet, q.SubnetID); ok {
		zone = str(subnet.Attrs, "availabilityZone")
	}
	if err := a.fault(ctx, "ec2:RunInstances", KindInstance,
		strings.Join([]string{q.InstanceType, capacity, zone}, " ")); err != nil {
		return nil, err
	}
	if q.Spot {
		if err := a.needSpotRole(c); err != nil {
			return nil, err
		}
	}
	var started []*Resource
	err := a.do(c, func(t *tx) (err error) {
		started, err = t.run(q)
		return err
	})
	if err != nil {
		return nil, err
	}
	return a.reread(started), nil
}

func (a *Account) reread(list []*Resource) []Resource {
	out := make([]Resource, 0, len(list))
	for _, r := range list {
		if now, ok := a.Get(r.Kind, r.ID); ok {
			out = append(out, now)
		}
	}
	return out
}

// run starts instances within a transaction.
func (t *tx) run(q RunRequest) ([]*Resource, error) {
	t.prune()
	subnet := t.usable(KindSubnet, q.SubnetID)
	if subnet == nil {
		return nil, t.a.missing(KindSubnet, q.SubnetID)
	}
	t.c.Region = subnet.Region
	if err := t.fillFromTemplate(&q); err != nil {
		return nil, err
	}
	profile, err := t.checkRun(q, subnet)
	if err != nil {
		return nil, err
	}
	var out []*Resource
	for range max(1, q.Count) {
		r, err := t.runOne(q, subnet, profile)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	wait := t.a.scaled(rowOf(KindInstance).Create)
	for i, r := range out {
		if wait <= 0 {
			out[i] = t.move(r.ID, stateRunning)
			continue
		}
		id := r.ID
		t.After(func() {
			t.a.launch(resKey{KindInstance, id}, func() error { return t.a.finishStart(id, wait) })
		})
	}
	return out, nil
}

func (a *Account) finishStart(id string, wait time.Duration) error {
	if err := a.ledger.Clock.Sleep(a.ctx, wait); err != nil {
		return ledger.ErrClosed
	}
	return a.do(Caller{}, func(t *tx) error {
		if r := t.get(KindInstance, id); r != nil && r.State == statePending {
			t.move(id, stateRunning)
		}
		return nil
	})
}

// fillFromTemplate takes what the request leaves open from its launch template.
func (t *tx) fillFromTemplate(q *RunRequest) error {
	if q.LaunchTemplateID == "" {
		return nil
	}
	lt := t.usable(KindLaunchTemplate, q.LaunchTemplateID)
	if lt == nil {
		return t.a.missing(KindLaunchTemplate, q.LaunchTemplateID)
	}
	p := lt.Props
	q.InstanceType = orElse(q.InstanceType, str(p, "instanceType"))
	q.ImageID = orElse(q.ImageID, str(p, "imageId"))
	q.UserData = orElse(q.UserData, str(p, "userData"))
	q.InstanceProfile = orElse(q.InstanceProfile, str(p, "iamInstanceProfile.name"), str(p, "iamInstanceProfile.arn"))
	if len(q.SecurityGroupIDs) == 0 {
		q.SecurityGroupIDs = strs(p, "vpcSecurityGroupIds")
	}
	if len(q.SecurityGroupIDs) == 0 {
		q.SecurityGroupIDs = strs(p, "networkInterfaces.securityGroups")
	}
	if size, ok := number(p, "blockDeviceMappings.ebs.volumeSize"); ok && q.VolumeGiB == 0 {
		q.VolumeGiB = int(size)
	}
	return nil
}

var imageID = pattern.Lazy(`^ami-[0-9a-z-]{8,}$`)

func (t *tx) checkRun(q RunRequest, subnet *Resource) (profile *Resource, err error) {
	typ, ok := t.a.types[q.InstanceType]
	if !ok {
		return nil, awserror.Bad("InvalidParameterValue", "Invalid value '%s' for InstanceType.", q.InstanceType)
	}
	if zone := str(subnet.Attrs, "availabilityZone"); !offers(str(subnet.Attrs, "availabilityZoneId"), q.InstanceType) {
		return nil, awserror.Bad("Unsupported", "Your requested instance type (%s) is not supported in your requested "+
			"Availability Zone (%s).", q.InstanceType, zone)
	}
	if q.ImageID == "" {
		return nil, awserror.Bad("MissingParameter", "The request must contain the parameter ImageId")
	}
	if !imageID().MatchString(q.ImageID) {
		return nil, awserror.Bad("InvalidAMIID.Malformed", "Invalid id: %q", q.ImageID)
	}
	for _, id := range q.SecurityGroupIDs {
		sg := t.usable(KindSecurityGroup, id)
		if sg == nil {
			return nil, t.a.missing(KindSecurityGroup, id)
		}
		if str(sg.Props, "vpcId") != str(subnet.Props, "vpcId") {
			return nil, awserror.Bad("InvalidParameter", "Security group %s and subnet %s belong to different networks.", id,
				subnet.ID)
		}
	}
	if q.InstanceProfile != "" {
		name := q.InstanceProfile[strings.LastIndexByte(q.InstanceProfile, '/')+1:]
		if profile = t.get(KindInstanceProfile, name); profile == nil {
			return nil, awserror.Bad("InvalidParameterValue",
				"Value (%s) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name", name)
		}
	}
	return profile, t.checkCapacity(q.Spot, typ.VCPU*max(1, q.Count))
}

func (t *tx) checkCapacity(spot bool, wanted int) error {
	used := 0
	for _, r := range t.a.tables[KindInstance] {
		if r.live() && r.Region == t.region() && (str(r.Attrs, "instanceLifecycle") == "spot") == spot {
			used += t.a.types[str(r.Props, "instanceType")].VCPU
		}
	}
	if spot {
		return t.room(QuotaSpotVCPU, used+wanted-1,
			awserror.Bad("MaxSpotInstanceCountExceeded", "Max spot instance count exceeded"))
	}
	limit := t.a.quotas[QuotaOnDemandVCPU]
	return t.room(QuotaOnDemandVCPU, used+wanted-1, awserror.Bad("VcpuLimitExceeded",
		"You have requested more vCPU capacity than your current vCPU limit of %.0f allows for the instance bucket that "+
			"the specified instance type belongs to.", limit))
}

func (t *tx) runOne(q RunRequest, subnet, profile *Resource) (*Resource, error) {
	id := awsid.EC2("i")
	by := orElse(t.c.Via, ByUser)
	eni, err := t.addInterface(subnet, interfaceRequest{typ: "interface", owner: id, by: by, groups: q.SecurityGroupIDs,
		tags: q.ENITags})
	if err != nil {
		return nil, err
	}
	volume := t.rootVolume(q, id, by, subnet)
	typ := t.a.types[q.InstanceType]
	props := Props{
		"instanceType": q.InstanceType, "ami": q.ImageID, "subnetId": subnet.ID,
		"vpcSecurityGroupIds": anyStrings(strs(eni.Props, "securityGroups")), "userDataBase64": q.UserData,
	}
	attrs := Props{
		"availabilityZone": str(subnet.Attrs, "availabilityZone"), "availabilityZoneId": str(subnet.Attrs, "availabilityZoneId"),
		"privateIp": str(eni.Attrs, "privateIp"), "privateDns": privateName(str(eni.Attrs, "privateIp"), t.region()),
		"primaryNetworkInterfaceId": eni.ID, "rootVolumeId": volume.ID, "vpcId": str(subnet.Props, "vpcId"),
		"instanceState": statePending, "launchTime": stamp(t.Now), "architecture": typ.EC2Arch(),
		"cluster": clusterOf(q), "nodeGroup": q.NodeGroup, "launchTemplateId": q.LaunchTemplateID,
		"publicIp": "", "publicDns": "", "spotInstanceRequestId": "", "instanceLifecycle": "",
	}
	price := typ.OnDemandUSD
	if q.Spot {
		price = typ.SpotUSD
		attrs["spotInstanceRequestId"], attrs["instanceLifecycle"] = "sir-"+awsid.Hex(8), "spot"
	}
	if profile != nil {
		props["iamInstanceProfile"] = profile.ID
		attrs["roleName"] = str(profile.Props, "role")
	}
	if flag(subnet.Props, "mapPublicIpOnLaunch") {
		ip := t.takePublicAddress()
		attrs["publicIp"], attrs["publicDns"] = ip, publicName(ip, t.region())
		t.edit(KindNetworkInterface, eni.ID, func(e *Resource) { e.Attrs["publicIp"] = ip })
		price += hourly(KindEIP)
	}
	r := t.made(KindInstance, id, t.arn("ec2", "instance/"+id), by, props, attrs, copyTags(q.Tags))
	attrs["arn"] = r.ARN
	r.State, r.HourlyUSD = statePending, price
	t.put(r)
	t.instanceEvent(r)
	return r, nil
}

func (t *tx) rootVolume(q RunRequest, instance, by string, subnet *Resource) *Resource {
	size := q.VolumeGiB
	if size == 0 {
		size = 20 // size of the root volume of the EKS-optimized Amazon Linux images
	}
	v := t.made(KindVolume, awsid.EC2("vol"), "", by,
		Props{"availabilityZone": str(subnet.Attrs, "availabilityZone"), "size": float64(size), "type": "gp3", "encrypted": true},
		Props{"attachedTo": instance, "instanceId": instance, "deleteOnTermination": true,
			"createTime": stamp(t.Now)}, copyTags(q.VolumeTags))
	v.ARN = t.arn("ec2", "volume/"+v.ID)
	v.Attrs["arn"] = v.ARN
	v.State, v.HourlyUSD = stateInUse, volumePrice("gp3", float64(size))
	t.put(v)
	return v
}

// copyTags copies tags, never to nil.
func copyTags(tags map[string]string) map[string]string {
	out := make(map[string]string, len(tags))
	for k, v := range tags {
		out[k] = v
	}
	return out
}

// clusterOf is the EKS cluster that a request names, or that its tags name.
func clusterOf(q RunRequest) string {
	if name := orElse(q.Cluster, q.Tags["eks:eks-cluster-name"], q.Tags["eks:cluster-name"]); name != "" {
		return name
	}
	for k := range q.Tags {
		if name, ok := strings.CutPrefix(k, "kubernetes.io/cluster/"); ok {
			return name
		}
	}
	return ""
}

// move puts an instance into a state and reports it to EventBridge.
func (t *tx) move(id, state string) *Resource {
	t.edit(KindInstance, id, func(r *Resource) {
		r.become(state)
		if state == stateShuttingDown || state == stateTerminated {
			r.HourlyUSD = 0
		}
		if state == stateTerminated {
			r.Attrs["terminatedAt"] = stamp(t.Now)
		}
	})
	r := t.get(KindInstance, id)
	t.instanceEvent(r)
	return r
}

// prune forgets instances that were terminated longer ago than AWS shows them.
func (t *tx) prune() {
	keep := keepTerminated
	if t.a.opts.Speed > 0 {
		keep = t.a.scaled(keepTerminated)
	}
	for _, r := range t.where(KindInstance, func(r *Resource) bool { return !r.live() }) {
		if at, err := time.Parse(time.RFC3339, str(r.Attrs, "terminatedAt")); err != nil || t.Now.Sub(at) > keep {
			t.remove(KindInstance, r.ID)
		}
	}
}

// TerminateInstances begins to terminate instances and returns them in state "shutting-down", or
// "terminated" when nothing waits or when they were. All ids must exist.
func (a *Account) TerminateInstances(ctx context.Context, c Caller, ids ...string) ([]Resource, error) {
	if err := a.fault(ctx, "ec2:TerminateInstances", KindInstance, strings.Join(ids, " ")); err != nil {
		return nil, err
	}
	var ended []*Resource
	err := a.do(c, func(t *tx) error {
		t.prune()
		var unknown []string
		for _, id := range ids {
			if t.get(KindInstance, id) == nil {
				unknown = append(unknown, id)
			}
		}
		if len(unknown) > 0 {
			return awserror.Bad("InvalidInstanceID.NotFound", "The instance IDs '%s' do not exist", strings.Join(unknown, ", "))
		}
		for _, id := range ids {
			ended = append(ended, t.terminate(id))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return a.reread(ended), nil
}

// terminate begins the end of an instance; it does nothing to one that is ending.
func (t *tx) terminate(id string) *Resource {
	r := t.get(KindInstance, id)
	if r == nil || r.dying() {
		return r
	}
	t.move(id, stateShuttingDown)
	wait := t.a.scaled(rowOf(KindInstance).Delete)
	if wait <= 0 {
		return t.terminated(id)
	}
	t.After(func() {
		t.a.launch(resKey{KindInstance, id}, func() error { return t.a.finishTerminate(id, wait) })
	})
	return t.get(KindInstance, id)
}

func (t *tx) terminated(id string) *Resource {
	if r := t.get(KindInstance, id); r != nil && r.live() {
		goneInstance(t, r)
		return t.move(id, stateTerminated)
	}
	return t.get(KindInstance, id)
}

func (a *Account) finishTerminate(id string, wait time.Duration) error {
	if err := a.ledger.Clock.Sleep(a.ctx, wait); err != nil {
		return ledger.ErrClosed
	}
	return a.do(Caller{}, func(t *tx) error { t.terminated(id); return nil })
}

// InterruptSpot makes EC2 take a spot instance back: the warning goes to EventBridge now, the instance is
// terminated two minutes (divided by the speed, but not less than fifteen seconds) later.
func (a *Account) InterruptSpot(instanceID string) error {
	return a.do(Caller{}, func(t *tx) error {
		r := t.usable(KindInstance, instanceID)
		if r == nil {
			return a.missing(KindInstance, instanceID)
		}
		if str(r.Attrs, "instanceLifecycle") != "spot" {
			return awserror.Bad("InvalidParameterValue", "Instance %s is not a spot instance", instanceID)
		}
		t.emit(event{Source: "aws.ec2", DetailType: "EC2 Spot Instance Interruption Warning", Region: r.Region,
			Resources: []string{
				fmt.Sprintf("arn:%s:ec2:%s:instance/%s", PartitionOf(r.Region), str(r.Attrs, "availabilityZone"), r.ID),
			}, Detail: Props{"instance-id": r.ID, "instance-action": "terminate"}})
		t.edit(KindInstance, instanceID, func(n *Resource) { n.Attrs["interrupted"] = stamp(t.Now) })
		if a.opts.Speed <= 0 {
			t.terminate(instanceID)
			return nil
		}
		t.After(func() {
			a.wg.Go(func() {
				if err := a.ledger.Clock.Sleep(a.ctx, max(a.scaled(spotWarning), 15*time.Second)); err != nil {
					return
				}
				if err := a.do(Caller{}, func(t *tx) error { t.terminate(instanceID); return nil }); err != nil {
					a.log.Error("terminate interrupted instance", "instance", instanceID, "error", err)
				}
			})
		})
		return nil
	})
}

// createInstance is Create for instances: RunInstances, and wait until it runs.
func (a *Account) createInstance(ctx context.Context, c Caller, p Props) (Resource, error) {
	tags := tagsOf(p)
	list, err := a.RunInstances(ctx, c, RunRequest{
		InstanceType: str(p, "instanceType"), SubnetID: str(p, "subnetId"), ImageID: str(p, "ami"),
		SecurityGroupIDs: strs(p, "vpcSecurityGroupIds"), InstanceProfile: str(p, "iamInstanceProfile"),
		UserData: orElse(str(p, "userDataBase64"), str(p, "userData")), LaunchTemplateID: str(p, "launchTemplate.id"),
		Tags: tags, VolumeTags: stringMap(p, "volumeTags"),
	})
	if err != nil {
		return Resource{}, err
	}
	id := list[0].ID
	if err := a.Wait(ctx, KindInstance, id); err != nil {
		return Resource{}, err
	}
	r, ok := a.Get(KindInstance, id)
	if !ok {
		return Resource{}, errors.New("the instance has gone")
	}
	return r, nil
}

// deleteInstance is Delete for instances: TerminateInstances, and wait until it is terminated.
func (a *Account) deleteInstance(ctx context.Context, c Caller, id string) error {
	if r, ok := a.Get(KindInstance, id); !ok || !r.live() {
		return a.missing(KindInstance, id)
	}
	if _, err := a.TerminateInstances(ctx, c, id); err != nil {
		return err
	}
	return a.Wait(ctx, KindInstance, id)
}

// stamp formats a time as AWS does.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
