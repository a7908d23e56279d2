// SPDX-License-Identifier: Apache-2.0

package kubeprov

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"emrflink/internal/kube"
	"emrflink/internal/localcloud/chart"
	"emrflink/internal/localcloud/provider/kubeclient"
)

// helmTimeout bounds the wait of a release whose program says nothing: Helm's default.
const helmTimeout = 5 * time.Minute

const (
	// helmManager owns the fields that a release writes.
	helmManager = "Helm"
	crdKind     = "CustomResourceDefinition"
)

// installer installs one release.
type installer struct {
	client              *kubeclient.Client
	request             chart.Request
	rendered            chart.Rendered
	skipCRDs, skipAwait bool
	createNamespace     bool
	timeout             time.Duration
	progress            func(string)
}

func (o *operation) installer(ctx context.Context, inputs property) (*installer, error) {
	client, err := o.client()
	if err != nil {
		return nil, err
	}
	in := &installer{client: client, request: request(inputs), timeout: o.timeout, progress: o.progress(ctx)}
	in.skipCRDs, _ = flag(inputs["skipCrds"])
	in.skipAwait, _ = flag(inputs["skipAwait"])
	in.createNamespace, _ = flag(inputs["createNamespace"])
	if t := inputs["timeout"]; t.IsNumber() && in.timeout == 0 {
		in.timeout = time.Duration(t.NumberValue() * float64(time.Second))
	}
	if in.timeout == 0 {
		in.timeout = helmTimeout
	}
	in.rendered, err = o.server.charts.Render(in.request)
	return in, err
}

func (in *installer) latest(ctx context.Context) (*release, error) {
	return latestRelease(ctx, in.client, in.request.Namespace, in.request.Release)
}

// available says that the release can be installed: Helm refuses a name of which any revision is recorded, whatever
// became of that, and objects that exist and are not the release's.
func (in *installer) available(ctx context.Context) error {
	existing, err := in.latest(ctx)
	if err != nil {
		return err
	}
	if existing != nil {
		return errors.New("cannot re-use a name that is still in use")
	}
	for _, obj := range in.rendered.Objects {
		have, err := in.client.Get(ctx, obj)
		if err != nil {
			return fmt.Errorf("look for %s: %w", kubeclient.Describe(obj), err)
		}
		if have == nil {
			continue
		}
		for key, want := range ownership(in.request) {
			if have.GetAnnotations()[key] != want {
				return fmt.Errorf("%s exists and cannot be imported into the current release: invalid ownership metadata; "+
					"annotation validation error: key %q must equal %q", kubeclient.Describe(obj), key, want)
			}
		}
	}
	return nil
}

// upgradable is the newest revision of a release that can be upgraded: one that is pending locks it.
func (in *installer) upgradable(ctx context.Context) (*release, error) {
	existing, err := in.latest(ctx)
	switch {
	case err != nil:
		return nil, err
	case existing == nil:
		return nil, fmt.Errorf("%q has no deployed releases", in.request.Release)
	case existing.Pending():
		return nil, errors.New("another operation (install/upgrade/rollback) is in progress")
	}
	return existing, nil
}

// install brings the release to what was rendered, as a new revision. A release
// that was recorded comes back with the error of a failed wait.
func (in *installer) install(ctx context.Context, before *release) (*release, error) {
	if err := in.namespace(ctx); err != nil {
		return nil, err
	}
	rel, err := in.record(before)
	if err != nil {
		return nil, err
	}
	if err := rel.save(ctx, in.client); err != nil {
		return nil, err
	}
	failure := in.apply(ctx, before)
	rel.Info.Status, rel.Info.Description = kube.HelmDeployed, "Install complete"
	if before != nil {
		rel.Info.Description = "Upgrade complete"
	}
	if failure != nil {
		rel.Info.Status, rel.Info.Description = kube.HelmFailed, failure.Error()
	}
	// The outcome is recorded even when the wait was cancelled.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := rel.conclude(ctx, in.client); err != nil {
		return nil, errors.Join(failure, err) // the provider looks the release up before it says that there is one
	}
	if before != nil && failure == nil {
		before.Info.Status = kube.HelmSuperseded
		if err := before.save(ctx, in.client); err != nil {
			return rel, err
		}
	}
	return rel, failure
}

// namespace makes the release's namespace when it shall and is not there.
func (in *installer) namespace(ctx context.Context) error {
	if !in.createNamespace {
		return nil
	}
	ns := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": in.request.Namespace},
	}}
	_, err := in.client.Apply(ctx, ns, kubeclient.ApplyOptions{Manager: helmManager})
	if err != nil {
		return fmt.Errorf("create namespace %q: %w", in.request.Namespace, err)
	}
	return nil
}

// record is the release's next revision, in which nothing has happened yet.
func (in *installer) record(before *release) (*release, error) {
	now := time.Now().UTC()
	rel := &release{kube.HelmRelease{
		Name: in.request.Release, Namespace: in.request.Namespace, Version: 1, Config: in.request.Values,
	}}
	rel.Info.FirstDeployed, rel.Info.LastDeployed, rel.Info.Status = now, now, kube.HelmPendingInstall
	if before != nil {
		rel.Version, rel.Info.FirstDeployed = before.Version+1, before.Info.FirstDeployed
		rel.Info.Status = kube.HelmPendingUpgrade
	}
	m := &rel.Chart.Metadata
	m.Name, m.Version, m.AppVersion, m.APIVersion = in.rendered.Name, in.rendered.Version, in.rendered.AppVersion, "v2"
	var docs []string
	for _, obj := range in.rendered.Objects {
		b, err := yaml.Marshal(obj.Object)
		if err != nil {
			return nil, fmt.Errorf("write manifest: %w", err)
		}
		docs = append(docs, string(b))
	}
	rel.Manifest = strings.Join(docs, "---\n")
	return rel, nil
}

