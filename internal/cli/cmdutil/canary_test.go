// SPDX-License-Identifier: Apache-2.0

package cmdutil

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/iostreams"
	"emrflink/internal/runlog"
)

// Secrets that are looked for in what errors and logs say.
const (
	secondCanary = "canary-tag-password-77aa"
	keyCanary    = "canary-misspelt-key-88bb"
	envCanary    = "canary-environment-passphrase-99cc"
	errorCanary  = "canary-error-url-password-aadd"
	rawCanary    = "ey" + "JjYW5hcnlSYXciOjF9.eyJjYW5hcnlSYXciOjJ9.Y2FuYXJ5UmF3U2ln"
)

func requireNoCanary(t *testing.T, shown string) {
	t.Helper()
	for _, c := range []string{secondCanary, keyCanary, envCanary, errorCanary, rawCanary} {
		if strings.Contains(shown, c) {
			t.Errorf("%q is shown", c)
		}
	}
}

// TestNoSecretIsInAnError: an error that repeats what it was given, printed in both forms, and logged.
func TestNoSecretIsInAnError(t *testing.T) {
	t.Parallel()
	failure := &Error{
		What:  "deploy stack \"local\" with " + envCanary,
		Cause: errors.New("create role: cannot pull https://robot:" + errorCanary + "@registry/x with Bearer " + rawCanary),
		Next:  "emrflink deploy --token " + keyCanary,
	}
	for _, asJSON := range []bool{false, true} {
		ios, _, _, errOut := iostreams.Test()
		ios.SetEnv(func(k string) string { return map[string]string{"PULUMI_CONFIG_PASSPHRASE": envCanary}[k] })
		PrintError(ios, failure, 1, asJSON, "")
		require.Contains(t, errOut.String(), "[secret]")
		requireNoCanary(t, errOut.String())
	}
	ios, _, _, errOut := iostreams.Test()
	ios.SetEnv(func(k string) string { return map[string]string{"PULUMI_CONFIG_PASSPHRASE": envCanary}[k] })
	log := runlog.New(runlog.Options{IO: ios, Home: t.TempDir(), Command: "test", Verbose: true, Now: time.Unix(0, 0)})
	log.Warn("with "+envCanary, "err", failure, "raw", rawCanary, "args", []string{"--password", keyCanary},
		"token", secondCanary)
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
	PrintBug(&bug, "v1", "emrflink deploy", "boom password="+keyCanary)
	require.Contains(t, bug.String(), "boom password=[secret]")
}
