// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/internal/plans"
)

// slowChain is chain with a first thing whose creation waits for the fake's hold.
func slowChain() pulumi.RunFunc { return chain(pulumi.Map{"slow": pulumi.Bool(true)}) }

// deployHelper is the command that recovery tests kill: a deploy of slowChain in a process of its own.
func deployHelper(home, providers string) int {
	e, err := Open(context.Background(), Options{
		Command: engineCommand(), Stack: "local", Home: home, Program: slowChain(),
		Env: map[string]string{"PULUMI_DEBUG_PROVIDERS": providers, "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true"},
	})
	if err == nil {
		_, err = e.Deploy(context.Background(), nil)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// startHelper starts deployHelper and returns when the creation of `a` is under way.
func startHelper(t *testing.T, f *fakeAWS, home string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe, "deploy-helper", home, "aws:"+strconv.Itoa(f.port))
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	select {
	case <-f.creating:
	case <-time.After(20 * time.Second):
		require.Fail(t, "the helper did not come to create anything")
	}
	return cmd
}

// engineOf reads the process id of the helper's engine.
func engineOf(t *testing.T, home string) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(home, "run", "*.json"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	raw, err := os.ReadFile(files[0])
	require.NoError(t, err)
	var r runFile
	require.NoError(t, json.Unmarshal(raw, &r))
	return r.Engine
}

func holding(t *testing.T) *fakeAWS {
	f := serveFakeAWS(t)
	f.creating, f.hold = make(chan string, 10), make(chan struct{})
	return f
}

// adoptByName is what a target does: look the resource up in the account.
func adoptByName(f *fakeAWS) AdoptFunc {
	return func(_ context.Context, p PendingCreate) (string, bool, error) {
		name, _ := p.Inputs["name"].(string)
		return name, slices.Contains(f.names(), name), nil
	}
}

func notices(events *[]plans.Event) func(plans.Event) {
	return func(ev plans.Event) {
		if ev.Kind == plans.EventNotice {
			*events = append(*events, ev)
		}
	}
}

func TestAKilledRunIsResumedWithWhatItHadMade(t *testing.T) {
	t.Parallel()
	f := holding(t)
	home := t.TempDir()
	cmd := startHelper(t, f, home)
	// Everything dies at once, as when the machine's memory runs out.
	require.NoError(t, syscall.Kill(engineOf(t, home), syscall.SIGKILL))
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	close(f.hold)
	require.Equal(t, []string{"a"}, f.names())

	o := Options{Home: home, Env: f.env(), Program: slowChain()}
	e := open(t, o)
	var info LockInfo
	waitFor(t, "the killed engine to be gone", func() bool {
		var err error
		info, err = e.Lock(t.Context())
		return err == nil && len(info.Owners) == 1 && info.Owners[0].Stale
	})
	require.False(t, info.Held())

	pending, err := e.Pending(t.Context())
	require.NoError(t, err)
	require.Len(t, pending, 1)
	require.ErrorContains(t, e.Ready(t.Context(), nil), CodePending)
	require.ErrorContains(t, e.Remove(t.Context()), CodeStackNotEmpty, "what was being made may exist")
	require.Equal(t, "creating aws:test/thing:Thing a", pending[0].Kind+" "+pending[0].Type+" "+pending[0].Name)

	_, err = e.Deploy(t.Context(), nil)
	var failure *Failure
	require.ErrorAs(t, err, &failure, "without a way to look it up, nothing is guessed")
	require.Equal(t, CodePending, failure.Code)
	require.Contains(t, failure.Message, `aws:test/thing:Thing "a"`)

	o.Adopt = adoptByName(f)
	require.NoError(t, open(t, o).Ready(t.Context(), nil))
	var events []plans.Event
	_, err = open(t, o).Deploy(t.Context(), notices(&events))
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.Contains(t, events[0].Message, "is taken over")
	require.Equal(t, []string{"create a", "create b"}, f.called(), "a is not made twice")
	pending, err = e.Pending(t.Context())
	require.NoError(t, err)
	require.Empty(t, pending)

	resources, err := e.Resources(t.Context())
	require.NoError(t, err)
	require.Len(t, resources, 2)
	require.Equal(t, "arn:aws:test:::a", resources[1].Inputs["from"])
	_, err = open(t, o).Destroy(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, f.names())
}

func TestAKilledCommandsEngineFinishesAndTheNextRunWaitsForIt(t *testing.T) {
	t.Parallel()
	f := holding(t)
	home := t.TempDir()
	cmd := startHelper(t, f, home)
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()

	e := open(t, Options{Home: home, Env: f.env(), Program: slowChain()})
	info, err := e.Lock(t.Context())
	require.NoError(t, err)
	require.Len(t, info.Owners, 1)
	require.True(t, info.Owners[0].Finishing)

	var events []plans.Event
	release := time.AfterFunc(300*time.Millisecond, func() { close(f.hold) })
	defer release.Stop()
	_, err = e.Deploy(t.Context(), notices(&events))
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.Contains(t, events[0].Message, "waiting for the engine of an interrupted run")
	require.Equal(t, []string{"create a", "create b"}, f.called())
	runs, err := os.ReadDir(filepath.Join(home, "run"))
	require.NoError(t, err)
	require.LessOrEqual(t, len(runs), 1)
}

func TestACancelledRunStopsCleanlyAndGoesOnLater(t *testing.T) {
	t.Parallel()
	f := holding(t)
	o := Options{Home: t.TempDir(), Env: f.env(), Program: slowChain()}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	e := open(t, o)
	go func() { _, err := e.Deploy(ctx, nil); done <- err }()
	<-f.creating
	cancel()
	select {
	case err := <-done:
		require.Fail(t, "the engine did not wait for the creation in flight", "%v", err)
	case <-time.After(300 * time.Millisecond):
	}
	close(f.hold)
	err := <-done
	var failure *Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, CodeCancelled, failure.Code)
	require.Equal(t, 130, failure.ExitCode())
	require.ErrorIs(t, err, context.Canceled)
	info, err := e.Lock(t.Context())
	require.NoError(t, err)
	require.Empty(t, info.Owners)
	_, err = open(t, o).Deploy(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"create a", "create b"}, f.called())
}

