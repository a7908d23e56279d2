// SPDX-License-Identifier: Apache-2.0

package componenttest_test

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/components/componenttest"
	"emrflink/components/helm"
)

func releaseProgram(change func(*helm.Args)) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		a := &helm.Args{Name: "r", Chart: "oci://host/chart", Version: "1.0.0", Namespace: pulumi.String("ns")}
		change(a)
		_, err := helm.NewRelease(ctx, "release", a)
		return err
	}
}

func TestRelease(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, releaseProgram(func(a *helm.Args) {
		a.Chart, a.Repo, a.Values, a.SkipCRDs = "chart", "https://host", pulumi.Map{"a": pulumi.Int(1)}, true
	}))
	require.Equal(t, map[string]any{
		"name": "r", "chart": "chart", "version": "1.0.0", "namespace": "ns", "createNamespace": false, "timeout": 600.0,
		"compat": "true", "repositoryOpts": map[string]any{"repo": "https://host"}, "values": map[string]any{"a": 1.0},
		"skipCrds": true,
	}, g.Find(t, "release").Inputs)
	require.Equal(t, helm.Token, g.Find(t, "release").Type)
}

func TestReleaseRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*helm.Args){
		"no version":                    func(a *helm.Args) { a.Version = "" },
		"no name":                       func(a *helm.Args) { a.Name = "" },
		"no namespace":                  func(a *helm.Args) { a.Namespace = nil },
		"a reference and a repository":  func(a *helm.Args) { a.Repo = "https://host" },
		"a name without its repository": func(a *helm.Args) { a.Chart = "chart" },
		"a negative timeout":            func(a *helm.Args) { a.TimeoutSeconds = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := componenttest.TryRun(releaseProgram(change))
			require.Error(t, err)
		})
	}
}
