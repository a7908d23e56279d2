// SPDX-License-Identifier: Apache-2.0

package componenttest_test

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/components/componenttest"
	"emrflink/components/manifest"
)

func manifestProgram(args *manifest.Args) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		_, err := manifest.New(ctx, "object", args)
		return err
	}
}

func TestAnObjectIsWhatOneWritesInYAML(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args manifest.Args
		typ  string
		want map[string]any
	}{
		"of the core group": {
			manifest.Args{APIVersion: "v1", Kind: "Namespace", Name: "n", Labels: pulumi.StringMap{"a": pulumi.String("b")}},
			"kubernetes:core/v1:Namespace",
			map[string]any{
				"apiVersion": "v1", "kind": "Namespace",
				"metadata": map[string]any{"name": "n", "labels": map[string]any{"a": "b"}},
			},
		},
		"of another group": {
			manifest.Args{
				APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy", Name: "p", Namespace: "n",
				Annotations: pulumi.StringMap{"c": pulumi.String("d")},
				Fields:      pulumi.Map{"spec": pulumi.Map{"podSelector": pulumi.Map{}}},
			},
			"kubernetes:networking.k8s.io/v1:NetworkPolicy",
			map[string]any{
				"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
				"metadata": map[string]any{"name": "p", "namespace": "n", "annotations": map[string]any{"c": "d"}},
				"spec":     map[string]any{"podSelector": map[string]any{}},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := componenttest.Run(t, manifestProgram(&c.args)).Find(t, "object")
			require.Equal(t, c.typ, made.Type)
			require.Equal(t, c.want, made.Inputs)
		})
	}
}

func TestAnObjectNeedsAVersionAKindAndAName(t *testing.T) {
	t.Parallel()
	for _, args := range []*manifest.Args{
		nil,
		{Kind: "Namespace", Name: "n"},
		{APIVersion: "v1", Name: "n"},
		{APIVersion: "v1", Kind: "Namespace"},
	} {
		_, err := componenttest.TryRun(manifestProgram(args))
		require.ErrorContains(t, err, "no API version, kind or name")
	}
}
