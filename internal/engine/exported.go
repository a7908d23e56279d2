// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"emrflink/internal/plans"
	"emrflink/internal/untyped"
)

// ParseExported reads what `stack export` writes, with or without the outer object that holds version and deployment.
func ParseExported(raw []byte) (plans.Exported, error) {
	var outer struct {
		Version    int             `json:"version"`
		Deployment json.RawMessage `json:"deployment"`
		Checkpoint json.RawMessage `json:"checkpoint"`
		Resources  json.RawMessage `json:"resources"`
		Manifest   json.RawMessage `json:"manifest"`
	}
	if err := json.Unmarshal(raw, &outer); err != nil {
		return plans.Exported{}, fmt.Errorf("it is no JSON object: %w", err)
	}
	body := []byte(outer.Deployment)
	switch {
	case len(outer.Checkpoint) > 0:
		return plans.Exported{}, errors.New("it is a state file of a backend and not an export of one")
	case len(body) > 0 && (outer.Version < 3 || outer.Version > 4):
		return plans.Exported{}, fmt.Errorf("it is an exported state of version %d; this program reads 3 and 4", outer.Version)
	case len(body) == 0 && len(outer.Resources) == 0 && len(outer.Manifest) == 0:
		return plans.Exported{}, errors.New("it has neither a deployment nor resources")
	case len(body) == 0:
		body = raw
	}
	var d apitype.DeploymentV3
	if err := json.Unmarshal(body, &d); err != nil {
		return plans.Exported{}, fmt.Errorf("it is no exported state: %w", err)
	}
	return exported(d)
}

func exported(d apitype.DeploymentV3) (plans.Exported, error) {
	out := plans.Exported{Resources: []plans.StateResource{}}
	for _, r := range d.Resources {
		if r.Delete || r.External {
			continue
		}
		stack, project, ok := untyped.URNOrigin(string(r.URN))
		if !ok {
			return plans.Exported{}, fmt.Errorf("it has a resource with the URN %q", r.URN)
		}
		if out.Stack == "" {
			out.Stack, out.Project = stack, project
		}
		if stack != out.Stack || project != out.Project {
			return plans.Exported{}, fmt.Errorf("it has resources of the stacks %q and %q", out.Stack, stack)
		}
		out.Resources = append(out.Resources, stateResource(r))
	}
	return out, nil
}

// StateID is a digest of the resources and pending operations of the deployed state: it changes when anything of them
// does. A stack that was never deployed has "".
func (e *Engine) StateID(ctx context.Context) (string, error) {
	d, err := e.deployment(ctx)
	if errors.Is(err, ErrNoStack) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if len(d.Resources) == 0 && len(d.PendingOperations) == 0 {
		return "", nil
	}
	// What is encrypted is encrypted anew by every operation; when it was changed says the same about it.
	parts := make([]any, 0, len(d.Resources)+1)
	for _, r := range d.Resources {
		parts = append(parts, stateResource(r), r.Modified, r.Delete, r.PendingReplacement)
	}
	raw, err := json.Marshal(append(parts, d.PendingOperations))
	if err != nil {
		return "", fmt.Errorf("read the state: %w", err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), nil
}
