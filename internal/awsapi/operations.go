// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// The operations that this package calls, each as a function of its own. A field with one of Amazon's clients would keep
// all operations of the service in the program (760 of EC2 alone, 30 MB): the linker leaves out a method only of a type
// that nobody can reach through an interface.
//
// What is read page by page has a type with the method by which Amazon's paginators and waiters call it.

// operation is a call of one of Amazon's clients.
type operation[In, Out, Opt any] func(context.Context, *In, ...func(*Opt)) (*Out, error)

type ec2Operations struct {
	DeleteLaunchTemplate          operation[ec2.DeleteLaunchTemplateInput, ec2.DeleteLaunchTemplateOutput, ec2.Options]
	DeleteNetworkInterface        operation[ec2.DeleteNetworkInterfaceInput, ec2.DeleteNetworkInterfaceOutput, ec2.Options]
	DeleteSecurityGroup           operation[ec2.DeleteSecurityGroupInput, ec2.DeleteSecurityGroupOutput, ec2.Options]
	DeleteVpcEndpoints            operation[ec2.DeleteVpcEndpointsInput, ec2.DeleteVpcEndpointsOutput, ec2.Options]
	DeleteVolume                  operation[ec2.DeleteVolumeInput, ec2.DeleteVolumeOutput, ec2.Options]
	DescribeAddresses             operation[ec2.DescribeAddressesInput, ec2.DescribeAddressesOutput, ec2.Options]
	DescribeAvailabilityZones     operation[ec2.DescribeAvailabilityZonesInput, ec2.DescribeAvailabilityZonesOutput, ec2.Options]
	DescribeFlowLogs              ec2DescribeFlowLogs
	DescribeInstanceTypes         ec2DescribeInstanceTypes
	DescribeInstances             ec2DescribeInstances
	DescribeInternetGateways      ec2DescribeInternetGateways
	DescribeLaunchTemplates       ec2DescribeLaunchTemplates
	DescribeNatGateways           ec2DescribeNatGateways
	DescribeNetworkInterfaces     ec2DescribeNetworkInterfaces
	DescribeRouteTables           ec2DescribeRouteTables
	DescribeSecurityGroups        ec2DescribeSecurityGroups
	DescribeSubnets               ec2DescribeSubnets
	DescribeInstanceTypeOfferings operation[
		ec2.DescribeInstanceTypeOfferingsInput, ec2.DescribeInstanceTypeOfferingsOutput, ec2.Options,
	]
	DescribeVolumes      ec2DescribeVolumes
	DescribeVpcEndpoints ec2DescribeVpcEndpoints
	DescribeVpcs         ec2DescribeVpcs
	TerminateInstances   operation[ec2.TerminateInstancesInput, ec2.TerminateInstancesOutput, ec2.Options]
}

func newEc2Operations(cfg aws.Config) ec2Operations {
	c := ec2.NewFromConfig(cfg)
	return ec2Operations{
		DeleteLaunchTemplate:          c.DeleteLaunchTemplate,
		DeleteNetworkInterface:        c.DeleteNetworkInterface,
		DeleteSecurityGroup:           c.DeleteSecurityGroup,
		DeleteVpcEndpoints:            c.DeleteVpcEndpoints,
		DeleteVolume:                  c.DeleteVolume,
		DescribeAddresses:             c.DescribeAddresses,
		DescribeAvailabilityZones:     c.DescribeAvailabilityZones,
		DescribeFlowLogs:              c.DescribeFlowLogs,
		DescribeInstanceTypes:         c.DescribeInstanceTypes,
		DescribeInstances:             c.DescribeInstances,
		DescribeInternetGateways:      c.DescribeInternetGateways,
		DescribeLaunchTemplates:       c.DescribeLaunchTemplates,
		DescribeNatGateways:           c.DescribeNatGateways,
		DescribeNetworkInterfaces:     c.DescribeNetworkInterfaces,
		DescribeRouteTables:           c.DescribeRouteTables,
		DescribeSecurityGroups:        c.DescribeSecurityGroups,
		DescribeSubnets:               c.DescribeSubnets,
		DescribeInstanceTypeOfferings: c.DescribeInstanceTypeOfferings,
		DescribeVolumes:               c.DescribeVolumes,
		DescribeVpcEndpoints:          c.DescribeVpcEndpoints,
		DescribeVpcs:                  c.DescribeVpcs,
		TerminateInstances:            c.TerminateInstances,
	}
}

