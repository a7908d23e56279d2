// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/internal/plans"
)

func TestDriftIsSeenAndRepaired(t *testing.T) {
	t.Parallel()
	f := serveFakeAWS(t)
	o := Options{Home: t.TempDir(), Env: f.env(), Program: func(ctx *pulumi.Context) error {
		if _, err := newThing(ctx, "c", nil); err != nil {
			return err
		}
		return chain(pulumi.Map{"size": pulumi.Int(1)})(ctx)
	}}
	e := open(t, o)
	_, err := e.Observe(t.Context())
	require.ErrorIs(t, err, ErrNoStack)
	_, err = e.Deploy(t.Context(), nil)
	require.NoError(t, err)

	f.mu.Lock()
	changed := f.things["a"].Copy()
	changed["size"], changed["owner"] = resource.NewProperty(7.0), resource.NewProperty("nobody")
	f.things["a"] = changed
	delete(f.things, "b")
	f.mu.Unlock()
	path, _ := e.files.path()
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	calls := f.called()

	found, err := e.Observe(t.Context())
	require.NoError(t, err)
	require.Len(t, found, 3, "components and providers are left out")
	require.Equal(t, "a", found[0].ID)
	want := []plans.PropertyDiff{
		{Path: "owner", Kind: "update", New: "nobody"}, {Path: "size", Kind: "update", Old: 1.0, New: 7.0},
	}
	if d := cmp.Diff(want, found[0].Diff); d != "" {
		t.Error(d)
	}
	require.True(t, found[1].Missing)
	require.Empty(t, found[1].Diff)
	require.Equal(t, plans.Observed{
		URN: found[2].URN, Type: thingType, Name: "c", ID: "c", Diff: []plans.PropertyDiff{},
	}, found[2])
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after), "a look changes no state")
	require.Equal(t, calls, f.called(), "a look changes nothing in the account")

	o.Refresh = true
	e = open(t, o)
	plan, err := e.Preview(t.Context())
	require.NoError(t, err)
	require.Equal(t, plans.Summary{Update: 1, Create: 1, Same: 3}, plan.Summary)
	res, err := e.Deploy(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, plan.Summary, res.Summary)
	require.Equal(t, []string{"a", "b", "c"}, f.names())
}
