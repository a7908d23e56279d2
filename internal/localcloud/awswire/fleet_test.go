// SPDX-License-Identifier: Apache-2.0

package awswire_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awserror"
)

// fleet is a request as Karpenter makes it: types in all subnets.
func fleet(w *world, capacity types.DefaultTargetCapacityType, kinds ...string) *ec2.CreateFleetInput {
	cfg := types.FleetLaunchTemplateConfigRequest{LaunchTemplateSpecification: &types.FleetLaunchTemplateSpecificationRequest{
		LaunchTemplateName: aws.String("karpenter.k8s.aws/1"), Version: aws.String("$Latest")}}
	for i, k := range kinds {
		for _, s := range w.subnets {
			cfg.Overrides = append(cfg.Overrides,
				types.FleetLaunchTemplateOverridesRequest{InstanceType: types.InstanceType(k), SubnetId: aws.String(s),
					ImageId: aws.String(image(w, "x86_64")), Priority: aws.Float64(float64(i))})
		}
	}
	in := &ec2.CreateFleetInput{Type: types.FleetTypeInstant,
		LaunchTemplateConfigs: []types.FleetLaunchTemplateConfigRequest{cfg},
		TargetCapacitySpecification: &types.TargetCapacitySpecificationRequest{
			TotalTargetCapacity: aws.Int32(1), DefaultTargetCapacityType: capacity,
		}}
	for _, typ := range []types.ResourceType{types.ResourceTypeInstance, types.ResourceTypeVolume, types.ResourceTypeFleet} {
		in.TagSpecifications = append(in.TagSpecifications, types.TagSpecification{ResourceType: typ, Tags: karpenterTags()})
	}
	if capacity == types.DefaultTargetCapacityTypeSpot {
		in.SpotOptions = &types.SpotOptionsRequest{AllocationStrategy: types.SpotAllocationStrategyPriceCapacityOptimized}
	} else {
		in.OnDemandOptions = &types.OnDemandOptionsRequest{AllocationStrategy: types.FleetOnDemandAllocationStrategyLowestPrice}
	}
	return in
}

// fleetWorld has what a fleet needs: a node role in a profile and a template.
func fleetWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.role("nodes", "ec2.amazonaws.com", "")
	w.create(account.KindInstanceProfile, account.Props{"name": "nodes", "role": "nodes"})
	_, err := w.ec2(w.cfg).CreateLaunchTemplate(t.Context(), template(w, "karpenter.k8s.aws/1", &types.RequestLaunchTemplateData{
		IamInstanceProfile: &types.LaunchTemplateIamInstanceProfileSpecificationRequest{Name: aws.String("nodes")}}))
	require.NoError(t, err)
	return w
}

