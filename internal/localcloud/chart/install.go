// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/localcloud/provider/kubeclient"
)

// AddonManager owns the fields of what EKS itself writes in a cluster.
const AddonManager = "eks"

// InstallAddon applies what the addon installs in the cluster of c, as EKS does,
// and returns when its Deployments are available. When ctx ends before, the error
// starts with EKS's code of the health issue, InsufficientNumberOfReplicas. An
// addon that is installed already is changed to what is asked.
func InstallAddon(ctx context.Context, c *kubeclient.Client, name, version string, config map[string]any, roleARN string) error {
	objs, err := Addon(name, version, config, roleARN)
	if err != nil {
		return err
	}
	var live []*unstructured.Unstructured
	for _, obj := range objs {
		got, err := c.Apply(ctx, obj, kubeclient.ApplyOptions{Manager: AddonManager, Force: true})
		if err != nil {
			return fmt.Errorf("apply %s: %w", kubeclient.Describe(obj), err)
		}
		live = append(live, got)
	}
	for _, obj := range live {
		ready := kubeclient.ReadyFor(obj.GroupVersionKind())
		if ready == nil {
			continue
		}
		if _, err := c.AwaitReady(ctx, obj, ready, nil); err != nil {
			return fmt.Errorf("InsufficientNumberOfReplicas: "+
				"The add-on is unhealthy because it doesn't have the desired number of replicas: %w", err)
		}
	}
	return nil
}

// RemoveAddon asks for the deletion of what the addon installed, the last first.
// It does not wait: pods may outlive it for as long as their nodes take.
func RemoveAddon(ctx context.Context, c *kubeclient.Client, name string) error {
	objs, err := Addon(name, "", nil, "")
	if err != nil {
		return err
	}
	for _, obj := range slices.Backward(objs) {
		if err := c.Delete(ctx, obj); err != nil {
			return fmt.Errorf("delete %s: %w", kubeclient.Describe(obj), err)
		}
	}
	return nil
}