func TestACancelledWaitLeavesWhatWasMadeInTheState(t *testing.T) {
	t.Parallel()
	f := holding(t)
	f.cancelled = make(chan struct{})
	o := Options{Home: t.TempDir(), Env: f.env(), Program: slowChain()}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	e := open(t, o)
	go func() { _, err := e.Deploy(ctx, nil); done <- err }()
	<-f.creating
	cancel()
	var failure *Failure
	require.ErrorAs(t, <-done, &failure)
	require.Equal(t, CodeCancelled, failure.Code)
	resources, err := e.Resources(t.Context())
	require.NoError(t, err)
	require.Len(t, resources, 1)
	require.Equal(t, "a", resources[0].ID)
	pending, err := e.Pending(t.Context())
	require.NoError(t, err)
	require.Empty(t, pending)

	close(f.hold)
	_, err = open(t, o).Deploy(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"create a", "update a", "create b"}, f.called(), "a is gone on with, not made again")
	plan, err := open(t, o).Preview(t.Context())
	require.NoError(t, err)
	require.Zero(t, plan.Summary.Create+plan.Summary.Update+plan.Summary.Replace+plan.Summary.Delete)
}

func TestTheSecondCancellationKills(t *testing.T) {
	t.Parallel()
	f := holding(t)
	defer close(f.hold)
	kill := make(chan struct{})
	e := open(t, Options{Home: t.TempDir(), Env: f.env(), Program: slowChain(), Kill: kill})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { _, err := e.Deploy(ctx, nil); done <- err }()
	<-f.creating
	cancel()
	close(kill)
	var failure *Failure
	require.ErrorAs(t, <-done, &failure)
	require.Equal(t, CodeKilled, failure.Code)
}

