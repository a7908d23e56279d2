// SPDX-License-Identifier: Apache-2.0

package awswire_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/account"
)

// scopedPolicy lets a controller launch and tag what carries the cluster's
// tags, and nothing else.
const scopedPolicy = `{"Version":"2012-10-17","Statement":[
 {"Effect":"Allow","Action":["ec2:RunInstances","ec2:CreateFleet"],
   "Resource":["arn:aws:ec2:us-west-2::image/*","arn:aws:ec2:us-west-2:*:subnet/*","arn:aws:ec2:us-west-2:*:security-group/*"]},
 {"Effect":"Allow","Action":["ec2:RunInstances","ec2:CreateFleet"],"Resource":"arn:aws:ec2:us-west-2:*:launch-template/*",
  "Condition":{"StringEquals":{"aws:ResourceTag/kubernetes.io/cluster/demo":"owned"},
    "StringLike":{"aws:ResourceTag/karpenter.sh/nodepool":"*"}}},
 {"Effect":"Allow","Action":["ec2:RunInstances","ec2:CreateFleet","ec2:CreateLaunchTemplate"],
  "Resource":["arn:aws:ec2:us-west-2:*:fleet/*","arn:aws:ec2:us-west-2:*:instance/*","arn:aws:ec2:us-west-2:*:volume/*",
    "arn:aws:ec2:us-west-2:*:network-interface/*","arn:aws:ec2:us-west-2:*:launch-template/*",
    "arn:aws:ec2:us-west-2:*:spot-instances-request/*"],
  "Condition":{"StringEquals":{"aws:RequestTag/kubernetes.io/cluster/demo":"owned","aws:RequestTag/eks:eks-cluster-name":"demo"},
    "StringLike":{"aws:RequestTag/karpenter.sh/nodepool":"*"}}},
 {"Effect":"Allow","Action":"ec2:CreateTags",
   "Resource":["arn:aws:ec2:us-west-2:*:fleet/*","arn:aws:ec2:us-west-2:*:instance/*","arn:aws:ec2:us-west-2:*:volume/*",
    "arn:aws:ec2:us-west-2:*:network-interface/*","arn:aws:ec2:us-west-2:*:launch-template/*"],
  "Condition":{"StringEquals":{"aws:RequestTag/kubernetes.io/cluster/demo":"owned",
    "ec2:CreateAction":["RunInstances","CreateFleet","CreateLaunchTemplate"]}}},
 {"Effect":"Allow","Action":"ec2:CreateTags","Resource":"arn:aws:ec2:us-west-2:*:instance/*",
  "Condition":{"StringEquals":{"aws:ResourceTag/kubernetes.io/cluster/demo":"owned"},
    "ForAllValues:StringEquals":{"aws:TagKeys":["karpenter.sh/nodeclaim","Name"]}}},
 {"Effect":"Allow","Action":["ec2:TerminateInstances","ec2:DeleteLaunchTemplate"],
   "Resource":["arn:aws:ec2:us-west-2:*:instance/*","arn:aws:ec2:us-west-2:*:launch-template/*"],
  "Condition":{"StringEquals":{"aws:ResourceTag/kubernetes.io/cluster/demo":"owned"}}},
 {"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::111122223333:role/nodes",
   "Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}},
 {"Effect":"Allow","Action":"iam:CreateInstanceProfile","Resource":"arn:aws:iam::111122223333:instance-profile/*",
  "Condition":{"StringEquals":{"aws:RequestTag/kubernetes.io/cluster/demo":"owned"}}},
 {"Effect":"Allow","Action":["iam:AddRoleToInstanceProfile","iam:RemoveRoleFromInstanceProfile","iam:DeleteInstanceProfile"],
   "Resource":"arn:aws:iam::111122223333:instance-profile/*",
  "Condition":{"StringEquals":{"aws:ResourceTag/kubernetes.io/cluster/demo":"owned"}}},
 {"Effect":"Allow","Action":["ec2:DescribeInstances","ec2:DescribeLaunchTemplates","ec2:DescribeSubnets"],"Resource":"*",
   "Condition":{"StringEquals":{"aws:RequestedRegion":"us-west-2"}}}
]}`

