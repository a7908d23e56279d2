// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"context"

	"emrflink/internal/plans"
)

// Rearranger is an Engine that can be told which order of deletion AWS does not need.
type Rearranger interface {
	Rearrange(ctx context.Context, o plans.Order) error
}

const (
	eksCluster     = "aws:eks/cluster:Cluster"
	nodeGroup      = "aws:eks/nodeGroup:NodeGroup"
	addon          = "aws:eks/addon:Addon"
	natGateway     = "aws:ec2/natGateway:NatGateway"
	route          = "aws:ec2/route:Route"
	role           = "aws:iam/role:Role"
	roleAttachment = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
)

// order is what AWS allows of a deletion. Addons go beside the nodes, without a look at their roles. Ways out of the network go
// beside the cluster, when nothing uses them any more, and so does what the cluster does not need; log groups and buckets wait,
// since what runs in it may still write. Objects go with it, unless a controller in it holds something in AWS; of a cluster that
// was not reached, addons do.
func order(held, reached bool) plans.Order {
	beside := map[string]string{addon: nodeGroup}
	for _, typ := range []string{
		natGateway, "aws:ec2/vpcEndpoint:VpcEndpoint", role, roleAttachment, "aws:iam/policy:Policy",
		"aws:iam/instanceProfile:InstanceProfile", "aws:sqs/queue:Queue", "aws:sqs/queuePolicy:QueuePolicy",
		"aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget",
	} {
		beside[typ] = eksCluster
	}
	with := map[string]string{}
	if !reached { // an addon is removed from a cluster that answers
		with[addon] = eksCluster
	}
	return plans.Order{
		With: with,
		Apart: [][2]string{
			{nodeGroup, addon}, {addon, nodeGroup}, {addon, role}, {addon, roleAttachment}, {route, natGateway},
		},
		Beside: beside, Kubernetes: !held,
	}
}

// rearrange tells the engine. What it cannot use costs time only.
func (r *run) rearrange(ctx context.Context) {
	e, ok := r.Engine.(Rearranger)
	if !ok || r.gone {
		return
	}
	held, err := r.heldByControllers(ctx)
	if err == nil {
		err = e.Rearrange(ctx, order(held != "" || r.cluster == nil, r.cluster != nil))
	}
	r.warn(err)
}
