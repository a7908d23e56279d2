// SPDX-License-Identifier: Apache-2.0

// Package helmchart fetches a Helm chart from where Helm fetches it, a registry (oci://) or a repository (https://), with Helm's
// and Docker's logins, and reads the custom resource definitions of its crds/ folder.
package helmchart

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"sigs.k8s.io/yaml"

	"emrflink/internal/kube"
	"emrflink/internal/pattern"
)

const (
	oci = "oci://"
	// layerType is the media type of a chart's archive in a registry (helm.sh, "Use OCI-based registries").
	layerType = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
	// A chart has at most so many bytes, packed and unpacked, and the index of a repository: several are of 10 MB.
	maxChart, maxIndex = 32 << 20, 128 << 20
)

// Ref names a chart as a Helm release does. Repo is "" for a chart of a registry.
type Ref struct{ Chart, Repo, Version string }

// String is the chart with its version.
func (r Ref) String() string { return r.Chart + " " + r.Version }

// Source says where charts come from.
type Source struct {
	// Instead, when it is set, is HOST:PORT of a registry without TLS that has all charts, those of repositories too: a chart is
	// there below the name of the host that publishes it.
	Instead string
}

// Fetch returns the archive of a chart.
func (s Source) Fetch(ctx context.Context, r Ref) ([]byte, error) {
	var archive []byte
	var err error
	name, isOCI := strings.CutPrefix(r.Chart, oci)
	switch {
	case isOCI && s.Instead != "":
		archive, err = s.pull(ctx, s.Instead+"/"+name, r.Version)
	case isOCI:
		archive, err = s.pull(ctx, name, r.Version)
	case s.Instead != "":
		repo := strings.TrimSuffix(strings.TrimPrefix(r.Repo, "https://"), "/")
		archive, err = s.pull(ctx, s.Instead+"/"+repo+"/"+r.Chart, r.Version)
	default:
		archive, err = download(ctx, r)
	}
	if err != nil {
		return nil, fmt.Errorf("fetch chart %s: %w", r, err)
	}
	return archive, nil
}

// pull reads a chart from a registry. What comes is compared with its digest.
func (s Source) pull(ctx context.Context, name, version string) ([]byte, error) {
	repo, err := remote.NewRepository(name)
	if err != nil {
		return nil, err
	}
	repo.PlainHTTP = s.Instead != ""
	repo.Client = &auth.Client{Client: http.DefaultClient, Cache: auth.NewCache(), Credential: login()}
	// A tag cannot have the plus of a version (helm.sh, "Use OCI-based registries").
	described, body, err := repo.FetchReference(ctx, strings.ReplaceAll(version, "+", "_"))
	if err != nil {
		return nil, err
	}
	defer body.Close()
	raw, err := content.ReadAll(body, described)
	if err != nil {
		return nil, err
	}
	var manifest ocispec.Manifest
	if err := json.Unmarshal(raw, &manifest); err != nil {
		return nil, fmt.Errorf("read its manifest: %w", err)
	}
	i := slices.IndexFunc(manifest.Layers, func(l ocispec.Descriptor) bool { return l.MediaType == layerType })
	if i < 0 {
		return nil, errors.New("what the registry has is no Helm chart")
	}
	if manifest.Layers[i].Size > maxChart {
		return nil, fmt.Errorf("it has %d bytes", manifest.Layers[i].Size)
	}
	layer, err := repo.Fetch(ctx, manifest.Layers[i])
	if err != nil {
		return nil, err
	}
	defer layer.Close()
	return content.ReadAll(layer, manifest.Layers[i])
}

// Logins are the files in which helm and docker keep the logins of registries (their documentation: HELM_REGISTRY_CONFIG,
// HELM_CONFIG_HOME, XDG_CONFIG_HOME; DOCKER_CONFIG).
func Logins(getenv func(string) string) (helm, docker string) {
	or := func(value string, parts ...string) string {
		if value != "" {
			return value
		}
		return filepath.Join(parts...)
	}
	home := getenv("HOME")
	folder := or(getenv("HELM_CONFIG_HOME"), or(getenv("XDG_CONFIG_HOME"), home, ".config"), "helm")
	return or(getenv("HELM_REGISTRY_CONFIG"), folder, "registry", "config.json"),
		filepath.Join(or(getenv("DOCKER_CONFIG"), home, ".docker"), "config.json")
}

// login finds what `helm registry login`, or else `docker login`, has stored for a registry. Without it nobody logs in.
func login() auth.CredentialFunc {
	var stores []credentials.Store
	helm, docker := Logins(os.Getenv)
	for _, file := range []string{helm, docker} {
		if store, err := credentials.NewStore(file, credentials.StoreOptions{}); err == nil {
			stores = append(stores, store)
		}
	}
	if len(stores) == 0 {
		return nil
	}
	return credentials.Credential(credentials.NewStoreWithFallbacks(stores[0], stores[1:]...))
}

// index is a part of the index.yaml of a repository.
type index struct {
	Entries map[string][]struct {
		Version, Digest string
		URLs            []string
	}
}

// download reads a chart from a repository.
func download(ctx context.Context, r Ref) ([]byte, error) {
	base, err := url.Parse(strings.TrimSuffix(r.Repo, "/") + "/")
	if err != nil {
		return nil, err
	}
	raw, err := get(ctx, base.JoinPath("index.yaml"), maxIndex)
	if err != nil {
		return nil, err
	}
	var all index
	if err := yaml.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("read the index of %s: %w", r.Repo, err)
	}
	for _, e := range all.Entries[r.Chart] {
		if e.Version != r.Version || len(e.URLs) == 0 {
			continue
		}
		at, err := base.Parse(e.URLs[0])
		if err != nil {
			return nil, err
		}
		archive, err := get(ctx, at, maxChart)
		if err == nil && e.Digest != "" && digest.FromBytes(archive).Encoded() != strings.TrimPrefix(e.Digest, "sha256:") {
			err = fmt.Errorf("what came has not the digest %s of the index", e.Digest)
		}
		return archive, err
	}
	return nil, fmt.Errorf("%s has no such chart and version", r.Repo)
}

func get(ctx context.Context, at *url.URL, most int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", at, resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	if err == nil && int64(len(body)) > most {
		err = fmt.Errorf("%s has more than %d bytes", at, most)
	}
	return body, err
}

// ofCRDs is a file of crds/, of the chart or of one that it contains.
var ofCRDs = pattern.Lazy(`^[^/]+/(?:charts/[^/]+/)*crds/.+\.(?:ya?ml|json)$`)

// CRDs are the definitions in the crds/ folders of a chart: what Helm installs once, and neither changes nor removes (helm.sh,
// "Custom Resource Definitions").
func CRDs(archive []byte) ([]*unstructured.Unstructured, error) {
	unpacked, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, fmt.Errorf("read the chart: %w", err)
	}
	files := tar.NewReader(io.LimitReader(unpacked, maxChart))
	var out []*unstructured.Unstructured
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the chart: %w", err)
		}
		if header.Typeflag != tar.TypeReg || !ofCRDs().MatchString(header.Name) {
			continue
		}
		text, err := io.ReadAll(files)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", header.Name, err)
		}
		objects, err := kube.Objects(text)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", header.Name, err)
		}
		for _, o := range objects {
			if o.GetKind() == kube.KindCRD.Kind {
				out = append(out, o)
			}
		}
	}
}