type ec2DescribeFlowLogs operation[ec2.DescribeFlowLogsInput, ec2.DescribeFlowLogsOutput, ec2.Options]

func (f ec2DescribeFlowLogs) DescribeFlowLogs(
	ctx context.Context, in *ec2.DescribeFlowLogsInput, opts ...func(*ec2.Options),
) (*ec2.DescribeFlowLogsOutput, error) {
	return f(ctx, in, opts...)
}

type ec2DescribeInstanceTypes operation[ec2.DescribeInstanceTypesInput, ec2.DescribeInstanceTypesOutput, ec2.Options]

func (f ec2DescribeInstanceTypes) DescribeInstanceTypes(
	ctx context.Context, in *ec2.DescribeInstanceTypesInput, opts ...func(*ec2.Options),
) (*ec2.DescribeInstanceTypesOutput, error) {
	return f(ctx, in, opts...)
}

type ec2DescribeInstances operation[ec2.DescribeInstancesInput, ec2.DescribeInstancesOutput, ec2.Options]

func (f ec2DescribeInstances) DescribeInstances(
	ctx context.Context, in *ec2.DescribeInstancesInput, opts ...func(*ec2.Options),
) (*ec2.DescribeInstancesOutput, error) {
	return f(ctx, in, opts...)
}

type ec2DescribeInternetGateways operation[ec2.DescribeInternetGatewaysInput, ec2.DescribeInternetGatewaysOutput, ec2.Options]

func (f ec2DescribeInternetGateways) DescribeInternetGateways(
	ctx context.Context, in *ec2.DescribeInternetGatewaysInput, opts ...func(*ec2.Options),
) (*ec2.DescribeInternetGatewaysOutput, error) {
	return f(ctx, in, opts...)
}

type ec2DescribeLaunchTemplates operation[ec2.DescribeLaunchTemplatesInput, ec2.DescribeLaunchTemplatesOutput, ec2.Options]

func (f ec2DescribeLaunchTemplates) DescribeLaunchTemplates(
	ctx context.Context, in *ec2.DescribeLaunchTemplatesInput, opts ...func(*ec2.Options),
) (*ec2.DescribeLaunchTemplatesOutput, error) {
	return f(ctx, in, opts...)
}

type ec2DescribeNatGateways operation[ec2.DescribeNatGatewaysInput, ec2.DescribeNatGatewaysOutput, ec2.Options]

func (f ec2DescribeNatGateways) DescribeNatGateways(
	ctx context.Context, in *ec2.DescribeNatGatewaysInput, opts ...func(*ec2.Options),
) (*ec2.DescribeNatGatewaysOutput, error) {
	return f(ctx, in, opts...)
}

type ec2DescribeNetworkInterfaces operation[ec2.DescribeNetworkInterfacesInput, ec2.DescribeNetworkInterfacesOutput, ec2.Options]

func (f ec2DescribeNetworkInterfaces) DescribeNetworkInterfaces(
	ctx context.Context, in *ec2.DescribeNetworkInterfacesInput, opts ...func(*ec2.Options),
) (*ec2.DescribeNetworkInterfacesOutput, error) {
	return f(ctx, in, opts...)
}

type ec2DescribeRouteTables operation[ec2.DescribeRouteTablesInput, ec2.DescribeRouteTablesOutput, ec2.Options]

func (f ec2DescribeRouteTables) DescribeRouteTables(
	ctx context.Context, in *ec2.DescribeRouteTablesInput, opts ...func(*ec2.Options),
) (*ec2.DescribeRouteTablesOutput, error) {
	return f(ctx, in, opts...)
}

