// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"os"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"
)

// sample is an object, and another value for some of its fields.
type sample struct {
	token    string // its Pulumi type
	resource string
	cluster  bool // it is in no namespace
	body     string
	changes  map[string]string // path -> value
}

const (
	workload = `selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, ` +
		`spec: {containers: [{name: c, image: x.test/a}]}}`
	otherLabel = `{matchLabels: {a: b, c: d}}`
	claim      = `[{metadata: {name: v}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]`
	jobPod     = `{spec: {restartPolicy: Never, containers: [{name: c, image: IMAGE}]}}`
)

func samples() []sample {
	role := func(name string) string {
		return `{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ` + name + `}`
	}
	return []sample{
		{"apps/v1:Deployment", "deployments", false, `spec: {` + workload + `}`,
			map[string]string{"spec.selector": otherLabel, "spec.replicas": "2"}},
		{"apps/v1:DaemonSet", "daemonsets", false, `spec: {` + workload + `}`,
			map[string]string{"spec.selector": otherLabel, "spec.minReadySeconds": "2"}},
		{"apps/v1:ReplicaSet", "replicasets", false, `spec: {` + workload + `}`, map[string]string{"spec.selector": otherLabel}},
		{"apps/v1:StatefulSet", "statefulsets", false, `spec: {serviceName: s, ` + workload + `}`, map[string]string{
			"spec.selector": otherLabel, "spec.serviceName": "t", "spec.podManagementPolicy": "Parallel",
			"spec.revisionHistoryLimit": "3", "spec.volumeClaimTemplates": claim, "spec.replicas": "2",
		}},
		{"batch/v1:Job", "jobs", false, `spec: {completions: 1, template: ` + strings.Replace(jobPod, "IMAGE", "x.test/a", 1) +
			`}`, map[string]string{
			"spec.completions": "2", "spec.completionMode": "Indexed", "spec.parallelism": "2", "spec.backoffLimit": "2",
			"spec.template": strings.Replace(jobPod, "IMAGE", "x.test/b", 1), "spec.selector": otherLabel,
		}},
		{"core/v1:Service", "services", false, `spec: {ports: [{port: 80}]}`, map[string]string{
			"spec.type": "NodePort", "spec.clusterIP": "None", "spec.ports": "[{port: 81}]",
		}},
		{"core/v1:PersistentVolumeClaim", "persistentvolumeclaims", false,
			`spec: {accessModes: [ReadWriteOnce], storageClassName: s, resources: {requests: {storage: 1Gi}}}`, map[string]string{
				"spec.accessModes": "[ReadWriteMany]", "spec.storageClassName": "t", "spec.selector": otherLabel,
				"spec.volumeMode": "Block",
			}},
		{"core/v1:PersistentVolume", "persistentvolumes", true,
			`spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /a}}`, map[string]string{
				"spec.hostPath": "{path: /b}", "spec.storageClassName": "t",
			}},
		{"core/v1:ConfigMap", "configmaps", false, `data: {a: b}`, map[string]string{"data": "{a: c}"}},
		{"core/v1:Secret", "secrets", false, `stringData: {a: b}`, map[string]string{"type": "x/y", "stringData": "{a: c}"}},
		{"core/v1:ResourceQuota", "resourcequotas", false, `spec: {hard: {pods: "1"}, scopes: [BestEffort]}`, map[string]string{
			"spec.scopes": "[NotBestEffort]", "spec.hard": `{pods: "2"}`,
		}},
		{"core/v1:LimitRange", "limitranges", false, `spec: {limits: [{type: Container, default: {cpu: "1"}}]}`,
			map[string]string{
				"spec.limits": `[{type: Container, default: {cpu: "2"}}]`,
			}},
		{"networking.k8s.io/v1:NetworkPolicy", "networkpolicies", false, `spec: {podSelector: {}, policyTypes: [Ingress]}`,
			map[string]string{
				"spec.podSelector": otherLabel, "spec.policyTypes": "[Egress]",
			}},
		{"storage.k8s.io/v1:StorageClass", "storageclasses", true,
			`{provisioner: p, parameters: {a: b}, reclaimPolicy: Delete, volumeBindingMode: Immediate}`, map[string]string{
				"provisioner": "q", "parameters": "{a: c}", "reclaimPolicy": "Retain",
				"volumeBindingMode": "WaitForFirstConsumer", "allowVolumeExpansion": "true", "mountOptions": "[ro]",
			}},
		{"rbac.authorization.k8s.io/v1:ClusterRoleBinding", "clusterrolebindings", true, `roleRef: ` + role("view"),
			map[string]string{"roleRef": role("edit")}},
		{"rbac.authorization.k8s.io/v1:RoleBinding", "rolebindings", false, `roleRef: ` + role("view"),
			map[string]string{"roleRef": role("edit")}},
		{"scheduling.k8s.io/v1:PriorityClass", "priorityclasses", true, `value: 5`, map[string]string{
			"value": "6", "preemptionPolicy": "Never", "globalDefault": "true",
		}},
	}
}