func TestFleetsTakeTheCheapestTypeAndRunItsTemplate(t *testing.T) {
	t.Parallel()
	w := fleetWorld(t)
	c := w.ec2(w.cfg)
	out, err := c.CreateFleet(t.Context(),
		fleet(w, types.DefaultTargetCapacityTypeSpot, "c5d.9xlarge", "c5d.xlarge", "c5d.4xlarge"))
	require.NoError(t, err)
	require.Empty(t, out.Errors)
	require.Len(t, out.Instances, 1)
	got := out.Instances[0]
	require.Equal(t, types.InstanceType("c5d.xlarge"), got.InstanceType, "not the first override")
	o := got.LaunchTemplateAndOverrides.Overrides
	require.Equal(t, types.InstanceType("c5d.xlarge"), o.InstanceType)
	require.Contains(t, w.subnets, *o.SubnetId)
	require.NotEmpty(t, *o.AvailabilityZone)
	require.NotEmpty(t, *o.ImageId)
	require.Len(t, got.InstanceIds, 1)

	desc, err := c.DescribeInstances(t.Context(),
		&ec2.DescribeInstancesInput{Filters: append(filters("tag-key", "karpenter.sh/nodepool",
			"tag-key", "karpenter.k8s.aws/ec2nodeclass", "tag:eks:eks-cluster-name", "demo"),
			types.Filter{
				Name:   aws.String("instance-state-name"),
				Values: []string{"pending", "running", "stopping", "stopped", "shutting-down"},
			})})
	require.NoError(t, err)
	require.Len(t, desc.Reservations, 1)
	i := desc.Reservations[0].Instances[0]
	require.Equal(t, got.InstanceIds[0], *i.InstanceId)
	require.Equal(t, types.InstanceStateNameRunning, i.State.Name)
	require.Equal(t, *o.AvailabilityZone, *i.Placement.AvailabilityZone)
	require.NotEmpty(t, *i.Placement.AvailabilityZoneId)
	require.NotEmpty(t, *i.SpotInstanceRequestId, "this alone says spot to Karpenter")
	require.Equal(t, *o.ImageId, *i.ImageId)
	require.Equal(t, *o.SubnetId, *i.SubnetId)
	require.NotNil(t, i.LaunchTime)
	require.NotEmpty(t, *i.PrivateDnsName)
	require.Len(t, i.SecurityGroups, 1)
	require.Equal(t, w.group, *i.SecurityGroups[0].GroupId, "the template's, or Karpenter sees drift")
	require.Equal(t, "arn:aws:iam::111122223333:instance-profile/nodes", *i.IamInstanceProfile.Arn)
	require.Len(t, i.Tags, 4)

	r, ok := w.account.Get(account.KindInstance, *i.InstanceId)
	require.True(t, ok)
	require.Equal(t, "aGVsbG8=", r.All()["userDataBase64"])
	volumes, err := c.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{
		Filters: filters("attachment.instance-id", *i.InstanceId),
	})
	require.NoError(t, err)
	require.Len(t, volumes.Volumes, 1)
	require.Equal(t, int32(77), *volumes.Volumes[0].Size)
	enis, err := c.DescribeNetworkInterfaces(t.Context(), &ec2.DescribeNetworkInterfacesInput{
		Filters: filters("attachment.instance-id", *i.InstanceId),
	})
	require.NoError(t, err)
	require.Len(t, enis.NetworkInterfaces, 1)
	require.Len(t, enis.NetworkInterfaces[0].TagSet, 4, "tags of the template's data")

	status, err := c.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{
		Filters: filters("instance-status.status", "impaired"),
	})
	require.NoError(t, err)
	require.Empty(t, status.InstanceStatuses)
}

func TestFleetsFollowPriorityAndCount(t *testing.T) {
	t.Parallel()
	w := fleetWorld(t)
	in := fleet(w, types.DefaultTargetCapacityTypeOnDemand, "c5d.4xlarge", "c5d.xlarge")
	in.OnDemandOptions.AllocationStrategy = types.FleetOnDemandAllocationStrategyPrioritized
	in.TargetCapacitySpecification.TotalTargetCapacity = aws.Int32(2)
	out, err := w.ec2(w.cfg).CreateFleet(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, types.InstanceType("c5d.4xlarge"), out.Instances[0].InstanceType)
	require.Len(t, out.Instances[0].InstanceIds, 2)
	desc, err := w.ec2(w.cfg).DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{
		InstanceIds: out.Instances[0].InstanceIds,
	})
	require.NoError(t, err)
	for _, r := range desc.Reservations {
		require.Nil(t, r.Instances[0].SpotInstanceRequestId)
	}
}

func TestFleetsReportPoolsWithoutCapacity(t *testing.T) {
	t.Parallel()
	ice := &awserror.Error{
		Code: "InsufficientInstanceCapacity", Message: "We currently do not have sufficient capacity", HTTP: 500,
	}
	t.Run("and go on to the next one", func(t *testing.T) {
		t.Parallel()
		w := fleetWorld(t)
		w.account.SetFaults([]account.Fault{{Op: "ec2:RunInstances", Match: "c5d.xlarge spot *", Error: ice}})
		out, err := w.ec2(w.cfg).CreateFleet(t.Context(),
			fleet(w, types.DefaultTargetCapacityTypeSpot, "c5d.xlarge", "c5d.2xlarge"))
		require.NoError(t, err)
		require.Equal(t, types.InstanceType("c5d.2xlarge"), out.Instances[0].InstanceType)
		require.Len(t, out.Errors, 3)
		e := out.Errors[0]
		require.Equal(t, "InsufficientInstanceCapacity", *e.ErrorCode)
		require.Equal(t, types.InstanceType("c5d.xlarge"), e.LaunchTemplateAndOverrides.Overrides.InstanceType)
		require.NotEmpty(t, *e.LaunchTemplateAndOverrides.Overrides.AvailabilityZone)
	})
	t.Run("and answer without an instance when there is none", func(t *testing.T) {
		t.Parallel()
		w := fleetWorld(t)
		w.account.SetFaults([]account.Fault{{Op: "ec2:RunInstances", Match: "* spot *", Error: ice}})
		out, err := w.ec2(w.cfg).CreateFleet(t.Context(), fleet(w, types.DefaultTargetCapacityTypeSpot, "c5d.xlarge"))
		require.NoError(t, err)
		require.Empty(t, out.Instances)
		require.Len(t, out.Errors, 3)
	})
}

