// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli"
	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/engine"
	"emrflink/internal/iostreams"
)

// TestMain lets the test binary be the tool, which re-executes itself as its engine.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "pulumi" {
		os.Exit(cli.Run(context.Background(), iostreams.System(), os.Args[1:]))
	}
	os.Exit(m.Run())
}

// result is what one run of the tool left.
type result struct {
	code           int
	stdout, stderr string
	files          string // everything written below the state folder
}

// all is everything that somebody could read.
func (r result) all() string { return r.stdout + r.stderr + r.files }

// run runs the tool over a stack file.
func run(t *testing.T, stackFile string, args ...string) result {
	t.Helper()
	dir := t.TempDir()
	home, file := filepath.Join(dir, "home"), filepath.Join(dir, "Pulumi.local.yaml")
	require.NoError(t, os.WriteFile(file, []byte(stackFile), 0o600))
	ios, _, out, errOut := iostreams.Test()
	ios.SetEnv(func(k string) string {
		if k == "EMRFLINK_HOME" {
			return home
		}
		return environment[k]
	})
	r := result{code: cli.Run(t.Context(), ios, append(args, "--config-file", file, "-v"))}
	r.stdout, r.stderr = out.String(), errOut.String()
	err := filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		r.files += string(raw)
		return err
	})
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(t, err)
	}
	return r
}

const (
	tagCanary    = "gh" + "p_canaryInATag0123456789abcdefghijklmno"
	secondCanary = "canary-tag-password-77aa"
	keyCanary    = "canary-misspelt-key-88bb"
	envCanary    = "canary-environment-passphrase-99cc"
	errorCanary  = "canary-error-url-password-aadd"
	rawCanary    = "ey" + "JjYW5hcnlSYXciOjF9.eyJjYW5hcnlSYXciOjJ9.Y2FuYXJ5UmF3U2ln"
)

var environment = map[string]string{"PULUMI_CONFIG_PASSPHRASE": envCanary}

func requireNoCanary(t *testing.T, shown string) {
	t.Helper()
	for _, c := range []string{tagCanary, secondCanary, keyCanary, envCanary, errorCanary, rawCanary} {
		if strings.Contains(shown, c) {
			t.Errorf("%q is shown", c)
		}
	}
}

func TestNoSecretIsPrinted(t *testing.T) {
	settings := "config:\n  emrflink:tags:\n    note: " + tagCanary + "\n    db_password: " + secondCanary + "\n"
	for _, output := range []string{"text", "json", "markdown", "html"} {
		r := run(t, settings, "preview", "--offline", "--output", output)
		require.Zero(t, r.code, r.stderr)
		require.Contains(t, r.stdout, "plain-secret")
		requireNoCanary(t, r.all())
	}
	for _, args := range [][]string{{"graph"}, {"graph", "--output", "mermaid"}, {"cost", "--output", "json"}} {
		r := run(t, settings, args...)
		require.Zero(t, r.code, r.stderr)
		requireNoCanary(t, r.all())
	}
	saved := filepath.Join(t.TempDir(), "baseline.json")
	requireNoCanary(t, run(t, settings, "preview", "--save-baseline", saved).all())
	graph, err := os.ReadFile(saved)
	require.NoError(t, err)
	requireNoCanary(t, string(graph))
	r := run(t, strings.ReplaceAll(settings, "canary", "kanari"), "preview", "--baseline", saved)
	require.Zero(t, r.code, r.stderr)
	requireNoCanary(t, r.all())
	require.NotContains(t, r.stdout, "kanari", "neither the old secret nor the new one")
	wrong := run(t, "config:\n  emrflink:dbPasswod: 1\n  emrflink:dbPassword: "+keyCanary+"\n  emrflink:region: "+tagCanary+"\n", "preview", "--offline")
	require.Equal(t, cmdutil.ExitUsage, wrong.code)
	require.Contains(t, wrong.stderr, "emrflink:dbPassword")
	requireNoCanary(t, wrong.all())
}

