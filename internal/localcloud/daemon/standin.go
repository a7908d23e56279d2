// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
	"emrflink/internal/kube"
	"emrflink/internal/localcloud/awswire"
	"emrflink/internal/localcloud/chart"
	"emrflink/internal/localcloud/kubelet"
	"emrflink/internal/localcloud/provider/kubeclient"
)

// karpenterImage is the image whose pods run the real controller.
const karpenterImage = "public.ecr.aws/karpenter/controller"

// startStandIns brings the cluster's simulated half to life: the group that the
// access policy stands for, and the nodes with what runs on them.
func (d *Daemon) startStandIns(c *cluster) error {
	ctx, cancel := context.WithCancel(d.ctx)
	c.cancel = cancel
	apply, err := kubeclient.New(c.rest)
	if err != nil {
		return err
	}
	c.apply = apply
	if _, err := apply.Apply(ctx, adminBinding(), kubeclient.ApplyOptions{Manager: chart.AddonManager, Force: true}); err != nil {
		return fmt.Errorf("bind the administrators' group: %w", err)
	}
	admin, others, err := kubelet.Connect(c.rest)
	if err != nil {
		return err
	}
	own, err := kube.FromConfig(c.rest)
	if err != nil {
		return err
	}
	log := d.log.With("cluster", c.name)
	aws, err := awsapi.New(ctx, awsapi.Options{Region: d.opts.Region, Env: d.environment()})
	if err != nil {
		return err
	}
	operator := &operatorRunner{cluster: c, region: d.opts.Region, tokens: own, aws: aws, log: log}
	jobs, end, err := d.flink(operator, admin)
	if err != nil {
		return err
	}
	c.kubelet = kubelet.New(kubelet.Options{
		Account: d.account, Types: d.account.InstanceTypes(), Cluster: c.name, Client: admin, Dynamic: others,
		Speed: d.opts.Speed, Logger: log, Pulls: d.account.Pull,
		Runners: map[string]kubelet.Runner{
			karpenterImage: &kubelet.KarpenterRunner{
				Binary: d.opts.Localkube, Client: admin, APIServerURL: c.endpoint.URL, CABase64: c.endpoint.CABase64,
				AWSEndpoint: d.url, Region: d.opts.Region, Dir: filepath.Join(c.dir, "karpenter"), Logger: log,
				AgentPath: awswire.PodIdentityPath,
				PodIdentity: func(namespace, name string) bool {
					_, ok := d.account.PodIdentity(c.name, namespace, name)
					return ok
				},
			},
			chart.OperatorImages: operator,
		},
		Runtimes: jobs, Dir: filepath.Join(c.dir, "pods"),
	})
	c.done.Go(func() {
		if err := c.kubelet.Run(ctx); err != nil && ctx.Err() == nil {
			log.Error("the kubelet stand-in stopped", "error", err)
		}
		end()
	})
	return nil
}

func adminBinding() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
		"metadata": map[string]any{"name": adminGroup},
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
		"subjects": []any{map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": adminGroup}},
	}}
}

// InstallAddon applies the addon's stand-in and waits until it is healthy.
func (d *Daemon) InstallAddon(ctx context.Context, name, addon, version string, config map[string]any, roleARN string) error {
	ctx, cancel := context.WithTimeout(ctx, d.patience(addonTimeout))
	defer cancel()
	return d.onCluster(ctx, name, func(ctx context.Context, c *cluster) error {
		return chart.InstallAddon(ctx, c.apply, addon, version, config, roleARN)
	})
}

// addonTimeout is how long EKS leaves an addon in CREATING before it is DEGRADED.
const addonTimeout = 20 * time.Minute

// patience shortens one of AWS's timeouts as the account's clock does, but never
// below what a busy machine may take for honest work.
func (d *Daemon) patience(t time.Duration) time.Duration {
	const least = 30 * time.Second
	if d.opts.Speed <= 0 {
		return least
	}
	return max(least, time.Duration(float64(t)/d.opts.Speed))
}

// RemoveAddon deletes what InstallAddon applied. Of a cluster that is gone, or whose control plane cannot be started, there
// is nothing left to delete, and the way out must not be barred.
func (d *Daemon) RemoveAddon(ctx context.Context, name, addon string) error {
	err := d.onCluster(ctx, name, func(ctx context.Context, c *cluster) error { return chart.RemoveAddon(ctx, c.apply, addon) })
	if err != nil && ctx.Err() == nil && !d.serves(name) {
		d.log.Warn("an addon is removed without its control plane", "cluster", name, "addon", addon, "error", err)
		return nil
	}
	return err
}

// WaitNodes returns when the nodes of the instances are Ready.
func (d *Daemon) WaitNodes(ctx context.Context, name string, instanceIDs []string) error {
	return d.onCluster(ctx, name, func(ctx context.Context, c *cluster) error { return c.kubelet.WaitNodes(ctx, instanceIDs) })
}
