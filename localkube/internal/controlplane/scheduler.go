// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"fmt"

	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	scheduleroptions "k8s.io/kubernetes/cmd/kube-scheduler/app/options"
)

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
