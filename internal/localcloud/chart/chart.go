// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/stacks/nearest"
)

// Request asks for a chart.
type Request struct {
	// Chart is the chart's name, or a full oci:// reference.
	Chart string
	// Repo is the repository's URL, empty for oci:// references.
	Repo string
	// Version is the chart's version.
	Version string
	// Release and Namespace are where it is installed.
	Release, Namespace string
	// Values are the chart's values.
	Values map[string]any
}

// Rendered is what a chart installs.
type Rendered struct {
	// Name, Version and AppVersion are the chart's.
	Name, Version, AppVersion string
	// CRDs are those of the chart's crds/ folder: Helm installs them when they are
	// missing and never changes or removes them.
	CRDs []*unstructured.Unstructured
	// Objects are the rendered templates, in the order in which they are installed.
	Objects []*unstructured.Unstructured
}

// Charts renders the stand-ins.
type Charts struct {
	// KarpenterCRDs gives Karpenter's CRDs as a YAML stream. Nil makes the charts
	// that have them fail.
	KarpenterCRDs func() ([]byte, error)
}

// ErrUnknownChart is a chart that has no stand-in.
var ErrUnknownChart = errors.New("the local target has no stand-in for this chart")

// entry is one chart.
type entry struct {
	repo       string // "" for an oci:// reference
	versions   func(version string) error
	appVersion func(version string) string
	render     func(c Charts, r Request) (objects []*unstructured.Unstructured, err error)
	crds       func(c Charts) ([]*unstructured.Unstructured, error) // of the folder crds/; nil: it has none
}

// known are the stand-ins by the reference under which the chart is published.
func known() map[string]entry {
	return map[string]entry{
		oci + "public.ecr.aws/karpenter/karpenter": {
			versions: exactly(KarpenterVersion), appVersion: same, render: karpenter, crds: Charts.karpenterCRDs,
		},
		oci + "public.ecr.aws/karpenter/karpenter-crd": {
			versions: exactly(KarpenterVersion), appVersion: same, render: karpenterCRD,
		},
		oci + "public.ecr.aws/emr-on-eks/flink-kubernetes-operator": {
			versions: emrRelease, appVersion: operatorVersion, render: flinkOperator,
			crds: func(Charts) ([]*unstructured.Unstructured, error) { return EMRFlinkCRDs() },
		},
		"cert-manager": {
			repo: "https://charts.jetstack.io", versions: oneOf("v1.20.", "v1.21."), appVersion: same, render: certManager,
		},
		"metrics-server": {
			repo: "https://kubernetes-sigs.github.io/metrics-server", versions: oneOf("3.13."),
			appVersion: fixed("0.8.0"), render: metricsServer,
		},
		"aws-cloudwatch-metrics": {
			repo: "https://aws.github.io/eks-charts", versions: oneOf("0.0."), appVersion: fixed("1.300032.2b361"),
			render: cloudWatchMetrics,
		},
		"kube-prometheus-stack": {
			repo: "https://prometheus-community.github.io/helm-charts", versions: oneOf("82."), appVersion: fixed("v0.89.0"),
			render: prometheusStack,
			crds:   func(Charts) ([]*unstructured.Unstructured, error) { return PrometheusCRDs() },
		},
		"cluster-autoscaler": {
			repo: "https://kubernetes.github.io/autoscaler", versions: oneOf("9."), appVersion: fixed("1.35.0"),
			render: clusterAutoscaler,
		},
	}
}

// Names returns the references of the charts that have a stand-in, sorted.
func Names() []string { return slices.Sorted(maps.Keys(known())) }

// Render returns what the chart installs. Every object has a namespace if it
// lives in one.
func (c Charts) Render(r Request) (Rendered, error) {
	e, ok := find(r.Chart)
	if !ok {
		return Rendered{}, fmt.Errorf("chart %q: %w%s", r.Chart, ErrUnknownChart, nearest.Suggest(r.Chart, Names()))
	}
	if repo := strings.TrimSuffix(r.Repo, "/"); !e.isIn(repo, strings.HasPrefix(r.Chart, oci)) {
		return Rendered{}, fmt.Errorf("chart %q: repository %q; it is in %q", r.Chart, repo, e.repo)
	}
	if err := e.versions(r.Version); err != nil {
		return Rendered{}, fmt.Errorf("chart %q: %w", r.Chart, err)
	}
	objects, err := e.render(c, r)
	if err != nil {
		return Rendered{}, fmt.Errorf("chart %q: %w", r.Chart, err)
	}
	var crds []*unstructured.Unstructured
	if e.crds != nil {
		if crds, err = e.crds(c); err != nil {
			return Rendered{}, fmt.Errorf("chart %q: %w", r.Chart, err)
		}
	}
	return Rendered{
		Name: r.name(), Version: r.Version, AppVersion: e.appVersion(r.Version),
		CRDs: labelled(crds, r.name(), r.Version), Objects: objects,
	}, nil
}

const oci = "oci://"

// find finds a chart where it is published, or by the end of a reference to it in a mirror, which keeps the path below the
// registry, or the name of a chart that has a repository.
func find(reference string) (entry, bool) {
	all := known()
	if e, ok := all[reference]; ok {
		return e, true
	}
	for published, e := range all {
		if rest, isOCI := strings.CutPrefix(published, oci); isOCI {
			_, published, _ = strings.Cut(rest, "/")
		}
		if strings.HasPrefix(reference, oci) && strings.HasSuffix(reference, "/"+published) {
			return e, true
		}
	}
	return entry{}, false
}

// isIn says whether a chart may be in a repository: its own, or a mirror, which no chart here is published in.
func (e entry) isIn(repo string, isOCI bool) bool {
	switch {
	case isOCI || repo == e.repo:
		return repo == "" || repo == e.repo
	case e.repo == "" || !strings.HasPrefix(repo, "https://"):
		return false
	}
	host := func(url string) string { return strings.SplitN(strings.TrimPrefix(url, "https://"), "/", 2)[0] }
	for _, other := range known() {
		if other.repo != "" && host(other.repo) == host(repo) {
			return false
		}
	}
	return true
}

// name is the chart's name without the registry.
func (r Request) name() string { return r.Chart[strings.LastIndex(r.Chart, "/")+1:] }

func same(version string) string { return version }

func fixed(app string) func(string) string { return func(string) string { return app } }

func exactly(want string) func(string) error {
	return func(version string) error {
		if version != want {
			return fmt.Errorf("version %q: the stand-in is of %s", version, want)
		}
		return nil
	}
}

func oneOf(prefixes ...string) func(string) error {
	return func(version string) error {
		for _, p := range prefixes {
			if strings.HasPrefix(version, p) {
				return nil
			}
		}
		return fmt.Errorf("version %q: the stand-in is of %s", version, strings.Join(prefixes, "x, ")+"x")
	}
}
