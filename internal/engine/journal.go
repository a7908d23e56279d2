// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// journal is a file beside the state with the AWS creations and deletions of a run: each is written down when the engine
// announces it, which is before it sends it, and struck out when its outcome is known.
//
// The state's own list of pending operations is not enough. The engine drops an entry of it when a creation fails, and a
// creation fails also when the provider died and nobody knows what became of the request: an EKS cluster that was being
// made then goes on being made, and no state has it. In the same way a deletion fails that AWS carries out, and the state has
// what is gone. A nil journal keeps nothing.
type journal struct {
	path   string
	logger *slog.Logger
	exists *regexp.Regexp
}

// sent is a line of the journal: a creation or a deletion, or with Settled that the outcome of an earlier one is known.
type sent struct {
	URN      string         `json:"urn"`
	Settled  bool           `json:"settled,omitempty"`
	Parent   string         `json:"parent,omitempty"`
	Provider string         `json:"provider,omitempty"`
	Replaces string         `json:"replaces,omitempty"` // the id that it was to take the place of
	Deletes  string         `json:"deletes,omitempty"`  // of a deletion: the id of what is deleted
	Inputs   map[string]any `json:"inputs,omitempty"`
}

func (e *Engine) journal() *journal {
	return &journal{
		path: filepath.Join(e.workDir(), "creations.jsonl"), logger: e.opts.Logger,
		exists: regexp.MustCompile(`Exists|AlreadyOwned|AlreadyAssociated|InUse|Duplicate|Conflict`),
	}
}

// keeps says whether an operation is one that the journal is for. A Kubernetes object needs none: it is applied again.
func (j *journal) keeps(m apitype.StepEventMetadata) bool {
	creates := (m.Op == apitype.OpCreate || m.Op == apitype.OpCreateReplacement) && m.New != nil && m.New.Custom
	deletes := m.Op == apitype.OpDelete && m.Old != nil && m.Old.Custom
	return j != nil && (creates || deletes) && strings.HasPrefix(m.Type, "aws:")
}

// begin writes an operation down.
func (j *journal) begin(m apitype.StepEventMetadata) {
	if !j.keeps(m) {
		return
	}
	if m.Op == apitype.OpDelete {
		j.write(sent{URN: m.URN, Deletes: m.Old.ID})
		return
	}
	line := sent{
		URN: m.URN, Parent: m.New.Parent, Provider: m.New.Provider, Inputs: cleanMap(m.New.Inputs),
	}
	if m.Old != nil {
		line.Replaces = m.Old.ID
	}
	j.write(line)
}

// end strikes an operation out: the state has its outcome, or AWS refused it.
func (j *journal) end(m apitype.StepEventMetadata) {
	if j.keeps(m) {
		j.write(sent{URN: m.URN, Settled: true})
	}
}

// refused says whether the errors of a failed creation are AWS's own no, after which there is nothing. That something of
// the name exists is none: it may be what an answer that was lost has made. Only a log group may stay from an earlier
// deployment: a deploy takes it in when it is told to, and nothing else has its code.
func (j *journal) refused(messages []string) bool {
	text := strings.Join(messages, "\n")
	if j == nil || !strings.Contains(text, "StatusCode: 4") {
		return false
	}
	return strings.Contains(text, "ResourceAlreadyExistsException") || !j.exists.MatchString(text)
}

func (j *journal) write(line sent) {
	raw, err := json.Marshal(line)
	if err == nil {
		err = appendLine(j.path, raw)
	}
	if err != nil {
		j.logger.Warn("write down a creation before it is sent", "urn", line.URN, "err", err)
	}
}

func appendLine(path string, line []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

// open are the creations whose outcome was not written down, in the order in which they were begun. A line that a kill cut
// off is one that was not sent.
func (j *journal) open() ([]sent, error) {
	f, err := os.Open(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the creations of the last run: %w", err)
	}
	defer func() { _ = f.Close() }()
	var out []sent
	lines := bufio.NewReader(f)
	for {
		raw, err := lines.ReadBytes('\n')
		if err != nil {
			return out, nil
		}
		var line sent
		if json.Unmarshal(raw, &line) != nil {
			continue
		}
		out = slices.DeleteFunc(out, func(s sent) bool { return s.URN == line.URN })
		if !line.Settled {
			out = append(out, line)
		}
	}
}

// clear begins a new journal.
func (j *journal) clear() error {
	if err := os.Remove(j.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("clear the creations of the last run: %w", err)
	}
	return nil
}

// operations are the open operations that a state knows nothing of, as pending operations of it. Nothing can depend on what
// was not made, so each creation depends on all there is: a cleanup deletes it first.
func (j *journal) operations(d *savedState) ([]apitype.OperationV2, error) {
	open, err := j.open()
	if err != nil {
		return nil, err
	}
	var out []apitype.OperationV2
	for _, s := range open {
		urn := resource.URN(s.URN)
		if slices.ContainsFunc(d.PendingOperations, func(o apitype.OperationV2) bool { return o.Resource.URN == urn }) {
			continue
		}
		if s.Deletes != "" {
			for _, r := range d.Resources {
				if r.URN == urn && string(r.ID) == s.Deletes {
					out = append(out, apitype.OperationV2{Resource: r, Type: apitype.OperationTypeDeleting})
				}
			}
			continue
		}
		r := apitype.ResourceV3{
			URN: urn, Custom: true, Type: urn.Type(), Parent: resource.URN(s.Parent), Provider: s.Provider, Inputs: s.Inputs,
		}
		known, parent := false, false
		for _, o := range d.Resources {
			parent = parent || o.URN == r.Parent
			if o.URN == urn && !o.Delete {
				known = s.Replaces == "" || string(o.ID) != s.Replaces
				break // what it replaces: the ones behind it may depend on that
			}
			r.Dependencies = append(r.Dependencies, o.URN)
		}
		if !parent {
			r.Parent = "" // it was not written down itself
		}
		if !known {
			out = append(out, apitype.OperationV2{Resource: r, Type: apitype.OperationTypeCreating})
		}
	}
	return out, nil
}

// unfinished is the deployed state with the creations of the journal among its pending operations, and how many of those
// are the state's own.
func (e *Engine) unfinished(ctx context.Context) (d *savedState, own int, err error) {
	if d, err = e.deployment(ctx); err != nil {
		return nil, 0, err
	}
	own = len(d.PendingOperations)
	more, err := e.journal().operations(d)
	d.PendingOperations = append(d.PendingOperations, more...)
	return d, own, err
}
