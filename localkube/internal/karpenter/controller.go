// SPDX-License-Identifier: Apache-2.0

// Package karpenter links the unmodified Karpenter controller for AWS into localkube, with its CRDs: it makes the same
// calls in the same order as cmd/controller of github.com/aws/karpenter-provider-aws.
package karpenter

import (
	"os"

	awsv1 "github.com/aws/karpenter-provider-aws/pkg/apis/v1"
	"github.com/aws/karpenter-provider-aws/pkg/cloudprovider"
	"github.com/aws/karpenter-provider-aws/pkg/cloudprovider/registrationhooks"
	"github.com/aws/karpenter-provider-aws/pkg/controllers"
	"github.com/aws/karpenter-provider-aws/pkg/operator"

	corecloudprovider "sigs.k8s.io/karpenter/pkg/cloudprovider"
	"sigs.k8s.io/karpenter/pkg/cloudprovider/metrics"
	"sigs.k8s.io/karpenter/pkg/cloudprovider/overlay"
	corecontrollers "sigs.k8s.io/karpenter/pkg/controllers"
	"sigs.k8s.io/karpenter/pkg/controllers/state"
	coreoperator "sigs.k8s.io/karpenter/pkg/operator"
	coreoptions "sigs.k8s.io/karpenter/pkg/operator/options"
)

// Version is the version of karpenter-provider-aws in this module's go.mod.
const Version = "1.14.1"

// Run runs the controller until the process ends. Karpenter reads its settings from the environment and from
// os.Args, so args (Karpenter's own flags) replace the arguments of the process. A fault at start ends the
// process the way it ends in a cluster: exit 1 with a log line, or a panic with exit 2.
func Run(args []string) {
	os.Args = append(os.Args[:1:1], args...)
	coreoperator.Version = Version
	ctx, op := operator.NewOperator(coreoperator.NewOperator())

	aws := cloudprovider.New(op.InstanceTypesProvider, op.InstanceProvider, op.EventRecorder, op.GetClient(),
		op.AMIProvider, op.SecurityGroupProvider, op.CapacityReservationProvider, op.PlacementGroupProvider,
		op.InstanceTypeStore, op.CABundle)
	plain := metrics.Decorate(aws)
	provider := overlay.Decorate(plain, op.GetClient(), op.InstanceTypeStore)
	cluster := state.NewCluster(op.Clock, op.GetClient(), provider)
	if coreoptions.FromContext(ctx).FeatureGates.ReservedCapacity {
		awsv1.CapacityReservationsEnabled = true
	}

	op.WithControllers(ctx, corecontrollers.NewControllers(ctx, op.Manager, op.Clock, op.GetClient(),
		op.EventRecorder, provider, plain, cluster, op.InstanceTypeStore,
		corecontrollers.WithRegistrationHook(registrationhooks.NewPlacementGroupRegistrationHook(op.InstanceProvider)),
	)...)
	op.WithControllers(ctx, controllers.NewControllers(ctx, op.Manager, op.Config, op.Clock, op.EC2API,
		op.GetClient(), op.EventRecorder, op.UnavailableOfferingsCache, op.SSMCache, op.ValidationCache,
		op.RecreationCache, provider, op.SubnetProvider, op.SecurityGroupProvider, op.InstanceProfileProvider,
		op.InstanceProvider, op.PricingProvider, op.AMIProvider, op.LaunchTemplateProvider, op.VersionProvider,
		op.InstanceTypesProvider, op.CapacityReservationProvider, op.PlacementGroupProvider, op.AMIResolver,
		op.ZonalShiftProvider, op.InstanceStatusProvider, op.CABundle)...)
	op.Start(ctx)
}

var _ corecloudprovider.CloudProvider = (*cloudprovider.CloudProvider)(nil)
