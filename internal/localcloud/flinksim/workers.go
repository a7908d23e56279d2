// SPDX-License-Identifier: Apache-2.0

package flinksim

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"emrflink/internal/kube"
	"emrflink/internal/localcloud/flinkconf"
)

// ensureWorkers creates missing TaskManagers, takes away those that ended, and returns how many are ready.
func (c *Cluster) ensureWorkers(ctx context.Context) (ready int, err error) {
	objs, err := c.kube.List(ctx, kube.KindPod, kube.ListOptions{
		Namespace: c.namespace, Labels: "app=" + c.name + ",component=" + worker + ",type=flink-native-kubernetes",
	})
	if err != nil {
		return 0, err
	}
	live := 0
	for _, w := range kube.PodsFrom(objs) {
		c.index = max(c.index, c.indexOf(w.Name))
		switch {
		case w.Deleting:
		case w.Phase == "Failed" || w.Phase == "Succeeded":
			if err := c.kube.Delete(ctx, kube.KindPod.Ref(w.Namespace, w.Name),
				kube.Background); err != nil && !kube.IsNotFound(err) {
				return 0, err
			}
		default:
			live++
			if w.Ready {
				ready++
			}
		}
	}
	c.seen(ready)
	for n := live; n < c.want(); n++ {
		c.index++
		pod, err := c.taskManager(ctx, fmt.Sprintf("%s%d", c.workerPrefix(), c.index))
		if err != nil {
			return 0, err
		}
		if _, err := c.kube.Create(ctx, pod); err != nil {
			return 0, err
		}
	}
	return ready, nil
}

func (c *Cluster) workerPrefix() string { return c.name + "-" + worker + "-1-" }

// indexOf is the number of a TaskManager, 0 of another pod.
func (c *Cluster) indexOf(pod string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(pod, c.workerPrefix()))
	if err != nil {
		return 0
	}
	return n
}

// seen keeps what the REST API says of the cluster.
func (c *Cluster) seen(ready int) {
	used := c.slots()
	c.mu.Lock()
	defer c.mu.Unlock()
	slots := c.conf.Number(flinkconf.Slots, 1)
	c.workers = ready
	c.free = max(0, ready*slots-used)
}

// taskManager is a pod as Flink's native Kubernetes mode makes it of the pod template.
func (c *Cluster) taskManager(ctx context.Context, name string) (*unstructured.Unstructured, error) {
	pod := object{}
	if err := yaml.Unmarshal([]byte(c.template), &pod); err != nil {
		return nil, fmt.Errorf("read the pod template of the TaskManagers: %w", err)
	}
	owner, err := c.kube.Get(ctx, kube.KindDeployment.Ref(c.namespace, c.name))
	if err != nil {
		return nil, err
	}
	meta, _ := pod["metadata"].(object)
	if meta == nil {
		meta = object{}
	}
	labels, _ := meta["labels"].(object)
	if labels == nil {
		labels = object{}
	}
	labels["app"], labels["component"], labels["type"] = c.name, worker, "flink-native-kubernetes"
	meta["labels"] = labels
	meta["ownerReferences"] = []any{object{
		"apiVersion": "apps/v1", "kind": "Deployment", "name": owner.GetName(), "uid": string(owner.GetUID()),
		"controller": true, "blockOwnerDeletion": true,
	}}
	spec, _ := pod["spec"].(object)
	if spec == nil {
		spec = object{}
	}
	spec["restartPolicy"], spec["serviceAccountName"] = "Never", c.conf[flinkconf.WorkerAccount]
	containers, _ := spec["containers"].([]any)
	spec["containers"] = c.withMain(containers)
	return kube.NewObject(kube.KindPod, c.namespace, name, object{"metadata": meta, "spec": spec}), nil
}

// withMain are the template's containers, the main one with what Flink sets in it.
func (c *Cluster) withMain(containers []any) []any {
	ports := []any{object{
		"name": "taskmanager-rpc", "containerPort": int64(c.conf.Number(flinkconf.WorkerRPCPort, 6122)), "protocol": "TCP",
	}}
	if n := c.conf.Number(flinkconf.WorkerDataPort, 0); n > 0 {
		ports = append(ports, object{"name": "data", "containerPort": int64(n), "protocol": "TCP"})
	}
	set := object{
		"name": flinkconf.MainContainer, "image": c.conf[flinkconf.Image], "command": []any{"/docker-entrypoint.sh"},
		"args": []any{"bash", "-c", "kubernetes-taskmanager.sh "}, "ports": ports,
		"resources": flinkconf.Resources(c.conf[flinkconf.WorkerMemory], c.conf[flinkconf.WorkerCPU]),
	}
	for i, item := range containers {
		if m, ok := item.(object); ok && m["name"] == flinkconf.MainContainer {
			for k, v := range set {
				m[k] = v
			}
			containers[i] = m
			return containers
		}
	}
	return append([]any{set}, containers...)
}
