// SPDX-License-Identifier: Apache-2.0

// Package helm registers Helm releases. It uses the same resource as the SDK's helm/v3 package
// (kubernetes:helm.sh/v3:Release) without importing it, because that package takes six minutes to compile.
package helm

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/utilities"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/mirror"
	"emrflink/components/versions"
)

// Token is the Pulumi type of a release.
const Token = "kubernetes:helm.sh/v3:Release"

// defaultTimeout is how long Helm waits for a release to become ready, in seconds. Helm's own 300 s is too short for a
// first pull of the images on fresh nodes.
const defaultTimeout = 600

// Args describe a release.
type Args struct {
	// Name is the release's name in the cluster. It is given rather than generated, because charts derive the names of
	// service accounts from it, and IAM trusts those names.
	Name string
	// Chart is the chart's name, or a full oci:// reference.
	Chart string
	// Repo is the chart repository's URL. It stays empty for oci:// references.
	Repo string
	// Version is the exact version of the chart.
	Version string
	// Mirrors are where the chart, and Images that it runs, are pulled from instead.
	Mirrors mirror.Mirrors
	Images  []versions.Image
	// Namespace is where the release lives. It must exist.
	Namespace pulumi.StringInput
	// Values are the chart's values.
	Values pulumi.Map
	// SkipCRDs leaves the chart's crds/ directory out.
	SkipCRDs bool
	// TimeoutSeconds bounds the wait for readiness; 600 when zero.
	TimeoutSeconds int
}

// Release is a Helm release. Deleting it waits for its resources to be gone.
//
// Its outputs are left out: as soon as a package sees the type pulumi.AnyOutput, all generic outputs of Pulumi's SDK are
// compiled into it, which takes seven seconds each time.
type Release struct {
	pulumi.CustomResourceState
}

// NewRelease registers a release; it is ready when the resources of the chart are.
func NewRelease(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Release, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("release %q: %w", name, err)
	}
	timeout := args.TimeoutSeconds
	if timeout == 0 {
		timeout = defaultTimeout
	}
	chart, repo := args.Mirrors.Chart(args.Chart, args.Repo)
	values, err := args.values()
	if err != nil {
		return nil, fmt.Errorf("release %q: %w", name, err)
	}
	inputs := pulumi.Map{
		"name":            pulumi.String(args.Name),
		"chart":           pulumi.String(chart),
		"version":         pulumi.String(args.Version),
		"namespace":       args.Namespace,
		"createNamespace": pulumi.Bool(false),
		"timeout":         pulumi.Int(timeout),
		// The SDK's own package always sends this: it selects the resource's inputs as Helm spells them.
		"compat": pulumi.String("true"),
	}
	if repo != "" {
		inputs["repositoryOpts"] = pulumi.Map{"repo": pulumi.String(repo)}
	}
	if len(values) > 0 {
		inputs["values"] = values
	}
	if args.SkipCRDs {
		inputs["skipCrds"] = pulumi.Bool(true)
	}
	release := &Release{}
	if err := ctx.RegisterResource(Token, name, inputs, release, utilities.PkgResourceDefaultOpts(opts)...); err != nil {
		return nil, fmt.Errorf("register release %q: %w", name, err)
	}
	return release, nil
}

func (a *Args) validate() error {
	switch {
	case a == nil:
		return errors.New("no arguments")
	case a.Name == "":
		return errors.New("no release name")
	case a.Chart == "":
		return errors.New("no chart")
	case a.Version == "":
		return errors.New("no chart version: charts are pinned")
	case a.Namespace == nil:
		return errors.New("no namespace")
	case a.TimeoutSeconds < 0:
		return fmt.Errorf("timeout of %d s", a.TimeoutSeconds)
	case strings.HasPrefix(a.Chart, "oci://") && a.Repo != "":
		return fmt.Errorf("chart %q is a full reference and takes no repository", a.Chart)
	case !strings.HasPrefix(a.Chart, "oci://") && a.Repo == "":
		return fmt.Errorf("chart %q needs a repository", a.Chart)
	}
	return nil
}
