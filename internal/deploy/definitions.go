// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/components/helm"
	"emrflink/internal/helmchart"
	"emrflink/internal/plans"
	"emrflink/internal/untyped"
)

// Definitions brings the custom resource definitions of charts to the version that they are upgraded to. Helm installs those of
// a chart's crds/ folder once, and never changes them (helm.sh, "Custom Resource Definitions"): the API server would refuse, or
// drop, the new fields of jobs, and an operator would not find them.
type Definitions struct {
	Fetch   func(ctx context.Context, chart helmchart.Ref) ([]byte, error)
	Cluster interface {
		Apply(ctx context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error)
	}
}

// Upgraded are the charts that a plan changes to another version, but for those that bring no definitions of their own.
func Upgraded(p plans.Plan) []helmchart.Ref {
	var out []helmchart.Ref
	for _, s := range p.Steps {
		version := untyped.Text(s.New["version"])
		if s.Type != helm.Token || s.Old == nil || s.New == nil || s.New["skipCrds"] == true ||
			untyped.Text(s.Old["version"]) == version {
			continue
		}
		repo, _ := s.New["repositoryOpts"].(map[string]any)
		out = append(out, helmchart.Ref{
			Chart: untyped.Text(s.New["chart"]), Repo: untyped.Text(repo["repo"]), Version: version,
		})
	}
	return out
}

// Update applies the definitions of the charts, each with force: Helm owns the fields. It comes before the charts, whose programs
// may need the new definitions; those that are there serve the old ones as well. It returns how many there are.
func (d Definitions) Update(ctx context.Context, charts []helmchart.Ref) (int, error) {
	n := 0
	for _, c := range charts {
		archive, err := d.Fetch(ctx, c)
		if err != nil {
			return n, &DefinitionsError{Chart: c, Err: err}
		}
		crds, err := helmchart.CRDs(archive)
		if err != nil {
			return n, &DefinitionsError{Chart: c, Err: err}
		}
		for _, crd := range crds {
			if _, err := d.Cluster.Apply(ctx, crd); err != nil {
				return n, &DefinitionsError{Chart: c, Err: err}
			}
			n++
		}
	}
	return n, nil
}

// DefinitionsError says that the definitions of a chart could not be updated. Nothing else was changed.
type DefinitionsError struct {
	Chart helmchart.Ref
	Err   error
}

// Error names the chart.
func (e *DefinitionsError) Error() string {
	return fmt.Sprintf("update the custom resource definitions of %s: %v", e.Chart, e.Err)
}

// Unwrap returns why.
func (e *DefinitionsError) Unwrap() error { return e.Err }

// Hint is how Helm itself gets the chart: with its login, and its words when it cannot.
func (e *DefinitionsError) Hint() string {
	repo := ""
	if e.Chart.Repo != "" {
		repo = " --repo " + e.Chart.Repo
	}
	return fmt.Sprintf("helm show crds %s%s --version %s", e.Chart.Chart, repo, e.Chart.Version)
}
