// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"emrflink/internal/awsapi"
	"emrflink/internal/awskind"
	"emrflink/internal/plans"
)

// savedScope is what a cleanup deletes. It is written down before the first deletion, because the state forgets names and
// ids as the engine works: a second run goes on with the same scope.
type savedScope struct {
	path string
	Scope
	recorded bool // the state has resources
	saved    bool // an earlier cleanup did not come to its end
	warnings []string
}

// Known is the scope of a stack as its record and an earlier cleanup that was not completed tell it; false when neither
// knows anything.
func Known(o Options, record Record) (Scope, bool, error) {
	sc, known, err := readScope(o, record)
	return sc.Scope, known, err
}

// readScope gathers the scope of a stack from its recorded state, and from an earlier cleanup that was not completed.
// known is false when neither knows anything.
func readScope(o Options, record Record) (sc savedScope, known bool, err error) {
	sc = savedScope{
		path:  filepath.Join(o.Folder, o.Stack+".json"),
		Scope: Scope{Stack: o.Stack, Region: o.Region, Deployment: awsapi.Deployment{Name: o.Deployment}},
	}
	for _, r := range record.Resources {
		if r.Custom {
			sc.take(r, o.NameTag)
			sc.recorded = true
		}
	}
	// What was being created is the engine's to find: its name alone is no proof that it is the deployment's.
	sc.recorded = sc.recorded || slices.ContainsFunc(record.Pending,
		func(p plans.Pending) bool { return p.Kind == plans.Creating })
	sc.output(record.Outputs, "accountId", &sc.Account)
	sc.output(record.Outputs, "region", &sc.Region)
	sc.output(record.Outputs, "deploymentName", &sc.Deployment.Name)
	sc.output(record.Outputs, "clusterName", &sc.Deployment.Cluster)
	sc.output(record.Outputs, "clusterOidcIssuer", &sc.Deployment.OIDCIssuer)
	unfinished, err := sc.unfinished(o)
	if err != nil {
		return sc, false, err
	}
	if unfinished != nil {
		sc.merge(*unfinished)
	}
	if sc.Deployment.Cluster == "" {
		sc.Deployment.Cluster = sc.Deployment.Name // the cluster has the deployment's name, also before it exists
	}
	sc.Deployment.Tags = o.Tags(sc.Deployment.Name)
	return sc, sc.recorded || sc.saved, nil
}

// unfinished reads what an earlier cleanup wrote down, nil when there is nothing of use.
func (sc *savedScope) unfinished(o Options) (*Scope, error) {
	raw, err := os.ReadFile(sc.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the unfinished cleanup: %w", err)
	}
	var old Scope
	if err := json.Unmarshal(raw, &old); err != nil {
		// Names and tags still find what it knew by id; the file stays for whoever wants to look.
		aside := sc.path + ".broken"
		if merr := os.Rename(sc.path, aside); merr != nil {
			return nil, fmt.Errorf("read the unfinished cleanup in %q: %w", sc.path, errors.Join(err, merr))
		}
		sc.warnings = append(sc.warnings, fmt.Sprintf("what an earlier cleanup wrote down cannot be read (%v) and is now %s; "+
			"the state and the tags say what is deleted", err, aside))
		return nil, nil
	}
	if old.Stack != o.Stack {
		return nil, &RefusedError{Cause: fmt.Errorf("%s was written for stack %q: remove it, or clean up that stack", sc.path,
			old.Stack)}
	}
	return &old, nil
}

// merge takes over what an earlier cleanup knew. When the state has a deployment of another name or in another place by now,
// the earlier one is not what is cleaned up: only the state counts.
func (sc *savedScope) merge(old Scope) {
	same := old.Account == sc.Account && old.Region == sc.Region && old.Deployment.Name == sc.Deployment.Name
	if sc.recorded && !same && sc.Account != "" {
		sc.warnings = append(sc.warnings, fmt.Sprintf("an earlier cleanup, of deployment %s in account %s, %s, was not "+
			"completed; this one is of deployment %s in account %s, %s, and leaves that alone", old.Deployment.Name, old.Account,
			old.Region, sc.Deployment.Name, sc.Account, sc.Region))
		return
	}
	sc.saved = true
	if !sc.recorded {
		sc.Scope = old
		return
	}
	sc.Account = cmp.Or(sc.Account, old.Account)
	sc.Deployment.Merge(old.Deployment)
}

func (sc *savedScope) output(outputs map[string]plans.Output, name string, into *string) {
	if v, _ := outputs[name].Value.(string); v != "" {
		*into = v
	}
}

// take adds one recorded resource.
func (sc *savedScope) take(r plans.StateResource, nameTag string) {
	d := &sc.Deployment
	if sc.Account == "" {
		sc.Account = accountOf(property(r, "arn"))
	}
	if tags, ok := r.Inputs["tags"].(map[string]any); ok {
		if name, _ := tags[nameTag].(string); name != "" {
			d.Name = name
		}
	}
	k, _ := awskind.OfType(r.Type)
	switch k.Scope {
	case "":
	case "id":
		// Only a VPC of the state is the deployment's: the output also names one that somebody else made, and what is
		// inside that is not ours.
		d.Include(k.Inventory, r.ID)
	default:
		d.Include(k.Inventory, property(r, k.Scope))
	}
}

// includeTagged adds what is known by its tags alone: an earlier stack file, or another version of this program, made it.
func (sc *savedScope) includeTagged(rebuilt *Rebuilt) {
	if rebuilt == nil {
		return
	}
	for _, r := range rebuilt.Tagged {
		k, _ := awskind.OfInventory(r.Type)
		switch k.Scope {
		case "name":
			sc.Deployment.Include(r.Type, r.Name)
		case "id", "arn":
			sc.Deployment.Include(r.Type, r.ID)
		}
	}
}

// accountOf is the account in an ARN, "" when it has none.
func accountOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 && len(parts[4]) == 12 {
		return parts[4]
	}
	return ""
}

// property reads a text from what the provider answered, else from what it was asked.
func property(r plans.StateResource, name string) string {
	if v, _ := r.Outputs[name].(string); v != "" {
		return v
	}
	v, _ := r.Inputs[name].(string)
	return v
}

// save writes the scope down.
func (sc *savedScope) save() error {
	raw, err := json.Marshal(sc.Scope)
	if err != nil {
		return fmt.Errorf("record what is cleaned up: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(sc.path), 0o700); err != nil {
		return fmt.Errorf("record what is cleaned up: %w", err)
	}
	tmp := sc.path + ".tmp"
	if err := os.WriteFile(tmp, raw, 0o600); err != nil {
		return fmt.Errorf("record what is cleaned up: %w", err)
	}
	return os.Rename(tmp, sc.path)
}

// forget removes what save wrote.
func (sc *savedScope) forget() error {
	if err := os.Remove(sc.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete the record of the cleanup: %w", err)
	}
	return nil
}
