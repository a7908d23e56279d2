// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/pkg/v3/secrets/passphrase"
	"sigs.k8s.io/yaml"
)

// passphraseFor returns the passphrase file that an engine below home has to use, "" when the environment names one. It is
// made when there is none, unless something is encrypted with the one that is gone: a new one would read none of that.
func (e *Engine) passphraseFor(home, salt string) (string, error) {
	if _, own := e.lookup(passphraseVar); own || e.lookupEnv(passphraseFileVar) != "" {
		return "", nil
	}
	path := filepath.Join(home, "passphrase")
	if e.files == nil && !e.opts.Ephemeral {
		if err := e.sharedPassphrase(path); err != nil {
			return "", err
		}
	}
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if salt != "" {
		return "", e.passphraseGone(path, e.opts.Stack)
	}
	if other := e.encryptedBeside(home); other != "" {
		return "", e.passphraseGone(path, other)
	}
	return path, makePassphrase(path)
}

// sharedPassphrase refuses a passphrase of one state directory for a state that others use: nobody else could read its secrets,
// and the secrets of theirs could not be read here. With a key of KMS, it encrypts nothing.
func (e *Engine) sharedPassphrase(path string) error {
	settings, err := e.stackSettings()
	if err != nil {
		return err
	}
	if provider, _ := settings["secretsprovider"].(string); strings.Contains(provider, "://") {
		return nil
	}
	place, _, _ := strings.Cut(e.opts.BackendURL, "?")
	hint := "set " + passphraseVar + " or " + passphraseFileVar + ", to the same passphrase wherever the stack is used\n" +
		"emrflink pulumi stack change-secrets-provider '" + kms + "alias/NAME?region=REGION' --stack " + e.opts.Stack +
		"   # or use a key of KMS; of a new stack, as secretsprovider in the stack file"
	if _, err := os.Stat(path); err == nil {
		hint += "\nexport " + passphraseFileVar + "=" + path + "   # if the stack was made with the passphrase of this machine"
	}
	return &Failure{
		Code: CodeNoPassphrase, Hint: hint,
		Message: fmt.Sprintf("the state of stack %q is in %s, and no passphrase was given: one that was made here would "+
			"not be known on any other machine; nothing was changed", e.opts.Stack, place),
	}
}

// kms begins the secrets provider that is a key of KMS.
const kms = "awskms://"

// encryptedBeside is another stack of the state directory whose secrets are encrypted with the passphrase of the directory, ""
// when there is none.
func (e *Engine) encryptedBeside(home string) string {
	for _, file := range matching(filepath.Join(home, "work", "*", "Pulumi.*.yaml")) {
		if name := filepath.Base(filepath.Dir(file)); name != e.opts.Stack && saltIn(file) != "" {
			return name
		}
	}
	return ""
}

// passphraseGone refuses to work on a stack whose passphrase was lost.
func (e *Engine) passphraseGone(path, stack string) error {
	return &Failure{
		Code: CodePassphrase,
		Message: fmt.Sprintf("the passphrase of stack %q is gone: there is no file %s, and the stack's secrets are encrypted "+
			"with it; nothing was changed", stack, path),
		Hint: "put the file back, or set " + passphraseVar + " to the passphrase that the stack was made with; if it is lost " +
			"for good, see what carries the deployment's tags: emrflink cleanup --from-tags --dry-run --stack " + e.opts.Stack,
	}
}

// saltIn is the salt in a stack file, "" when there is none.
func saltIn(stackFile string) string {
	var settings map[string]any
	raw, err := os.ReadFile(stackFile)
	if err != nil || yaml.Unmarshal(raw, &settings) != nil {
		return ""
	}
	salt, _ := settings[saltKey].(string)
	return salt
}

// salt returns the passphrase salt that the state was written with, "" when there is none.
func (d *savedState) salt() string {
	if d.SecretsProviders == nil || d.SecretsProviders.Type != passphrase.Type {
		return ""
	}
	var state struct {
		Salt string `json:"salt"`
	}
	if err := json.Unmarshal(d.SecretsProviders.State, &state); err != nil {
		return ""
	}
	return state.Salt
}

// checkSecrets makes sure that the secrets of the stack can be read, by reading some.
func (e *Engine) checkSecrets(ctx context.Context, d *savedState) error {
	salts := slices.DeleteFunc([]string{d.salt(), saltIn(e.stackFile(e.workDir()))}, func(s string) bool { return s == "" })
	slices.Sort(salts)
	for _, salt := range slices.Compact(salts) {
		phrase, err := e.passphrase()
		if err != nil {
			return err
		}
		if _, err := passphrase.GetPassphraseSecretsManager(phrase, salt); err != nil {
			f := &Failure{Message: fmt.Sprintf("open the secrets of stack %q: %v; nothing was changed", e.opts.Stack, err)}
			e.classifier.classify(f)
			return f
		}
	}
	if d.SecretsProviders == nil || d.SecretsProviders.Type == passphrase.Type {
		return nil
	}
	_, err := e.run(ctx, "stack", "export", "--show-secrets", "--stack", e.opts.Stack)
	return err
}

// passphrase reads the passphrase as the engine will.
func (e *Engine) passphrase() (string, error) {
	if phrase, own := envValue(e.env, passphraseVar); own {
		return phrase, nil
	}
	file, _ := envValue(e.env, passphraseFileVar)
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", &Failure{
			Code: CodePassphrase, Message: fmt.Sprintf("read the passphrase: %v", err),
			Hint: "set " + passphraseFileVar + " to a file that can be read, or " + passphraseVar + " to the passphrase itself",
		}
	}
	return strings.TrimSpace(string(raw)), nil
}

// makePassphrase makes the passphrase of a state directory, once, readable by its owner only.
func makePassphrase(path string) error {
	secret := make([]byte, 32)
	_, err := rand.Read(secret)
	if err == nil {
		err = createWhole(path, []byte(base64.StdEncoding.EncodeToString(secret)+"\n"))
	}
	if err != nil {
		return fmt.Errorf("make a passphrase: %w", err)
	}
	return nil
}

// readable makes sure that the secrets of a stack that exists can be read.
func (e *Engine) readable(ctx context.Context) error {
	d, err := e.deployment(ctx)
	if errors.Is(err, ErrNoStack) {
		return nil
	}
	if err != nil {
		return err
	}
	return e.checkSecrets(ctx, d)
}
