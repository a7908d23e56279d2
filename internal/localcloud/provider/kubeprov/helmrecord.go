// SPDX-License-Identifier: Apache-2.0

package kubeprov

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"emrflink/internal/localcloud/chart"
	"emrflink/internal/localcloud/provider/kubeclient"
)

// Helm's words for the state of a release.
const (
	statusPending     = "pending-install"
	statusUpgrading   = "pending-upgrade"
	statusDeployed    = "deployed"
	statusFailed      = "failed"
	statusSuperseded  = "superseded"
	statusUninstalled = "uninstalled"
)

const (
	recordType = "helm.sh/release.v1"
	// maxRecord is the largest record that is read, in bytes, unpacked.
	maxRecord = 64 << 20
)

// release is Helm's own record of a release, as far as it is needed here and by
// `helm list`: JSON, packed, in a Secret of type helm.sh/release.v1.
type release struct {
	Name      string         `json:"name"`
	Namespace string         `json:"namespace"`
	Version   int            `json:"version"`
	Manifest  string         `json:"manifest"`
	Config    map[string]any `json:"config,omitempty"`
	Info      struct {
		FirstDeployed time.Time `json:"first_deployed"`
		LastDeployed  time.Time `json:"last_deployed"`
		Deleted       string    `json:"deleted"`
		Description   string    `json:"description"`
		Status        string    `json:"status"`
	} `json:"info"`
	Chart struct {
		Metadata struct {
			Name       string `json:"name"`
			Version    string `json:"version"`
			AppVersion string `json:"appVersion"`
			APIVersion string `json:"apiVersion"`
		} `json:"metadata"`
	} `json:"chart"`
}

// objects are those of the release's manifest.
func (r *release) objects() ([]*unstructured.Unstructured, error) {
	out, err := chart.Objects([]byte(r.Manifest))
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
	packed, err := r.pack()
	if err != nil {
		return err
	}
	secret := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": recordType,
		"metadata": map[string]any{
			"name": fmt.Sprintf("sh.helm.release.v1.%s.v%d", r.Name, r.Version), "namespace": r.Namespace,
			"labels": map[string]any{
				"owner": "helm", "name": r.Name, "status": r.Info.Status, "version": strconv.Itoa(r.Version),
				"modifiedAt": strconv.FormatInt(r.Info.LastDeployed.Unix(), 10),
			},
		},
		"data": map[string]any{"release": packed},
	}}
	if _, err := client.Apply(ctx, secret, kubeclient.ApplyOptions{Manager: "Helm", Force: true}); err != nil {
		return fmt.Errorf("write the record of release %s/%s: %w", r.Namespace, r.Name, err)
	}
	return nil
}

// pack writes the record as Helm does: JSON, gzip, base64; and base64 once more
// as the data of a Secret.
func (r *release) pack() (string, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("encode release: %w", err)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(b); err != nil {
		return "", fmt.Errorf("pack release: %w", err)
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("pack release: %w", err)
	}
	inner := base64.StdEncoding.EncodeToString(packed.Bytes())
	return base64.StdEncoding.EncodeToString([]byte(inner)), nil
}

func unpack(data string) (*release, error) {
	inner, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return nil, err
	}
	packed, err := base64.StdEncoding.DecodeString(string(inner))
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(z, maxRecord))
	if err != nil {
		return nil, err
	}
	r := &release{}
	return r, json.Unmarshal(b, r)
}

// records are the Secrets of a release's revisions.
func records(ctx context.Context, client *kubeclient.Client, namespace, name string) ([]unstructured.Unstructured, error) {
	secrets, err := client.List(ctx, secretKind(), namespace, "owner=helm,name="+name)
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
	var newest *release
	for i := range secrets {
		data, _, err := unstructured.NestedString(secrets[i].Object, "data", "release")
		if err != nil {
			return nil, err
		}
		r, err := unpack(data)
		if err != nil {
			return nil, fmt.Errorf("record %s of release %s/%s: %w", secrets[i].GetName(), namespace, name, err)
		}
		if newest == nil || r.Version > newest.Version {
			newest = r
		}
	}
	return newest, nil
}