func TestAnEngineThatDiesIsAShortError(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"killed": syscall.SIGKILL, "crashed": syscall.SIGQUIT} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := holding(t)
			o := Options{Home: t.TempDir(), Env: f.env(), Program: slowChain(), Adopt: adoptByName(f)}
			done := make(chan error, 1)
			e := open(t, o)
			go func() { _, err := e.Deploy(t.Context(), nil); done <- err }()
			<-f.creating
			require.NoError(t, syscall.Kill(engineOf(t, o.Home), signal))
			close(f.hold)
			var failure *Failure
			require.ErrorAs(t, <-done, &failure)
			require.Equal(t, CodeDied, failure.Code)
			require.Equal(t, 1, failure.ExitCode())
			require.NotContains(t, failure.Message, "\n")
			require.Less(t, len(failure.Message), 300)
			require.Contains(t, failure.Message, map[string]string{"killed": "signal: killed", "crashed": "SIGQUIT"}[name])
			require.Contains(t, failure.Hint, "run the same command again")
			require.NotContains(t, failure.Hint, "\n")
			_, err := open(t, o).Deploy(t.Context(), nil)
			require.NoError(t, err)
			require.Equal(t, []string{"create a", "create b"}, f.called())
		})
	}
}

func TestAnothersLockIsRespected(t *testing.T) {
	t.Parallel()
	f := serveFakeAWS(t)
	home := t.TempDir()
	e := open(t, Options{Home: home, Env: f.env(), Program: chain(nil)})
	lock := lockBy(t, home, "elsewhere", 1)
	_, err := e.Deploy(t.Context(), nil)
	var failure *Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, CodeLocked, failure.Code)
	require.Contains(t, failure.Message, "ann on elsewhere, pid 1")
	require.Contains(t, failure.Message, "(1h0m")
	require.FileExists(t, lock)
	require.Empty(t, f.names())
}

func TestACorruptStateIsExplainedAndLeftAlone(t *testing.T) {
	t.Parallel()
	f := serveFakeAWS(t)
	home := t.TempDir()
	e := open(t, Options{Home: home, Env: f.env(), Program: chain(nil)})
	_, err := e.Deploy(t.Context(), nil)
	require.NoError(t, err)
	path := filepath.Join(home, "backend", ".pulumi", "stacks", "emrflink", "local.json")
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for name, content := range map[string]string{"truncated": string(whole[:len(whole)/2]), "empty": "", "not JSON": "\x00\x01"} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, deployErr := e.Deploy(t.Context(), nil)
		_, previewErr := e.Preview(t.Context())
		for _, err := range []error{deployErr, previewErr, e.Check()} {
			var failure *Failure
			require.ErrorAs(t, err, &failure, name)
			require.Equal(t, CodeStateCorrupt, failure.Code, name)
			require.Contains(t, failure.Message, path, name)
			require.Contains(t, failure.Hint, path+".bak", name)
		}
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, content, string(after), name)
	}
}

func TestAFullDiskIsSeenBeforeAnythingIsDone(t *testing.T) {
	t.Parallel()
	f := serveFakeAWS(t)
	home := filepath.Join(t.TempDir(), "not", "there", "yet")
	e := open(t, Options{Home: home, Env: f.env(), Program: chain(nil), Reserve: 7 << 20})
	e.free = func(string) (uint64, error) { return 38 << 20, nil }
	_, err := e.Deploy(t.Context(), nil)
	for _, err := range []error{err, e.Room()} {
		var failure *Failure
		require.ErrorAs(t, err, &failure)
		require.Equal(t, CodeNoSpace, failure.Code)
		require.Equal(t, 2, failure.ExitCode())
		require.Contains(t, failure.Message, "only 38 MiB are free for the state in "+filepath.Join(home, "backend")+
			", 39 MiB are needed")
	}
	require.Empty(t, f.names())
	require.NoDirExists(t, home)
	e.free = func(string) (uint64, error) { return 39 << 20, nil }
	require.NoError(t, e.Room())
}

