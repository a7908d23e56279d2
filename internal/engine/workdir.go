// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

const (
	passphraseVar     = "PULUMI_CONFIG_PASSPHRASE"
	passphraseFileVar = "PULUMI_CONFIG_PASSPHRASE_FILE"
	backendVar        = "PULUMI_BACKEND_URL"
	homeVar           = "PULUMI_HOME"
)

// secretKeys are the settings of a stack file by which its secrets are encrypted.
func secretKeys() []string { return []string{"secretsprovider", "encryptedkey", "encryptionsalt"} }

// prepareWorkDir writes the project file and our copy of the stack file into dir.
//
// The salt that the engine made for a stack lives in that copy: the user's file is never written. It is carried over
// from the previous copy or, when that is lost, from the state; the user's own settings win over both.
func (e *Engine) prepareWorkDir(dir string) error {
	project := fmt.Sprintf("name: %s\nruntime: go\ndescription: Amazon EMR on EKS with Apache Flink\n", e.opts.Project)
	if err := writeFileAtomic(filepath.Join(dir, "Pulumi.yaml"), []byte(project), 0o600); err != nil {
		return err
	}
	settings, err := e.stackSettings()
	if err != nil {
		return err
	}
	provider, _ := settings["secretsprovider"].(string)
	if err := checkSecretsProvider(provider); err != nil {
		return err
	}
	path := filepath.Join(dir, "Pulumi."+e.opts.Stack+".yaml")
	if !hasAny(settings, secretKeys()) {
		e.keepSecretSettings(path, settings)
	}
	raw, err := yaml.Marshal(settings)
	if err != nil {
		return fmt.Errorf("write the stack settings: %w", err)
	}
	return writeFileAtomic(path, raw, 0o600)
}

// stackSettings returns the user's stack file, or the settings made of Options.Config.
func (e *Engine) stackSettings() (map[string]any, error) {
	settings := map[string]any{}
	if e.opts.WorkFile == "" {
		config := make(map[string]any, len(e.opts.Config))
		for k, v := range e.opts.Config {
			config[k] = v
		}
		settings["config"] = config
		return settings, nil
	}
	raw, err := os.ReadFile(e.opts.WorkFile)
	if err != nil {
		return nil, fmt.Errorf("read the stack file: %w", err)
	}
	if err := yaml.Unmarshal(raw, &settings); err != nil {
		return nil, &Failure{Code: CodeConfig, Message: fmt.Sprintf("the stack file %s is not YAML: %v", e.opts.WorkFile, err)}
	}
	if settings == nil {
		settings = map[string]any{}
	}
	return settings, nil
}

// keepSecretSettings copies the encryption settings of the previous copy at path, or those of the state.
func (e *Engine) keepSecretSettings(path string, settings map[string]any) {
	previous := map[string]any{}
	if raw, err := os.ReadFile(path); err == nil {
		if err := yaml.Unmarshal(raw, &previous); err != nil {
			e.opts.Logger.Warn("ignoring our unreadable copy of the stack file", "path", path, "err", err)
		}
	}
	for _, k := range secretKeys() {
		if v, ok := previous[k]; ok {
			settings[k] = v
		}
	}
	if hasAny(settings, secretKeys()) || e.files == nil {
		return
	}
	if salt := e.files.salt(); salt != "" {
		settings["encryptionsalt"] = salt
	}
}

// salt returns the passphrase salt that the state was written with, "" when there is none.
func (s fileState) salt() string {
	path, exists := s.path()
	if !exists {
		return ""
	}
	deployment, err := parseState(path)
	if err != nil || deployment.SecretsProviders == nil || deployment.SecretsProviders.Type != "passphrase" {
		return ""
	}
	var state struct {
		Salt string `json:"salt"`
	}
	if err := json.Unmarshal(deployment.SecretsProviders.State, &state); err != nil {
		return ""
	}
	return state.Salt
}

func hasAny(m map[string]any, keys []string) bool {
	for _, k := range keys {
		if _, ok := m[k]; ok {
			return true
		}
	}
	return false
}

// ensurePassphrase makes the passphrase of this state directory, once, readable by its owner only.
func ensurePassphrase(home string) (string, error) {
	path := filepath.Join(home, "passphrase")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(home, 0o700); err != nil {
		return "", fmt.Errorf("make the state directory: %w", err)
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return "", fmt.Errorf("make a passphrase: %w", err)
	}
	// Linked into place, not renamed: of two processes that start together one passphrase must survive for both.
	tmp, err := os.CreateTemp(home, ".passphrase-*")
	if err != nil {
		return "", fmt.Errorf("make a passphrase: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.WriteString(base64.StdEncoding.EncodeToString(secret) + "\n")
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return "", fmt.Errorf("make a passphrase: %w", err)
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make a passphrase: %w", err)
	}
	return path, nil
}

// writeFileAtomic writes path in one step and only when its content changes, so that a full disk leaves the old one.
func writeFileAtomic(path string, content []byte, mode fs.FileMode) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
		return nil
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	tmp, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = tmp.Write(content)
	err = errors.Join(err, tmp.Chmod(mode), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
