// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
	raw, err := os.ReadFile(sc.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return sc, false, fmt.Errorf("read the unfinished cleanup: %w", err)
	default:
		if err := json.Unmarshal(raw, &sc.Scope); err != nil {
			return sc, false, fmt.Errorf("read the unfinished cleanup in %q: %w", sc.path, err)
		}
		known = true
	}
	for _, r := range record.Resources {
		if r.Custom {
			sc.take(r, o.NameTag)
			known = true
		}
	}
	sc.output(record.Outputs, "accountId", &sc.Account)
	sc.output(record.Outputs, "region", &sc.Region)
	sc.output(record.Outputs, "deploymentName", &sc.Deployment.Name)
	sc.output(record.Outputs, "clusterName", &sc.Deployment.Cluster)
	sc.output(record.Outputs, "clusterOidcIssuer", &sc.Deployment.OIDCIssuer)
	if sc.Deployment.Cluster == "" {
		sc.Deployment.Cluster = sc.Deployment.Name // the cluster has the deployment's name, also before it exists
	}
	sc.Deployment.Tags = o.Tags(sc.Deployment.Name)
	return sc, known, nil
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
