// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/internal/plans"
)

// crashedWhileCreating deploys until the provider has begun to make `a`, and ends it there. The resource exists; the provider is
// started again, knowing all there is.
func crashedWhileCreating(t *testing.T, o Options) (*fakeAWS, Options) {
	t.Helper()
	f := holding(t)
	o.Env = f.env()
	done := make(chan error, 1)
	e := open(t, o)
	go func() { _, err := e.Deploy(t.Context(), nil); done <- err }()
	<-f.creating
	go f.stop()
	var failure *Failure
	require.ErrorAs(t, <-done, &failure)
	require.Equal(t, CodeProvider, failure.Code, failure.Message)
	close(f.hold)
	again := serveFakeAWS(t)
	again.things = f.things
	o.Env = again.env()
	return again, o
}

func TestADeployTakesUpWhatAProviderThatDiedHadBegunToMake(t *testing.T) {
	t.Parallel()
	f, o := crashedWhileCreating(t, Options{Home: t.TempDir(), Program: slowChain()})
	e := open(t, o)
	state, err := e.deployment(t.Context())
	require.NoError(t, err)
	require.Empty(t, state.PendingOperations, "the engine has forgotten it")
	pending, err := e.Pending(t.Context())
	require.NoError(t, err)
	require.Len(t, pending, 1)
	require.Equal(t, "a", pending[0].Inputs["name"])

	_, err = e.Deploy(t.Context(), nil)
	var failure *Failure
	require.ErrorAs(t, err, &failure, "without a way to look it up, nothing is guessed")
	require.Equal(t, CodePending, failure.Code)

	o.Adopt = adoptByName(f)
	var events []plans.Event
	e = open(t, o)
	_, err = e.Deploy(t.Context(), notices(&events))
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.Contains(t, events[0].Message, "is taken over")
	require.Equal(t, []string{"create b"}, f.called(), "a is not made twice")
	pending, err = e.Pending(t.Context())
	require.NoError(t, err)
	require.Empty(t, pending)
	plan, err := e.Preview(t.Context())
	require.NoError(t, err)
	require.Zero(t, plan.Summary.Changes())
	_, err = e.Destroy(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, f.names())
}

func TestACleanupDeletesWhatAProviderThatDiedHadBegunToMake(t *testing.T) {
	t.Parallel()
	f, o := crashedWhileCreating(t, Options{Home: t.TempDir(), Program: slowChain()})
	o.Adopt = adoptByName(f)
	e := open(t, o)
	require.ErrorContains(t, e.Remove(t.Context()), CodeStackNotEmpty, "the only record of it is not lost")
	_, err := e.Destroy(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, f.names())
	require.NoError(t, e.Remove(t.Context()))
}

func TestWhatIsSomebodyElsesStopsADeployAndIsLeftByACleanup(t *testing.T) {
	t.Parallel()
	f, o := crashedWhileCreating(t, Options{Home: t.TempDir(), Program: slowChain()})
	o.Adopt = func(_ context.Context, p PendingCreate) (string, bool, error) {
		return "", false, &ForeignError{
			What: "thing", ID: p.Name, Tags: map[string]string{"team": "x", "b": "c"}, Wanted: map[string]string{"of": "me"},
			Show: "aws test get-thing --name a --region us-west-2",
		}
	}
	e := open(t, o)
	_, err := e.Deploy(t.Context(), nil)
	var failure *Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, CodeForeign, failure.Code)
	require.Equal(t, `the thing "a" exists and is not of this deployment: its tags are b=c, team=x, and not of=me`,
		failure.Message)
	require.True(t, strings.HasSuffix(failure.Hint, "aws test get-thing --name a --region us-west-2"), failure.Hint)
	require.Empty(t, f.called())

	var events []plans.Event
	_, err = e.Destroy(t.Context(), notices(&events))
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.Contains(t, events[0].Message, "it is left alone")
	require.Equal(t, []string{"a"}, f.names())
	require.NoError(t, e.Remove(t.Context()))
}

func TestWhatCouldNotBeMadeIsDeletedAndMadeAnew(t *testing.T) {
	t.Parallel()
	f, o := crashedWhileCreating(t, Options{Home: t.TempDir(), Program: slowChain()})
	o.Adopt = func(_ context.Context, p PendingCreate) (string, bool, error) {
		return "", false, &BrokenError{ID: p.Name, State: "FAILED"}
	}
	e := open(t, o)
	var events []plans.Event
	_, err := e.Deploy(t.Context(), notices(&events))
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.Contains(t, events[0].Message, "is FAILED; it is deleted")
	require.Equal(t, []string{"delete a", "create a", "create b"}, f.called())
	plan, err := e.Preview(t.Context())
	require.NoError(t, err)
	require.Zero(t, plan.Summary.Changes())

	f, o = crashedWhileCreating(t, Options{Home: t.TempDir(), Program: slowChain(), Adopt: o.Adopt})
	_, err = open(t, o).Destroy(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"delete a"}, f.called(), "once")
}

