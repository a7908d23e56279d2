// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
)

const (
	finalizer       = "flinkdeployments.flink.apache.org/finalizer"
	componentMaster = "jobmanager"
	componentWorker = "taskmanager"
	// operatorLabel marks what the operator makes in a job namespace and Helm does
	// not remove.
	operatorLabel = "emr-containers.amazonaws.com/component"
	hashKey       = "emrflink.dev/spec-hash"
	standInKey    = "emrflink.dev/simulated"
)

func newObject(k kube.Kind, namespace, name string, body object) *unstructured.Unstructured {
	body["apiVersion"], body["kind"] = k.APIVersion, k.Kind
	meta, _ := body["metadata"].(object)
	if meta == nil {
		meta = object{}
		body["metadata"] = meta
	}
	meta["name"], meta["namespace"] = name, namespace
	return &unstructured.Unstructured{Object: body}
}

// ensureIdentity makes what EMR's operator makes at the first submission: the
// two service accounts with the role's ARN, and the job's Role and binding.
func (o *Operator) ensureIdentity(ctx context.Context, d *deployment) error {
	master, worker := d.accounts()
	labels := object{operatorLabel: "flink.operator"}
	var objs []*unstructured.Unstructured
	if d.spec.ExecutionRoleARN != "" {
		for _, sa := range []string{master, worker} {
			objs = append(objs, newObject(kube.KindServiceAccount, d.ref.Namespace, sa, object{"metadata": object{
				"labels": labels, "annotations": object{"eks.amazonaws.com/role-arn": d.spec.ExecutionRoleARN},
			}}))
		}
	}
	subjects := []any{object{"kind": "ServiceAccount", "name": master, "namespace": d.ref.Namespace}}
	if worker != master {
		subjects = append(subjects, object{"kind": "ServiceAccount", "name": worker, "namespace": d.ref.Namespace})
	}
	objs = append(objs,
		newObject(kube.KindRole, d.ref.Namespace, master, object{
			"metadata": object{"labels": labels},
			"rules": []any{
				object{"apiGroups": []any{""}, "resources": []any{"pods", "configmaps"}, "verbs": []any{"*"}},
				object{
					"apiGroups": []any{"apps"}, "resources": []any{"deployments", "deployments/finalizers"}, "verbs": []any{"*"},
				},
			},
		}),
		newObject(kube.KindRoleBinding, d.ref.Namespace, master, object{
			"metadata": object{"labels": labels},
			"roleRef":  object{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": master},
			"subjects": subjects,
		}))
	return o.applyAll(ctx, objs)
}

func (o *Operator) applyAll(ctx context.Context, objs []*unstructured.Unstructured) error {
	for _, obj := range objs {
		if _, err := o.Cluster.Apply(ctx, obj); err != nil {
			return err
		}
	}
	return nil
}

func (d *deployment) labels(component string) object {
	l := object{"app": d.ref.Name, "type": "flink-native-kubernetes"}
	if component != "" {
		l["component"] = component
		l[operatorLabel] = "flink." + component
		l["emr-containers.amazonaws.com/resource.type"] = "flink.operator"
	}
	return l
}

func (d *deployment) selector() string { return "app=" + d.ref.Name + ",type=flink-native-kubernetes" }

func (d *deployment) configName() string { return "flink-config-" + d.ref.Name }
func (d *deployment) haName() string     { return d.ref.Name + "-cluster-config-map" }

// cluster is the JobManager Deployment, owned by the FlinkDeployment; all else
// is owned by the Deployment, as in Flink's native Kubernetes mode.
func (d *deployment) cluster() *unstructured.Unstructured {
	master, _ := d.accounts()
	match := object{"app": d.ref.Name, "component": componentMaster, "type": "flink-native-kubernetes"}
	return newObject(kube.KindDeployment, d.ref.Namespace, d.ref.Name, object{
		"metadata": object{
			"labels":      d.labels(componentMaster),
			"annotations": object{hashKey: d.hash(), standInKey: "true"},
			"ownerReferences": []any{object{
				"apiVersion": d.ref.APIVersion, "kind": d.ref.Kind.Kind, "name": d.ref.Name, "uid": d.uid,
				"controller": false, "blockOwnerDeletion": false,
			}},
		},
		"spec": object{
			"replicas": int64(d.masters()),
			"selector": object{"matchLabels": match},
			"template": d.podTemplate(componentMaster, master),
		},
	})
}

func (d *deployment) owned(owner *unstructured.Unstructured) []any {
	return []any{object{
		"apiVersion": "apps/v1", "kind": "Deployment", "name": owner.GetName(), "uid": string(owner.GetUID()),
		"controller": true, "blockOwnerDeletion": true,
	}}
}

func (d *deployment) configAndServices(owner *unstructured.Unstructured) []*unstructured.Unstructured {
	meta := func() object {
		return object{"labels": d.labels(""), "ownerReferences": d.owned(owner)}
	}
	port := func(name string, n int64) object {
		return object{"name": name, "port": n, "targetPort": n, "protocol": "TCP"}
	}
	selector := object{"app": d.ref.Name, "component": componentMaster, "type": "flink-native-kubernetes"}
	return []*unstructured.Unstructured{
		newObject(kube.KindConfigMap, d.ref.Namespace, d.configName(), object{
			"metadata": meta(), "data": object{"flink-conf.yaml": d.flinkConf()},
		}),
		newObject(kube.KindService, d.ref.Namespace, d.ref.Name, object{"metadata": meta(), "spec": object{
			"clusterIP": "None", "selector": selector,
			"ports": []any{port("jobmanager-rpc", 6123), port("blobserver", 6124)},
		}}),
		newObject(kube.KindService, d.ref.Namespace, d.ref.Name+"-rest", object{"metadata": meta(), "spec": object{
			"type": "ClusterIP", "selector": selector, "ports": []any{port("rest", 8081)},
		}}),
	}
}

// flinkConf is the effective configuration: the user's, and the keys that the
// operator sets itself.
func (d *deployment) flinkConf() string {
	master, worker := d.accounts()
	conf := map[string]string{
		"kubernetes.cluster-id": d.ref.Name, "kubernetes.namespace": d.ref.Namespace,
		"kubernetes.jobmanager.service-account": master, "kubernetes.taskmanager.service-account": worker,
		"web.cancel.enable": "false", "execution.shutdown-on-application-finish": "false",
	}
	if d.ha() {
		conf["high-availability.type"] = "kubernetes"
		conf["high-availability.storageDir"] = d.spec.JobManager.StorageDir
	}
	for k, v := range d.spec.FlinkConfiguration {
		conf[k] = v
	}
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(conf)) {
		fmt.Fprintf(&b, "%s: %s\n", k, oneLine(conf[k]))
	}
	return b.String()
}

// oneLine keeps a value on one line of flink-conf.yaml.
func oneLine(s string) string { return strings.ReplaceAll(s, "\n", " ") }
