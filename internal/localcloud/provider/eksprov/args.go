// SPDX-License-Identifier: Apache-2.0

package eksprov

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"emrflink/internal/localcloud/provider/schema"
	"emrflink/stacks/nearest"
)

// args are the arguments of the component that are simulated, spelled as its
// schema spells them.
type args struct {
	AuthenticationMode   *string `pulumi:"authenticationMode"`
	SkipDefaultNodeGroup *bool   `pulumi:"skipDefaultNodeGroup"`
	UseDefaultVpcCni     *bool   `pulumi:"useDefaultVpcCni"`
	CreateOidcProvider   *bool   `pulumi:"createOidcProvider"`
	// InstanceRoles is nil when it was not given: then the component makes a role for nodes.
	InstanceRoles []string `pulumi:"instanceRoles"`

	Name    pulumi.StringPtrInput `pulumi:"name"`
	Version pulumi.StringPtrInput `pulumi:"version"`

	VpcId            pulumi.StringPtrInput   `pulumi:"vpcId"`
	SubnetIds        pulumi.StringArrayInput `pulumi:"subnetIds"`
	PublicSubnetIds  pulumi.StringArrayInput `pulumi:"publicSubnetIds"`
	PrivateSubnetIds pulumi.StringArrayInput `pulumi:"privateSubnetIds"`

	EndpointPrivateAccess           pulumi.BoolPtrInput     `pulumi:"endpointPrivateAccess"`
	EndpointPublicAccess            pulumi.BoolPtrInput     `pulumi:"endpointPublicAccess"`
	PublicAccessCidrs               pulumi.StringArrayInput `pulumi:"publicAccessCidrs"`
	EnabledClusterLogTypes          pulumi.StringArrayInput `pulumi:"enabledClusterLogTypes"`
	EncryptionConfigKeyArn          pulumi.StringPtrInput   `pulumi:"encryptionConfigKeyArn"`
	KubernetesServiceIpAddressRange pulumi.StringPtrInput   `pulumi:"kubernetesServiceIpAddressRange"`
	IpFamily                        pulumi.StringPtrInput   `pulumi:"ipFamily"`

	Tags                     pulumi.StringMapInput `pulumi:"tags"`
	ClusterTags              pulumi.StringMapInput `pulumi:"clusterTags"`
	ClusterSecurityGroupTags pulumi.StringMapInput `pulumi:"clusterSecurityGroupTags"`
	NodeSecurityGroupTags    pulumi.StringMapInput `pulumi:"nodeSecurityGroupTags"`
}

// argumentNames are all arguments of the component, those too that are not simulated.
func argumentNames() []string {
	return strings.Fields(`accessEntries authenticationMode clusterSecurityGroup clusterSecurityGroupTags clusterTags
		createOidcProvider creationRoleProvider defaultAddonsToRemove desiredCapacity enableConfigMapMutable
		enabledClusterLogTypes encryptionConfigKeyArn endpointPrivateAccess endpointPublicAccess fargate gpu
		instanceProfileName instanceRole instanceRoles instanceType ipFamily kubernetesServiceIpAddressRange maxSize minSize
		name nodeAmiId nodeAssociatePublicIpAddress nodeGroupOptions nodePublicKey nodeRootVolumeEncrypted
		nodeRootVolumeSize nodeSecurityGroupTags nodeSubnetIds nodeUserData privateSubnetIds providerCredentialOpts proxy
		publicAccessCidrs publicSubnetIds roleMappings serviceRole skipDefaultNodeGroup storageClasses subnetIds tags
		useDefaultVpcCni userMappings version vpcCniOptions vpcId`)
}

// checkArgs refuses arguments that do not exist, and those that are not simulated.
func checkArgs(given pulumi.Map) error {
	all := argumentNames()
	ours, err := schema.Of(args{})
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		switch {
		case ours.Has(name):
		case slices.Contains(all, name):
			return status.Errorf(codes.Unimplemented, "the local target does not simulate the argument %q of %s", name, Token)
		default:
			return status.Errorf(codes.InvalidArgument, "%s has no argument %q%s", Token, name, nearest.Suggest(name, all))
		}
	}
	return nil
}

// validate refuses values that would make the real component do what is not
// simulated.
func (a *args) validate() error {
	refuse := func(format string, v ...any) error {
		return status.Error(codes.Unimplemented, "the local target does not simulate "+Token+" with "+fmt.Sprintf(format, v...))
	}
	switch {
	case a.AuthenticationMode == nil || *a.AuthenticationMode != "API":
		mode := "none"
		if a.AuthenticationMode != nil {
			mode = *a.AuthenticationMode
		}
		return refuse("authentication mode %s: only API, the others write an aws-auth ConfigMap", mode)
	case a.SkipDefaultNodeGroup == nil || !*a.SkipDefaultNodeGroup:
		return refuse("a default node group: set skipDefaultNodeGroup")
	case a.UseDefaultVpcCni == nil || !*a.UseDefaultVpcCni:
		return refuse("its own VPC CNI, which it applies with kubectl: set useDefaultVpcCni")
	case a.CreateOidcProvider != nil && *a.CreateOidcProvider:
		return refuse("an OIDC provider of its own, whose thumbprint it reads over the network")
	case len(a.InstanceRoles) > 0: // in the words of the component
		return status.Error(codes.InvalidArgument, "The 'instanceRoles' property does not support non-empty values when "+
			"'authenticationMode' is set to 'API'.")
	case a.VpcId == nil:
		return refuse("the default VPC: set vpcId")
	case a.SubnetIds == nil && a.PublicSubnetIds == nil && a.PrivateSubnetIds == nil:
		return refuse("the default subnets: set privateSubnetIds and publicSubnetIds")
	}
	return nil
}
