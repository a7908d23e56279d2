// SPDX-License-Identifier: Apache-2.0

// Package kubefault breaks a cluster on purpose, in the ways in which clusters
// break that are to be deleted: something in it does not go away, or refuses that
// anything changes. What a fault makes carries a label, by which it is found and
// taken away again, also by another process.
package kubefault

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"emrflink/internal/iam"
	"emrflink/internal/kube"
	"emrflink/internal/localcloud/provider/kubeclient"
	"emrflink/internal/localtarget"
)

const (
	domain = "local.emrflink"
	// label has the action of the fault that made an object, without its prefix.
	label = domain + "/fault"
	// wasKey keeps the status that a Helm release had.
	wasKey = domain + "/was"
	// finalizer belongs to a controller that nobody runs.
	finalizer = domain + "/controller-is-gone"
	// flinkFinalizer is that of the Flink operator.
	flinkFinalizer = "flinkdeployments.flink.apache.org/finalizer"
	// snapshotFinalizer is the same operator's.
	snapshotFinalizer = "flinkstatesnapshots.flink.apache.org/finalizer"

	manager = "emrflink-fault"
)

type object = map[string]any

// breaker breaks a cluster where the match says, and tells how many objects that took.
type breaker func(ctx context.Context, c *kubeclient.Client, match string) (int, error)

// breakers are the faults that are made of objects, by their actions.
func breakers() map[string]breaker {
	return map[string]breaker{
		localtarget.StuckNamespace: stuckNamespace, localtarget.DeadAPIService: deadAPIService,
		localtarget.DeadWebhook: deadWebhook, localtarget.UndeletableJob: undeletableJob,
		localtarget.PendingRelease: pendingRelease,
	}
}

// Set breaks the cluster, and tells how many objects the fault is about: none when nothing matched. known is false for an
// action that is not made of objects.
func Set(ctx context.Context, c *kubeclient.Client, action, match string) (n int, known bool, err error) {
	set, known := breakers()[action]
	if !known {
		return 0, false, nil
	}
	n, err = set(ctx, c, match)
	return n, true, err
}

// Clear takes away what a fault has made.
func Clear(ctx context.Context, c *kubeclient.Client, action string) error {
	for _, gvk := range []schema.GroupVersionKind{
		// The webhook first: it may refuse the others.
		{Group: "admissionregistration.k8s.io", Version: "v1", Kind: "ValidatingWebhookConfiguration"},
		{Group: "apiregistration.k8s.io", Version: "v1", Kind: "APIService"},
		{Group: "flink.apache.org", Version: "v1beta1", Kind: "FlinkDeployment"},
		{Group: "flink.apache.org", Version: "v1beta1", Kind: "FlinkStateSnapshot"},
		{Version: "v1", Kind: "ConfigMap"}, {Version: "v1", Kind: "Secret"},
	} {
		list, err := c.List(ctx, gvk, "", label+"="+value(action))
		if meta.IsNoMatchError(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("look for what fault %s has made: %w", action, err)
		}
		for i := range list {
			if err := undo(ctx, c, &list[i]); err != nil {
				return fmt.Errorf("take %s of fault %s away: %w", kubeclient.Describe(&list[i]), action, err)
			}
		}
	}
	return nil
}

func undo(ctx context.Context, c *kubeclient.Client, obj *unstructured.Unstructured) error {
	if obj.GetKind() == "Secret" {
		return restore(ctx, c, obj)
	}
	// Another application without the finalizers takes them off.
	bare := made(obj.GetLabels()[label], obj.GetAPIVersion(), obj.GetKind(), obj.GetNamespace(), obj.GetName(), nil)
	if spec := obj.Object["spec"]; spec != nil {
		bare.Object["spec"] = spec
	}
	if len(obj.GetFinalizers()) > 0 {
		if _, err := apply(ctx, c, bare); err != nil {
			return err
		}
	}
	return c.Delete(ctx, obj)
}

// value is an action as a label can have it.
func value(action string) string { return strings.TrimPrefix(action, localtarget.ClusterFaultPrefix) }

// made is an object of a fault.
func made(fault, apiVersion, kind, namespace, name string, rest object) *unstructured.Unstructured {
	out := &unstructured.Unstructured{Object: object{}}
	maps.Copy(out.Object, rest)
	out.SetAPIVersion(apiVersion)
	out.SetKind(kind)
	out.SetNamespace(namespace)
	out.SetName(name)
	out.SetLabels(map[string]string{label: value(fault)})
	return out
}

func apply(ctx context.Context, c *kubeclient.Client, obj *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return c.Apply(ctx, obj, kubeclient.ApplyOptions{Manager: manager, Force: true})
}

// matches tells whether a name is meant; no pattern means all.
func matches(pattern, name string) bool { return pattern == "" || iam.Match(pattern, name) }

// namespaces are those that match, Kubernetes' own never.
func namespaces(ctx context.Context, c *kubeclient.Client, match string) ([]string, error) {
	list, err := c.List(ctx, schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}, "", "")
	if err != nil {
		return nil, fmt.Errorf("list namespaces: %w", err)
	}
	var out []string
	for i := range list {
		if name := list[i].GetName(); !strings.HasPrefix(name, "kube-") && name != "default" && matches(match, name) {
			out = append(out, name)
		}
	}
	return out, nil
}

// stuckNamespace puts an object into each namespace that nobody takes the finalizer off.
func stuckNamespace(ctx context.Context, c *kubeclient.Client, match string) (int, error) {
	names, err := namespaces(ctx, c, match)
	for _, ns := range names {
		obj := made(localtarget.StuckNamespace, "v1", "ConfigMap", ns, "never-deleted", nil)
		obj.SetFinalizers([]string{finalizer})
		if _, err := apply(ctx, c, obj); err != nil {
			return 0, err
		}
	}
	return len(names), err
}

