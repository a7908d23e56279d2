// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"emrflink/components/iamdoc"
	"emrflink/internal/awsapi"
	"emrflink/internal/iam"
)

const codePermissions = "permissions"

// checkPermissions compares what a job does with what its role may do. It reports what is certainly missing: conditions may
// hold, and patterns may mean the resource.
func (r Runner) checkPermissions(ctx context.Context, s Job) ([]Finding, error) {
	if r.Grants == nil || s.RoleARN == "" {
		return nil, nil
	}
	_, role, err := roleOf(s.RoleARN)
	if err != nil {
		return nil, err
	}
	const path = "spec.executionRoleArn"
	have, err := r.Grants.RolePolicies(ctx, role)
	if awsapi.IsDenied(err) || awsapi.IsNotFound(err) {
		return []Finding{{Advice: true, Path: path, Text: fmt.Sprintf("whether role %q may do what the job does is not known: %v",
			role, err)}}, nil
	}
	if err != nil {
		return nil, err
	}
	g, err := grantsOf(have)
	if err != nil {
		return nil, err
	}
	all := s.unreachable(role, g)
	if s.Policy == nil {
		return all, nil
	}
	need, err := iam.Parse(s.Policy)
	if err != nil {
		return nil, err
	}
	missing, lacks := g.lacking(need)
	if len(lacks) == 0 {
		return all, nil
	}
	lines, err := teamLines(s.Namespace, missing)
	return append(all, Finding{
		Path: path, Text: fmt.Sprintf("role %q may not %s", role, strings.Join(lacks, ", ")),
		Mend: "the permissions in the policies of the team", Lines: lines,
	}), err
}

// unreachable are the places of the job in S3 that its role cannot use. The policy of a bucket that is not the stack's may
// allow what the role's do not.
func (j Job) unreachable(role string, g grants) (all []Finding) {
	read := []string{"s3:GetObject"}
	keep := append(slices.Clone(read), "s3:PutObject", "s3:DeleteObject")
	for _, place := range []struct {
		path, below string
		actions     []string
	}{
		{"flinkConfiguration.state.checkpoints.dir", "/*", keep}, {"flinkConfiguration.state.savepoints.dir", "/*", keep},
		{"jobManager.storageDir", "/*", keep}, {"job.jarURI", "", read}, {"job.initialSavepointPath", "/*", read},
	} {
		parts := strings.SplitN(place.path, ".", 2)
		uri := j.str("spec", parts[0], parts[1])
		bucket, key, err := splitURI(uri)
		if err != nil || key == "" {
			continue // it is not in S3
		}
		var lacks []string
		resource := fmt.Sprintf("arn:%s:s3:::%s/%s%s", strings.Split(j.RoleARN, ":")[1], bucket, strings.TrimSuffix(key, "/"),
			place.below)
		for _, action := range place.actions {
			if !g.could(action, resource) {
				lacks = append(lacks, action)
			}
		}
		if len(lacks) > 0 {
			all = append(all, Finding{
				Path: "spec." + place.path, Advice: bucket != j.bucket,
				Text:   fmt.Sprintf("role %q may not %s %s", role, strings.Join(lacks, ", "), resource),
				Effect: "S3 answers AccessDenied to the job, unless the policy of the bucket allows it",
				Mend:   "a place below the team's own (emrflink outputs), or a policy of the team",
			})
		}
	}
	return all
}

// grants are what a role may do.
type grants struct {
	allowed, limit []iam.Document
	limited        bool
}

func grantsOf(p awsapi.RolePolicies) (g grants, err error) {
	g.limited = p.Boundary != ""
	if g.allowed, err = parsed(p.Policies...); err == nil {
		g.limit, err = parsed(p.Boundary)
	}
	return g, err
}

func (g grants) could(action, resource string) bool {
	return iam.Could(g.allowed, action, resource) && (!g.limited || iam.Could(g.limit, action, resource))
}

// lacking are the statements of which something is not granted, and the actions that are not.
func (g grants) lacking(need iam.Document) (missing []iamdoc.Statement, actions []string) {
	for _, s := range need.Statements {
		var lacks []string
		for _, action := range s.Action {
			if slices.ContainsFunc(s.Resource, func(resource string) bool { return !g.could(action, resource) }) {
				lacks = append(lacks, action)
			}
		}
		if len(lacks) > 0 {
			missing, actions = append(missing, s.Statement), append(actions, lacks...)
		}
	}
	return missing, actions
}

func parsed(documents ...string) ([]iam.Document, error) {
	var out []iam.Document
	for _, text := range documents {
		if text == "" {
			continue
		}
		doc, err := iam.Parse([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("read a policy of the role: %w", err)
		}
		out = append(out, doc)
	}
	return out, nil
}

// teamLines are the lines of a stack file that give a team a policy.
func teamLines(team string, statements []iamdoc.Statement) (string, error) {
	document, err := iamdoc.New(statements...).JSON()
	if err != nil {
		return "", err
	}
	raw, err := yaml.Marshal(map[string]any{"emrflink:teams": []any{map[string]any{
		"name": team, "policies": []any{json.RawMessage(document)},
	}}})
	if err != nil {
		return "", err
	}
	out := ""
	for line := range strings.Lines(string(raw)) {
		out += "  " + line // below config:
	}
	return out, nil
}