// AWS answers that a name is taken also when the answer to a first request was lost on its way.
func TestACreationIsOverWhenAWSHasRefusedIt(t *testing.T) {
	t.Parallel()
	for text, over := range map[string]bool{
		"https response error StatusCode: 400, RequestID: 1, api error VpcLimitExceeded: no more":       true,
		"https response error StatusCode: 403, RequestID: 1, api error AccessDenied: not allowed":       true,
		"https response error StatusCode: 409, RequestID: 1, EntityAlreadyExists: it exists":            false,
		"https response error StatusCode: 409, RequestID: 1, BucketAlreadyOwnedByYou: you own it":       false,
		"https response error StatusCode: 409, RequestID: 1, ResourceInUseException: Cluster of name":   false,
		"https response error StatusCode: 400, RequestID: 1, ResourceAlreadyExistsException: log group": true,
		"https response error StatusCode: 400, RequestID: 1, ValidationError: role a does not exist":    true,
		"https response error StatusCode: 500, RequestID: 1, api error InternalError: try again":        false,
		"rpc error: code = Unavailable desc = error reading from server: EOF":                           false,
		"context deadline exceeded": false,
	} {
		f := serveFakeAWS(t)
		e := open(t, Options{Home: t.TempDir(), Env: f.env(), Program: chain(pulumi.Map{"fail": pulumi.String(text)})})
		_, err := e.Deploy(t.Context(), nil)
		require.Error(t, err)
		pending, err := e.Pending(t.Context())
		require.NoError(t, err)
		require.Equal(t, over, len(pending) == 0, text)
	}
}

