// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"emrflink/internal/awskind"
	"emrflink/internal/iam"
	"emrflink/internal/tools/terraform"
)

// call is an action that the provider used for a type in a phase.
type call struct{ terraform, phase, action string }

// step is a command of Terraform, and what it lets the provider do when that applies a change.
type step struct {
	applies string
	tags    bool
	args    []string
}

// live takes the configuration through its life and returns what the provider called. A step that fails in part is reported.
func live(
	ctx context.Context, tf *terraform.Terraform, log string, config map[string]any, endpoint string,
) (map[call]bool, error) {
	seen := map[call]bool{}
	always := []string{"-auto-approve", "-input=false", "-lock=false", "-no-color", "-parallelism=4"}
	for _, s := range []step{
		{applies: awskind.PhaseCreate, args: append([]string{"apply"}, always...)},
		{applies: awskind.PhaseUpdate, tags: true, args: append([]string{"apply"}, always...)},
		{applies: awskind.PhaseUpdate, args: append([]string{"apply"}, always...)},
		{applies: awskind.PhaseDelete, args: append([]string{"destroy"}, always...)},
	} {
		if err := tf.Write("main.tf.json", emulated(config, endpoint, s.tags)); err != nil {
			return nil, err
		}
		cmd := tf.Cmd(ctx, s.args...)
		cmd.Env = append(cmd.Env, "TF_LOG=JSON", "TF_LOG_PATH="+log)
		out, runErr := cmd.CombinedOutput()
		if runErr != nil {
			fmt.Printf("terraform %s (%s) failed in part:\n%s\n", s.args[0], s.applies, problems(string(out)))
		}
		if err := read(log, s.applies, seen); err != nil {
			return nil, err
		}
		if err := os.Remove(log); err != nil {
			return nil, err
		}
	}
	return seen, nil
}

// problems are the lines of Terraform's errors that say what failed.
func problems(out string) string {
	var lines []string
	for line := range strings.Lines(out) {
		if line = strings.Trim(line, "│╷╵ \n"); strings.HasPrefix(line, "Error:") || strings.HasPrefix(line, "with ") {
			lines = append(lines, "  "+line)
		}
	}
	return strings.Join(lines, "\n")
}

// emulated is the configuration with a provider that asks the emulator, and values where AWS would give them.
func emulated(config map[string]any, endpoint string, tags bool) map[string]any {
	endpoints := map[string]any{}
	for _, s := range []string{"cloudwatch", "cloudwatchlogs", "ec2", "eks", "events", "iam", "kms", "s3", "sqs", "sts"} {
		endpoints[s] = endpoint
	}
	aws := map[string]any{
		"region": "us-west-2", "access_key": "test", "secret_key": "test", "s3_use_path_style": true, "endpoints": endpoints,
		"skip_credentials_validation": true, "skip_metadata_api_check": true, "skip_region_validation": true, "max_retries": 2,
	}
	if tags {
		aws["default_tags"] = map[string]any{"tags": map[string]any{"changed": "yes"}}
	}
	out := map[string]any{}
	for k, v := range config {
		out[k] = v
	}
	out["provider"] = map[string]any{"aws": aws}
	out["resource"] = filled(config["resource"], "")
	return out
}

// filled puts a value in the place of what is not known before AWS was asked.
func filled(v any, attribute string) any {
	switch t := v.(type) {
	case map[string]map[string]any:
		out := map[string]any{}
		for k, e := range t {
			out[k] = filled(e, k)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, e := range t {
			if k == "depends_on" {
				e = without(e)
			}
			out[k] = filled(e, k)
		}
		return out
	case []any:
		out := make([]any, 0, len(t))
		for _, e := range t {
			out = append(out, filled(e, attribute))
		}
		return out
	case string:
		if t == terraform.Placeholder {
			return standIn(attribute)
		}
	}
	return v
}

// without leaves out of a list of dependencies what the emulator cannot make: what waits for it would not be tried.
func without(list any) any {
	all, _ := list.([]string)
	return slices.DeleteFunc(slices.Clone(all), func(address string) bool {
		typ, _, _ := strings.Cut(address, ".")
		return slices.Contains([]string{
			"aws_eks_addon", "aws_eks_access_entry", "aws_eks_access_policy_association", "aws_eks_pod_identity_association",
		}, typ)
	})
}

func standIn(attribute string) any {
	switch {
	case attribute == "assume_role_policy":
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",` +
			`"Principal":{"Service":"ec2.amazonaws.com"}}]}`
	case attribute == "url":
		return "https://oidc.eks.us-west-2.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
	case strings.HasPrefix(attribute, "kms"):
		return "arn:aws:kms:us-west-2:111122223333:key/00000000-0000-0000-0000-000000000000"
	case attribute == "source_security_group_id":
		return "sg-00000000000000000"
	}
	return nil
}

// read reads the provider's log.
func read(path, applies string, into map[call]bool) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read the provider's log: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var l struct {
			Message string `json:"@message"`
			Type    string `json:"tf_resource_type"`
			RPC     string `json:"tf_rpc"`
			Service string `json:"rpc.service"`
			Method  string `json:"rpc.method"`
		}
		if json.Unmarshal(lines.Bytes(), &l) != nil || l.Message != "HTTP Request Sent" || l.Type == "" {
			continue
		}
		phase := awskind.PhaseRead
		if l.RPC == "ApplyResourceChange" {
			phase = applies
		}
		into[call{l.Type, phase, iam.ActionOf(prefix(l.Service) + ":" + l.Method)}] = true
	}
	return lines.Err()
}

// prefix is IAM's name of a service of the SDK.
func prefix(service string) string {
	if p := map[string]string{"EventBridge": "events", "CloudWatch Logs": "logs"}[service]; p != "" {
		return p
	}
	return strings.ToLower(service)
}
