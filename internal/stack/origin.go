// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"emrflink/internal/disk"
)

// Origin is what this machine remembers of a stack that it changed. The state has no place for it, and knows nothing of folders.
type Origin struct {
	Stack string `json:"stack"`
	// State is the URL of the state's backend, "" = below the state folder.
	State string `json:"state"`
	// Folder is where the command was typed, File the stack file, "" = none.
	Folder     string `json:"folder"`
	File       string `json:"file"`
	Target     string `json:"target"`
	Deployment string `json:"deployment"`
	// Account is "" while the target was not asked.
	Account string `json:"account"`
	Region  string `json:"region"`
	// Changed is when the last change began or ended.
	Changed time.Time `json:"changed"`
}

// Origins is the folder that remembers them, a file a stack.
type Origins struct{ dir string }

// OriginsIn is the memory of a state folder.
func OriginsIn(home string) Origins { return Origins{dir: filepath.Join(home, "stacks")} }

// path is the file of a stack: two states can have stacks of one name.
func (o Origins) path(stack, state string) string {
	if state != "" {
		sum := sha256.Sum256([]byte(state))
		stack += "@" + hex.EncodeToString(sum[:4]) // no name of a stack has an @
	}
	return filepath.Join(o.dir, stack+".json")
}

// Remember writes an origin down.
func (o Origins) Remember(origin Origin) error {
	raw, err := json.MarshalIndent(origin, "", "  ")
	if err == nil {
		err = os.MkdirAll(o.dir, 0o700)
	}
	if err == nil {
		err = disk.Replace(o.path(origin.Stack, origin.State), append(raw, '\n'))
	}
	if err != nil {
		return fmt.Errorf("remember where stack %q is deployed from: %w", origin.Stack, err)
	}
	return nil
}

// Recall reads the origin of a stack; of one that is not known, or cannot be read, only the name and the state are set.
func (o Origins) Recall(stack, state string) Origin {
	found := Origin{}
	if raw, err := os.ReadFile(o.path(stack, state)); err != nil || json.Unmarshal(raw, &found) != nil {
		return Origin{Stack: stack, State: state}
	}
	return found
}

// Forget drops the origin of a stack.
func (o Origins) Forget(stack, state string) error {
	if err := os.Remove(o.path(stack, state)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget where stack %q was deployed from: %w", stack, err)
	}
	return nil
}

// All lists the origins by the names of their stacks.
func (o Origins) All() ([]Origin, error) {
	files, err := os.ReadDir(o.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list the stacks: %w", err)
	}
	all := []Origin{}
	for _, f := range files {
		var found Origin
		raw, err := os.ReadFile(filepath.Join(o.dir, f.Name()))
		if err == nil && json.Unmarshal(raw, &found) == nil && found.Stack != "" {
			all = append(all, found)
		}
	}
	slices.SortFunc(all, func(a, b Origin) int {
		return cmp.Or(cmp.Compare(a.Stack, b.Stack), cmp.Compare(a.State, b.State))
	})
	return all, nil
}
