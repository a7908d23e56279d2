// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// throwAwayDir makes a folder for one preview. It is in the state directory, whose disk is not memory and has room; an engine
// without one takes the system's.
func (e *Engine) throwAwayDir() (string, error) {
	if e.opts.Ephemeral {
		return os.MkdirTemp("", "emrflink-preview-")
	}
	at := filepath.Join(e.opts.Home, "run")
	if err := os.MkdirAll(at, 0o700); err != nil {
		return "", err
	}
	return os.MkdirTemp(at, throwAwayPrefix)
}

// throwAwayPrefix begins the names of folders of previews.
const throwAwayPrefix = "preview-"

// throwAwaySecrets decides how a throw-away stack encrypts. A stack file with encrypted values needs its own key: the
// passphrase file to use is returned then (empty when the user brings one). All others get a key that is worth nothing
// and takes no time to derive.
func (e *Engine) throwAwaySecrets(stackFile, tmp string) (passphraseFile string, err error) {
	raw, err := os.ReadFile(stackFile)
	if err != nil {
		return "", fmt.Errorf("make a throw-away state: %w", err)
	}
	if bytes.Contains(raw, []byte("secure:")) {
		return e.passphraseFor(cmp.Or(e.opts.Home, tmp), saltIn(stackFile))
	}
	settings := map[string]any{}
	if err := yaml.Unmarshal(raw, &settings); err != nil {
		return "", fmt.Errorf("make a throw-away state: %w", err)
	}
	for _, k := range secretKeys() {
		delete(settings, k)
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return "", fmt.Errorf("make a throw-away state: %w", err)
	}
	settings["secretsprovider"] = "base64key://" + base64.URLEncoding.EncodeToString(key)
	out, err := yaml.Marshal(settings)
	if err != nil {
		return "", fmt.Errorf("make a throw-away state: %w", err)
	}
	return "", writeFileAtomic(stackFile, out, 0o600)
}

// cmpStrings compares pairs of strings in order.
func cmpStrings(pairs ...string) int {
	for i := 0; i+1 < len(pairs); i += 2 {
		if c := strings.Compare(pairs[i], pairs[i+1]); c != 0 {
			return c
		}
	}
	return 0
}
