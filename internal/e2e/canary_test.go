// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Secrets that are looked for in everything that a deployment, its job and its reviews write. They are joined here so that
// no scanner takes them for real ones.
var (
	// markedCanary is a secure value of the stack file.
	markedCanary = "canary-" + "secure-value-5b1e"
	// tagCanaries are values of tags, which nothing marks: one is a secret by its form, the other by its name. Pulumi keeps
	// them in its state in clear, as the account keeps the tags.
	tagCanaries = []string{"gh" + "p_canaryOfADeployment0123456789abcdefg", "canary-" + "tag-password-6c2f"}
	// ownPassphrase is the user's, in the environment.
	ownPassphrase = "canary-" + "passphrase-7d3a"
)

const stackFile = "Pulumi.local.yaml"

// plantTags writes a stack file with secrets in its tags.
func plantTags(t *testing.T, u *user) {
	t.Helper()
	text := "config:\n  emrflink:tags:\n    note: " + tagCanaries[0] + "\n    db_password: " + tagCanaries[1] + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(u.work, stackFile), []byte(text), 0o600))
	u.env = append(u.env, "PULUMI_CONFIG_PASSPHRASE="+ownPassphrase)
	require.NoError(t, os.WriteFile(filepath.Join(u.work, "Pulumi.yaml"), []byte(document(t, "Pulumi.yaml")), 0o600))
}

// plantSecret adds an encrypted value to the stack file, as Pulumi's own command does it.
func plantSecret(t *testing.T, u *user) {
	t.Helper()
	u.ok("pulumi --cwd " + u.work + " config set --secret aws:stsRegion " + markedCanary + " --stack local")
	text, err := os.ReadFile(filepath.Join(u.work, stackFile))
	require.NoError(t, err)
	require.Contains(t, string(text), "secure:")
}

// reviewsWithSecrets asks in every way and format while one of the secrets changes.
func reviewsWithSecrets(t *testing.T, u *user) {
	t.Helper()
	path := filepath.Join(u.work, stackFile)
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	u.ok("preview --save-baseline base.json")
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(before), "6c2f", "6c2f-rotated", 1)), 0o600))
	for _, output := range []string{"text", "json", "markdown", "html"} {
		u.ok("preview --output " + output)
		u.ok("preview --offline --output " + output)
		require.Contains(t, u.ok("preview --baseline base.json --output "+output).stdout, "db_password", "the change is shown")
	}
	u.ok("preview --save-plan plan.json -v")
	require.NoError(t, os.WriteFile(path, before, 0o600))
	for _, line := range []string{
		"graph", "graph --output mermaid", "cost", "outputs", "outputs --show-secrets", "status -v", "drift -v", "doctor",
	} {
		u.ok(line)
	}
	refused := u.exec(t.Context(), "deploy", "--plan", "plan.json", "--yes", "-v")
	require.Equal(t, 2, refused.code, refused.stderr)
}

// requireNoCanary searches all that was printed and written. Left out is where a secret is because it was put there: the
// stack file and our copy of it, and for what nothing marks the state and what the account and the cluster hold.
func requireNoCanary(t *testing.T, u *user) {
	t.Helper()
	searched := map[string]int{}
	look := func(where, text string, canaries ...string) {
		searched[filepath.Ext(where)]++
		for _, c := range canaries {
			if strings.Contains(text, c) {
				t.Errorf("%s has %q", where, c)
			}
		}
	}
	nowhere := []string{markedCanary, ownPassphrase}
	everything := append(nowhere[:2:2], tagCanaries...)
	look("what was printed", u.shown.String(), everything...)
	for _, root := range []string{u.home, u.work} {
		require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			raw, err := os.ReadFile(path)
			require.NoError(t, err)
			held := strings.HasPrefix(path, filepath.Join(u.home, "backend")) ||
				strings.HasPrefix(path, filepath.Join(u.home, "local")) && !strings.HasSuffix(path, ".log")
			switch {
			case filepath.Base(path) == stackFile || held:
				look(path, string(raw), nowhere...)
			default:
				look(path, string(raw), everything...)
			}
			return nil
		}))
	}
	for _, kind := range []string{".log", ".jsonl", ".json", ".svg"} {
		require.Positive(t, searched[kind], "no file %s was searched", kind)
	}
}

func TestAWrongSettingIsRefusedWithoutTheSecretInIt(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	text := "config:\n  emrflink:dbPassword: " + tagCanaries[1] + "\n  emrflink:region: " + tagCanaries[0] + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(u.work, stackFile), []byte(text), 0o600))
	r := u.exec(t.Context(), "preview", "--offline", "-v")
	require.Equal(t, 2, r.code)
	require.Contains(t, r.stderr, "emrflink:dbPassword")
	for _, c := range tagCanaries {
		require.NotContains(t, r.stdout+r.stderr, c)
	}
}