func TestAControllerWithScopedPermissionsCanLaunchTagAndTerminate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.role("nodes", "ec2.amazonaws.com", "")
	w.create(account.KindInstanceProfile, account.Props{"name": "nodes", "role": "nodes"})
	controller := w.as(w.role("karpenter-demo", "pods.eks.amazonaws.com", scopedPolicy))
	c := w.ec2(controller)
	lt, err := c.CreateLaunchTemplate(t.Context(), template(w, "karpenter.k8s.aws/1", &types.RequestLaunchTemplateData{
		IamInstanceProfile: &types.LaunchTemplateIamInstanceProfileSpecificationRequest{Name: aws.String("nodes")}}))
	require.NoError(t, err)

	dry := fleet(w, types.DefaultTargetCapacityTypeOnDemand, "c5d.xlarge")
	dry.DryRun = aws.Bool(true)
	_, err = c.CreateFleet(t.Context(), dry)
	require.Equal(t, "DryRunOperation", code(t, err))
	out, err := c.CreateFleet(t.Context(), fleet(w, types.DefaultTargetCapacityTypeOnDemand, "c5d.xlarge"))
	require.NoError(t, err)
	id := out.Instances[0].InstanceIds[0]
	r, _ := w.account.Get(account.KindInstance, id)
	require.Equal(t, account.ByKarpenter, r.CreatedBy)

	_, err = c.CreateTags(t.Context(), &ec2.CreateTagsInput{
		Resources: []string{id}, Tags: []types.Tag{{Key: aws.String("karpenter.sh/nodeclaim"), Value: aws.String("x")}},
	})
	require.NoError(t, err)
	_, err = c.CreateTags(t.Context(), &ec2.CreateTagsInput{
		Resources: []string{id}, Tags: []types.Tag{{Key: aws.String("owner"), Value: aws.String("x")}},
	})
	require.Equal(t, "UnauthorizedOperation", code(t, err), "a tag key that the policy does not list")
	_, err = c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
	require.NoError(t, err)
	_, err = c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
	require.NoError(t, err)
	_, err = c.DeleteLaunchTemplate(t.Context(), &ec2.DeleteLaunchTemplateInput{
		LaunchTemplateName: lt.LaunchTemplate.LaunchTemplateName,
	})
	require.NoError(t, err)
}

func TestAControllerIsDeniedWhatItsPolicyDoesNotGrant(t *testing.T) {
	t.Parallel()
	w := fleetWorld(t)
	w.role("other", "ec2.amazonaws.com", "")
	w.create(account.KindInstanceProfile, account.Props{"name": "other", "role": "other"})
	c := w.ec2(w.as(w.role("karpenter-demo", "pods.eks.amazonaws.com", scopedPolicy)))
	others, err := w.ec2(w.cfg).RunInstances(t.Context(),
		&ec2.RunInstancesInput{MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: "c5d.xlarge",
			ImageId: aws.String(image(w, "x86_64")), SubnetId: aws.String(w.subnets[0])})
	require.NoError(t, err)
	for name, f := range map[string]func() error{
		"to create a template without the tags": func() error {
			in := template(w, "karpenter.k8s.aws/2", &types.RequestLaunchTemplateData{})
			in.TagSpecifications = nil
			_, err := c.CreateLaunchTemplate(t.Context(), in)
			return err
		},
		"a fleet without the tags": func() error {
			in := fleet(w, types.DefaultTargetCapacityTypeSpot, "c5d.xlarge")
			in.TagSpecifications = nil
			_, err := c.CreateFleet(t.Context(), in)
			return err
		},
		"a dry run of it, too": func() error {
			in := fleet(w, types.DefaultTargetCapacityTypeSpot, "c5d.xlarge")
			in.TagSpecifications, in.DryRun = nil, aws.Bool(true)
			_, err := c.CreateFleet(t.Context(), in)
			return err
		},
		"to pass another role": func() error {
			in := template(w, "karpenter.k8s.aws/3", &types.RequestLaunchTemplateData{
				IamInstanceProfile: &types.LaunchTemplateIamInstanceProfileSpecificationRequest{Name: aws.String("other")}})
			if _, err := c.CreateLaunchTemplate(t.Context(), in); err != nil {
				return nil // it is the launch that passes the role
			}
			f := fleet(w, types.DefaultTargetCapacityTypeOnDemand, "c5d.xlarge")
			f.LaunchTemplateConfigs[0].LaunchTemplateSpecification.LaunchTemplateName = aws.String("karpenter.k8s.aws/3")
			_, err := c.CreateFleet(t.Context(), f)
			return err
		},
		"to terminate what is not the cluster's": func() error {
			_, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{
				InstanceIds: []string{*others.Instances[0].InstanceId},
			})
			return err
		},
		"an action that is not in it": func() error {
			_, err := c.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{})
			return err
		},
		"another region": func() error {
			_, err := c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{},
				func(o *ec2.Options) { o.Region = "eu-west-1" })
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := f()
			require.Equal(t, "UnauthorizedOperation", code(t, err))
			require.ErrorContains(t, err, "StatusCode: 403")
		})
	}
	require.Len(t, w.account.List(account.KindInstance), 1)
}

