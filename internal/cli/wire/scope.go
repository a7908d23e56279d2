// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"emrflink/components/deployment"
	"emrflink/internal/awsapi"
	"emrflink/internal/cleanup"
	"emrflink/internal/engine"
	"emrflink/internal/plans"
)

// scope is what a cleanup deletes. It is written down before the first deletion, because the state forgets names and
// ids as the engine works: a second run goes on with the same scope.
type scope struct {
	path string
	cleanup.Scope
}

// readScope gathers the scope of a stack from its recorded state, and from an earlier cleanup that was not completed.
// known is false when neither knows anything.
func readScope(s settings, resources []plans.StateResource, outputs map[string]engine.Output) (sc scope, known bool, err error) {
	sc = scope{
		path: filepath.Join(s.info.Home, "cleanup", s.info.Stack+".json"),
		Scope: cleanup.Scope{
			Stack: s.info.Stack, Region: s.config.Region, Deployment: awsapi.Deployment{Name: s.config.Name},
		},
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
	for _, r := range resources {
		if r.Custom {
			sc.take(r)
			known = true
		}
	}
	sc.output(outputs, "accountId", &sc.Account)
	sc.output(outputs, "region", &sc.Region)
	sc.output(outputs, "deploymentName", &sc.Deployment.Name)
	sc.output(outputs, "clusterName", &sc.Deployment.Cluster)
	sc.output(outputs, "clusterOidcIssuer", &sc.Deployment.OIDCIssuer)
	if sc.Deployment.Cluster == "" {
		sc.Deployment.Cluster = sc.Deployment.Name // the cluster has the deployment's name, also before it exists
	}
	sc.Deployment.Tags = deploymentTags(sc.Deployment.Name)
	return sc, known, nil
}

// deploymentTags together mark every AWS resource of a deployment.
func deploymentTags(name string) map[string]string {
	return map[string]string{deployment.TagDeployment: name, deployment.TagManagedBy: deployment.ManagedBy}
}

func (sc *scope) output(outputs map[string]engine.Output, name string, into *string) {
	if v, _ := outputs[name].Value.(string); v != "" {
		*into = v
	}
}

// take adds one recorded resource.
func (sc *scope) take(r plans.StateResource) {
	d := &sc.Deployment
	if sc.Account == "" {
		sc.Account = accountOf(property(r, "arn"))
	}
	if tags, ok := r.Inputs["tags"].(map[string]any); ok {
		if name, _ := tags[deployment.TagDeployment].(string); name != "" {
			d.Name = name
		}
	}
	module, _, _ := strings.Cut(strings.TrimPrefix(r.Type, "aws:"), ":")
	switch module {
	case "s3/bucketV2":
		include(&d.Buckets, r.ID)
	case "cloudwatch/logGroup":
		include(&d.LogGroups, property(r, "name"))
	case "sqs/queue":
		include(&d.Queues, property(r, "name"))
	case "cloudwatch/eventRule":
		include(&d.Rules, property(r, "name"))
	case "iam/role":
		include(&d.Roles, property(r, "name"))
	case "iam/instanceProfile":
		include(&d.InstanceProfiles, property(r, "name"))
	case "kms/key":
		include(&d.Keys, r.ID)
	case "ec2/vpc":
		// Only a VPC of the state is the deployment's: the output also names one that somebody else made, and what is
		// inside that is not ours.
		d.VPC = r.ID
	case "eks/cluster":
		d.Cluster = property(r, "name")
	case "iam/openIdConnectProvider":
		d.OIDCIssuer = property(r, "url")
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

func include(list *[]string, name string) {
	if name != "" && !slices.Contains(*list, name) {
		*list = append(*list, name)
	}
}

// save writes the scope down.
func (sc *scope) save() error {
	raw, err := json.Marshal(sc.Scope)
	if err != nil {
		return fmt.Errorf("write down what is cleaned up: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(sc.path), 0o700); err != nil {
		return fmt.Errorf("write down what is cleaned up: %w", err)
	}
	tmp := sc.path + ".tmp"
	if err := os.WriteFile(tmp, raw, 0o600); err != nil {
		return fmt.Errorf("write down what is cleaned up: %w", err)
	}
	return os.Rename(tmp, sc.path)
}

// forget removes what save wrote.
func (sc *scope) forget() error {
	if err := os.Remove(sc.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget what was cleaned up: %w", err)
	}
	return nil
}
