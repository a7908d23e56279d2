// SPDX-License-Identifier: Apache-2.0

package schema_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"emrflink/internal/localcloud/provider/schema"
	"emrflink/stacks/nearest"
)

type inner struct {
	Port int     `pulumi:"port"`
	Note *string `pulumi:"note"`
}

type sample struct {
	Name   string            `pulumi:"name"`
	Size   *int              `pulumi:"size"`
	Ratio  *float64          `pulumi:"ratio"`
	On     *bool             `pulumi:"on"`
	Any    any               `pulumi:"any"`
	Tags   map[string]string `pulumi:"tags"`
	Inners []inner           `pulumi:"inners"`
	One    *inner            `pulumi:"one"`
}

func TestCheck(t *testing.T) {
	t.Parallel()
	shape, err := schema.Of(sample{})
	require.NoError(t, err)
	unknown := resource.MakeComputed(resource.NewProperty(""))
	for name, c := range map[string]struct {
		in   map[string]any
		with resource.PropertyMap
		also []string
		want []string
	}{
		"a complete map passes": {in: map[string]any{
			"name": "x", "size": 3.0, "ratio": 0.5, "on": true, "any": []any{1.0}, "tags": map[string]any{"a": "b"},
			"inners": []any{map[string]any{"port": 1.0}}, "one": map[string]any{"port": 1.0, "note": "n"},
		}},
		"a required property is missing": {in: map[string]any{}, want: []string{"name: required, and missing"}},
		"a required nested property is missing": {
			in:   map[string]any{"name": "x", "inners": []any{map[string]any{}}},
			want: []string{"inners[0].port: required, and missing"},
		},
		"an unknown property names the nearest": {
			in: map[string]any{"name": "x", "inner": []any{}}, want: []string{`inner: no such property; the nearest is "inners"`},
		},
		"a wrong type": {
			in:   map[string]any{"name": 1.0, "tags": map[string]any{"a": true}},
			want: []string{"name: want a string, got number", "tags.a: want a string, got bool"},
		},
		"a fraction is no whole number": {
			in: map[string]any{"name": "x", "size": 1.5}, want: []string{"size: want a whole number, got number"},
		},
		"a required list that the type cannot say": {
			in: map[string]any{"name": "x"}, also: []string{"inners"}, want: []string{"inners: required, and missing"},
		},
		"values that are not known yet pass": {with: resource.PropertyMap{"name": unknown, "inners": unknown}},
		"the engine's own properties pass":   {in: map[string]any{"name": "x", "__defaults": []any{}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := c.with
			if m == nil {
				m = resource.NewPropertyMapFromMap(c.in)
			}
			var got []string
			for _, p := range shape.Check(m, c.also...) {
				got = append(got, p.String())
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAutonames(t *testing.T) {
	t.Parallel()
	auto := schema.Autoname{Digits: 7, Max: 20, Lower: true}
	req := &pulumirpc.CheckRequest{Urn: "urn:pulumi:s::p::t::Data", RandomSeed: []byte{1}}
	first, err := auto.Name(req, "Data", "")
	require.NoError(t, err)
	require.Regexp(t, `^data-[0-9a-f]{7}$`, first)

	again, err := auto.Name(&pulumirpc.CheckRequest{Urn: req.Urn, RandomSeed: []byte{2}}, "Data", first)
	require.NoError(t, err)
	require.Equal(t, first, again, "a name that was made is kept")

	other, err := auto.Name(&pulumirpc.CheckRequest{Urn: req.Urn, RandomSeed: []byte{2}}, "Data", "chosen")
	require.NoError(t, err)
	require.NotEqual(t, first, other, "another seed draws other digits")

	auto.Stable = true
	a, err := auto.Name(&pulumirpc.CheckRequest{Urn: req.Urn, RandomSeed: []byte{1}}, "Data", "")
	require.NoError(t, err)
	b, err := auto.Name(&pulumirpc.CheckRequest{Urn: req.Urn, RandomSeed: []byte{2}}, "Data", "")
	require.NoError(t, err)
	require.Equal(t, a, b, "a stable name does not depend on the seed")

	_, err = auto.Name(req, "a-name-that-is-too-long", "")
	require.ErrorContains(t, err, "longer than 20 characters")
	proposed, err := auto.Name(&pulumirpc.CheckRequest{Autonaming: &pulumirpc.CheckRequest_AutonamingOptions{
		ProposedName: "mine", Mode: pulumirpc.CheckRequest_AutonamingOptions_PROPOSE,
	}}, "Data", "")
	require.NoError(t, err)
	require.Equal(t, "mine", proposed)
}

func TestTheNearestNameIsAtLeastAsNearAsAnyTypo(t *testing.T) {
	t.Parallel()
	known := []string{"cidrBlock", "enableDnsHostnames", "instanceTenancy", "tags"}
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SampledFrom(known).Draw(t, "name")
		i := rapid.IntRange(0, len(want)-1).Draw(t, "at")
		typo := want[:i] + want[i+1:]
		got, ok := nearest.Of(typo, known)
		if !ok || got != want {
			t.Fatalf("%q: got %q, want %q", typo, got, want)
		}
	})
	_, ok := nearest.Of("somethingElse", known)
	require.False(t, ok)
}
