// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/internal/plans"
)

// canaries are distinct secrets, each where one may come from. They are joined here so that no scanner takes them for
// real ones.
var canaries = map[string]string{
	"a marked input":      "canary-marked-input-7f3a",
	"a marked output":     "canary-marked-output-91bc",
	"a tag":               "gh" + "p_canaryTag0123456789abcdefghijklmnopqr",
	"a name and a value":  "canary-env-value-55ce",
	"a policy":            "AK" + "IACANARYPOLICY0042",
	"Helm values":         "canary-helm-password-08dd",
	"values as a text":    "canary-helm-text-password-19ee",
	"a Secret's data":     base64.StdEncoding.EncodeToString([]byte("canary-manifest-data-2a01")),
	"a Secret's text":     "canary-manifest-text-3b12",
	"a provider's error":  "canary-error-password-4c23",
	"a provider's token":  "ey" + "JjYW5hcnlIZWFkZXIi.eyJjYW5hcnlCb2R5Ijox.Y2FuYXJ5U2lnbmF0dXJl",
	"an output by shape":  "xo" + "xb-424242424242-canaryOutputToken",
	"the program's words": "canary-program-token-5d34",
	"an old value":        "canary-old-password-6e45",
}

// canaryProgram puts every canary in its place. With fail the provider refuses one resource and repeats secrets.
func canaryProgram(fail bool) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		password := canaries["an old value"]
		if fail {
			password = canaries["Helm values"]
		}
		if err := ctx.Log.Warn("logging in with token="+canaries["the program's words"], nil); err != nil {
			return err
		}
		if _, err := newThing(ctx, "inputs", pulumi.Map{
			"secret": pulumi.ToSecret(canaries["a marked input"]),
			"tags":   pulumi.StringMap{"note": pulumi.String(canaries["a tag"])},
			"env": pulumi.Array{
				pulumi.Map{"name": pulumi.String("DB_PASSWORD"), "value": pulumi.String(canaries["a name and a value"])},
			},
			"policy": pulumi.String(`{"Statement":[{"Condition":{"StringEquals":{"aws:userid":"` +
				canaries["a policy"] + `"}}}]}`),
			"values": pulumi.Map{"database": pulumi.Map{"password": pulumi.String(password)}},
			"raw":    pulumi.StringArray{pulumi.String("database:\n  password: " + canaries["values as a text"] + "\n")},
		}); err != nil {
			return err
		}
		if _, err := newThing(ctx, "manifest", pulumi.Map{
			"kind": pulumi.String("Secret"), "apiVersion": pulumi.String("v1"),
			"data":       pulumi.StringMap{"blob": pulumi.String(canaries["a Secret's data"])},
			"stringData": pulumi.StringMap{"text": pulumi.String(canaries["a Secret's text"])},
		}); err != nil {
			return err
		}
		ctx.Export("marked", pulumi.ToSecret(canaries["a marked output"]))
		ctx.Export("webhook", pulumi.String(canaries["an output by shape"]))
		if !fail {
			return nil
		}
		_, err := newThing(ctx, "refused", pulumi.Map{"fail": pulumi.String(
			"api error AccessDenied: password=" + canaries["a provider's error"] + " Authorization: Bearer " +
				canaries["a provider's token"])})
		return err
	}
}

// requireNoCanary looks for canaries in what would be shown.
func requireNoCanary(t *testing.T, what string, shown any) {
	t.Helper()
	raw, err := json.Marshal(shown)
	require.NoError(t, err)
	text := string(raw) + fmt.Sprintf("%+v", shown)
	for where, canary := range canaries {
		if strings.Contains(text, canary) {
			t.Errorf("%s shows the secret of %s", what, where)
		}
	}
}

func TestNoSecretLeavesTheEngine(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	f := serveFakeAWS(t)
	home := t.TempDir()
	run := func(fail bool) *Engine {
		return open(t, Options{Home: home, Env: f.env(), Program: canaryProgram(fail)})
	}

	offline := open(t, Options{Ephemeral: true, Env: f.env(), Program: canaryProgram(false)})
	plan, err := offline.Preview(t.Context())
	require.NoError(t, err)
	requireNoCanary(t, "an offline preview", plan)
	var exposed []string
	for _, s := range plan.Steps {
		exposed = append(exposed, s.Exposed...)
	}
	require.Equal(t, []string{
		"env[0].value", "policy", "raw[0]", "tags.note", "values.database.password", "data.blob", "stringData.text",
	}, exposed,
		"what nothing marks is named")

	var events []plans.Event
	_, err = run(false).Deploy(t.Context(), func(ev plans.Event) { events = append(events, ev) })
	require.NoError(t, err)
	requireNoCanary(t, "an event", events)

	plan, err = run(true).Preview(t.Context())
	require.NoError(t, err)
	requireNoCanary(t, "a preview", plan)
	at := -1
	for i, s := range plan.Steps {
		if s.Name == "inputs" {
			at = i
		}
	}
	require.Equal(t, plans.OpUpdate, plan.Steps[at].Op)
	require.Equal(t,
		[]plans.PropertyDiff{{
			Path: "values", Kind: "update",
			Old: map[string]any{"database": map[string]any{"password": plans.Secret}},
			New: map[string]any{"database": map[string]any{"password": plans.Secret}},
		}}, plan.Steps[at].Diff,
		"that a secret changes is seen")

	events = nil
	_, err = run(true).Deploy(t.Context(), func(ev plans.Event) { events = append(events, ev) })
	var failure *Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, "AccessDenied", failure.Code)
	requireNoCanary(t, "an event of a failure", events)
	requireNoCanary(t, "a failure", []any{err.Error(), failure.Message, failure.Raw, failure.Also, errors.Unwrap(err)})

	resources, err := run(false).Resources(t.Context())
	require.NoError(t, err)
	requireNoCanary(t, "the recorded state", resources)
	outputs, err := run(false).Outputs(t.Context())
	require.NoError(t, err)
	require.True(t, outputs["marked"].Secret)
	require.True(t, outputs["webhook"].Secret, "it looks like one")

	// What is marked is encrypted in the state. What is not marked Pulumi keeps in clear: the finding plain-secret says so.
	marked := []string{canaries["a marked input"], canaries["a marked output"]}
	for _, dir := range []string{home, tmp} {
		require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			raw, err := os.ReadFile(path)
			for _, canary := range marked {
				require.NotContains(t, string(raw), canary, path)
			}
			return err
		}))
	}
}