// service names one that does not exist.
func service() object { return object{"namespace": "default", "name": "gone", "port": 443} }

// deadAPIService registers a group of kinds whose server is gone. A namespace cannot be emptied of what cannot be listed.
func deadAPIService(ctx context.Context, c *kubeclient.Client, _ string) (int, error) {
	const group = "gone." + domain
	_, err := apply(ctx, c, made(localtarget.DeadAPIService, "apiregistration.k8s.io/v1", "APIService", "", "v1."+group, object{
		"spec": object{
			"group": group, "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100,
			"insecureSkipTLSVerify": true, "service": service(),
		},
	}))
	return 1, err
}

// deadWebhook asks a server that is gone before any object of a group is changed.
func deadWebhook(ctx context.Context, c *kubeclient.Client, match string) (int, error) {
	if match == "" {
		match = "flink.apache.org"
	}
	const name = "gone." + domain
	_, err := apply(ctx, c, made(localtarget.DeadWebhook, "admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration",
		"", name, object{"webhooks": []any{object{
			"name": "webhook." + name, "clientConfig": object{"service": service()}, "failurePolicy": "Fail",
			"sideEffects": "None", "admissionReviewVersions": []any{"v1"}, "timeoutSeconds": 5,
			"rules": []any{object{
				"apiGroups": []any{match}, "apiVersions": []any{"*"}, "resources": []any{"*/*"},
				"operations": []any{"CREATE", "UPDATE", "DELETE"},
			}},
		}}}))
	return 1, err
}

// undeletableJob makes the two jobs in each namespace that the Flink operator can never delete, because it reads the
// configuration of a job before it cleans up: one without a Flink version, one with memory that does not parse. Beside them it
// makes a snapshot of a job that never was, whose missing status the operator trips over.
func undeletableJob(ctx context.Context, c *kubeclient.Client, match string) (int, error) {
	names, err := namespaces(ctx, c, match)
	n := 0
	for _, ns := range names {
		for name, change := range map[string]object{
			"without-version": {"flinkVersion": nil}, "without-memory": {"taskManager": resources("12 elephants")},
		} {
			spec := object{
				"flinkVersion": "v1_20", "image": "example.org/flink", "serviceAccount": "flink",
				"jobManager": resources("1024m"), "taskManager": resources("1024m"),
			}
			maps.Copy(spec, change)
			maps.DeleteFunc(spec, func(_ string, v any) bool { return v == nil })
			obj := made(localtarget.UndeletableJob, kube.KindFlinkDeployment.APIVersion, kube.KindFlinkDeployment.Kind, ns, name,
				object{"spec": spec})
			obj.SetFinalizers([]string{flinkFinalizer})
			if _, err := apply(ctx, c, obj); err != nil {
				return n, err
			}
			n++
		}
		snapshot := made(localtarget.UndeletableJob, kube.KindFlinkStateSnapshot.APIVersion, kube.KindFlinkStateSnapshot.Kind, ns,
			"without-job", object{"spec": object{
				"jobReference": object{"kind": kube.KindFlinkDeployment.Kind, "name": "never-was"}, "savepoint": object{},
			}})
		snapshot.SetFinalizers([]string{snapshotFinalizer})
		if _, err := apply(ctx, c, snapshot); err != nil {
			return n, err
		}
		n++
	}
	return n, err
}

func resources(memory string) object { return object{"resource": object{"cpu": 1, "memory": memory}} }

// pendingRelease makes the newest revision of each release, namespace/name, one that was cut off.
func pendingRelease(ctx context.Context, c *kubeclient.Client, match string) (int, error) {
	newest, err := releases(ctx, c)
	n := 0
	for id, r := range newest {
		if !matches(match, id) || r.Pending() {
			continue
		}
		was := r.Info.Status
		r.Info.Status = kube.HelmPendingUpgrade
		if r.Version == 1 {
			r.Info.Status = kube.HelmPendingInstall
		}
		mark := map[string]string{label: value(localtarget.PendingRelease)}
		if err := save(ctx, c, r, mark, map[string]string{wasKey: was}); err != nil {
			return n, err
		}
		n++
	}
	return n, err
}

// releases are the newest revisions, by namespace/name.
func releases(ctx context.Context, c *kubeclient.Client) (map[string]kube.HelmRelease, error) {
	secrets, err := c.List(ctx, schema.GroupVersionKind{Version: "v1", Kind: "Secret"}, "", "owner=helm")
	if err != nil {
		return nil, fmt.Errorf("list Helm releases: %w", err)
	}
	all, err := kube.HelmReleases(secrets)
	out := map[string]kube.HelmRelease{}
	for _, r := range all { // the oldest first
		out[r.Namespace+"/"+r.Name] = r
	}
	return out, err
}

// restore gives a release the status back that it had.
func restore(ctx context.Context, c *kubeclient.Client, secret *unstructured.Unstructured) error {
	all, err := kube.HelmReleases([]unstructured.Unstructured{*secret})
	if err != nil {
		return err
	}
	for _, r := range all {
		r.Info.Status = secret.GetAnnotations()[wasKey]
		if err := save(ctx, c, r, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// save writes a record in Helm's name, with labels and annotations beside Helm's own.
func save(ctx context.Context, c *kubeclient.Client, r kube.HelmRelease, labels, annotations map[string]string) error {
	secret, err := r.Secret()
	if err != nil {
		return err
	}
	all := secret.GetLabels()
	maps.Copy(all, labels)
	secret.SetLabels(all)
	secret.SetAnnotations(annotations)
	_, err = c.Apply(ctx, secret, kubeclient.ApplyOptions{Manager: "Helm", Force: true})
	return err
}