func TestTheJournalSaysWhatIsInFlight(t *testing.T) {
	t.Parallel()
	urn := func(name string) string { return "urn:pulumi:local::emrflink::" + thingType + "::" + name }
	step := func(op apitype.OpType, name string, old *apitype.StepEventStateMetadata) apitype.StepEventMetadata {
		return apitype.StepEventMetadata{Op: op, URN: urn(name), Type: thingType, Old: old, New: &apitype.StepEventStateMetadata{
			Custom: true, Parent: urn("nowhere"), Inputs: map[string]any{"name": name},
		}}
	}
	in := func(name, id string) apitype.ResourceV3 {
		return apitype.ResourceV3{URN: resource.URN(urn(name)), ID: resource.ID(id), Custom: true, Type: thingType}
	}
	e := open(t, Options{Home: t.TempDir(), Program: chain(nil)})
	require.NoError(t, e.ready(t.Context()))
	j := e.journal()
	j.begin(step(apitype.OpUpdate, "updated", nil))
	for typ, custom := range map[string]bool{"kubernetes:core/v1:Namespace": true, "aws:test/thing:Component": false} {
		other := step(apitype.OpCreate, typ, nil)
		other.Type, other.New.Custom = typ, custom
		j.begin(other)
	}
	j.begin(step(apitype.OpCreate, "done", nil))
	j.end(step(apitype.OpCreate, "done", nil))
	j.begin(step(apitype.OpCreate, "saved", nil))
	j.begin(step(apitype.OpCreate, "open", nil))
	j.begin(step(apitype.OpCreate, "pending", nil))
	j.begin(step(apitype.OpCreateReplacement, "new", &apitype.StepEventStateMetadata{ID: "old"}))
	j.begin(step(apitype.OpCreateReplacement, "replaced", &apitype.StepEventStateMetadata{ID: "old"}))
	j.begin(apitype.StepEventMetadata{Op: apitype.OpCreate, Type: thingType})
	j.begin(step(apitype.OpCreateReplacement, "going", nil))
	f, err := os.OpenFile(j.path, os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = f.WriteString(`{"urn":"cut o`)
	require.NoError(t, err)
	require.NoError(t, f.Close())

	going := in("going", "g")
	going.Delete = true
	d := &savedState{DeploymentV3: &apitype.DeploymentV3{
		Resources:         []apitype.ResourceV3{in("saved", "1"), in("new", "old"), in("replaced", "fresh"), going},
		PendingOperations: []apitype.OperationV2{{Resource: in("pending", ""), Type: apitype.OperationTypeCreating}},
	}}
	ops, err := j.operations(d)
	require.NoError(t, err)
	require.Len(t, ops, 3)
	require.Equal(t, urn("going"), string(ops[2].Resource.URN), "what the state has of it is to be deleted")
	require.Equal(t, urn("open"), string(ops[0].Resource.URN))
	require.Empty(t, ops[0].Resource.Parent, "a parent that the state does not have")
	require.Len(t, ops[0].Resource.Dependencies, 4, "it is deleted first")
	require.Equal(t, urn("new"), string(ops[1].Resource.URN))
	require.Len(t, ops[1].Resource.Dependencies, 1, "what it replaces is not among what it depends on")
	require.NoError(t, place(d, ops[1].Resource, "new-id"))
	require.NoError(t, j.clear())
	ops, err = j.operations(d)
	require.NoError(t, err)
	require.Empty(t, ops)
	require.NoError(t, j.clear(), "there is none")

	child := step(apitype.OpCreate, "child", nil)
	child.New.Parent = urn("saved")
	j.begin(child)
	ops, err = j.operations(d)
	require.NoError(t, err)
	require.Equal(t, urn("saved"), string(ops[0].Resource.Parent))
}

// What cannot be read or written is said: a creation that is not known would be made twice.
func TestAJournalThatCannotBeUsedIsSaid(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	j := &journal{path: t.TempDir(), logger: slog.New(slog.NewTextHandler(&log, nil))}
	_, err := j.operations(stateOf(nil))
	require.NoError(t, err, "a folder has no lines")
	require.NoError(t, os.WriteFile(filepath.Join(j.path, "x"), nil, 0o600))
	require.ErrorContains(t, j.clear(), "clear the creations of the last run")
	create := apitype.StepEventMetadata{
		Op: apitype.OpCreate, URN: string(urnOf("x")), Type: thingType, New: &apitype.StepEventStateMetadata{Custom: true},
	}
	j.begin(create)
	require.Contains(t, log.String(), "write down a creation before it is sent")
	j.path, log = filepath.Join(j.path, "x"), strings.Builder{}
	j.begin(create)
	require.Empty(t, log.String())
	open, err := j.open()
	require.NoError(t, err)
	require.Equal(t, []sent{{URN: string(urnOf("x"))}}, open)
	j.path = filepath.Join(j.path, "below a file")
	_, err = j.operations(stateOf(nil))
	require.ErrorContains(t, err, "read the creations of the last run")
}

func TestAWSsOwnNoIsToldFromALostAnswer(t *testing.T) {
	t.Parallel()
	j := open(t, Options{Home: t.TempDir(), Program: chain(nil)}).journal()
	for text, refused := range map[string]bool{
		"StatusCode: 400, api error VpcLimitExceeded: no more":       true,
		"StatusCode: 409, EntityAlreadyExists: it exists":            false,
		"StatusCode: 400, ResourceAlreadyExistsException: log group": true,
		"StatusCode: 500, api error InternalError: try again":        false,
		"error reading from server: EOF":                             false,
	} {
		require.Equal(t, refused, j.refused([]string{"creating", text}), text)
		require.False(t, (*journal)(nil).refused([]string{text}))
	}
}

// A deletion whose provider died fails, and Pulumi forgets that it was sent.
func TestADeletionWithoutAnOutcomeIsKept(t *testing.T) {
	t.Parallel()
	j := (&Engine{opts: Options{Home: t.TempDir(), Stack: "local", Logger: slog.New(slog.DiscardHandler)}}).journal()
	require.NoError(t, os.MkdirAll(filepath.Dir(j.path), 0o700))
	deletion := func(name, id string) apitype.StepEventMetadata {
		return apitype.StepEventMetadata{
			Op: apitype.OpDelete, URN: string(urnOf(name)), Type: thingType,
			Old: &apitype.StepEventStateMetadata{ID: id, Custom: true},
		}
	}
	for _, name := range []string{"open", "done", "gone", "other"} {
		j.begin(deletion(name, "i-"+name))
	}
	j.begin(apitype.StepEventMetadata{Op: apitype.OpDeleteReplaced, URN: string(urnOf("replaced")), Type: thingType})
	j.end(deletion("done", "i-done"))
	ops, err := j.operations(stateOf([]apitype.ResourceV3{
		recorded("open", "i-open"), recorded("done", "i-done"), recorded("other", "made again"), recorded("replaced", "x"),
	}))
	require.NoError(t, err)
	require.Len(t, ops, 1)
	require.Equal(t, urnOf("open"), ops[0].Resource.URN)
	require.Equal(t, apitype.OperationTypeDeleting, ops[0].Type)
}