func TestFleetsRefuseWhatCannotBe(t *testing.T) {
	t.Parallel()
	w := fleetWorld(t)
	for name, tc := range map[string]struct {
		change func(*ec2.CreateFleetInput)
		want   string
	}{
		"a template that does not exist": {func(in *ec2.CreateFleetInput) {
			in.LaunchTemplateConfigs[0].LaunchTemplateSpecification.LaunchTemplateName = aws.String("gone")
		}, "InvalidLaunchTemplateName.NotFoundException"},
		"an image of another architecture": {func(in *ec2.CreateFleetInput) {
			in.LaunchTemplateConfigs[0].Overrides[0].ImageId = aws.String(image(w, "arm64"))
		}, "InvalidParameterValue"},
		"a subnet that does not exist": {func(in *ec2.CreateFleetInput) {
			in.LaunchTemplateConfigs[0].Overrides[0].SubnetId = aws.String("subnet-0")
		}, "InvalidSubnetID.NotFound"},
		"a fleet that is maintained": {func(in *ec2.CreateFleetInput) { in.Type = types.FleetTypeMaintain }, "NotImplemented"},
		"a dry run":                  {func(in *ec2.CreateFleetInput) { in.DryRun = aws.Bool(true) }, "DryRunOperation"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := fleet(w, types.DefaultTargetCapacityTypeOnDemand, "c5d.xlarge")
			tc.change(in)
			_, err := w.ec2(w.cfg).CreateFleet(t.Context(), in)
			require.Equal(t, tc.want, code(t, err))
		})
	}
	require.Empty(t, w.account.List(account.KindInstance))
}

func TestTerminationAnswersTheStates(t *testing.T) {
	t.Parallel()
	w := fleetWorld(t)
	c := w.ec2(w.cfg)
	out, err := c.CreateFleet(t.Context(), fleet(w, types.DefaultTargetCapacityTypeSpot, "c5d.xlarge"))
	require.NoError(t, err)
	ids := out.Instances[0].InstanceIds
	ended, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: ids})
	require.NoError(t, err)
	require.Len(t, ended.TerminatingInstances, 1)
	require.Contains(t, []types.InstanceStateName{"shutting-down", "terminated"}, ended.TerminatingInstances[0].CurrentState.Name)
	require.Equal(t, types.InstanceStateNameRunning, ended.TerminatingInstances[0].PreviousState.Name)
	left, err := c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{
		InstanceIds: ids, Filters: filters("instance-state-name", "running"),
	})
	require.NoError(t, err)
	require.Empty(t, left.Reservations)
	_, err = c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{"i-00000000000000000"}})
	require.Equal(t, "InvalidInstanceID.NotFound", code(t, err))
}

func TestRunInstancesHonoursDryRunAndTemplate(t *testing.T) {
	t.Parallel()
	w := fleetWorld(t)
	in := &ec2.RunInstancesInput{MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: "c5d.xlarge",
		DryRun: aws.Bool(true),
		LaunchTemplate: &types.LaunchTemplateSpecification{
			LaunchTemplateName: aws.String("karpenter.k8s.aws/1"), Version: aws.String("$Latest"),
		},
		NetworkInterfaces: []types.InstanceNetworkInterfaceSpecification{
			{DeviceIndex: aws.Int32(0), SubnetId: aws.String(w.subnets[0])},
		}}
	_, err := w.ec2(w.cfg).RunInstances(t.Context(), in)
	require.Equal(t, "DryRunOperation", code(t, err))
	in.DryRun = nil
	out, err := w.ec2(w.cfg).RunInstances(t.Context(), in)
	require.NoError(t, err)
	require.Len(t, out.Instances, 1)
	require.Equal(t, w.group, *out.Instances[0].SecurityGroups[0].GroupId)
}