type ec2DescribeSecurityGroups operation[ec2.DescribeSecurityGroupsInput, ec2.DescribeSecurityGroupsOutput, ec2.Options]

func (f ec2DescribeSecurityGroups) DescribeSecurityGroups(
	ctx context.Context, in *ec2.DescribeSecurityGroupsInput, opts ...func(*ec2.Options),
) (*ec2.DescribeSecurityGroupsOutput, error) {
	return f(ctx, in, opts...)
}

type ec2DescribeSubnets operation[ec2.DescribeSubnetsInput, ec2.DescribeSubnetsOutput, ec2.Options]

func (f ec2DescribeSubnets) DescribeSubnets(
	ctx context.Context, in *ec2.DescribeSubnetsInput, opts ...func(*ec2.Options),
) (*ec2.DescribeSubnetsOutput, error) {
	return f(ctx, in, opts...)
}

type ec2DescribeVolumes operation[ec2.DescribeVolumesInput, ec2.DescribeVolumesOutput, ec2.Options]

func (f ec2DescribeVolumes) DescribeVolumes(
	ctx context.Context, in *ec2.DescribeVolumesInput, opts ...func(*ec2.Options),
) (*ec2.DescribeVolumesOutput, error) {
	return f(ctx, in, opts...)
}

type ec2DescribeVpcEndpoints operation[ec2.DescribeVpcEndpointsInput, ec2.DescribeVpcEndpointsOutput, ec2.Options]

func (f ec2DescribeVpcEndpoints) DescribeVpcEndpoints(
	ctx context.Context, in *ec2.DescribeVpcEndpointsInput, opts ...func(*ec2.Options),
) (*ec2.DescribeVpcEndpointsOutput, error) {
	return f(ctx, in, opts...)
}

type ec2DescribeVpcs operation[ec2.DescribeVpcsInput, ec2.DescribeVpcsOutput, ec2.Options]

func (f ec2DescribeVpcs) DescribeVpcs(
	ctx context.Context, in *ec2.DescribeVpcsInput, opts ...func(*ec2.Options),
) (*ec2.DescribeVpcsOutput, error) {
	return f(ctx, in, opts...)
}

type iamOperations struct {
	DeleteInstanceProfile    operation[iam.DeleteInstanceProfileInput, iam.DeleteInstanceProfileOutput, iam.Options]
	GetInstanceProfile       operation[iam.GetInstanceProfileInput, iam.GetInstanceProfileOutput, iam.Options]
	GetOpenIDConnectProvider operation[
		iam.GetOpenIDConnectProviderInput, iam.GetOpenIDConnectProviderOutput, iam.Options,
	]
	GetAccountSummary        operation[iam.GetAccountSummaryInput, iam.GetAccountSummaryOutput, iam.Options]
	GetPolicy                operation[iam.GetPolicyInput, iam.GetPolicyOutput, iam.Options]
	GetPolicyVersion         operation[iam.GetPolicyVersionInput, iam.GetPolicyVersionOutput, iam.Options]
	GetRolePolicy            operation[iam.GetRolePolicyInput, iam.GetRolePolicyOutput, iam.Options]
	ListRolePolicies         operation[iam.ListRolePoliciesInput, iam.ListRolePoliciesOutput, iam.Options]
	ListAttachedRolePolicies operation[
		iam.ListAttachedRolePoliciesInput, iam.ListAttachedRolePoliciesOutput, iam.Options,
	]
	GetRole                     operation[iam.GetRoleInput, iam.GetRoleOutput, iam.Options]
	ListInstanceProfiles        iamListInstanceProfiles
	ListInstanceProfilesForRole iamListInstanceProfilesForRole
	ListOpenIDConnectProviders  operation[
		iam.ListOpenIDConnectProvidersInput, iam.ListOpenIDConnectProvidersOutput, iam.Options,
	]
	ListRoles                     operation[iam.ListRolesInput, iam.ListRolesOutput, iam.Options]
	RemoveRoleFromInstanceProfile operation[
		iam.RemoveRoleFromInstanceProfileInput, iam.RemoveRoleFromInstanceProfileOutput, iam.Options,
	]
	SimulatePrincipalPolicy operation[iam.SimulatePrincipalPolicyInput, iam.SimulatePrincipalPolicyOutput, iam.Options]
}

