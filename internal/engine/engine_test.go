// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/internal/plans"
	"emrflink/internal/untyped"
)

// TestMain lets the test binary be the engine's process, as the real binary is: it re-executes itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "pulumi":
			os.Exit(Main(os.Args[2:]))
		case "deploy-helper":
			os.Exit(deployHelper(os.Args[2], os.Args[3]))
		}
	}
	os.Exit(m.Run())
}

// chain makes the things a and b, the second from an output of the first.
func chain(first pulumi.Map) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		a, err := newThing(ctx, "a", first)
		if err != nil {
			return err
		}
		b, err := newThing(ctx, "b", pulumi.Map{"from": a.Arn, "password": pulumi.ToSecret("hunter2")})
		if err != nil {
			return err
		}
		ctx.Export("arn", b.Arn)
		ctx.Export("token", pulumi.ToSecret("swordfish"))
		return nil
	}
}

// engineCommand runs the engine's processes with the built binary where there is one (`make test` says where): the race
// detector watches our side of the pipe, and costs Pulumi's side a second for each of some hundred processes. Without it
// the test binary is the engine's process too.
func engineCommand() []string {
	if dir := os.Getenv("EMRFLINK_BIN"); dir != "" {
		return []string{filepath.Join(dir, "emrflink"), "pulumi"}
	}
	return nil
}

func open(t *testing.T, o Options) *Engine {
	t.Helper()
	if o.Stack == "" {
		o.Stack = "local"
	}
	if o.WorkFile == "" && o.Config == nil {
		o.WorkFile = quickSecrets(t, o.Stack)
	}
	return openWithPassphrase(t, o)
}

// openWithPassphrase opens a stack as most users do: without a stack file, secrets are encrypted with a passphrase.
func openWithPassphrase(t *testing.T, o Options) *Engine {
	t.Helper()
	if o.Stack == "" {
		o.Stack = "local"
	}
	o.Command = engineCommand()
	e, err := Open(t.Context(), o)
	require.NoError(t, err)
	return e
}

// quickSecrets is a stack file that encrypts with a key: a passphrase's is derived by each process, in a tenth of a second.
func quickSecrets(t *testing.T, stack string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "Pulumi."+stack+".yaml")
	key := "base64key://" + base64.URLEncoding.EncodeToString(make([]byte, 32))
	require.NoError(t, os.WriteFile(file, []byte("secretsprovider: "+key+"\n"), 0o600))
	return file
}

// userSteps drops the engine's own resources and the URNs' common part.
func userSteps(p plans.Plan) []plans.Step {
	var out []plans.Step
	for _, s := range p.Steps {
		if !s.Internal() {
			s.URN = s.Name
			s.Parent, s.Provider, s.ID = "", "", ""
			for i := range s.Dependencies {
				s.Dependencies[i] = untyped.URNName(s.Dependencies[i])
			}
			for _, urns := range s.PropertyDependencies {
				for i := range urns {
					urns[i] = untyped.URNName(urns[i])
				}
			}
			out = append(out, s)
		}
	}
	return out
}

func TestOfflinePreviewNamesUnknownsMasksSecretsAndLeavesNothing(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	f := serveFakeAWS(t)
	e := open(t, Options{Ephemeral: true, Env: f.env(), Program: chain(pulumi.Map{"size": pulumi.Int(1)})})
	plan, err := e.Preview(t.Context())
	require.NoError(t, err)
	require.Equal(t, plans.Summary{Create: 4}, plan.Summary)
	want := []plans.Step{
		{
			URN: "a", Type: thingType, Name: "a", Op: plans.OpCreate, ReplaceReasons: []string{}, Diff: []plans.PropertyDiff{},
			New: map[string]any{"name": "a", "size": 1.0}, Dependencies: []string{}, PropertyDependencies: map[string][]string{},
		},
		{
			URN: "b", Type: thingType, Name: "b", Op: plans.OpCreate, ReplaceReasons: []string{}, Diff: []plans.PropertyDiff{},
			New: map[string]any{"name": "b", "from": "arn:aws:test:::a", "password": plans.Secret}, Dependencies: []string{"a"},
			PropertyDependencies: map[string][]string{"from": {"a"}},
		},
	}
	if diff := cmp.Diff(want, userSteps(plan)); diff != "" {
		t.Error(diff)
	}
	left, err := os.ReadDir(tmp)
	require.NoError(t, err)
	require.Empty(t, left)
	_, err = e.Deploy(t.Context(), nil)
	require.ErrorContains(t, err, "only preview")
}

