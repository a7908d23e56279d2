// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/components/versions"
)

// pluginScript is a provider plugin: it says where it serves. The engine kills it.
func (f *fakeAWS) pluginScript() string {
	return fmt.Sprintf("#!/bin/sh\necho %d\nexec /bin/sleep 600\n", f.port)
}

// pluginServer serves a plugin as an archive, and counts who asks.
func pluginServer(t *testing.T, script string) (url string, asked *atomic.Int64) {
	t.Helper()
	var archive bytes.Buffer
	z := gzip.NewWriter(&archive)
	w := tar.NewWriter(z)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "pulumi-resource-aws", Mode: 0o755, Size: int64(len(script))}))
	_, err := w.Write([]byte(script))
	require.NoError(t, errors.Join(err, w.Close(), z.Close()))
	asked = &atomic.Int64{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if script == "" || !strings.HasPrefix(filepath.Base(r.URL.Path), "pulumi-resource-aws-v6.83.0-") {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(archive.Bytes())
	}))
	t.Cleanup(srv.Close)
	return srv.URL, asked
}

// withPlugins is an engine that uses plugins, which it can only get from url. There is no folder for temporary files.
func withPlugins(t *testing.T, url string, more map[string]string) (e *Engine, told *[]string) {
	t.Helper()
	env := map[string]string{
		"PULUMI_PLUGIN_DOWNLOAD_URL_OVERRIDES": ".*=" + url, "HTTP_PROXY": url, "HTTPS_PROXY": url, "NO_PROXY": "127.0.0.1",
		"PATH": "",
	}
	for k, v := range more {
		env[k] = v
	}
	told = &[]string{}
	home := t.TempDir()
	t.Setenv("TMPDIR", filepath.Join(home, "absent"))
	return open(t, Options{
		Home: home, Env: env, Plugins: []versions.Plugin{{Name: "aws", Version: "6.83.0"}},
		Fetching: func(text string) { *told = append(*told, text) },
		Program: func(ctx *pulumi.Context) error {
			_, err := newThing(ctx, "a", nil, pulumi.Version("6.83.0"))
			return err
		},
	}), told
}

// A filled plugin home, as a cache of CI brings it: nothing is read from the network, and no temporary file is written.
func TestAPreviewWithAFilledPluginHomeDownloadsNothing(t *testing.T) {
	f := serveFakeAWS(t)
	home := t.TempDir()
	dir := filepath.Join(home, "plugins", "resource-aws-v6.83.0")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "pulumi-resource-aws"), []byte(f.pluginScript()), 0o700))
	url, asked := pluginServer(t, f.pluginScript())
	e, told := withPlugins(t, url, map[string]string{"PULUMI_HOME": home})
	plan, err := e.Preview(t.Context())
	require.NoError(t, err)
	require.Len(t, userSteps(plan), 1)
	require.Zero(t, asked.Load())
	require.Empty(t, *told)
	require.NoDirExists(t, filepath.Join(e.opts.Home, "pulumi"), "the user's own plugin home is used")
	left, err := os.ReadDir(filepath.Join(e.opts.Home, "run"))
	require.NoError(t, err)
	require.Empty(t, left, "the throw-away state is gone")
}

func TestPluginsAreDownloadedOnce(t *testing.T) {
	f := serveFakeAWS(t)
	url, asked := pluginServer(t, f.pluginScript())
	e, told := withPlugins(t, url, nil)
	for range 2 {
		plan, err := e.Preview(t.Context())
		require.NoError(t, err)
		require.Len(t, userSteps(plan), 1)
		require.EqualValues(t, 1, asked.Load())
	}
	dir := filepath.Join(e.opts.Home, "pulumi", "plugins")
	require.Equal(t, []string{"plugin aws 6.83.0: 0 MB downloaded into " + dir}, *told)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "resource-aws-v6.83.0.partial"), nil, 0o600))
	require.NoError(t, e.FetchPlugins(t.Context()))
	require.EqualValues(t, 2, asked.Load(), "a download that was cut off is made again")
	require.Empty(t, e.MissingPlugins())
}

func TestAPluginThatCannotBeDownloadedIsNamed(t *testing.T) {
	url, asked := pluginServer(t, "")
	e, told := withPlugins(t, url, nil)
	_, err := e.Preview(t.Context())
	var failure *Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, CodePlugin, failure.Code)
	require.ErrorContains(t, err, "plugin aws 6.83.0")
	require.Contains(t, failure.Hint, "emrflink doctor --fetch")
	require.EqualValues(t, attempts, asked.Load())
	require.Len(t, *told, attempts-1)
}

func TestAPluginThatDoesNotFitIsRefusedBeforeItIsUnpacked(t *testing.T) {
	t.Parallel()
	p := versions.Plugin{Name: "aws", Version: "6.83.0"}
	dir := filepath.Join(t.TempDir(), "plugins")
	require.NoError(t, roomFor(p, dir, 1000))
	require.NoError(t, roomFor(p, dir, -1), "the server does not say how large it is")
	err := roomFor(p, dir, math.MaxInt64/unpacked)
	require.ErrorContains(t, err, "MiB are free for plugins in "+dir+", plugin aws 6.83.0 takes about")
	f := &Failure{Message: err.Error()}
	newClassifier().classify(f)
	require.Equal(t, CodeNoSpace, f.Code)
}

func TestAttachedProvidersNeedNoPlugins(t *testing.T) {
	t.Parallel()
	e := open(t, Options{Home: t.TempDir(), Plugins: versions.Plugins(), Env: map[string]string{attachedVar: "aws:1"}})
	require.Empty(t, e.MissingPlugins())
	require.NoError(t, e.FetchPlugins(t.Context()))
}
