// SPDX-License-Identifier: Apache-2.0

package helmchart_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/helmchart"
	"emrflink/internal/localcloud/chart"
)

const operator = "oci://public.ecr.aws/emr-on-eks/flink-kubernetes-operator"

func address(s *httptest.Server) string { return s.URL[strings.Index(s.URL, "//")+2:] }

// The registry of the local target has every chart, those of repositories too.
func TestTheDefinitionsOfAChartInARegistry(t *testing.T) {
	t.Parallel()
	registry := httptest.NewServer(chart.Registry(chart.Charts{}))
	t.Cleanup(registry.Close)
	source := helmchart.Source{Instead: address(registry)}
	for _, c := range []struct {
		ref  helmchart.Ref
		want []string
	}{
		{helmchart.Ref{Chart: operator, Version: "7.12.0"}, []string{
			"flinkdeployments.flink.apache.org", "flinksessionjobs.flink.apache.org", "flinkstatesnapshots.flink.apache.org",
		}},
		{helmchart.Ref{Chart: "kube-prometheus-stack", Repo: "https://prometheus-community.github.io/helm-charts",
			Version: "82.13.3"}, []string{"podmonitors.monitoring.coreos.com", "prometheusrules.monitoring.coreos.com"}},
		{helmchart.Ref{
			Chart: "metrics-server", Repo: "https://kubernetes-sigs.github.io/metrics-server/", Version: "3.13.0",
		}, nil},
	} {
		archive, err := source.Fetch(t.Context(), c.ref)
		require.NoError(t, err)
		crds, err := helmchart.CRDs(archive)
		require.NoError(t, err)
		var names []string
		for _, crd := range crds {
			names = append(names, crd.GetName())
			require.True(t, strings.HasSuffix(crd.GetLabels()["helm.sh/chart"], "-"+c.ref.Version), crd.GetLabels())
		}
		for _, want := range c.want {
			require.Contains(t, names, want)
		}
		require.Equal(t, c.want == nil, names == nil)
	}
	_, err := source.Fetch(t.Context(), helmchart.Ref{Chart: operator, Version: "7.0.0"})
	require.ErrorContains(t, err, "fetch chart "+operator+" 7.0.0")
	require.ErrorContains(t, err, "not found")
}

// packed is an archive of files.
func packed(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	gz := gzip.NewWriter(&out)
	w := tar.NewWriter(gz)
	for name, text := range files {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg}))
		_, err := w.Write([]byte(text))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, gz.Close())
	return out.Bytes()
}

const crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: %s}\n"

func TestOnlyWhatHelmInstallsOnceIsADefinition(t *testing.T) {
	t.Parallel()
	crds, err := helmchart.CRDs(packed(t, map[string]string{
		"c/Chart.yaml":        "name: c",
		"c/crds/a.yaml":       fmt.Sprintf(crd+"---\n"+crd, "a", "b"),
		"c/crds/deeper/c.yml": fmt.Sprintf(crd, "c"),
		"c/charts/inner/crds/d.json": `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",` +
			`"metadata":{"name":"d"}}`,
		"c/crds/other.yaml":       "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n",
		"c/crds/README.md":        "text",
		"c/templates/crds/e.yaml": "{{ this is a template }}",
	}))
	require.NoError(t, err)
	var names []string
	for _, c := range crds {
		names = append(names, c.GetName())
	}
	require.ElementsMatch(t, []string{"a", "b", "c", "d"}, names)
	_, err = helmchart.CRDs([]byte("no archive"))
	require.ErrorContains(t, err, "read the chart")
}

func TestAChartOfARepository(t *testing.T) {
	t.Parallel()
	archive := packed(t, map[string]string{"c/crds/a.yaml": fmt.Sprintf(crd, "a")})
	sum := sha256.Sum256(archive)
	mux := http.NewServeMux()
	mux.HandleFunc("/charts/index.yaml", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, "apiVersion: v1\nentries:\n  c:\n"+
			"  - {version: 1.0.0, digest: %s, urls: [c-1.0.0.tgz]}\n"+
			"  - {version: 2.0.0, digest: %s, urls: [/elsewhere/c.tgz]}\n", hex.EncodeToString(sum[:]), strings.Repeat("0", 64))
	})
	serve := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(archive) }
	mux.HandleFunc("/charts/c-1.0.0.tgz", serve)
	mux.HandleFunc("/elsewhere/c.tgz", serve)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	fetch := func(version string) ([]byte, error) {
		return helmchart.Source{}.Fetch(t.Context(), helmchart.Ref{Chart: "c", Repo: server.URL + "/charts", Version: version})
	}
	got, err := fetch("1.0.0")
	require.NoError(t, err)
	require.Equal(t, archive, got)
	_, err = fetch("2.0.0")
	require.ErrorContains(t, err, "has not the digest")
	_, err = fetch("3.0.0")
	require.ErrorContains(t, err, "no such chart and version")
}

// A registry that asks for a login gets that of `helm registry login`.
func TestHelmsLoginIsUsed(t *testing.T) {
	registry := chart.Registry(chart.Charts{})
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "AWS" || password != "secret" {
			asked++
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		registry.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "config.json")
	t.Setenv("HELM_REGISTRY_CONFIG", file)
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	ref := helmchart.Ref{Chart: operator, Version: "7.13.0"}
	_, err := helmchart.Source{Instead: address(server)}.Fetch(t.Context(), ref)
	require.ErrorContains(t, err, "credential not found")
	auth := map[string]any{"auth": "QVdTOnNlY3JldA=="}
	config, err := json.Marshal(map[string]any{"auths": map[string]any{address(server): auth}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, config, 0o600))
	_, err = helmchart.Source{Instead: address(server)}.Fetch(t.Context(), ref)
	require.NoError(t, err)
	require.Positive(t, asked)
}
