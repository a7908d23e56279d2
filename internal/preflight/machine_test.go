// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"emrflink/internal/check"

	"github.com/stretchr/testify/require"
)

// machine has a home folder with the given files, all written at noon.
func machine(t *testing.T, files map[string]string) Machine {
	t.Helper()
	home := t.TempDir()
	for name, text := range files {
		path := filepath.Join(home, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		require.NoError(t, os.Chtimes(path, noon, noon))
	}
	return Machine{
		Registries: []string{"public.ecr.aws"}, LookPath: func(p string) (string, error) { return "/usr/bin/" + p, nil },
		Getenv: func(k string) string { return map[string]string{"HOME": home}[k] }, Now: func() time.Time { return noon },
	}
}

// auth is a login as docker writes it, with a token that says when it ends; zero says nothing.
func auth(expires time.Time) string {
	token := "opaque"
	if !expires.IsZero() {
		token = base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"payload":"x","type":"DATA_KEY","expiration":%d}`,
			expires.Unix()))
	}
	return fmt.Sprintf(`{"auths":{"public.ecr.aws":{"auth":%q}}}`, base64.StdEncoding.EncodeToString([]byte("AWS:"+token)))
}

func TestAStaleLoginIsFound(t *testing.T) {
	t.Parallel()
	const docker, helm = ".docker/config.json", ".config/helm/registry/config.json"
	for name, c := range map[string]struct {
		files  map[string]string
		later  time.Duration
		status check.Status
		says   string
	}{
		"none": {nil, 0, check.OK, "no login"},
		"one elsewhere": {map[string]string{docker: `{"auths":{"ghcr.io":{"auth":"eDp5"}}}`}, 0,
			check.OK, "no login"},
		"one that is good": {map[string]string{docker: auth(noon.Add(time.Hour))}, 0, check.OK,
			"good until 2026-11-22T13:00:00Z"},
		"one that has expired": {map[string]string{docker: auth(noon.Add(-time.Hour))}, 0, check.Error,
			"docker logout public.ecr.aws"},
		"helm's has expired": {map[string]string{docker: auth(noon.Add(time.Hour)), helm: auth(noon.Add(-time.Hour))}, 0,
			check.Error, "helm registry logout public.ecr.aws"},
		"one that says nothing": {map[string]string{docker: auth(time.Time{})}, time.Hour, check.OK, "is recent"},
		"an old one, saying nothing": {map[string]string{docker: auth(time.Time{})}, 13 * time.Hour, check.Warning,
			"older than 12h"},
		"one that a helper keeps": {map[string]string{docker: `{"auths":{"public.ecr.aws":{}},"credsStore":"desktop"}`},
			0, check.Skipped,
			"credential helper desktop"},
		"a helper for the registry": {map[string]string{docker: `{"credHelpers":{"public.ecr.aws":"ecr-login"}}`}, 0,
			check.Skipped, "ecr-login"},
		"a file that is no JSON": {map[string]string{docker: `{`}, 0, check.Warning, "could not check"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := machine(t, c.files)
			m.Now = func() time.Time { return noon.Add(c.later) }
			checks := m.Run()
			require.Len(t, checks, 1)
			require.Equal(t, c.status, checks[0].Status, checks[0].What)
			require.Contains(t, checks[0].What+checks[0].Why+checks[0].Fix, c.says)
			require.Equal(t, "registry-login", checks[0].ID)
		})
	}
}

func TestTheFilesAreWhereTheEnvironmentSays(t *testing.T) {
	t.Parallel()
	m := machine(t, map[string]string{
		"elsewhere/config.json": auth(noon.Add(-time.Hour)), "registry.json": auth(noon.Add(-time.Hour)),
	})
	home := m.Getenv("HOME")
	for variable, value := range map[string]string{
		"DOCKER_CONFIG": filepath.Join(home, "elsewhere"), "HELM_REGISTRY_CONFIG": filepath.Join(home, "registry.json"),
	} {
		m.Getenv = func(k string) string { return map[string]string{"HOME": home, variable: value}[k] }
		require.Equal(t, check.Error, m.Run()[0].Status, variable)
	}
}

func TestAMissingProgramIsAnErrorWithAPlaceToGetIt(t *testing.T) {
	t.Parallel()
	m := machine(t, nil)
	m.Programs = []string{"aws", "kubectl"}
	for _, c := range m.Run() {
		require.Equal(t, check.OK, c.Status, c.ID)
	}
	m.LookPath = func(string) (string, error) { return "", errors.New("not found") }
	for _, c := range m.Run()[:2] {
		require.Equal(t, check.Error, c.Status, c.ID)
		require.Contains(t, c.Fix, "https://")
	}
}

func TestProviderPluginsAreThereOrHaveRoom(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		missing []string
		free    uint64
		status  check.Status
		says    string
	}{
		"all are there":              {nil, 0, check.OK, "all are in"},
		"one is missing":             {[]string{"aws 6.83.0"}, 3 << 30, check.Warning, "emrflink doctor --fetch"},
		"one is missing, no room":    {[]string{"aws 6.83.0"}, 3<<30 - 1, check.Error, "set PULUMI_HOME"},
		"the missing one has a name": {[]string{"eks 2.8.1"}, 9 << 30, check.Warning, "yet: eks 2.8.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			m := machine(t, nil)
			m.Registries, m.Root = nil, fstest.MapFS{}
			m.Plugins = func() ([]string, string) { return c.missing, filepath.Join(dir, "plugins") }
			m.Free = func(at string) (uint64, error) {
				require.Equal(t, dir, at)
				return c.free, nil
			}
			got := m.Run()
			require.Len(t, got, 2)
			require.Equal(t, c.status, got[0].Status)
			require.Contains(t, got[0].What+got[0].Why+got[0].Fix, c.says)
		})
	}
}

func TestTheMemoryIsTheMachinesOrTheContainers(t *testing.T) {
	t.Parallel()
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for name, c := range map[string]struct {
		files  fstest.MapFS
		status check.Status
		what   string
	}{
		"enough":     {fstest.MapFS{"proc/meminfo": file("MemTotal:        4030512 kB\nMemFree: 1 kB\n")}, check.OK, "3.8 GiB"},
		"too little": {fstest.MapFS{"proc/meminfo": file("MemTotal: 2000000 kB\n")}, check.Warning, "1.9 GiB"},
		"a container's limit": {fstest.MapFS{
			"proc/meminfo": file("MemTotal: 8000000 kB\n"), "sys/fs/cgroup/memory.max": file("1073741824\n"),
		}, check.Warning, "1.0 GiB"},
		"no limit": {fstest.MapFS{
			"proc/meminfo": file("MemTotal: 8388608 kB\n"), "sys/fs/cgroup/memory.max": file("max\n"),
		}, check.OK, "8.0 GiB"},
		"another system": {fstest.MapFS{}, check.Skipped, "not known here"},
		"another form":   {fstest.MapFS{"proc/meminfo": file("x")}, check.Skipped, "not known here"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Machine{Root: c.files}.memory()
			require.Equal(t, c.status, got.Status)
			require.Equal(t, c.what, got.What)
		})
	}
}

// TestMirrorsOfThisMachine: charts come from a registry that serves nobody without a login, and mirrors answer or not.
func TestMirrorsOfThisMachine(t *testing.T) {
	t.Parallel()
	const ecr = "111122223333.dkr.ecr.us-west-2.amazonaws.com"
	m := machine(t, nil)
	m.Registries, m.Mirrors = []string{ecr}, []string{ecr, "harbor.example.com"}
	m.Get = func(url string) (int, error) {
		if url == "https://"+ecr+"/v2/" {
			return http.StatusUnauthorized, nil
		}
		return 0, errors.New("dial tcp: no such host")
	}
	got := m.Run()
	require.Len(t, got, 2)
	require.Equal(t, check.Error, got[0].Status)
	require.Contains(t, got[0].Fix, "aws ecr get-login-password --region us-west-2 | helm registry login --username AWS "+
		"--password-stdin "+ecr)
	require.Equal(t, check.Check{
		ID: "mirror-answers", Status: check.Warning,
		What: ecr + " answers (HTTP 401); harbor.example.com does not answer this machine", Why: "dial tcp: no such host",
		Fix: "curl --head https://harbor.example.com/v2/",
	}, got[1])
	m.Mirrors = m.Mirrors[:1]
	require.Equal(t, check.OK, m.Run()[1].Status)
}
