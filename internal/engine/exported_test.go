// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/internal/plans"
)

func TestAnExportedStateIsRead(t *testing.T) {
	t.Parallel()
	const inner = `{"manifest":{},"resources":[
		{"urn":"urn:pulumi:dev::p::aws:test/thing:Thing::a","custom":true,"id":"a-1","type":"aws:test/thing:Thing",
		 "inputs":{"name":"a","__defaults":["name"],"pw":{"4dabf18193072939515e22adb298388d":
		 "1b47061264138c4ac30d75fd1eb44270","ciphertext":"x"}},
		 "propertyDependencies":{"name":["urn:pulumi:dev::p::t::z","urn:pulumi:dev::p::t::y"],"size":[]},
		 "provider":"urn:pulumi:dev::p::pulumi:providers:aws::default::1234"},
		{"urn":"urn:pulumi:dev::p::aws:test/thing:Thing::gone","type":"aws:test/thing:Thing","delete":true}]}`
	for name, raw := range map[string]string{"bare": inner, "with its version": `{"version":3,"deployment":` + inner + `}`} {
		got, err := ParseExported([]byte(raw))
		require.NoError(t, err, name)
		require.Equal(t, "dev", got.Stack)
		require.Equal(t, "p", got.Project)
		require.Len(t, got.Resources, 1)
		require.Equal(t, map[string]any{"name": "a", "pw": plans.Secret}, got.Resources[0].Inputs)
		require.Equal(t, map[string][]string{"name": {"urn:pulumi:dev::p::t::y", "urn:pulumi:dev::p::t::z"}},
			got.Resources[0].PropertyDependencies)
		require.Equal(t, "urn:pulumi:dev::p::pulumi:providers:aws::default", got.Resources[0].Provider)
	}
}

func TestWhatIsNoExportedStateIsSaid(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{"version":3,"depl`:                         "no JSON object",
		`{}`:                                         "neither a deployment nor resources",
		`{"version":2,"deployment":{}}`:              "version 2",
		`{"version":3,"checkpoint":{}}`:              "state file of a backend",
		`{"resources":[{"urn":"x"}]}`:                `the URN "x"`,
		`{"version":3,"deployment":{"resources":7}}`: "no exported state",
		`{"resources":[{"urn":"urn:pulumi:a::p::t::x"},{"urn":"urn:pulumi:b::p::t::x"}]}`: `stacks "a" and "b"`,
	} {
		_, err := ParseExported([]byte(raw))
		require.ErrorContains(t, err, want)
	}
}

func TestTheStateIDChangesWithTheState(t *testing.T) {
	t.Parallel()
	f := serveFakeAWS(t)
	o := Options{Home: t.TempDir(), Env: f.env(), Program: chain(pulumi.Map{"size": pulumi.Int(1)})}
	id := func() string {
		got, err := open(t, o).StateID(t.Context())
		require.NoError(t, err)
		return got
	}
	require.Empty(t, id())
	_, err := open(t, o).Deploy(t.Context(), nil)
	require.NoError(t, err)
	first := id()
	require.Len(t, first, 64)
	_, err = open(t, o).Deploy(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, first, id(), "nothing was changed")
	o.Program = chain(pulumi.Map{"size": pulumi.Int(2)})
	_, err = open(t, o).Deploy(t.Context(), nil)
	require.NoError(t, err)
	require.NotEqual(t, first, id())
}
