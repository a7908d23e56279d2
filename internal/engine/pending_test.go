// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/require"

	"emrflink/internal/plans"
)

func urnOf(name string) resource.URN {
	return resource.URN("urn:pulumi:local::emrflink::" + thingType + "::" + name)
}

// recorded is a thing of a state.
func recorded(name, id string) apitype.ResourceV3 {
	return apitype.ResourceV3{URN: urnOf(name), ID: resource.ID(id), Custom: true, Type: thingType}
}

func stateOf(resources []apitype.ResourceV3, pending ...apitype.OperationV2) *savedState {
	return &savedState{DeploymentV3: &apitype.DeploymentV3{Resources: resources, PendingOperations: pending}}
}

func creating(name string) apitype.OperationV2 {
	return apitype.OperationV2{Resource: recorded(name, ""), Type: apitype.OperationTypeCreating}
}

func TestWhatBecomesOfAnInterruptedCreation(t *testing.T) {
	t.Parallel()
	foreign := &ForeignError{What: "thing", ID: "x"}
	for name, c := range map[string]struct {
		id       string
		found    bool
		err      error
		deleting bool

		adopted, broken []string
		said            string // the end of the notice
		fails           string
	}{
		"it exists": {
			id: "i-1", found: true, adopted: []string{"x"}, said: `was made as i-1 by the interrupted run and is taken over`,
		},
		"it does not exist": {said: "was interrupted before it was made"},
		"nobody knows":      {err: errors.New("throttled"), fails: "whose creation was interrupted: throttled"},
		"it was not made well": {
			err: &BrokenError{ID: "i-2", State: "FAILED"}, adopted: []string{"x"}, broken: []string{"x"},
			said: "was made as i-2 by the interrupted run and is FAILED; it is deleted",
		},
		"it is somebody else's, in a deploy":  {err: foreign, fails: CodeForeign},
		"it is somebody else's, in a cleanup": {err: foreign, deleting: true, said: "it is left alone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked PendingCreate
			e := &Engine{opts: Options{Adopt: func(_ context.Context, p PendingCreate) (string, bool, error) {
				asked = p
				return c.id, c.found, c.err
			}}}
			other := recorded("other type", "t-9")
			other.Type = "aws:ec2/vpc:Vpc"
			d := stateOf([]apitype.ResourceV3{recorded("a", "i-0"), other}, creating("x"))
			var said []string
			adopted, broken, err := e.adoptAll(t.Context(), d, c.deleting, func(text string) { said = append(said, text) })
			require.Equal(t, []string{"i-0"}, asked.Taken, "what the state has of the same type is another one")
			if c.fails != "" {
				require.ErrorContains(t, err, c.fails)
				require.Len(t, d.Resources, 2)
				return
			}
			require.NoError(t, err)
			require.Equal(t, urnsOf(c.adopted), adopted)
			require.Equal(t, urnsOf(c.broken), broken)
			require.Len(t, d.Resources, 2+len(c.adopted))
			require.Len(t, said, 1)
			require.True(t, strings.HasSuffix(said[0], c.said), said[0])
		})
	}
}

// urnsOf are the URNs of things.
func urnsOf(of []string) (urns []string) {
	for _, name := range of {
		urns = append(urns, string(urnOf(name)))
	}
	return urns
}

// An interrupted update or deletion is in the state still: nothing has to be looked for.
func TestOnlyCreationsAreLookedFor(t *testing.T) {
	t.Parallel()
	updating := apitype.OperationV2{Resource: recorded("x", "i-1"), Type: apitype.OperationTypeUpdating}
	e := &Engine{}
	var said []string
	adopted, broken, err := e.adoptAll(t.Context(), stateOf(nil, updating), false,
		func(text string) { said = append(said, text) })
	require.NoError(t, err)
	require.Empty(t, append(adopted, broken...))
	require.Equal(t, []string{thingType + ` "x" was interrupted while updating; it is looked at again`}, said)

	require.Nil(t, e.interrupted(stateOf(nil, updating)))
	_, _, err = e.adoptAll(t.Context(), stateOf(nil, updating, creating("b"), creating("a")), false, func(string) {})
	var failure *Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, CodePending, failure.Code)
	require.Contains(t, failure.Message, `while it created `+thingType+` "a", `+thingType+` "b"; they may exist`)
}

func TestWhatIsTakenOverComesBehindWhatItReplaces(t *testing.T) {
	t.Parallel()
	order := func(d *savedState) (out []string) {
		for _, r := range d.Resources {
			out = append(out, string(r.ID))
		}
		return out
	}
	fresh := recorded("x", "")
	fresh.Inputs = map[string]any{"name": "x"}
	d := stateOf([]apitype.ResourceV3{recorded("a", "a-1"), recorded("x", "old"), recorded("b", "b-1")})
	require.NoError(t, place(d, fresh, "new"))
	require.Equal(t, []string{"a-1", "old", "new", "b-1"}, order(d))
	require.True(t, d.Resources[1].Delete)
	require.Equal(t, fresh.Inputs, d.Resources[2].Outputs, "a provider may read it by its properties")

	deleted := recorded("x", "old")
	deleted.Delete = true
	d = stateOf([]apitype.ResourceV3{deleted, recorded("b", "b-1")})
	fresh.Outputs = map[string]any{"known": true}
	require.NoError(t, place(d, fresh, "new"))
	require.Equal(t, []string{"old", "b-1", "new"}, order(d), "what is to be deleted is not replaced")
	require.Equal(t, map[string]any{"known": true}, d.Resources[2].Outputs)

	d = stateOf([]apitype.ResourceV3{recorded("x", "old"), recorded("b", "b-1")})
	require.NoError(t, place(d, fresh, "new"), "the first of a state, too")
	require.Equal(t, []string{"old", "new", "b-1"}, order(d))

	d = stateOf([]apitype.ResourceV3{recorded("x", "old"), recorded("b", "b-1")})
	fresh.Dependencies = []resource.URN{urnOf("b")}
	var failure *Failure
	require.ErrorAs(t, place(d, fresh, "new"), &failure)
	require.Equal(t, plans.OpReplace, failure.Op)
	require.Contains(t, failure.Message, "it exists as new")
	fresh.Dependencies = []resource.URN{urnOf("x")}
	require.NoError(t, place(d, fresh, "new"), "what it replaces comes before it")
}
