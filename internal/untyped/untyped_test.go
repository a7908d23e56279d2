// SPDX-License-Identifier: Apache-2.0

package untyped_test

import (
	"encoding/json"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/require"

	"emrflink/internal/untyped"
)

type (
	object = map[string]any
	list   = []any
)

func TestAtFollowsNamesAndIndices(t *testing.T) {
	t.Parallel()
	v := object{"a": list{object{"b": "x"}}, "later": untyped.Unknown}
	require.Equal(t, "x", untyped.At(v, "a", 0, "b"))
	require.Equal(t, untyped.Unknown, untyped.At(v, "later", "b", 3), "what is below an unknown value is unknown")
	for name, keys := range map[string][]any{
		"no such name": {"z"}, "beyond the end": {"a", 1}, "before the start": {"a", -1}, "into a text": {"a", 0, "b", "c"},
		"a name of a list": {"a", "b"},
	} {
		require.Nil(t, untyped.At(v, keys...), name)
	}
	require.Nil(t, untyped.At(nil, "a"))
}

func TestPathEntersLists(t *testing.T) {
	t.Parallel()
	v := object{"a": list{object{"b": object{"c": 1.0}}, object{"b": nil}}, "empty": list{}}
	require.Equal(t, 1.0, untyped.Path(v, "a.b.c"))
	require.Equal(t, list{}, untyped.Path(v, "empty"))
	require.Nil(t, untyped.Path(v, "empty.b"))
	require.Nil(t, untyped.Path(v, "a.b.c.d"))
	require.Nil(t, untyped.Path(nil, "a"))
}

func TestUnknownValues(t *testing.T) {
	t.Parallel()
	part := "arn:aws:s3:::" + untyped.Unknown
	require.True(t, untyped.IsUnknown(part))
	require.False(t, untyped.IsUnknown(list{part}))
	require.True(t, untyped.HasUnknown(object{"a": list{"x", object{"b": part}}}))
	require.False(t, untyped.HasUnknown(object{"a": list{"x", 1.0, nil, true}}))
	require.Equal(t, part, untyped.Text(part))
	require.Empty(t, untyped.Known(part))
	require.Equal(t, []string{"x", part}, untyped.Texts(list{"x", "", 1.0, part}))
	require.Equal(t, []string{"x"}, untyped.KnownTexts(list{"x", part}))
}

func TestWhatIsSomethingElseIsZero(t *testing.T) {
	t.Parallel()
	for _, v := range []any{nil, 1.0, true, "", list{1.0}, object{"a": 1.0}} {
		require.Empty(t, untyped.Text(v))
		require.Empty(t, untyped.Texts(v))
		require.False(t, untyped.IsFalse(v))
	}
	require.Empty(t, untyped.List(object{}))
	require.Empty(t, untyped.Object(list{}))
	require.Empty(t, untyped.Objects("x"))
	require.Equal(t, []object{{"a": 1.0}}, untyped.Objects(object{"a": 1.0}))
	require.Equal(t, []object{{"a": 1.0}}, untyped.Objects(list{"x", object{"a": 1.0}}))
	require.Equal(t, []string{"x"}, untyped.Texts("x"))
	require.Equal(t, "y", untyped.First(object{"a": "", "b": 1.0, "c": "y"}, "a", "b", "c"))
}

func TestBooleansAndNumbersMayBeText(t *testing.T) {
	t.Parallel()
	for _, v := range []any{true, "true"} {
		require.True(t, untyped.IsTrue(v))
		require.False(t, untyped.IsFalse(v))
	}
	for _, v := range []any{false, "false"} {
		require.True(t, untyped.IsFalse(v))
		require.False(t, untyped.IsTrue(v))
	}
	for _, v := range []any{2.5, "2.5", json.Number("2.5")} {
		n, ok := untyped.Number(v)
		require.True(t, ok)
		require.Equal(t, 2.5, n)
	}
	for _, v := range []any{nil, "x", true, json.Number("x")} {
		n, ok := untyped.Number(v)
		require.False(t, ok)
		require.Zero(t, n)
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]any{
		untyped.Secret: untyped.Secret, untyped.Unknown: untyped.Unknown, `"a<b"`: "a<b",
		`{"a":[1,null]}`: object{"a": list{1.0, nil}},
		`"` + "äöüäöüäöüäöüäöüä" + "...": "äöüäöüäöüäöüäöüäöüäöü",
	} {
		require.Equal(t, want, untyped.Line(v, 20))
	}
}

// TestJoinedPathsReadBack: Pulumi reads a joined path as the names that it was joined of.
func TestJoinedPathsReadBack(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a.b", untyped.JoinPath(untyped.JoinPath("", "a"), "b"))
	for _, name := range []string{"a", "a.b", "", `say "x"`, "a[0]", "ä"} {
		path, err := resource.ParsePropertyPath(untyped.JoinPath("tags", name))
		require.NoError(t, err)
		require.Equal(t, resource.PropertyPath{"tags", name}, path)
	}
}

func TestURNs(t *testing.T) {
	t.Parallel()
	const urn = "urn:pulumi:dev::emrflink::emrflink:network:Network$aws:ec2/vpc:Vpc::network-vpc"
	require.Equal(t, "network-vpc", untyped.URNName(urn))
	require.Equal(t, "aws:ec2/vpc:Vpc", untyped.URNType(urn))
	stack, project, ok := untyped.URNOrigin(urn)
	require.True(t, ok)
	require.Equal(t, []string{"dev", "emrflink"}, []string{stack, project})
	require.Equal(t, urn, untyped.ProviderURN(urn+"::0a1b"))
	require.Equal(t, urn, untyped.ProviderURN(urn))

	require.Equal(t, "x", untyped.URNName("x"))
	require.Empty(t, untyped.URNType("x"))
	_, _, ok = untyped.URNOrigin("a::b::c::d")
	require.False(t, ok)
}