func newIamOperations(cfg aws.Config) iamOperations {
	c := iam.NewFromConfig(cfg)
	return iamOperations{
		DeleteInstanceProfile:         c.DeleteInstanceProfile,
		GetInstanceProfile:            c.GetInstanceProfile,
		GetOpenIDConnectProvider:      c.GetOpenIDConnectProvider,
		GetAccountSummary:             c.GetAccountSummary,
		GetPolicy:                     c.GetPolicy,
		GetPolicyVersion:              c.GetPolicyVersion,
		GetRolePolicy:                 c.GetRolePolicy,
		ListRolePolicies:              c.ListRolePolicies,
		ListAttachedRolePolicies:      c.ListAttachedRolePolicies,
		GetRole:                       c.GetRole,
		ListInstanceProfiles:          c.ListInstanceProfiles,
		ListInstanceProfilesForRole:   c.ListInstanceProfilesForRole,
		ListOpenIDConnectProviders:    c.ListOpenIDConnectProviders,
		ListRoles:                     c.ListRoles,
		SimulatePrincipalPolicy:       c.SimulatePrincipalPolicy,
		RemoveRoleFromInstanceProfile: c.RemoveRoleFromInstanceProfile,
	}
}

type iamListInstanceProfiles operation[iam.ListInstanceProfilesInput, iam.ListInstanceProfilesOutput, iam.Options]

func (f iamListInstanceProfiles) ListInstanceProfiles(
	ctx context.Context, in *iam.ListInstanceProfilesInput, opts ...func(*iam.Options),
) (*iam.ListInstanceProfilesOutput, error) {
	return f(ctx, in, opts...)
}

type iamListInstanceProfilesForRole operation[
	iam.ListInstanceProfilesForRoleInput, iam.ListInstanceProfilesForRoleOutput, iam.Options,
]

func (f iamListInstanceProfilesForRole) ListInstanceProfilesForRole(
	ctx context.Context, in *iam.ListInstanceProfilesForRoleInput, opts ...func(*iam.Options),
) (*iam.ListInstanceProfilesForRoleOutput, error) {
	return f(ctx, in, opts...)
}

type elbOperations struct {
	DeleteLoadBalancer    operation[elbv2.DeleteLoadBalancerInput, elbv2.DeleteLoadBalancerOutput, elbv2.Options]
	DescribeLoadBalancers elbDescribeLoadBalancers
	DescribeTags          operation[elbv2.DescribeTagsInput, elbv2.DescribeTagsOutput, elbv2.Options]
}

func newElbOperations(cfg aws.Config) elbOperations {
	c := elbv2.NewFromConfig(cfg)
	return elbOperations{
		DeleteLoadBalancer:    c.DeleteLoadBalancer,
		DescribeLoadBalancers: c.DescribeLoadBalancers,
		DescribeTags:          c.DescribeTags,
	}
}

type elbDescribeLoadBalancers operation[elbv2.DescribeLoadBalancersInput, elbv2.DescribeLoadBalancersOutput, elbv2.Options]

func (f elbDescribeLoadBalancers) DescribeLoadBalancers(
	ctx context.Context, in *elbv2.DescribeLoadBalancersInput, opts ...func(*elbv2.Options),
) (*elbv2.DescribeLoadBalancersOutput, error) {
	return f(ctx, in, opts...)
}

