// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// RegistryPath is the root of a registry; no bucket has so short a name.
const RegistryPath = "/v2/"

// Media types of a chart in a registry (helm.sh, "Use OCI-based registries").
const (
	configType = "application/vnd.cncf.helm.config.v1+json"
	layerType  = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
)

// Registry serves the charts as a registry does (OCI Distribution Specification 1.1, pull), each below the host that publishes
// it. Their archives have what Helm leaves to others: the definitions of the crds/ folder. The stand-ins have no templates.
func Registry(c Charts) http.Handler {
	return &shelf{charts: c, blobs: map[digest.Digest][]byte{}}
}

type shelf struct {
	charts Charts

	mu    sync.Mutex
	blobs map[digest.Digest][]byte
}

// ServeHTTP answers for manifests by their tag or digest, and for blobs by their digest, once a manifest has named them.
func (g *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, RegistryPath)
	name, tag, manifest := strings.Cut(path, "/manifests/")
	switch _, blob, isBlob := strings.Cut(path, "/blobs/"); {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		http.Error(w, "this registry is for pulling", http.StatusMethodNotAllowed)
	case path == "":
		w.WriteHeader(http.StatusOK)
	case manifest && !strings.Contains(tag, ":"):
		text, err := g.manifest(name, tag)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		g.send(w, ocispec.MediaTypeImageManifest, text)
	case manifest || isBlob:
		g.mu.Lock()
		text, there := g.blobs[digest.Digest(tag+blob)] // one of them is empty
		g.mu.Unlock()
		if !there {
			http.Error(w, "no such blob", http.StatusNotFound)
			return
		}
		g.send(w, map[bool]string{true: ocispec.MediaTypeImageManifest, false: "application/octet-stream"}[manifest], text)
	default:
		http.NotFound(w, r)
	}
}

func (g *shelf) send(w http.ResponseWriter, mediaType string, text []byte) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.Header().Set("Docker-Content-Digest", digest.FromBytes(text).String())
	_, _ = w.Write(text) // the client may have gone
}

// manifest makes a chart and names it.
func (g *shelf) manifest(name, version string) ([]byte, error) {
	archive, err := g.charts.archive(oci+name, strings.ReplaceAll(version, "_", "+"))
	if err != nil {
		return nil, err
	}
	config := []byte("{}")
	text, err := json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: g.keep(configType, config), Layers: []ocispec.Descriptor{g.keep(layerType, archive)},
	})
	if err != nil {
		return nil, err
	}
	g.keep(ocispec.MediaTypeImageManifest, text)
	return text, nil
}

func (g *shelf) keep(mediaType string, text []byte) ocispec.Descriptor {
	d := digest.FromBytes(text)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.blobs[d] = text
	return ocispec.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(text))}
}

// archive is a chart with its definitions, as Helm packs it.
func (c Charts) archive(reference, version string) ([]byte, error) {
	e, ok := find(reference)
	if !ok {
		return nil, fmt.Errorf("chart %q: %w", reference, ErrUnknownChart)
	}
	if err := e.versions(version); err != nil {
		return nil, fmt.Errorf("chart %q: %w", reference, err)
	}
	name := Request{Chart: reference}.name()
	files := map[string]any{name + "/Chart.yaml": map[string]any{
		"apiVersion": "v2", "name": name, "version": version, "appVersion": e.appVersion(version),
	}}
	if e.crds != nil {
		crds, err := e.crds(c)
		if err != nil {
			return nil, err
		}
		for _, crd := range labelled(crds, name, version) {
			files[name+"/crds/"+crd.GetName()+".yaml"] = crd.Object
		}
	}
	return pack(files)
}

// pack is a gzipped tar archive of YAML files.
func pack(files map[string]any) ([]byte, error) {
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	archive := tar.NewWriter(packed)
	for name, content := range files {
		text, err := yaml.Marshal(content)
		if err == nil {
			err = archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg})
		}
		if err == nil {
			_, err = archive.Write(text)
		}
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", name, err)
		}
	}
	if err := errors.Join(archive.Close(), packed.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// labelled gives definitions the label by which charts say what they are of, as that is all that differs between the versions
// of a stand-in.
func labelled(crds []*unstructured.Unstructured, name, version string) []*unstructured.Unstructured {
	var out []*unstructured.Unstructured
	for _, crd := range crds {
		crd = crd.DeepCopy()
		labels := crd.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels["helm.sh/chart"] = name + "-" + version
		crd.SetLabels(labels)
		out = append(out, crd)
	}
	return out
}
