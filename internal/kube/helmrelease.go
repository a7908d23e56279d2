// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Helm's words for the state of a release.
const (
	HelmPendingInstall = "pending-install"
	HelmPendingUpgrade = "pending-upgrade"
	HelmDeployed       = "deployed"
	HelmFailed         = "failed"
	HelmSuperseded     = "superseded"
	HelmUninstalled    = "uninstalled"
)

const (
	helmRecordType = "helm.sh/release.v1"
	// maxHelmRecord is the largest record that is read, in bytes, unpacked.
	maxHelmRecord = 64 << 20
)

// HelmRelease is Helm's own record of one revision of a release, as far as it is needed here and by `helm list`: JSON,
// packed, in a Secret of type helm.sh/release.v1 in the namespace of the release.
type HelmRelease struct {
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

// Pending tells whether an installation or an upgrade is under way, or was cut off.
func (r *HelmRelease) Pending() bool { return strings.HasPrefix(r.Info.Status, "pending-") }

// Ref names the Secret of the revision.
func (r *HelmRelease) Ref() Ref {
	return KindSecret.Ref(r.Namespace, fmt.Sprintf("sh.helm.release.v1.%s.v%d", r.Name, r.Version))
}

// HelmSelector selects the records of a release among the Secrets of its namespace.
func HelmSelector(release string) string { return "owner=helm,name=" + release }

// HelmReleases reads the revisions out of their Secrets, the oldest first.
func HelmReleases(secrets []unstructured.Unstructured) ([]HelmRelease, error) {
	out := make([]HelmRelease, 0, len(secrets))
	for i := range secrets {
		data, _, err := unstructured.NestedString(secrets[i].Object, "data", "release")
		if err != nil {
			return nil, fmt.Errorf("read the Helm record %s: %w", RefOf(&secrets[i]), err)
		}
		r, err := unpackHelm(data)
		if err != nil {
			return nil, fmt.Errorf("read the Helm record %s: %w", RefOf(&secrets[i]), err)
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b HelmRelease) int { return a.Version - b.Version })
	return out, nil
}

// Secret is the record as Helm keeps it.
func (r *HelmRelease) Secret() (*unstructured.Unstructured, error) {
	packed, err := r.pack()
	if err != nil {
		return nil, fmt.Errorf("write the Helm record %s: %w", r.Ref(), err)
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": helmRecordType,
		"metadata": map[string]any{
			"name": r.Ref().Name, "namespace": r.Namespace,
			"labels": map[string]any{
				"owner": "helm", "name": r.Name, "status": r.Info.Status, "version": strconv.Itoa(r.Version),
				"modifiedAt": strconv.FormatInt(r.Info.LastDeployed.Unix(), 10),
			},
		},
		"data": map[string]any{"release": packed},
	}}, nil
}

// pack writes the record as Helm does: JSON, gzip, base64; and base64 once more as the data of a Secret.
func (r *HelmRelease) pack() (string, error) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if err := json.NewEncoder(w).Encode(r); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	inner := base64.StdEncoding.EncodeToString(packed.Bytes())
	return base64.StdEncoding.EncodeToString([]byte(inner)), nil
}

func unpackHelm(data string) (r HelmRelease, err error) {
	inner, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return r, err
	}
	packed, err := base64.StdEncoding.DecodeString(string(inner))
	if err != nil {
		return r, err
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return r, err
	}
	return r, json.NewDecoder(io.LimitReader(z, maxHelmRecord)).Decode(&r)
}
