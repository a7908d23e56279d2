// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/plans"
	"emrflink/internal/untyped"
)

// known is adoptByName for what has a name that is known; foreign are somebody else's.
func known(f *fakeAWS, foreign ...string) AdoptFunc {
	return func(_ context.Context, p PendingCreate) (string, bool, error) {
		name, _ := p.Inputs["name"].(string)
		if slices.Contains(foreign, name) {
			return "", false, &ForeignError{What: "thing", ID: name, Wanted: map[string]string{"of": "me"}}
		}
		return name, slices.Contains(f.names(), name), nil
	}
}

func ignore(string) {}

func TestALostStateIsMadeAnewFromTheAccount(t *testing.T) {
	t.Parallel()
	aws, cluster := serveFakeAWS(t), serveFakeAWS(t)
	cluster.plugin = "4.23.0"
	env := aws.env()
	env["PULUMI_DEBUG_PROVIDERS"] += cluster.attach("kubernetes")
	look, looked := known(aws), 0
	o := Options{Home: t.TempDir(), Env: env, Program: mixed}
	o.Adopt = func(ctx context.Context, p PendingCreate) (string, bool, error) {
		if p.Name == "b" { // as when its id follows from what another has
			if looked++; looked == 1 {
				return "", false, nil
			}
		}
		return look(ctx, p)
	}
	_, err := openWithPassphrase(t, o).Deploy(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(filepath.Join(o.Home, "backend")))
	require.NoError(t, os.Remove(filepath.Join(o.Home, "passphrase")), "what it encrypted is lost too")

	e := openWithPassphrase(t, o)
	r, err := e.Rebuild(t.Context(), ignore)
	require.NoError(t, err)
	require.True(t, r.Remains)
	require.Empty(t, r.Foreign)
	require.Equal(t, []string{"a", "b"}, named(r.Resources))
	require.Equal(t, 2, looked)
	at := slices.IndexFunc(r.Resources, func(r plans.StateResource) bool { return r.Name == "b" })
	require.Equal(t, []string{"a"}, urnNames(r.Resources[at].Dependencies), "over what is in the cluster, and not looked for")
	_, err = os.Stat(filepath.Join(o.Home, "backend"))
	require.ErrorIs(t, err, os.ErrNotExist, "nothing was changed")

	calls := len(aws.called())
	require.NoError(t, e.Keep(t.Context(), r))
	_, err = e.Destroy(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, aws.names())
	require.Less(t, slices.Index(aws.called()[calls:], "delete b"), slices.Index(aws.called()[calls:], "delete a"))
	require.Equal(t, []string{"o", "p"}, cluster.names(), "they go with the cluster")
	require.NoError(t, e.Remove(t.Context()))
	_, err = openWithPassphrase(t, o).Resources(t.Context())
	require.ErrorIs(t, err, ErrNoStack)
}

func named(resources []plans.StateResource) []string {
	var out []string
	for _, r := range resources {
		out = append(out, r.Name)
	}
	slices.Sort(out)
	return out
}

func urnNames(urns []string) []string {
	var out []string
	for _, u := range urns {
		out = append(out, untyped.URNName(u))
	}
	return out
}

func TestOfALostStateNothingIsTakenThatIsSomebodyElsesOrNotKnown(t *testing.T) {
	t.Parallel()
	f, o := deployed(t)
	require.NoError(t, os.RemoveAll(filepath.Join(o.Home, "backend")))
	o.Adopt = known(f, "b")
	r, err := open(t, o).Rebuild(t.Context(), ignore)
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, named(r.Resources))
	require.Equal(t, []string{
		`the thing "b" exists and is not of this deployment: it has no tags, and not of=me; it is left alone`,
	}, r.Foreign)

	o.Adopt = func(context.Context, PendingCreate) (string, bool, error) { return "", false, context.DeadlineExceeded }
	_, err = open(t, o).Rebuild(t.Context(), ignore)
	require.ErrorContains(t, err, `look for `+thingType+` "a"`)

	// What the look-up takes to exist, and the provider cannot read, is not there.
	o.Adopt = func(_ context.Context, p PendingCreate) (string, bool, error) {
		if p.Name == "b" {
			return "", false, &BrokenError{ID: "b", State: "FAILED"}
		}
		return "nowhere", true, nil
	}
	r, err = open(t, o).Rebuild(t.Context(), ignore)
	require.NoError(t, err)
	require.Equal(t, []string{"b"}, named(r.Resources), "and what could not be made well is deleted like any other")
}

func TestAStateOrACopyThatTellsMoreIsNotRebuilt(t *testing.T) {
	t.Parallel()
	f, o := deployed(t)
	o.Adopt = known(f)
	refused := func(code, hint string) {
		t.Helper()
		_, err := open(t, o).Rebuild(t.Context(), ignore)
		var failure *Failure
		require.ErrorAs(t, err, &failure)
		require.Equal(t, code, failure.Code)
		require.Equal(t, 2, failure.ExitCode())
		require.Contains(t, failure.Hint, hint)
		require.ErrorContains(t, open(t, o).Keep(t.Context(), Rebuilt{}), code)
	}
	refused(CodeStateWhole, "emrflink cleanup --stack local")
	files := open(t, o).files
	path, _ := files.path()
	require.NoError(t, os.Remove(path))
	refused(CodeStateLost, "emrflink state restore --stack local")
	replace(t, path, "{")
	refused(CodeStateCorrupt, "emrflink state restore --stack local")

	for _, copy := range files.copies() {
		replace(t, copy.Path, "{")
	}
	e := open(t, o)
	r, err := e.Rebuild(t.Context(), ignore)
	require.NoError(t, err)
	require.True(t, r.Remains)
	require.NoError(t, e.Keep(t.Context(), r))
	again, err := e.Resources(t.Context())
	require.NoError(t, err)
	require.Equal(t, named(r.Resources), named(again))
	refused(CodeStateWhole, "emrflink cleanup --stack local")

	o.Home = t.TempDir()
	r, err = open(t, o).Rebuild(t.Context(), ignore)
	require.NoError(t, err)
	require.False(t, r.Remains, "another machine never had one")
	require.Len(t, r.Resources, 2)
}
