// SPDX-License-Identifier: Apache-2.0

package kubeprov

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/urn"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"emrflink/internal/kube"
	"emrflink/internal/localcloud/chart"
	"emrflink/internal/localcloud/provider/propdiff"
	"emrflink/internal/localcloud/provider/schema"
	"emrflink/internal/replacement"
	"emrflink/stacks/nearest"
)

// releases are Helm releases: kubernetes:helm.sh/v3:Release.
type releases struct{}

var _ handler = releases{}

// releaseInputs are the inputs of a release that are honoured (true), and those
// that exist and are refused. Retyped from the provider's schema: the SDK's
// package that has the type compiles for minutes.
func releaseInputs() map[string]bool {
	return map[string]bool{
		"chart": true, "version": true, "name": true, "namespace": true, "values": true, "repositoryOpts": true,
		"createNamespace": true, "skipCrds": true, "skipAwait": true, "timeout": true, "compat": true, "description": true,
		"atomic": true, "cleanupOnFail": true, "dependencyUpdate": true, "disableCRDHooks": true, "disableWebhooks": true,
		"forceUpdate": true, "lint": true, "maxHistory": true, "renderSubchartNotes": true, "verify": true,
		"waitForJobs": true, "allowNullValues": true, "disableOpenapiValidation": true,

		"devel": false, "keyring": false, "manifest": false, "postrender": false, "recreatePods": false, "replace": false,
		"resetValues": false, "resourceNames": false, "reuseValues": false, "valueYamlFiles": false,
	}
}

func (releases) check(s *Server, req *pulumirpc.CheckRequest, olds, news property) ([]*pulumirpc.CheckFailure, error) {
	var failures []*pulumirpc.CheckFailure
	fail := func(property, format string, args ...any) {
		failures = append(failures, &pulumirpc.CheckFailure{Property: property, Reason: fmt.Sprintf(format, args...)})
	}
	known := releaseInputs()
	for _, key := range news.StableKeys() {
		name := string(key)
		switch honoured, exists := known[name]; {
		case strings.HasPrefix(name, "__") || honoured:
		case exists:
			fail(name, "the local target does not simulate this setting of a Helm release")
		default:
			fail(name, "no such property%s", nearest.Suggest(name, slices.Sorted(maps.Keys(known))))
		}
	}
	if news["chart"].IsNull() {
		fail("chart", "required, and missing")
	}
	if news["name"].IsNull() {
		auto := schema.Autoname{Digits: nameDigits, Max: 53, Lower: true, Stable: s.opts.PreviewOnly}
		name, err := auto.Name(req, urn.URN(req.GetUrn()).Name(), str(olds, "name"))
		if err != nil {
			fail("name", "%v", err)
		} else {
			news["name"] = resource.NewProperty(name)
		}
	}
	if news["namespace"].IsNull() {
		news["namespace"] = resource.NewProperty("default")
	}
	if len(failures) == 0 && !news.ContainsUnknowns() {
		if _, err := s.charts.Render(request(news)); err != nil {
			for _, one := range lines(err) {
				fail("values", "%s", one)
			}
		}
	}
	return failures, nil
}

func lines(err error) []string { return strings.Split(err.Error(), "\n") }

// request is what the inputs ask of the charts.
func request(in property) chart.Request {
	r := chart.Request{
		Chart: str(in, "chart"), Version: str(in, "version"), Release: str(in, "name"), Namespace: str(in, "namespace"),
		Repo: str(member(in, "repositoryOpts"), "repo"),
	}
	if v := member(in, "values"); v != nil {
		r.Values = v.Mappable()
	}
	return r
}

// diff: a release is upgraded for everything that does not replace it.
func (releases) diff(olds, news property, _ *config) *pulumirpc.DiffResponse {
	rows := replacement.Rows(ReleaseToken)
	changes := propdiff.Diff(olds, news, propdiff.Rules{
		Replace: func(pattern string, _ propdiff.Op) bool { return replacement.Covers(rows, pattern, false, false) },
	})
	return propdiff.Response(changes)
}

func (releases) create(ctx context.Context, op *operation, inputs property) (string, property, error) {
	if op.preview {
		return "", inputs, nil
	}
	in, err := op.installer(ctx, inputs)
	if err != nil {
		return "", nil, err
	}
	if err := in.available(ctx); err != nil {
		return "", nil, err
	}
	rel, err := in.install(ctx, nil)
	if rel == nil {
		return "", nil, err
	}
	return rel.Namespace + "/" + rel.Name, rel.state(inputs), err
}

func (releases) update(ctx context.Context, op *operation, _, inputs property) (property, error) {
	if op.preview {
		return inputs, nil
	}
	in, err := op.installer(ctx, inputs)
	if err != nil {
		return nil, err
	}
	existing, err := in.upgradable(ctx)
	if err != nil {
		return nil, err
	}
	rel, err := in.install(ctx, existing)
	if rel == nil {
		return nil, err
	}
	return rel.state(inputs), err
}

func (releases) read(ctx context.Context, op *operation, id string, inputs property) (state, actual property, err error) {
	ns, name, ok := strings.Cut(id, "/")
	if !ok {
		return nil, nil, fmt.Errorf("release id %q: want namespace/name", id)
	}
	client, err := op.client()
	if err != nil {
		return nil, nil, err
	}
	rel, err := latestRelease(ctx, client, ns, name)
	if err != nil || rel == nil || rel.Info.Status == kube.HelmUninstalled {
		return nil, nil, err
	}
	actual = maps.Clone(inputs)
	if actual == nil { // an import: the record has the name of the chart and not its repository, so an upgrade will follow
		actual = property{
			"chart": resource.NewProperty(rel.Chart.Metadata.Name), "version": resource.NewProperty(rel.Chart.Metadata.Version),
		}
	}
	actual["name"], actual["namespace"] = resource.NewProperty(name), resource.NewProperty(ns)
	if len(rel.Config) > 0 || !actual["values"].IsNull() {
		actual["values"] = resource.NewProperty(resource.NewPropertyMapFromMap(rel.Config))
	}
	if !actual["version"].IsNull() {
		actual["version"] = resource.NewProperty(rel.Chart.Metadata.Version)
	}
	return rel.state(actual), actual, nil
}

func (releases) remove(ctx context.Context, op *operation, inputs property) error {
	client, err := op.client()
	if err != nil {
		return err
	}
	ns, name := str(inputs, "namespace"), str(inputs, "name")
	rel, err := latestRelease(ctx, client, ns, name)
	if err != nil || rel == nil {
		return err
	}
	ctx, cancel := op.within(ctx, "")
	defer cancel()
	return uninstall(ctx, client, rel, op.progress(ctx))
}