type eksOperations struct {
	DescribeAccessEntry            operation[eks.DescribeAccessEntryInput, eks.DescribeAccessEntryOutput, eks.Options]
	DescribeAddon                  operation[eks.DescribeAddonInput, eks.DescribeAddonOutput, eks.Options]
	DescribeAddonVersions          operation[eks.DescribeAddonVersionsInput, eks.DescribeAddonVersionsOutput, eks.Options]
	DescribeCluster                operation[eks.DescribeClusterInput, eks.DescribeClusterOutput, eks.Options]
	DescribeClusterVersions        eksDescribeClusterVersions
	DescribeNodegroup              operation[eks.DescribeNodegroupInput, eks.DescribeNodegroupOutput, eks.Options]
	DescribePodIdentityAssociation operation[
		eks.DescribePodIdentityAssociationInput, eks.DescribePodIdentityAssociationOutput, eks.Options,
	]
	ListAccessEntries           eksListAccessEntries
	ListAddons                  eksListAddons
	ListClusters                eksListClusters
	ListNodegroups              eksListNodegroups
	ListPodIdentityAssociations operation[
		eks.ListPodIdentityAssociationsInput, eks.ListPodIdentityAssociationsOutput, eks.Options,
	]
	UpdateClusterConfig operation[eks.UpdateClusterConfigInput, eks.UpdateClusterConfigOutput, eks.Options]
}

func newEksOperations(cfg aws.Config) eksOperations {
	c := eks.NewFromConfig(cfg)
	return eksOperations{
		DescribeAccessEntry:            c.DescribeAccessEntry,
		DescribeAddon:                  c.DescribeAddon,
		DescribeAddonVersions:          c.DescribeAddonVersions,
		DescribeCluster:                c.DescribeCluster,
		DescribeClusterVersions:        c.DescribeClusterVersions,
		DescribeNodegroup:              c.DescribeNodegroup,
		ListAccessEntries:              c.ListAccessEntries,
		ListAddons:                     c.ListAddons,
		ListClusters:                   c.ListClusters,
		ListNodegroups:                 c.ListNodegroups,
		DescribePodIdentityAssociation: c.DescribePodIdentityAssociation,
		ListPodIdentityAssociations:    c.ListPodIdentityAssociations,
		UpdateClusterConfig:            c.UpdateClusterConfig,
	}
}

type eksDescribeClusterVersions operation[eks.DescribeClusterVersionsInput, eks.DescribeClusterVersionsOutput, eks.Options]

func (f eksDescribeClusterVersions) DescribeClusterVersions(
	ctx context.Context, in *eks.DescribeClusterVersionsInput, opts ...func(*eks.Options),
) (*eks.DescribeClusterVersionsOutput, error) {
	return f(ctx, in, opts...)
}

type eksListAccessEntries operation[eks.ListAccessEntriesInput, eks.ListAccessEntriesOutput, eks.Options]

func (f eksListAccessEntries) ListAccessEntries(
	ctx context.Context, in *eks.ListAccessEntriesInput, opts ...func(*eks.Options),
) (*eks.ListAccessEntriesOutput, error) {
	return f(ctx, in, opts...)
}

type eksListAddons operation[eks.ListAddonsInput, eks.ListAddonsOutput, eks.Options]

func (f eksListAddons) ListAddons(
	ctx context.Context, in *eks.ListAddonsInput, opts ...func(*eks.Options),
) (*eks.ListAddonsOutput, error) {
	return f(ctx, in, opts...)
}

type eksListClusters operation[eks.ListClustersInput, eks.ListClustersOutput, eks.Options]

func (f eksListClusters) ListClusters(
	ctx context.Context, in *eks.ListClustersInput, opts ...func(*eks.Options),
) (*eks.ListClustersOutput, error) {
	return f(ctx, in, opts...)
}

type eksListNodegroups operation[eks.ListNodegroupsInput, eks.ListNodegroupsOutput, eks.Options]

func (f eksListNodegroups) ListNodegroups(
	ctx context.Context, in *eks.ListNodegroupsInput, opts ...func(*eks.Options),
) (*eks.ListNodegroupsOutput, error) {
	return f(ctx, in, opts...)
}
