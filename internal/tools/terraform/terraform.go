// SPDX-License-Identifier: Apache-2.0

// Package terraform runs the Terraform on the PATH with the AWS provider that pulumi-aws is made of, without an account
// and without a network: to validate and to plan. The results are those of the provider itself. Only the project's
// tools use it; nothing that is released needs Terraform.
package terraform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The provider that pulumi-aws 6.83.0 bridges, see its go.mod and release notes.
const (
	ProviderSource  = "hashicorp/aws"
	ProviderVersion = "5.100.0"
	providerAddress = "registry.terraform.io/hashicorp/aws"
)

// ErrNone says that there is no Terraform to run.
var ErrNone = errors.New("terraform is not on the PATH")

// Terraform is a workspace: a folder with its provider installed.
type Terraform struct {
	// Version is Terraform's own.
	Version string
	path    string
	dir     string
}

// Diagnostic is something that Terraform or the provider says.
type Diagnostic struct {
	Severity string `json:"severity"`
	Summary  string `json:"summary"`
	Detail   string `json:"detail"`
	// Address is the resource, "" for the configuration as a whole.
	Address string `json:"address"`
}

// String is the diagnostic in one line.
func (d Diagnostic) String() string {
	text := strings.Join(strings.Fields(d.Summary+": "+d.Detail), " ")
	if d.Address != "" {
		return d.Address + ": " + text
	}
	return text
}

// Open finds Terraform and installs the provider below dir; without the provider in the plugin cache or a mirror that
// TF_CLI_CONFIG_FILE names, it is downloaded. The error is ErrNone when there is no Terraform.
func Open(ctx context.Context, dir string, builtInOnly bool) (*Terraform, error) {
	path, err := exec.LookPath("terraform")
	if err != nil {
		return nil, ErrNone
	}
	t := &Terraform{path: path, dir: dir}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make a workspace: %w", err)
	}
	out, err := t.run(ctx, "version", "-json")
	if err != nil {
		return nil, err
	}
	var v struct {
		Version string `json:"terraform_version"`
	}
	if err := json.Unmarshal(out, &v); err != nil {
		return nil, fmt.Errorf("read terraform's version: %w", err)
	}
	t.Version = v.Version
	if builtInOnly {
		return t, nil
	}
	if err := t.Write("main.tf.json", Config(nil)); err != nil {
		return nil, err
	}
	_, err = t.run(ctx, "init", "-input=false", "-no-color")
	return t, err
}

// Write puts a JSON file into the workspace.
func (t *Terraform) Write(name string, content any) error {
	b, err := json.MarshalIndent(content, "", " ")
	if err == nil {
		err = os.WriteFile(filepath.Join(t.dir, name), append(b, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// Config is a configuration of the provider, which contacts nobody, and of resources by type and name.
func Config(resources map[string]map[string]any) map[string]any {
	out := map[string]any{
		"terraform": map[string]any{
			"required_providers": map[string]any{"aws": map[string]any{"source": ProviderSource, "version": ProviderVersion}},
		},
		"provider": map[string]any{"aws": map[string]any{
			"region": "us-west-2", "access_key": "none", "secret_key": "none", "skip_credentials_validation": true,
			"skip_requesting_account_id": true, "skip_metadata_api_check": true, "skip_region_validation": true,
		}},
	}
	if len(resources) > 0 {
		out["resource"] = resources
	}
	return out
}

// Cmd is a terraform command in the workspace.
func (t *Terraform) Cmd(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, t.path, args...)
	cmd.Dir = t.dir
	cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "AWS_EC2_METADATA_DISABLED=true")
	return cmd
}

func (t *Terraform) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := t.Cmd(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.Bytes(), fmt.Errorf("terraform %s: %w\n%s", strings.Join(args, " "), err,
			strings.TrimSpace(stderr.String()))
	}
	return stdout.Bytes(), nil
}

// Validate returns what is wrong with a configuration by its schema.
func (t *Terraform) Validate(ctx context.Context, config any) ([]Diagnostic, error) {
	if err := t.Write("main.tf.json", config); err != nil {
		return nil, err
	}
	out, runErr := t.run(ctx, "validate", "-json")
	var result struct {
		Valid       bool         `json:"valid"`
		Diagnostics []Diagnostic `json:"diagnostics"`
	}
	if err := json.Unmarshal(out, &result); err != nil {
		return nil, errors.Join(runErr, err)
	}
	return onlyErrors(result.Diagnostics), nil
}

// Change is what a plan does to one resource.
type Change struct {
	Address string
	// Replaces are the paths of the attributes that need a new resource: attribute names, indexes left out.
	Replaces [][]string
}

// Plan plans a configuration against a state, nil = none. Without errors it returns what would happen.
func (t *Terraform) Plan(ctx context.Context, config, state any) ([]Change, []Diagnostic, error) {
	if err := t.Write("main.tf.json", config); err != nil {
		return nil, nil, err
	}
	err := os.Remove(filepath.Join(t.dir, "terraform.tfstate"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	if state != nil {
		if err := t.Write("terraform.tfstate", state); err != nil {
			return nil, nil, err
		}
	}
	out, runErr := t.run(ctx, "plan", "-json", "-input=false", "-refresh=false", "-lock=false", "-out=plan.bin")
	found, err := diagnostics(out)
	if err != nil || len(found) > 0 {
		return nil, found, err
	}
	if runErr != nil {
		return nil, nil, runErr
	}
	if out, err = t.run(ctx, "show", "-json", "plan.bin"); err != nil {
		return nil, nil, err
	}
	changes, err := changesOf(out)
	return changes, nil, err
}

// diagnostics are the errors in the machine-readable output of a command.
func diagnostics(out []byte) ([]Diagnostic, error) {
	var all []Diagnostic
	for line := range bytes.Lines(out) {
		var message struct {
			Diagnostic *Diagnostic `json:"diagnostic"`
		}
		if err := json.Unmarshal(line, &message); err != nil {
			return nil, fmt.Errorf("read terraform's output: %w", err)
		}
		if message.Diagnostic != nil {
			all = append(all, *message.Diagnostic)
		}
	}
	return onlyErrors(all), nil
}

func onlyErrors(all []Diagnostic) []Diagnostic {
	var out []Diagnostic
	for _, d := range all {
		if d.Severity == "error" {
			out = append(out, d)
		}
	}
	return out
}

func changesOf(plan []byte) ([]Change, error) {
	var p struct {
		Changes []struct {
			Address string `json:"address"`
			Change  struct {
				Replaces [][]any `json:"replace_paths"`
			} `json:"change"`
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal(plan, &p); err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	var out []Change
	for _, c := range p.Changes {
		change := Change{Address: c.Address}
		for _, path := range c.Change.Replaces {
			var names []string
			for _, step := range path {
				if name, ok := step.(string); ok {
					names = append(names, name)
				}
			}
			change.Replaces = append(change.Replaces, names)
		}
		out = append(out, change)
	}
	return out, nil
}
