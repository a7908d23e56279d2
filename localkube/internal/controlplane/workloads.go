// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/scale"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/kubernetes/pkg/controller/cronjob"
	"k8s.io/kubernetes/pkg/controller/daemon"
	"k8s.io/kubernetes/pkg/controller/deployment"
	"k8s.io/kubernetes/pkg/controller/disruption"
	"k8s.io/kubernetes/pkg/controller/endpoint"
	"k8s.io/kubernetes/pkg/controller/endpointslice"
	"k8s.io/kubernetes/pkg/controller/job"
	"k8s.io/kubernetes/pkg/controller/replicaset"
	"k8s.io/kubernetes/pkg/controller/statefulset"
	"k8s.io/kubernetes/pkg/controller/tainteviction"
	"k8s.io/kubernetes/pkg/controller/ttlafterfinished"
)

// syncs is how many objects a controller works on at once where upstream's default is 5.
const syncs = 5

func deployments(ctx context.Context, m *manager) (loop, error) {
	apps, core := m.typed.Apps().V1(), m.typed.Core().V1()
	c, err := deployment.NewDeploymentController(ctx, apps.Deployments(), apps.ReplicaSets(), core.Pods(), m.client)
	if err != nil {
		return nil, err
	}
	return running(c.Run, syncs), nil
}

func replicaSets(ctx context.Context, m *manager) (loop, error) {
	c := replicaset.NewReplicaSetController(ctx, m.typed.Apps().V1().ReplicaSets(), m.typed.Core().V1().Pods(), m.client,
		replicaset.BurstReplicas)
	return running(c.Run, syncs), nil
}

func statefulSets(ctx context.Context, m *manager) (loop, error) {
	apps, core := m.typed.Apps().V1(), m.typed.Core().V1()
	c := statefulset.NewStatefulSetController(ctx, core.Pods(), apps.StatefulSets(), core.PersistentVolumeClaims(),
		apps.ControllerRevisions(), m.client)
	return running(c.Run, syncs), nil
}

func daemonSets(ctx context.Context, m *manager) (loop, error) {
	apps, core := m.typed.Apps().V1(), m.typed.Core().V1()
	c, err := daemon.NewDaemonSetsController(ctx, apps.DaemonSets(), apps.ControllerRevisions(), core.Pods(),
		core.Nodes(), m.client,
		flowcontrol.NewBackOff(time.Second, 15*time.Minute))
	if err != nil {
		return nil, err
	}
	return running(c.Run, 2), nil
}

func jobs(ctx context.Context, m *manager) (loop, error) {
	c, err := job.NewController(ctx, m.typed.Core().V1().Pods(), m.typed.Batch().V1().Jobs(), m.client)
	if err != nil {
		return nil, err
	}
	return running(c.Run, syncs), nil
}

func cronJobs(ctx context.Context, m *manager) (loop, error) {
	c, err := cronjob.NewControllerV2(ctx, m.typed.Batch().V1().Jobs(), m.typed.Batch().V1().CronJobs(), m.client)
	if err != nil {
		return nil, err
	}
	return running(c.Run, syncs), nil
}

func finishedJobs(ctx context.Context, m *manager) (loop, error) {
	return running(ttlafterfinished.New(ctx, m.typed.Batch().V1().Jobs(), m.client).Run, syncs), nil
}

func disruptions(ctx context.Context, m *manager) (loop, error) {
	apps, core, discovery := m.typed.Apps().V1(), m.typed.Core().V1(), m.client.Discovery()
	scales, err := scale.NewForConfig(m.config, m.mapper, dynamic.LegacyAPIPathResolverFunc,
		scale.NewDiscoveryScaleKindResolver(discovery))
	if err != nil {
		return nil, err
	}
	c := disruption.NewDisruptionController(ctx, core.Pods(), m.typed.Policy().V1().PodDisruptionBudgets(),
		core.ReplicationControllers(),
		apps.ReplicaSets(), apps.Deployments(), apps.StatefulSets(), m.client, m.mapper, scales, discovery)
	return c.Run, nil
}

func taintEvictions(ctx context.Context, m *manager) (loop, error) {
	core := m.typed.Core().V1()
	c, err := tainteviction.New(ctx, m.client, core.Pods(), core.Nodes(), "taint-eviction-controller")
	if err != nil {
		return nil, err
	}
	return c.Run, nil
}

func endpoints(ctx context.Context, m *manager) (loop, error) {
	core := m.typed.Core().V1()
	c := endpoint.NewEndpointController(ctx, core.Pods(), core.Services(), core.Endpoints(), m.client, 0)
	return running(c.Run, syncs), nil
}

func endpointSlices(ctx context.Context, m *manager) (loop, error) {
	const perSlice = 100
	core := m.typed.Core().V1()
	c := endpointslice.NewController(ctx, core.Pods(), core.Services(), core.Nodes(), m.typed.Discovery().V1().EndpointSlices(),
		perSlice, m.client, 0)
	return running(c.Run, syncs), nil
}