// apply installs the definitions that are missing and the objects, removes what
// the revision before had and this one has not, and waits.
func (in *installer) apply(ctx context.Context, before *release) error {
	ctx, cancel := context.WithTimeout(ctx, in.timeout)
	defer cancel()
	if !in.skipCRDs {
		if err := in.definitions(ctx); err != nil {
			return err
		}
	}
	opts := kubeclient.ApplyOptions{Manager: helmManager, Force: true}
	var live, definitions []*unstructured.Unstructured
	for _, obj := range in.rendered.Objects {
		if obj.GetKind() != crdKind {
			if err := in.await(ctx, definitions); err != nil {
				return err
			}
			definitions = nil
		}
		got, err := in.client.Apply(ctx, owned(obj, in.request), opts)
		if err != nil {
			return fmt.Errorf("apply %s: %w", kubeclient.Describe(obj), err)
		}
		if obj.GetKind() == crdKind {
			definitions = append(definitions, got)
		} else {
			live = append(live, got)
		}
	}
	if err := in.await(ctx, definitions); err != nil {
		return err
	}
	if err := in.prune(ctx, before); err != nil {
		return err
	}
	if in.skipAwait {
		return nil
	}
	return in.await(ctx, live)
}

// definitions installs those of crds/ that the cluster does not have.
func (in *installer) definitions(ctx context.Context) error {
	var made []*unstructured.Unstructured
	for _, crd := range in.rendered.CRDs {
		have, err := in.client.Get(ctx, crd)
		if err != nil {
			return fmt.Errorf("look for %s: %w", kubeclient.Describe(crd), err)
		}
		if have != nil {
			continue
		}
		if have, err = in.client.Apply(ctx, crd, kubeclient.ApplyOptions{Manager: helmManager}); err != nil {
			return fmt.Errorf("apply %s: %w", kubeclient.Describe(crd), err)
		}
		made = append(made, have)
	}
	return in.await(ctx, made)
}

// await returns when all of the objects are ready, whatever that is for each.
func (in *installer) await(ctx context.Context, objs []*unstructured.Unstructured) error {
	for _, obj := range objs {
		ready := kubeclient.ReadyFor(obj.GroupVersionKind())
		if ready == nil {
			continue
		}
		if _, err := in.client.AwaitReady(ctx, obj, ready, in.progress); err != nil {
			return err
		}
	}
	return nil
}

// prune deletes what the revision before had and this one has not.
func (in *installer) prune(ctx context.Context, before *release) error {
	if before == nil {
		return nil
	}
	old, err := before.objects()
	if err != nil {
		return err
	}
	for _, obj := range old {
		kept := slices.ContainsFunc(in.rendered.Objects, func(o *unstructured.Unstructured) bool {
			return o.GroupVersionKind() == obj.GroupVersionKind() && idOf(o) == idOf(obj)
		})
		if kept || retained(obj) {
			continue
		}
		if err := in.client.Delete(ctx, obj); err != nil {
			return fmt.Errorf("delete %s: %w", kubeclient.Describe(obj), err)
		}
	}
	return nil
}

// owned is obj with the annotations by which Helm knows its own.
func owned(obj *unstructured.Unstructured, r chart.Request) *unstructured.Unstructured {
	out := obj.DeepCopy()
	a := out.GetAnnotations()
	if a == nil {
		a = map[string]string{}
	}
	maps.Copy(a, ownership(r))
	out.SetAnnotations(a)
	return out
}

// ownership are those annotations.
func ownership(r chart.Request) map[string]string {
	return map[string]string{"meta.helm.sh/release-name": r.Release, "meta.helm.sh/release-namespace": r.Namespace}
}

func retained(obj *unstructured.Unstructured) bool {
	return obj.GetAnnotations()["helm.sh/resource-policy"] == "keep"
}

// uninstall deletes the release's objects in the reverse order of their
// installation, waits until they are gone, and then forgets the release: an
// interrupted one can be taken up again.
func uninstall(ctx context.Context, client *kubeclient.Client, rel *release, progress func(string)) error {
	objs, err := rel.objects()
	if err != nil {
		return err
	}
	slices.Reverse(objs)
	objs = slices.DeleteFunc(objs, retained)
	for _, obj := range objs {
		if err := client.Delete(ctx, obj); err != nil {
			return fmt.Errorf("delete %s: %w", kubeclient.Describe(obj), err)
		}
	}
	for _, obj := range objs {
		if err := client.AwaitGone(ctx, obj, progress); err != nil {
			return err
		}
	}
	secrets, err := records(ctx, client, rel.Namespace, rel.Name)
	if err != nil {
		return err
	}
	for i := range secrets {
		if err := client.Delete(ctx, &secrets[i]); err != nil {
			return fmt.Errorf("forget release %s/%s: %w", rel.Namespace, rel.Name, err)
		}
	}
	return nil
}
