// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"emrflink/internal/kube"
	"emrflink/internal/localcloud/flinkconf"
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

// ensureIdentity makes what EMR's operator makes at the first submission: the
// two service accounts with the role's ARN, and the job's Role and binding.
func (o *Operator) ensureIdentity(ctx context.Context, d *deployment) error {
	master, worker := d.accounts()
	labels := object{operatorLabel: "flink.operator"}
	var objs []*unstructured.Unstructured
	if d.spec.ExecutionRoleARN != "" {
		for _, sa := range []string{master, worker} {
			objs = append(objs, kube.NewObject(kube.KindServiceAccount, d.ref.Namespace, sa, object{"metadata": object{
				"labels": labels, "annotations": object{"eks.amazonaws.com/role-arn": d.spec.ExecutionRoleARN},
			}}))
		}
	}
	subjects := []any{object{"kind": "ServiceAccount", "name": master, "namespace": d.ref.Namespace}}
	if worker != master {
		subjects = append(subjects, object{"kind": "ServiceAccount", "name": worker, "namespace": d.ref.Namespace})
	}
	objs = append(objs,
		kube.NewObject(kube.KindRole, d.ref.Namespace, master, object{
			"metadata": object{"labels": labels},
			"rules": []any{
				object{"apiGroups": []any{""}, "resources": []any{"pods", "configmaps"}, "verbs": []any{"*"}},
				object{
					"apiGroups": []any{"apps"}, "resources": []any{"deployments", "deployments/finalizers"}, "verbs": []any{"*"},
				},
			},
		}),
		kube.NewObject(kube.KindRoleBinding, d.ref.Namespace, master, object{
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

func (d *deployment) configName() string   { return "flink-config-" + d.ref.Name }
func (d *deployment) templateName() string { return "pod-template-" + d.ref.Name }

// haSelector selects what JobManagers keep in the cluster of their leader and their checkpoints.
func (d *deployment) haSelector() string { return d.selector() + ",configmap-type=high-availability" }

// cluster is the JobManager Deployment, owned by the FlinkDeployment; all else
// is owned by the Deployment, as in Flink's native Kubernetes mode.
func (d *deployment) cluster() *unstructured.Unstructured {
	match := object{"app": d.ref.Name, "component": componentMaster, "type": "flink-native-kubernetes"}
	return kube.NewObject(kube.KindDeployment, d.ref.Namespace, d.ref.Name, object{
		"metadata": object{
			"labels":      d.labels(componentMaster),
			"annotations": object{hashKey: d.hash(), standInKey: "true"},
			"ownerReferences": []any{object{
				"apiVersion": d.ref.APIVersion, "kind": d.ref.Kind.Kind, "name": d.ref.Name, "uid": d.uid,
				"controller": false, "blockOwnerDeletion": true,
			}},
		},
		"spec": object{
			"replicas": int64(d.masters()),
			"selector": object{"matchLabels": match},
			"template": d.masterTemplate(),
		},
	})
}

func (d *deployment) owned(owner *unstructured.Unstructured) []any {
	return []any{object{
		"apiVersion": "apps/v1", "kind": "Deployment", "name": owner.GetName(), "uid": string(owner.GetUID()),
		"controller": true, "blockOwnerDeletion": true,
	}}
}

// configAndServices are the objects beside the Deployment. With high availability nobody needs the internal Service.
func (o *Operator) configAndServices(ctx context.Context, d *deployment, owner *unstructured.Unstructured, job start,
) ([]*unstructured.Unstructured, error) {
	base, err := o.defaults(ctx)
	if err != nil {
		return nil, err
	}
	meta := func() object {
		return object{"labels": d.labels(""), "ownerReferences": d.owned(owner)}
	}
	port := func(name string, n int64) object {
		return object{"name": name, "port": n, "targetPort": n, "protocol": "TCP"}
	}
	template, err := yaml.Marshal(d.workerTemplate())
	if err != nil {
		return nil, fmt.Errorf("encode the pod template of the TaskManagers: %w", err)
	}
	selector := object{"app": d.ref.Name, "component": componentMaster, "type": "flink-native-kubernetes"}
	objs := []*unstructured.Unstructured{
		kube.NewObject(kube.KindConfigMap, d.ref.Namespace, d.configName(), object{
			"metadata": meta(), "data": object{flinkconf.ConfFile: d.flinkConf(base, job).String()},
		}),
		kube.NewObject(kube.KindConfigMap, d.ref.Namespace, d.templateName(), object{
			"metadata": meta(), "data": object{flinkconf.PodTemplateFile: string(template)},
		}),
		kube.NewObject(kube.KindService, d.ref.Namespace, d.ref.Name+"-rest", object{"metadata": meta(), "spec": object{
			"type": "ClusterIP", "selector": selector, "ports": []any{port("rest", flinkconf.RESTPort)},
		}}),
	}
	if d.ha() {
		return objs, nil
	}
	return append(objs, kube.NewObject(kube.KindService, d.ref.Namespace, d.ref.Name, object{"metadata": meta(), "spec": object{
		"clusterIP": "None", "selector": selector, "ports": []any{port("jobmanager-rpc", 6123), port("blobserver", 6124)},
	}})), nil
}

// defaults are the settings that the operator's chart has for every job.
func (o *Operator) defaults(ctx context.Context) (flinkconf.Conf, error) {
	file, err := o.Cluster.Get(ctx, kube.KindConfigMap.Ref(o.Namespace, "flink-operator-config"))
	if kube.IsNotFound(err) {
		return flinkconf.Conf{}, nil // the chart was told to make none
	}
	if err != nil {
		return nil, err
	}
	text, _, _ := unstructured.NestedString(file.Object, "data", flinkconf.ConfFile)
	conf := flinkconf.Parse(text)
	maps.DeleteFunc(conf, func(key, _ string) bool { return strings.HasPrefix(key, "kubernetes.operator.") })
	return conf, nil
}

// flinkConf is the effective configuration: the operator's defaults, what it sets itself, and the user's.
func (d *deployment) flinkConf(base flinkconf.Conf, job start) flinkconf.Conf {
	master, worker := d.accounts()
	main, _ := d.images()
	conf := maps.Clone(base)
	maps.Copy(conf, flinkconf.Conf{
		flinkconf.ClusterID: d.ref.Name, flinkconf.Namespace: d.ref.Namespace, flinkconf.Image: main,
		flinkconf.WorkerAccount: worker, "kubernetes.jobmanager.service-account": master, "kubernetes.service-account": master,
		"kubernetes.rest-service.exposed.type": "ClusterIP", "kubernetes.jobmanager.replicas": strconv.Itoa(d.masters()),
		flinkconf.FlinkVersion: d.spec.FlinkVersion, "web.cancel.enable": "false", "internal.cluster.execution-mode": "NORMAL",
		"jobmanager.memory.process.size":   flinkconf.MemoryOf(d.spec.JobManager.Resource.Memory),
		flinkconf.WorkerMemory:             flinkconf.MemoryOf(d.spec.TaskManager.Resource.Memory),
		"kubernetes.jobmanager.cpu.amount": d.spec.JobManager.cpu(), flinkconf.WorkerCPU: d.spec.TaskManager.cpu(),
		flinkconf.WorkerTemplate: flinkconf.PodTemplateDir + "/" + flinkconf.PodTemplateFile,
		"blob.server.port":       "6124", flinkconf.WorkerRPCPort: "6122", "jobmanager.rpc.port": "6123",
		"rest.port": strconv.Itoa(flinkconf.RESTPort),
	})
	if d.ha() {
		conf[flinkconf.HA], conf[flinkconf.HAStorage] = "kubernetes", d.spec.JobManager.StorageDir
		conf[flinkconf.HACluster], conf["high-availability.jobmanager.port"] = d.ref.Name, "6123"
	} else {
		conf["jobmanager.rpc.address"] = d.ref.Name + "." + d.ref.Namespace
	}
	const entrypoints = "org.apache.flink.kubernetes.entrypoint."
	conf[flinkconf.Entrypoint], conf["execution.target"] = entrypoints+"KubernetesSessionClusterEntrypoint", "kubernetes-session"
	if j := d.spec.Job; j != nil {
		conf[flinkconf.Entrypoint], conf["execution.target"] = entrypoints+
			"KubernetesApplicationClusterEntrypoint", "kubernetes-application"
		conf[flinkconf.JobID], conf[flinkconf.Name], conf[flinkconf.Jars] = job.id, d.ref.Name, j.JarURI
		conf[flinkconf.Parallelism] = strconv.Itoa(max(j.Parallelism, 1))
		conf["execution.shutdown-on-application-finish"] = "false"
		conf["execution.submit-failed-job-on-application-error"] = "true"
		conf["execution.checkpointing.externalized-checkpoint-retention"] = "RETAIN_ON_CANCELLATION"
		if j.EntryClass != "" {
			conf[flinkconf.MainClass] = j.EntryClass
		}
		if len(j.Args) > 0 {
			conf[flinkconf.ProgramArgs] = flinkconf.List(j.Args)
		}
		if job.restore != "" {
			conf[flinkconf.Restore] = job.restore
		}
		if d.ha() {
			conf["job-result-store.delete-on-commit"] = "false"
			conf["job-result-store.storage-path"] = strings.TrimSuffix(d.spec.JobManager.StorageDir, "/") + "/job-result-store/" +
				d.ref.Name + "/" + job.id
		}
	}
	maps.Copy(conf, d.spec.FlinkConfiguration)
	maps.DeleteFunc(conf, func(_, v string) bool { return v == "" })
	return conf
}
