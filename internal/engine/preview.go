// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	// The secrets provider of throw-away stacks: its key is in its URL, so it costs no key derivation.
	_ "gocloud.dev/secrets/localsecrets"

	"emrflink/internal/plans"
)

// Preview computes what Deploy would do. It changes nothing: a stack that was never deployed is previewed against an
// empty state of its own, which is gone afterwards.
//
// The steps gathered so far are returned beside an error.
func (e *Engine) Preview(ctx context.Context) (plans.Plan, error) {
	exists, err := e.Exists(ctx)
	if err != nil {
		return plans.Plan{}, err
	}
	if !exists {
		return e.previewThrowAway(ctx)
	}
	if e.files != nil {
		if _, err := e.files.read(); err != nil {
			return plans.Plan{}, err
		}
	}
	if err := e.ready(ctx); err != nil {
		return plans.Plan{}, err
	}
	return e.previewIn(ctx, e.workDir(), e.env)
}

// previewThrowAway previews against an empty state that is written for this one call.
func (e *Engine) previewThrowAway(ctx context.Context) (plan plans.Plan, err error) {
	if err := e.FetchPlugins(ctx); err != nil {
		return plans.Plan{}, err
	}
	tmp, err := e.throwAwayDir()
	if err != nil {
		return plans.Plan{}, fmt.Errorf("make a throw-away state: %w", err)
	}
	defer func() {
		if rmErr := os.RemoveAll(tmp); rmErr != nil && err == nil {
			err = fmt.Errorf("remove the throw-away state: %w", rmErr)
		}
	}()
	work, backend := filepath.Join(tmp, "work"), filepath.Join(tmp, "backend")
	temp := *e
	temp.opts.Home = tmp
	temp.files = &fileState{root: backend, project: e.opts.Project, stack: e.opts.Stack}
	if err := temp.files.init(); err != nil {
		return plans.Plan{}, err
	}
	if err := temp.prepareWorkDir(work); err != nil {
		return plans.Plan{}, err
	}
	phrase, err := e.throwAwaySecrets(filepath.Join(work, "Pulumi."+e.opts.Stack+".yaml"), tmp)
	if err != nil {
		return plans.Plan{}, err
	}
	if e.opts.Ephemeral {
		temp.pluginHome = filepath.Join(tmp, "pulumi")
	}
	temp.opts.Ephemeral = true
	env := temp.environment(withoutAttributes("file://"+filepath.ToSlash(backend)), phrase)
	return temp.previewIn(ctx, work, env)
}

// previewIn runs the engine's preview in dir and reads the plan off its events.
func (e *Engine) previewIn(ctx context.Context, dir string, env []string) (plans.Plan, error) {
	s, err := e.stackIn(ctx, dir, env)
	if err != nil {
		return plans.Plan{}, err
	}
	goals, err := os.CreateTemp(dir, "plan-*.json")
	if err != nil {
		return plans.Plan{}, fmt.Errorf("preview: %w", err)
	}
	defer func() { _ = os.Remove(goals.Name()) }()
	if err := goals.Close(); err != nil {
		return plans.Plan{}, fmt.Errorf("preview: %w", err)
	}
	c := collect(nil, nil)
	opts := []optpreview.Option{
		optpreview.EventStreams(c.in), optpreview.SuppressProgress(), optpreview.Color("never"),
		optpreview.Plan(goals.Name()),
	}
	if e.opts.Parallel > 0 {
		opts = append(opts, optpreview.Parallel(e.opts.Parallel))
	}
	if e.opts.Refresh {
		opts = append(opts, optpreview.Refresh())
	}
	_, runErr := s.Preview(ctx, opts...)
	c.close()
	steps := c.steps()
	plan := plans.Plan{
		Stack: e.opts.Stack, Steps: steps, Summary: plans.Summarize(steps), Diagnostics: sortedDiagnostics(c.diags),
	}
	if runErr != nil {
		return plan, e.failed(ctx, "preview", c, runErr.Error(), runErr)
	}
	return plan, readGoals(goals.Name(), plan.Steps)
}

// readGoals completes the steps from the engine's plan file: its events name no dependencies and no ignored changes.
func readGoals(path string, steps []plans.Step) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the engine's plan: %w", err)
	}
	var file apitype.DeploymentPlanV1
	if err := json.Unmarshal(raw, &file); err != nil {
		return fmt.Errorf("read the engine's plan: %w", err)
	}
	for i := range steps {
		goal := file.ResourcePlans[resource.URN(steps[i].URN)].Goal
		if goal == nil {
			continue
		}
		steps[i].Dependencies = sortedURNs(goal.Dependencies)
		steps[i].PropertyDependencies = byProperty(goal.PropertyDependencies)
		steps[i].Ignored = goal.IgnoreChanges
	}
	return nil
}

// sortedURNs are URNs as texts, each once. It is never nil.
func sortedURNs(urns []resource.URN) []string {
	out := make([]string, 0, len(urns))
	for _, u := range urns {
		out = append(out, string(u))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// byProperty are the dependencies of each property that has some.
func byProperty(deps map[resource.PropertyKey][]resource.URN) map[string][]string {
	out := map[string][]string{}
	for name, urns := range deps {
		if len(urns) > 0 {
			out[string(name)] = sortedURNs(urns)
		}
	}
	return out
}

// sortedDiagnostics orders what was said independently of timing, and drops repetitions.
func sortedDiagnostics(diags []plans.Diagnostic) []plans.Diagnostic {
	out := slices.Clone(diags)
	slices.SortFunc(out, func(a, b plans.Diagnostic) int {
		return cmpStrings(a.URN, b.URN, a.Severity, b.Severity, a.Message, b.Message)
	})
	return slices.Compact(out)
}