func TestAFailureIsCutDownToItsResource(t *testing.T) {
	t.Parallel()
	f := serveFakeAWS(t)
	text := "operation error EC2: CreateVpc, https response error StatusCode: 400, RequestID: 8d12-77aa, api error " +
		"VpcLimitExceeded: The maximum number of VPCs has been reached."
	e := open(t, Options{Home: t.TempDir(), Env: f.env(), Program: chain(pulumi.Map{"fail": pulumi.String(text)})})
	var failedEvents []plans.Event
	_, err := e.Deploy(t.Context(), func(ev plans.Event) {
		if ev.Kind == plans.EventFailed {
			failedEvents = append(failedEvents, ev)
		}
	})
	var failure *Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, "VpcLimitExceeded", failure.Code)
	require.Equal(t, "8d12-77aa", failure.RequestID)
	require.Equal(t, "a", failure.Name)
	require.Equal(t, plans.OpCreate, failure.Op)
	require.Equal(t, `create aws:test/thing:Thing "a": VpcLimitExceeded: The maximum number of VPCs has been reached.`,
		failure.Error())
	require.Len(t, failedEvents, 1)
	require.Empty(t, failure.Also)

	e = open(t, Options{Stack: "other", Home: t.TempDir(), Env: f.env(), Program: func(*pulumi.Context) error {
		return errors.New("team \"x\" has no name")
	}})
	_, err = e.Preview(t.Context())
	require.ErrorAs(t, err, &failure)
	require.Equal(t, CodeProgram, failure.Code)
	require.True(t, strings.HasSuffix(failure.Message, "team \"x\" has no name"), failure.Message)
}

// A cleanup that was killed while AWS deleted something leaves a state that still has it. A deploy must not believe that.
func TestADeployAfterAKilledDeletionMakesAgainWhatIsGone(t *testing.T) {
	t.Parallel()
	f := serveFakeAWS(t)
	o := Options{Home: t.TempDir(), Env: f.env(), Program: chain(nil)}
	e := open(t, o)
	_, err := e.Deploy(t.Context(), nil)
	require.NoError(t, err)
	f.mu.Lock()
	delete(f.things, "b")
	f.mu.Unlock()
	path, _ := e.files.path()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	var state map[string]any
	require.NoError(t, json.Unmarshal(raw, &state))
	latest := state["checkpoint"].(map[string]any)["latest"].(map[string]any)
	for _, r := range latest["resources"].([]any) {
		if strings.HasSuffix(r.(map[string]any)["urn"].(string), "::b") {
			latest["pending_operations"] = []any{map[string]any{"resource": r, "type": "deleting"}}
		}
	}
	raw, err = json.Marshal(state)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, raw, 0o600))

	_, err = open(t, o).Deploy(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, f.names())
	pending, err := e.Pending(t.Context())
	require.NoError(t, err)
	require.Empty(t, pending)
}

func TestADeletionIsBroughtToItsEndUnlessOthersNeedTheResource(t *testing.T) {
	t.Parallel()
	op := func(name string) apitype.OperationV2 {
		return apitype.OperationV2{Resource: recorded(name, name), Type: apitype.OperationTypeDeleting}
	}
	user := recorded("user", "u")
	user.Dependencies = []resource.URN{urnOf("used")}
	part := recorded("part", "p")
	part.Parent = urnOf("whole")
	replaced := recorded("replaced", "replaced")
	replaced.Delete = true
	marked := recorded("marked", "marked")
	marked.Delete = true
	d := stateOf([]apitype.ResourceV3{
		recorded("free", "free"), recorded("used", "used"), user, recorded("whole", "whole"), part, replaced,
		recorded("replaced", "new"), marked, recorded("other", "another"),
	}, op("free"), op("used"), op("whole"), op("gone"), op("replaced"), op("marked"), op("other"), creating("new"))
	ended, doubted := deletionsOf(d)
	require.Equal(t, []string{string(urnOf("free"))}, ended)
	require.Equal(t, []string{string(urnOf("used")), string(urnOf("whole"))}, doubted)
}