func TestDenialsHaveTheCodeOfTheirService(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	nobody := w.as(w.role("nobody", "ec2.amazonaws.com", allow("*", "", "sts:GetCallerIdentity")))
	_, err := w.iam(nobody).CreateInstanceProfile(t.Context(), &iam.CreateInstanceProfileInput{
		InstanceProfileName: aws.String("x"),
	})
	require.Equal(t, "AccessDenied", code(t, err))
	require.ErrorContains(t, err, "is not authorized to perform: iam:CreateInstanceProfile")
	_, err = w.eks(nobody).DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: aws.String("demo")})
	require.Equal(t, "AccessDeniedException", code(t, err))
	for service, target := range map[string]string{
		"ssm": "AmazonSSM.GetParameter", "logs": "Logs_20140328.DescribeLogGroups", "pricing": "AWSPriceListService.GetProducts",
	} {
		a, m := w.target(nobody, service, target, `{"Name":"/x"}`)
		require.Equal(t, 400, a.status)
		require.Equal(t, "AccessDeniedException", m["__type"])
	}
	a, m := w.target(nobody, "sqs", "AmazonSQS.GetQueueUrl", `{"QueueName":"x"}`)
	require.Equal(t, 403, a.status)
	require.Equal(t, "AccessDeniedException", m["__type"])
	s := w.call(t.Context(), nobody, "s3", "GET", "/bucket?list-type=2", nil, "")
	require.Equal(t, 403, s.status)
	require.Contains(t, string(s.body), "<Code>AccessDenied</Code>")
}

func TestInstanceProfilesLiveAsKarpenterUsesThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.role("nodes", "ec2.amazonaws.com", "")
	w.role("other", "ec2.amazonaws.com", "")
	c := w.iam(w.cfg)
	scoped := w.iam(w.as(w.role("karpenter-demo", "pods.eks.amazonaws.com", scopedPolicy)))
	name := aws.String("demo_123")
	_, err := c.GetInstanceProfile(t.Context(), &iam.GetInstanceProfileInput{InstanceProfileName: name})
	require.Equal(t, "NoSuchEntity", code(t, err))
	require.NotContains(t, err.Error(), "role", "Karpenter would take it for a missing role")
	_, err = scoped.CreateInstanceProfile(t.Context(),
		&iam.CreateInstanceProfileInput{InstanceProfileName: name, Path: aws.String("/karpenter/us-west-2/demo/uid/"),
			Tags: []iamtypes.Tag{{Key: aws.String("kubernetes.io/cluster/demo"), Value: aws.String("owned")}}})
	require.NoError(t, err)
	_, err = scoped.AddRoleToInstanceProfile(t.Context(), &iam.AddRoleToInstanceProfileInput{
		InstanceProfileName: name, RoleName: aws.String("other"),
	})
	require.Equal(t, "AccessDenied", code(t, err), "iam:PassRole")
	_, err = c.AddRoleToInstanceProfile(t.Context(), &iam.AddRoleToInstanceProfileInput{
		InstanceProfileName: name, RoleName: aws.String("gone"),
	})
	require.Equal(t, "NoSuchEntity", code(t, err))
	require.ErrorContains(t, err, "role", "so Karpenter knows that the role is missing")
	_, err = scoped.AddRoleToInstanceProfile(t.Context(), &iam.AddRoleToInstanceProfileInput{
		InstanceProfileName: name, RoleName: aws.String("nodes"),
	})
	require.NoError(t, err)

	got, err := c.GetInstanceProfile(t.Context(), &iam.GetInstanceProfileInput{InstanceProfileName: name})
	require.NoError(t, err)
	require.Equal(t, "nodes", *got.InstanceProfile.Roles[0].RoleName)
	require.Equal(t, "arn:aws:iam::111122223333:instance-profile/karpenter/us-west-2/demo/uid/demo_123", *got.InstanceProfile.Arn)
	require.Len(t, got.InstanceProfile.Tags, 1)
	list, err := c.ListInstanceProfiles(t.Context(), &iam.ListInstanceProfilesInput{
		PathPrefix: aws.String("/karpenter/us-west-2/demo/"),
	})
	require.NoError(t, err)
	require.Len(t, list.InstanceProfiles, 1)
	none, err := c.ListInstanceProfiles(t.Context(), &iam.ListInstanceProfilesInput{
		PathPrefix: aws.String("/karpenter/us-west-2/other/"),
	})
	require.NoError(t, err)
	require.Empty(t, none.InstanceProfiles)

	_, err = scoped.DeleteInstanceProfile(t.Context(), &iam.DeleteInstanceProfileInput{InstanceProfileName: name})
	require.Equal(t, "DeleteConflict", code(t, err))
	_, err = scoped.RemoveRoleFromInstanceProfile(t.Context(), &iam.RemoveRoleFromInstanceProfileInput{
		InstanceProfileName: name, RoleName: aws.String("nodes"),
	})
	require.NoError(t, err)
	_, err = scoped.DeleteInstanceProfile(t.Context(), &iam.DeleteInstanceProfileInput{InstanceProfileName: name})
	require.NoError(t, err)
	_, err = c.GetInstanceProfile(t.Context(), &iam.GetInstanceProfileInput{InstanceProfileName: name})
	require.Equal(t, "NoSuchEntity", code(t, err))
}