func TestDeployPreviewChangeDestroy(t *testing.T) {
	t.Parallel()
	f := serveFakeAWS(t)
	home := t.TempDir()
	o := Options{Home: home, Env: f.env(), Program: chain(pulumi.Map{"size": pulumi.Int(1)})}
	e := open(t, o)
	_, err := e.Resources(t.Context())
	require.ErrorIs(t, err, ErrNoStack)

	var seen []string
	res, err := e.Deploy(t.Context(), func(ev plans.Event) {
		if ev.Type == thingType {
			seen = append(seen, ev.Kind+" "+string(ev.Op)+" "+ev.Name)
		}
	})
	require.NoError(t, err)
	require.Equal(t, []string{"start create a", "done create a", "start create b", "done create b"}, seen)
	require.Equal(t, plans.Summary{Create: 4}, res.Summary)
	require.Equal(t, map[string]plans.Output{
		"arn": {Value: "arn:aws:test:::b"}, "token": {Value: "swordfish", Secret: true},
	}, res.Outputs)
	require.Equal(t, []string{"a", "b"}, f.names())
	requireNoSecrets(t, home)

	for range 2 {
		plan, err := open(t, o).Preview(t.Context())
		require.NoError(t, err)
		require.Equal(t, plans.Summary{Same: 4}, plan.Summary)
	}
	resources, err := e.Resources(t.Context())
	require.NoError(t, err)
	require.Len(t, resources, 2)
	require.Equal(t, plans.Secret, resources[1].Inputs["password"])

	o.Program = chain(pulumi.Map{"size": pulumi.Int(2), "zone": pulumi.String("z1")})
	changed := open(t, o)
	plan, err := changed.Preview(t.Context())
	require.NoError(t, err)
	again, err := changed.Preview(t.Context())
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(plan, again), "two previews of the same change are the same")
	checkReplacePlan(t, plan)
	_, err = changed.Deploy(t.Context(), nil)
	require.NoError(t, err)

	destroyAndForget(t, f, changed)
}

// checkReplacePlan checks the preview of a changed size and a zone that forces a replacement.
func checkReplacePlan(t *testing.T, plan plans.Plan) {
	t.Helper()
	steps := userSteps(plan)
	require.Len(t, steps, 2)
	require.Equal(t, plans.OpReplace, steps[0].Op)
	require.Equal(t, []string{"zone"}, steps[0].ReplaceReasons)
	want := []plans.PropertyDiff{
		{Path: "size", Kind: "update", Old: 1.0, New: 2.0}, {Path: "zone", Kind: "update-replace", New: "z1"},
	}
	if diff := cmp.Diff(want, steps[0].Diff); diff != "" {
		t.Error(diff)
	}
	require.Equal(t, 1, plan.Summary.Replace)
}

// destroyAndForget ends a stack's life and checks that it can be previewed anew.
func destroyAndForget(t *testing.T, f *fakeAWS, e *Engine) {
	t.Helper()
	var failure *Failure
	require.ErrorAs(t, e.Remove(t.Context()), &failure)
	require.Equal(t, CodeStackNotEmpty, failure.Code)
	res, err := e.Destroy(t.Context(), nil)
	require.NoError(t, err)
	require.GreaterOrEqual(t, res.Summary.Delete, 4)
	require.Empty(t, f.names())
	require.NoError(t, e.Remove(t.Context()))
	_, err = e.Destroy(t.Context(), nil)
	require.ErrorIs(t, err, ErrNoStack)
	plan, err := e.Preview(t.Context())
	require.NoError(t, err)
	require.Equal(t, plans.Summary{Create: 4}, plan.Summary)
}

func TestAStackOfComponentsAloneIsEmpty(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	o := Options{Home: home, Env: serveFakeAWS(t).env(), Program: func(ctx *pulumi.Context) error {
		var part, inner pulumi.ResourceState
		if err := ctx.RegisterComponentResource("emrflink:test:Part", "part", &part); err != nil {
			return err
		}
		return ctx.RegisterComponentResource("emrflink:test:Part", "inner", &inner, pulumi.Parent(&part))
	}}
	_, err := open(t, o).Deploy(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, open(t, o).Remove(t.Context()))
	_, err = open(t, o).Resources(t.Context())
	require.ErrorIs(t, err, ErrNoStack)
	for path := range everything(t, filepath.Join(home, "backend")) {
		require.NotContains(t, path, "local.json", "no copy of the state is left")
	}
	require.NoDirExists(t, filepath.Join(home, "work", "local"))
}

