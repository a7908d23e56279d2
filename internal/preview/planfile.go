// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"emrflink/internal/disk"
)

// PlanVersion is the version of a saved plan.
const PlanVersion = 1

// planKind says in the file what it is.
const planKind = "emrflink-plan"

// Basis is what a plan was made from: when any of it moved, the plan is not that of a review any more.
type Basis struct {
	Project string `json:"project"`
	Stack   string `json:"stack"`
	Target  string `json:"target"`
	Region  string `json:"region"`
	// Program is the version of the binary and the digest of its file.
	Program string `json:"program"`
	// Configuration is the digest of the settings.
	Configuration string `json:"configuration"`
	// State is the digest of the deployed state; "" for a stack that was never deployed. The address of a state that is
	// elsewhere does not matter, its content does.
	State string `json:"state"`
}

// SavedPlan is a plan in a file. It holds no secrets, but names what is deployed.
type SavedPlan struct {
	SchemaVersion int    `json:"schemaVersion"`
	Kind          string `json:"kind"`
	Basis         Basis  `json:"basis"`
	Steps         []Step `json:"steps"`
}

// Plan is the plan of the report, as it is saved.
func (r Report) Plan(b Basis) SavedPlan {
	return SavedPlan{SchemaVersion: PlanVersion, Kind: planKind, Basis: b, Steps: r.Document.Steps}
}

// Save writes the plan so that only its owner can read it.
func (p SavedPlan) Save(to disk.Writer) error { return writeJSON(to, p, 0o600) }

// ReadPlan reads a saved plan.
func ReadPlan(path string) (SavedPlan, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return SavedPlan{}, fmt.Errorf("read the plan: %w", err)
	}
	var p SavedPlan
	if err := json.Unmarshal(raw, &p); err != nil {
		return SavedPlan{}, fmt.Errorf("read the plan %s: it is damaged: %w", path, err)
	}
	if p.Kind != planKind {
		return SavedPlan{}, fmt.Errorf("read the plan %s: it is of kind %q, not %q", path, p.Kind, planKind)
	}
	if p.SchemaVersion != PlanVersion {
		return SavedPlan{}, fmt.Errorf("read the plan %s: it has schemaVersion %d; this program reads %d", path,
			p.SchemaVersion, PlanVersion)
	}
	return p, nil
}

// Changes lists what of the basis of a plan has changed, one line each. With partly, the state is not compared: it is
// not known before the target is open.
func (b Basis) Changes(now Basis, partly bool) []string {
	var out []string
	for _, field := range []struct{ what, was, is string }{
		{"project", b.Project, now.Project},
		{"stack", b.Stack, now.Stack},
		{"target", b.Target, now.Target},
		{"region", b.Region, now.Region},
	} {
		if field.was != field.is {
			out = append(out, fmt.Sprintf("the plan is for %s %q, this is %s %q", field.what, field.was, field.what, field.is))
		}
	}
	if b.Program != now.Program {
		out = append(out, "the plan was made by another build of this program")
	}
	if b.Configuration != now.Configuration {
		out = append(out, "the settings of the stack were changed")
	}
	if !partly && b.State != now.State {
		out = append(out, "the deployed stack was changed")
	}
	return out
}

// Differences lists how the steps of a plan differ from those of now, one line each.
func (p SavedPlan) Differences(now SavedPlan) []string {
	was := map[string]Step{}
	for _, s := range p.Steps {
		was[s.URN+"\x00"+s.Op] = s
	}
	var out []string
	for _, s := range now.Steps {
		old, found := was[s.URN+"\x00"+s.Op]
		delete(was, s.URN+"\x00"+s.Op)
		switch {
		case !found && s.Op != "same" && s.Op != "read":
			out = append(out, fmt.Sprintf("it would now %s %s %q", s.Op, s.Type, s.Name))
		case found && digest(old) != digest(s):
			out = append(out, fmt.Sprintf("it would now %s %s %q in another way", s.Op, s.Type, s.Name))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(was)) {
		if s := was[key]; s.Op != "same" && s.Op != "read" {
			out = append(out, fmt.Sprintf("it would no longer %s %s %q", s.Op, s.Type, s.Name))
		}
	}
	return out
}

// digest is that of what is done by a step.
func digest(s Step) string {
	raw, err := json.Marshal(s)
	if err != nil {
		return err.Error() // a step holds nothing that JSON cannot
	}
	return Digest(string(raw))
}

// Digest is a short name of a content.
func Digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// DigestMap is the digest of a map.
func DigestMap(m map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, k, m[k])
	}
	return Digest(parts...)
}
