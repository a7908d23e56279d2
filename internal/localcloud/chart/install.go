// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"emrflink/internal/localcloud/provider/kubeclient"
)

// addonManager owns the fields that an EKS addon writes.
const addonManager = "eks"

// HealthIssue is why an addon is DEGRADED, with the code that EKS gives.
type HealthIssue struct{ Code, Message string }

// Error returns "Code: Message".
func (h *HealthIssue) Error() string { return h.Code + ": " + h.Message }

// InstallAddon applies what the addon installs in the cluster of c, as EKS does,
// and returns when its Deployments are available. When ctx ends before, the error
// is a *HealthIssue with the code InsufficientNumberOfReplicas. An addon that is
// installed already is changed to what is asked.
func InstallAddon(ctx context.Context, c *rest.Config, name, version string, config map[string]any, roleARN string) error {
	objs, err := Addon(name, version, config, roleARN)
	if err != nil {
		return err
	}
	client, err := kubeclient.New(c)
	if err != nil {
		return err
	}
	var live []*unstructured.Unstructured
	for _, obj := range objs {
		got, err := client.Apply(ctx, obj, kubeclient.ApplyOptions{Manager: addonManager, Force: true})
		if err != nil {
			return fmt.Errorf("addon %q: apply %s: %w", name, kubeclient.Describe(obj), err)
		}
		live = append(live, got)
	}
	for _, obj := range live {
		ready := kubeclient.ReadyFor(obj.GroupVersionKind())
		if ready == nil {
			continue
		}
		if _, err := client.AwaitReady(ctx, obj, ready, nil); err != nil {
			return &HealthIssue{
				Code:    "InsufficientNumberOfReplicas",
				Message: fmt.Sprintf("The add-on is unhealthy because it doesn't have the desired number of replicas: %v", err),
			}
		}
	}
	return nil
}

// RemoveAddon deletes what the addon installed and returns when it is gone.
func RemoveAddon(ctx context.Context, c *rest.Config, name string) error {
	objs, err := Addon(name, "", nil, "")
	if err != nil {
		return err
	}
	client, err := kubeclient.New(c)
	if err != nil {
		return err
	}
	slices.Reverse(objs)
	for _, obj := range objs {
		if err := client.Delete(ctx, obj); err != nil {
			return fmt.Errorf("addon %q: delete %s: %w", name, kubeclient.Describe(obj), err)
		}
	}
	for _, obj := range objs {
		if err := client.AwaitGone(ctx, obj, nil); err != nil {
			return fmt.Errorf("addon %q: %w", name, err)
		}
	}
	return nil
}
