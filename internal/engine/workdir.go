// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

const (
	passphraseVar     = "PULUMI_CONFIG_PASSPHRASE"
	passphraseFileVar = "PULUMI_CONFIG_PASSPHRASE_FILE"
	backendVar        = "PULUMI_BACKEND_URL"
	homeVar           = "PULUMI_HOME"
	// saltKey is the setting of a stack file that says which passphrase its secrets are encrypted with.
	saltKey = "encryptionsalt"
)

// secretKeys are the settings of a stack file by which its secrets are encrypted.
func secretKeys() []string { return []string{"secretsprovider", "encryptedkey", saltKey} }

// prepareWorkDir writes the project file and our copy of the stack file into dir.
//
// The salt that the engine made for a stack lives in that copy: the user's file is never written. It is carried over
// from the previous copy or, when that is lost, from the state; the user's own settings win over both.
func (e *Engine) prepareWorkDir(dir string) error {
	project := fmt.Sprintf("name: %s\nruntime: go\ndescription: Amazon EMR on EKS with Apache Flink\n", e.opts.Project)
	if err := writeFileAtomic(filepath.Join(dir, "Pulumi.yaml"), []byte(project), 0o600); err != nil {
		return err
	}
	raw, _, err := e.settingsIn(dir)
	if err != nil {
		return err
	}
	return writeFileAtomic(e.stackFile(dir), raw, 0o600)
}

// settingsIn is what our copy of the stack file in dir has to say, and whether it says how the secrets are encrypted.
func (e *Engine) settingsIn(dir string) (raw []byte, secrets bool, err error) {
	settings, err := e.stackSettings()
	if err != nil {
		return nil, false, err
	}
	provider, _ := settings["secretsprovider"].(string)
	if err := checkSecretsProvider(provider); err != nil {
		return nil, false, err
	}
	if !hasAny(settings, secretKeys()) {
		e.keepSecretSettings(e.stackFile(dir), settings)
	}
	if raw, err = yaml.Marshal(settings); err != nil {
		return nil, false, fmt.Errorf("write the stack settings: %w", err)
	}
	return raw, hasAny(settings, secretKeys()), nil
}

// apart writes the settings of one operation into a file of its own and returns its path. Our copy in the work directory is also
// written by every other command on the stack: a preview of other settings at the same moment would decide what is deployed.
//
// It is "" for the first deployment: the engine writes the salt of the stack into the copy that it is given.
func (e *Engine) apart(dir string) (path string, err error) {
	if dir != e.workDir() {
		return "", nil // a throw-away directory is nobody else's
	}
	raw, secrets, err := e.settingsIn(dir)
	if err != nil || !secrets {
		return "", err
	}
	f, err := os.CreateTemp(dir, "settings-*.yaml")
	if err != nil {
		return "", fmt.Errorf("write the stack settings: %w", err)
	}
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return "", fmt.Errorf("write the stack settings: %w", err)
	}
	return f.Name(), nil
}

// stackFile is the engine's copy of the stack file in a work directory.
func (e *Engine) stackFile(dir string) string {
	return filepath.Join(dir, "Pulumi."+e.opts.Stack+".yaml")
}

// stackSettings returns the user's stack file, or the settings made of Options.Config, with Options.Defaults.
func (e *Engine) stackSettings() (map[string]any, error) {
	settings, err := e.ownSettings()
	if err != nil || len(e.opts.Defaults) == 0 {
		return settings, err
	}
	config := maps.Clone(e.opts.Defaults)
	if own, ok := settings["config"].(map[string]any); ok {
		maps.Copy(config, own)
	}
	settings["config"] = config
	return settings, nil
}

func (e *Engine) ownSettings() (map[string]any, error) {
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
	path, _ = e.files.path()
	if d, err := e.files.last.parse(path); err == nil && d.salt() != "" {
		settings[saltKey] = d.salt()
	}
}

func hasAny(m map[string]any, keys []string) bool {
	for _, k := range keys {
		if _, ok := m[k]; ok {
			return true
		}
	}
	return false
}

// writeFileAtomic writes path in one step and only when its content changes, so that a full disk leaves the old one.
func writeFileAtomic(path string, content []byte, mode fs.FileMode) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
		return nil
	}
	return writeBeside(path, content, mode, os.Rename)
}

// createWhole makes path in one step, readable by its owner only. A file that is there already stays as it is: of two
// processes that start together, both go on with what one of them wrote.
func createWhole(path string, content []byte) error {
	return writeBeside(path, content, 0o600, func(tmp, path string) error {
		if err := os.Link(tmp, path); err != nil && !errors.Is(err, fs.ErrExist) {
			return os.Rename(tmp, path) // a file system without links
		}
		return os.Remove(tmp)
	})
}

// writeBeside writes content to a new file beside path, which place then puts there.
func writeBeside(path string, content []byte, mode fs.FileMode, place func(tmp, path string) error) error {
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
		err = place(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
