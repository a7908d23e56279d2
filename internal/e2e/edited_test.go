// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// editVar chooses the edit of the edited program.
const editVar = "EMRFLINK_TEST_EDIT"

// editedDir holds the edited program, once there is one.
var editedDir string

// edited builds the program with every edit of the components in it: which of them is made, editVar says.
var edited = sync.OnceValues(func() (string, error) {
	root, err := filepath.Abs(repository)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "emrflink-edited")
	if err != nil {
		return "", err
	}
	editedDir = dir
	texts := map[string]string{"internal/edited/edited.go": `package edited

import "os"

func To[T any](name string, before, after T) T {
	if os.Getenv("` + editVar + `") == name {
		return after
	}
	return before
}
`}
	for name, e := range sourceEdits {
		if texts[e.file] == "" {
			raw, err := os.ReadFile(filepath.Join(root, e.file))
			if err != nil {
				return "", err
			}
			texts[e.file] = strings.Replace(string(raw), "\nimport (\n", "\nimport (\n\t\"emrflink/internal/edited\"\n", 1)
		}
		if n := strings.Count(texts[e.file], e.at+e.before); n != 1 {
			return "", fmt.Errorf("edit %q: %s has %q %d times", name, e.file, e.at+e.before, n)
		}
		texts[e.file] = strings.Replace(texts[e.file], e.at+e.before,
			fmt.Sprintf("%sedited.To(%q, %s, %s)", e.at, name, e.before, e.after), 1)
	}
	overlay := map[string]map[string]string{"Replace": {}}
	for file, text := range texts {
		path := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return "", err
		}
		overlay["Replace"][filepath.Join(root, file)] = path
	}
	raw, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), raw, 0o600); err != nil {
		return "", err
	}
	program := filepath.Join(dir, "emrflink")
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-overlay", filepath.Join(dir, "overlay.json"), "-o", program,
		"./cmd/emrflink")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the edited program: %w\n%s", err, out)
	}
	return program, nil
})

// TestMain leaves the tests in the order of their files, of which the longest is in one of the first, and removes the edited
// program.
func TestMain(m *testing.M) {
	if err := flag.Set("test.shuffle", "off"); err != nil {
		panic(err)
	}
	code := m.Run()
	if editedDir != "" {
		_ = os.RemoveAll(editedDir)
	}
	os.Exit(code)
}
