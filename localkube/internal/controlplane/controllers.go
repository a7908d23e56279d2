// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"fmt"
	"strings"

	manager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	manageroptions "k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
	"k8s.io/kubernetes/cmd/kube-controller-manager/names"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	scheduleroptions "k8s.io/kubernetes/cmd/kube-scheduler/app/options"
)

// controllers are those that the blueprint and a Flink job depend on. Left out: what a node agent drives
// (node lifecycle, IPAM, attach/detach, certificates), what needs metrics (autoscaler), and legacy.
func controllers() []string {
	return []string{
		names.NamespaceController, names.ServiceAccountController, names.ServiceAccountTokenController,
		names.RootCACertificatePublisherController, names.GarbageCollectorController,
		names.ResourceQuotaController, names.ClusterRoleAggregationController,
		names.DeploymentController, names.ReplicaSetController, names.StatefulSetController,
		names.DaemonSetController, names.JobController, names.CronJobController, names.TTLAfterFinishedController,
		names.DisruptionController, names.PodGarbageCollectorController, names.TaintEvictionController,
		names.EndpointsController, names.EndpointSliceController,
		names.PersistentVolumeBinderController, names.PersistentVolumeClaimProtectionController,
		names.PersistentVolumeProtectionController, names.EphemeralVolumeController,
		names.ValidatingAdmissionPolicyStatusController,
	}
}

// prepared is a component with its flags parsed; run sets it up and serves until its context ends.
type prepared func(context.Context) (run func(context.Context) error, err error)

// controllerManager is kube-controller-manager without a port and without leader election.
func controllerManager(d dir) (prepared, error) {
	s, err := manageroptions.NewKubeControllerManagerOptions()
	if err != nil {
		return nil, fmt.Errorf("set up kube-controller-manager: %w", err)
	}
	known, off, aliases := manager.KnownControllers(), manager.ControllersDisabledByDefault(), manager.ControllerAliases()
	named := s.Flags(known, off, aliases)
	s.ParsedFlags = &named
	err = parse(named, []string{
		"--kubeconfig=" + d.path(managerConfig),
		"--leader-elect=false",
		"--secure-port=0",
		"--controllers=" + strings.Join(controllers(), ","),
		"--root-ca-file=" + d.path(caCertFile),
		"--service-account-private-key-file=" + d.path(signingKey),
		"--kube-api-qps=500", "--kube-api-burst=1000", // the server is next door
		"--min-resync-period=12h",
	})
	if err != nil {
		return nil, fmt.Errorf("set up kube-controller-manager: %w", err)
	}
	return func(ctx context.Context) (func(context.Context) error, error) {
		c, err := s.Config(ctx, known, off, aliases)
		if err != nil {
			return nil, fmt.Errorf("set up kube-controller-manager: %w", err)
		}
		return func(ctx context.Context) error { return manager.Run(ctx, c.Complete()) }, nil
	}, nil
}

// kubeScheduler is kube-scheduler without a port and without leader election.
func kubeScheduler(d dir) (prepared, error) {
	opts := scheduleroptions.NewOptions()
	err := parse(*opts.Flags, []string{
		"--kubeconfig=" + d.path(schedulerConf),
		"--leader-elect=false",
		"--secure-port=0",
		"--kube-api-qps=500", "--kube-api-burst=1000",
	})
	if err != nil {
		return nil, fmt.Errorf("set up kube-scheduler: %w", err)
	}
	return func(ctx context.Context) (func(context.Context) error, error) {
		c, s, err := scheduler.Setup(ctx, opts)
		if err != nil {
			return nil, fmt.Errorf("set up kube-scheduler: %w", err)
		}
		return func(ctx context.Context) error { return scheduler.Run(ctx, c, s) }, nil
	}, nil
}
