// SPDX-License-Identifier: Apache-2.0

package kubeprov

import (
	"context"
	"errors"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"emrflink/internal/kube"
	"emrflink/internal/localcloud/provider/kubeclient"
)

// release is one revision of a release.
type release struct{ kube.HelmRelease }

// objects are those of the release's manifest.
func (r *release) objects() ([]*unstructured.Unstructured, error) {
	out, err := kube.Objects([]byte(r.Manifest))
	if err != nil {
		return nil, fmt.Errorf("release %s/%s: %w", r.Namespace, r.Name, err)
	}
	return out, nil
}

// state are the outputs of the release.
func (r *release) state(inputs property) property {
	out := inputs.Copy()
	out["status"] = resource.NewProperty(resource.NewPropertyMapFromMap(map[string]any{
		"appVersion": r.Chart.Metadata.AppVersion, "chart": r.Chart.Metadata.Name, "name": r.Name, "namespace": r.Namespace,
		"revision": float64(r.Version), "status": r.Info.Status, "version": r.Chart.Metadata.Version,
	}))
	names := map[string]any{}
	objs, err := r.objects()
	if err != nil {
		return out
	}
	for _, obj := range objs {
		kind := obj.GetKind() + "." + obj.GetAPIVersion()
		list, _ := names[kind].([]any)
		names[kind] = append(list, idOf(obj))
	}
	out["resourceNames"] = resource.NewProperty(resource.NewPropertyMapFromMap(names))
	return out
}

func secretKind() schema.GroupVersionKind {
	return schema.GroupVersionKind{Version: "v1", Kind: "Secret"}
}

// save writes the record of one revision.
func (r *release) save(ctx context.Context, client *kubeclient.Client) error {
	secret, err := r.Secret()
	if err != nil {
		return err
	}
	if _, err := client.Apply(ctx, secret, kubeclient.ApplyOptions{Manager: helmManager, Force: true}); err != nil {
		return fmt.Errorf("write the record of release %s/%s: %w", r.Namespace, r.Name, err)
	}
	return nil
}

// conclude writes what became of a revision. A record that somebody has taken away stays away.
func (r *release) conclude(ctx context.Context, client *kubeclient.Client) error {
	secret, err := r.Secret()
	if err != nil {
		return err
	}
	have, err := client.Get(ctx, secret)
	if err == nil && have == nil {
		err = errors.New("release: not found")
	}
	if err != nil {
		return fmt.Errorf("update the record of release %s/%s: %w", r.Namespace, r.Name, err)
	}
	return r.save(ctx, client)
}

// records are the Secrets of a release's revisions.
func records(ctx context.Context, client *kubeclient.Client, namespace, name string) ([]unstructured.Unstructured, error) {
	secrets, err := client.List(ctx, secretKind(), namespace, kube.HelmSelector(name))
	if err != nil {
		return nil, fmt.Errorf("read the records of release %s/%s: %w", namespace, name, err)
	}
	return secrets, nil
}

// latestRelease is the newest revision of a release, nil when there is none.
func latestRelease(ctx context.Context, client *kubeclient.Client, namespace, name string) (*release, error) {
	secrets, err := records(ctx, client, namespace, name)
	if err != nil {
		return nil, err
	}
	all, err := kube.HelmReleases(secrets)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &release{all[len(all)-1]}, nil
}