// requireNoSecrets searches everything below the state directory for the secrets of chain.
func requireNoSecrets(t *testing.T, home string) {
	t.Helper()
	info, err := os.Stat(filepath.Join(home, "passphrase"))
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	err = filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, secret := range []string{"hunter2", "swordfish"} {
			if strings.Contains(string(raw), secret) {
				return fmt.Errorf("%s holds a secret in clear", path)
			}
		}
		return nil
	})
	require.NoError(t, err)
}

func TestTheUsersStackFileIsReadAndNotWritten(t *testing.T) {
	t.Parallel()
	f := serveFakeAWS(t)
	home := t.TempDir()
	file := filepath.Join(t.TempDir(), "Pulumi.dev.yaml")
	content := "# mine\nconfig:\n  emrflink:teams:\n    - red\n    - blue\n"
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	var got string
	o := Options{Stack: "dev", Home: home, WorkFile: file, Env: f.env(), Program: func(ctx *pulumi.Context) error {
		got, _ = ctx.GetConfig("emrflink:teams")
		ctx.Export("token", pulumi.ToSecret("swordfish"))
		return nil
	}}
	_, err := open(t, o).Deploy(t.Context(), nil)
	require.NoError(t, err)
	require.JSONEq(t, `["red","blue"]`, got)
	copied, err := os.ReadFile(filepath.Join(home, "work", "dev", "Pulumi.dev.yaml"))
	require.NoError(t, err)
	require.Contains(t, string(copied), "encryptionsalt")

	// The salt outlives our copy: it is in the state.
	require.NoError(t, os.RemoveAll(filepath.Join(home, "work")))
	outputs, err := open(t, o).Outputs(t.Context())
	require.NoError(t, err)
	require.Equal(t, plans.Output{Value: "swordfish", Secret: true}, outputs["token"])
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, content, string(after))

	o.Env = f.env()
	o.Env[passphraseVar] = "another one"
	_, err = open(t, o).Preview(t.Context())
	var failure *Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, CodePassphrase, failure.Code)
	require.Equal(t, 3, failure.ExitCode())
}

// Two commands on one stack, in two terminals: each plans its own settings.
func TestACommandDoesNotTakeTheSettingsOfAnother(t *testing.T) {
	t.Parallel()
	f := serveFakeAWS(t)
	o := Options{Home: t.TempDir(), Env: f.env(), Program: func(ctx *pulumi.Context) error {
		size, _ := ctx.GetConfig("emrflink:size")
		_, err := newThing(ctx, "a", pulumi.Map{"size": pulumi.String(size)})
		return err
	}}
	of := func(size string) *Engine {
		o := o
		o.WorkFile = quickSecrets(t, "local")
		file, err := os.OpenFile(o.WorkFile, os.O_APPEND|os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = file.WriteString("config:\n  emrflink:size: " + size + "\n")
		require.NoError(t, errors.Join(err, file.Close()))
		return open(t, o)
	}
	one, other := of("small"), of("large")
	_, err := one.Deploy(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, one.ready(t.Context()))
	require.NoError(t, other.ready(t.Context())) // right before the engine of the first one starts
	plan, err := one.previewIn(t.Context(), one.workDir(), one.env)
	require.NoError(t, err)
	require.Zero(t, plan.Summary.Changes(), "%+v", userSteps(plan))
	plan, err = other.Preview(t.Context())
	require.NoError(t, err)
	require.NotZero(t, plan.Summary.Changes())
	left, err := filepath.Glob(filepath.Join(one.workDir(), "settings-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestNamesAreChecked(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "..", "a/b", "a b", strings.Repeat("x", 101)} {
		_, err := Open(context.Background(), Options{Stack: name, Home: t.TempDir()})
		var failure *Failure
		require.ErrorAs(t, err, &failure, name)
		require.Equal(t, CodeStackName, failure.Code)
	}
}