// apiRefuses are the properties, after their Pulumi type, of which the replacement table of the main module says that the
// API server does not change them.
func apiRefuses(t *testing.T) map[string]bool {
	text, err := os.ReadFile("../internal/replacement/other.tsv")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(cells) == 4 && cells[3] != "the API server would change it" && !strings.HasPrefix(cells[3], "unless ") {
			out[cells[0]+" "+cells[1]] = true
		}
	}
	return out
}

func (s sample) version() schema.GroupVersion {
	version, _, _ := strings.Cut(s.token, ":")
	gv, _ := schema.ParseGroupVersion(strings.TrimPrefix(version, "core/"))
	return gv
}

// object is the sample, with another value at a path, "" = none.
func (s sample) object(t *testing.T, path string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(s.body), &u.Object); err != nil {
		t.Fatalf("%s: %v", s.token, err)
	}
	if path != "" {
		value := map[string]any{}
		if err := yaml.Unmarshal([]byte("v: "+s.changes[path]), &value); err != nil {
			t.Fatalf("%s %s: %v", s.token, path, err)
		}
		if err := unstructured.SetNestedField(u.Object, value["v"], strings.Split(path, ".")...); err != nil {
			t.Fatalf("%s %s: %v", s.token, path, err)
		}
	}
	u.SetAPIVersion(s.version().String())
	u.SetKind(s.token[strings.Index(s.token, ":")+1:])
	u.SetName("immutable")
	return u
}

func (s sample) apply(t *testing.T, i *instance, u *unstructured.Unstructured, dry ...string) error {
	var all dynamic.ResourceInterface = i.dynamic.Resource(s.version().WithResource(s.resource)).Namespace("default")
	if s.cluster {
		all = i.dynamic.Resource(s.version().WithResource(s.resource))
	}
	_, err := all.Apply(t.Context(), "immutable", u, metav1.ApplyOptions{FieldManager: "one", Force: true, DryRun: dry})
	return err
}

// immutableFields: the API server refuses exactly the changes that the table says it does.
func immutableFields(t *testing.T, i *instance) {
	refused := apiRefuses(t)
	for _, s := range samples() {
		if err := s.apply(t, i, s.object(t, "")); err != nil {
			t.Fatalf("%s: %v", s.token, err)
		}
		for path := range s.changes {
			err := s.apply(t, i, s.object(t, path), metav1.DryRunAll)
			if err != nil && !apierrors.IsInvalid(err) {
				t.Fatalf("%s %s: %v", s.token, path, err)
			}
			if want := refused["kubernetes:"+s.token+" "+path]; (err != nil) != want {
				t.Errorf("%s %s: the table says that the API server refuses the change: %t; it says %v", s.token, path, want, err)
			}
		}
	}
}