// TestNoSecretIsInAnError: an error that repeats what it was given, printed in both forms, and logged.
func TestNoSecretIsInAnError(t *testing.T) {
	t.Parallel()
	failure := &cmdutil.Error{
		What: "deploy stack \"local\" with " + envCanary,
		Cause: fmt.Errorf("create role: %w", &engine.Failure{
			Message: "cannot pull https://robot:" + errorCanary + "@registry/x with Bearer " + rawCanary, Raw: "raw " + rawCanary,
		}),
		Next: "emrflink deploy --token " + keyCanary,
	}
	for _, asJSON := range []bool{false, true} {
		ios, _, _, errOut := iostreams.Test()
		ios.SetEnv(func(k string) string { return environment[k] })
		cmdutil.PrintError(ios, failure, 1, asJSON, "")
		require.Contains(t, errOut.String(), "[secret]")
		requireNoCanary(t, errOut.String())
	}
	ios, _, _, errOut := iostreams.Test()
	ios.SetEnv(func(k string) string { return environment[k] })
	log := cmdutil.NewLog(cmdutil.LogOptions{IO: ios, Home: t.TempDir(), Command: "test", Verbose: true, Now: time.Unix(0, 0)})
	log.Warn("with "+envCanary, "err", failure, "raw", rawCanary, "args", []string{"--password", keyCanary}, "token", secondCanary)
	log.With("passphrase", secondCanary).Debug("more", "settings", map[string]any{"db": map[string]any{"password": secondCanary}})
	written, err := os.ReadFile(log.Path())
	require.NoError(t, err)
	require.NoError(t, log.Close())
	require.Equal(t, 2, bytes.Count(written, []byte("\n")))
	for line := range bytes.Lines(written) {
		require.True(t, json.Valid(line), string(line))
	}
	requireNoCanary(t, errOut.String()+string(written))
	var bug bytes.Buffer
	cmdutil.PrintBug(&bug, "v1", "emrflink deploy", "boom password="+keyCanary)
	require.Contains(t, bug.String(), "boom password=[secret]")
}

// finding is what the golden file keeps of one.
type finding struct{ Rule, Severity, URN, Path, Message, Reason string }

func findingsOf(t *testing.T, r result) []finding {
	t.Helper()
	require.Zero(t, r.code, r.stderr)
	var doc struct{ Findings []finding }
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &doc))
	return doc.Findings
}

// TestTheFindingsOfTheDefault are those that we decided to leave; docs/ci.md says why.
func TestTheFindingsOfTheDefault(t *testing.T) {
	var b strings.Builder
	r := run(t, "config: {}\n", "preview", "--offline", "--output", "json")
	require.NotContains(t, r.stdout, "[secret]", "nothing of the default is taken for a secret")
	for _, f := range findingsOf(t, r) {
		fmt.Fprintf(&b, "%s %s\n  %s %s\n  %s\n", f.Severity, f.Rule, f.URN[strings.LastIndex(f.URN, ":")+1:], f.Path, f.Message)
	}
	cmdtest.Golden(t, "default-findings.txt", b.String())
}

func TestAStackFileAcceptsFindings(t *testing.T) {
	r := run(t, `config:
  emrflink:acceptedFindings:
    - {rule: single-nat, resource: "network-*", reason: one zone is enough here}
    - {rule: iam-user, reason: none is made}
`, "preview", "--offline", "--exit-code")
	require.Equal(t, cmdutil.ExitChanges, r.code, "findings are no changes")
	require.Contains(t, r.stdout, "  accepted single-nat: network-nat-usw2-az1: 3 zones leave through this one gateway (one zone is enough here)\n")
	require.Contains(t, r.stdout, "acceptedFindings[1] accepts iam-user, which is not found")
	wrong := run(t, "config:\n  emrflink:acceptedFindings: [{rule: singel-nat, reason: x}]\n", "preview", "--offline")
	require.Equal(t, cmdutil.ExitUsage, wrong.code)
	require.Contains(t, wrong.stderr, `acceptedFindings[0].rule = "singel-nat": no such rule (did you mean "single-nat"?)`)
}
