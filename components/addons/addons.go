// SPDX-License-Identifier: Apache-2.0

// Package addons installs what every cluster needs, in two parts. Bootstrap has the addons without which a node does
// not become ready, and is installed before the first node. Addons has those that run as ordinary pods, and would be
// reported DEGRADED for twenty minutes without a node to run on.
package addons

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"

	awseks "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/deployment"
	"emrflink/components/versions"
)

// BootstrapToken is the Pulumi type of Bootstrap.
const BootstrapToken = "emrflink:addons:Bootstrap"

// BootstrapArgs describe the addons that are installed before the nodes.
type BootstrapArgs struct {
	// Deployment is the deployment of the addons.
	Deployment *deployment.Deployment
	// ClusterName is the cluster.
	ClusterName pulumi.StringInput
	// PrefixDelegation gives network interfaces blocks of 16 addresses.
	PrefixDelegation bool
}

// Bootstrap has the addons that are installed before the nodes.
type Bootstrap struct {
	pulumi.ResourceState

	// Addons are the installed addons; nodes depend on them.
	Addons []pulumi.CustomResource
}

// NewBootstrap installs vpc-cni (with network policies), kube-proxy and the pod identity agent.
func NewBootstrap(ctx *pulumi.Context, name string, args *BootstrapArgs, opts ...pulumi.ResourceOption) (*Bootstrap, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("addons %q: %w", name, err)
	}
	b := &Bootstrap{}
	if err := ctx.RegisterComponentResource(BootstrapToken, name, b, opts...); err != nil {
		return nil, fmt.Errorf("register %s %q: %w", BootstrapToken, name, err)
	}
	for _, a := range []struct {
		addon         versions.Addon
		configuration map[string]any
	}{
		{versions.VPCCNI(), args.cni()},
		{versions.KubeProxy(), nil},
		{versions.PodIdentityAgent(), nil},
	} {
		addon, err := newAddon(ctx, name, args.Deployment, args.ClusterName, a.addon, a.configuration, nil, pulumi.Parent(b))
		if err != nil {
			return nil, err
		}
		b.Addons = append(b.Addons, addon)
	}
	return b, ctx.RegisterResourceOutputs(b, pulumi.Map{})
}

// cni configures the VPC CNI. One spare block per node is the CNI's own default with prefixes; it is said because a node
// that waits for a block starts its pods late. Source: EKS User Guide, "Increase the available IP addresses for your Amazon
// EKS node". EKS itself sets the number of pods of managed nodes by it; that of Karpenter's is PoolsArgs.MaxPods.
func (a *BootstrapArgs) cni() map[string]any {
	out := map[string]any{"enableNetworkPolicy": "true"}
	if a.PrefixDelegation {
		out["env"] = map[string]string{"ENABLE_PREFIX_DELEGATION": "true", "WARM_PREFIX_TARGET": "1"}
	}
	return out
}

// newAddon installs one addon. A field that somebody else set is overwritten on creation (EKS's self-managed copies are
// there first) and preserved on update; PRESERVE is not allowed on creation.
func newAddon(ctx *pulumi.Context, name string, d *deployment.Deployment, cluster pulumi.StringInput, addon versions.Addon,
	configuration map[string]any, roleArn pulumi.StringPtrInput, opts ...pulumi.ResourceOption,
) (*awseks.Addon, error) {
	args := &awseks.AddonArgs{
		ClusterName:              cluster,
		AddonName:                pulumi.String(addon.Name),
		ResolveConflictsOnCreate: pulumi.String("OVERWRITE"),
		ResolveConflictsOnUpdate: pulumi.String("PRESERVE"),
		ServiceAccountRoleArn:    roleArn,
		Tags:                     d.ResourceTags(d.ResourceName(addon.Name)),
	}
	if version := cmp.Or(d.AddonVersions[addon.Name], addon.Version); version != "" {
		args.AddonVersion = pulumi.String(version)
	}
	if configuration != nil {
		b, err := json.Marshal(configuration)
		if err != nil {
			return nil, fmt.Errorf("write configuration of addon %q: %w", addon.Name, err)
		}
		args.ConfigurationValues = pulumi.String(b)
	}
	made, err := awseks.NewAddon(ctx, name+"-"+addon.Name, args, opts...)
	if err != nil {
		return nil, fmt.Errorf("install addon %q: %w", addon.Name, err)
	}
	return made, nil
}

func (a *BootstrapArgs) validate() error {
	if a == nil {
		return errors.New("no arguments")
	}
	if a.ClusterName == nil {
		return errors.New("no cluster")
	}
	return a.Deployment.Validate()
}
