// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
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
		"none":          {nil, 0, check.OK, "no login"},
		"one elsewhere": {map[string]string{docker: `{"auths":{"ghcr.io":{"auth":"eDp5"}}}`}, 0, check.OK, "no login"},
		"one that is good": {
			map[string]string{docker: auth(noon.Add(time.Hour))}, 0, check.OK, "good until 2026-11-22T13:00:00Z",
		},
		"one that has expired": {
			map[string]string{docker: auth(noon.Add(-time.Hour))}, 0, check.Error, "docker logout public.ecr.aws",
		},
		"helm's has expired": {
			map[string]string{docker: auth(noon.Add(time.Hour)), helm: auth(noon.Add(-time.Hour))},
			0,
			check.Error,
			"helm registry logout public.ecr.aws",
		},
		"one that says nothing": {map[string]string{docker: auth(time.Time{})}, time.Hour, check.OK, "is recent"},
		"an old one, saying nothing": {
			map[string]string{docker: auth(time.Time{})}, 13 * time.Hour, check.Warning, "older than 12h",
		},
		"one that a helper keeps": {
			map[string]string{docker: `{"auths":{"public.ecr.aws":{}},"credsStore":"desktop"}`}, 0, check.Skipped,
			"credential helper desktop",
		},
		"a helper for the registry": {
			map[string]string{docker: `{"credHelpers":{"public.ecr.aws":"ecr-login"}}`}, 0, check.Skipped, "ecr-login",
		},
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
