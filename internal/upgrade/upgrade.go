// SPDX-License-Identifier: Apache-2.0

// Package upgrade says which versions a stack has, what the account offers beside them, what an upgrade of each would do, and
// what holds one back.
//
// Invariants: nothing is changed; a version that AWS does not say is missing and said so, never guessed.
//
// Place: domain. It asks AWS through a narrow interface and does not know which target answers.
package upgrade

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"emrflink/components/versions"
	"emrflink/internal/awsapi"
	"emrflink/internal/plans"
	"emrflink/internal/stack"
	"emrflink/internal/untyped"
	"emrflink/stacks"
)

// SchemaVersion is that of the Document; fields are only added.
const SchemaVersion = 1

// AWS is what the account offers.
type AWS interface {
	ClusterVersions(ctx context.Context) ([]awsapi.ClusterVersion, error)
	AddonVersions(ctx context.Context, kubernetes string) ([]awsapi.AddonVersion, error)
}

var _ AWS = (*awsapi.Client)(nil)

// Part is something with a version.
type Part struct {
	Name string `json:"name"`
	// Key is the setting that chooses the version; "" is a version that comes with this build.
	Key string `json:"key"`
	// Pinned is the version of the settings, Deployed that of the recorded state; "" is none.
	Pinned   string `json:"pinned"`
	Deployed string `json:"deployed"`
	// Offered are the versions to choose from, the newest first.
	Offered []string `json:"offered"`
	// Upgrade is what another version does to a deployment.
	Upgrade string `json:"upgrade"`
	// HeldBack says what keeps the newest one that is offered from being the one of the settings; "" is nothing.
	HeldBack string `json:"heldBack"`
}

// Document is the JSON of the command.
type Document struct {
	SchemaVersion int    `json:"schemaVersion"`
	Stack         string `json:"stack"`
	Target        string `json:"target"`
	Region        string `json:"region"`
	Parts         []Part `json:"parts"`
	// NotKnown says what AWS did not answer, and why.
	NotKnown  []string `json:"notKnown"`
	Simulated []string `json:"simulated"`
}

// What another version does.
const (
	ofCluster = "the control plane in place, one minor version at a time and never back; then EKS replaces the core nodes one " +
		"after the other"
	ofAddon   = "in place: its pods are replaced one after the other"
	ofImage   = "Karpenter replaces Flink's nodes one after the other, within their budgets; jobs restart from their checkpoints"
	ofEMR     = "the operator is replaced and jobs go on; a job moves with its own emrReleaseLabel, from a savepoint"
	ofChart   = "with another build of emrflink; its pods are replaced one after the other"
	ownPinned = "this build is tested with this version"
)

// Read compares settings and state with what the account offers.
func Read(ctx context.Context, aws AWS, c stacks.Config, recorded []plans.StateResource, info stack.Info) Document {
	d := Document{
		SchemaVersion: SchemaVersion, Stack: info.Stack, Target: info.Target, Region: info.Region, Parts: []Part{},
		NotKnown: []string{}, Simulated: append([]string{}, info.Simulated...),
	}
	d.kubernetes(ctx, aws, c, recorded)
	d.addons(ctx, aws, c, recorded)
	d.Parts = append(d.Parts,
		Part{
			Name: "node image", Key: "nodeImage", Pinned: c.NodeImage, Deployed: imageOf(recorded), Offered: []string{},
			Upgrade: ofImage,
		},
		emr(c, recorded))
	for _, chart := range charts(c) {
		d.Parts = append(d.Parts, Part{
			Name: "chart " + lastPart(chart.Name), Pinned: chart.Version, Deployed: chartOf(recorded, chart.Name),
			Offered: []string{}, Upgrade: ofChart, HeldBack: ownPinned,
		})
	}
	return d
}

func (d *Document) unknown(what string, err error) {
	d.NotKnown = append(d.NotKnown, what+": "+err.Error())
}

func (d *Document) kubernetes(ctx context.Context, aws AWS, c stacks.Config, recorded []plans.StateResource) {
	p := Part{
		Name: "kubernetes", Key: "kubernetesVersion", Pinned: c.KubernetesVersion,
		Deployed: property(recorded, "aws:eks/cluster:Cluster", "", "version"), Offered: []string{}, Upgrade: ofCluster,
	}
	offers, err := aws.ClusterVersions(ctx)
	if err != nil {
		d.unknown("the Kubernetes versions of EKS", err)
		offers = nil
	}
	for _, v := range offers {
		if v.Status != "UNSUPPORTED" {
			p.Offered = append(p.Offered, v.Version)
		}
	}
	slices.SortFunc(p.Offered, func(a, b string) int { return minor(b) - minor(a) })
	if len(p.Offered) > 0 && minor(p.Offered[0]) > minor(p.Pinned) {
		p.HeldBack = heldBack(c, p.Offered[0])
	}
	d.Parts = append(d.Parts, p)
}

// heldBack says which pinned parts do not support a Kubernetes version.
func heldBack(c stacks.Config, version string) string {
	rules := versions.KubernetesRules()
	if c.ClusterAutoscaler {
		rules = append(rules, versions.ClusterAutoscalerRule())
	}
	var parts []string
	for _, r := range rules {
		if n := minor(version); n < r.Min || n > r.Max {
			parts = append(parts, fmt.Sprintf("%s supports 1.%d to 1.%d", r.Part, r.Min, r.Max))
		}
	}
	return strings.Join(parts, "; ")
}

func minor(version string) int {
	_, text, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(text) // what is no number is older than all
	return n
}

func (d *Document) addons(ctx context.Context, aws AWS, c stacks.Config, recorded []plans.StateResource) {
	offers, err := aws.AddonVersions(ctx, c.KubernetesVersion)
	if err != nil {
		d.unknown("the versions of addons", err)
		offers = nil
	}
	for _, addon := range versions.Addons() {
		p := Part{
			Name: "addon " + addon.Name, Key: "addonVersions", Pinned: c.AddonVersions[addon.Name],
			Deployed: property(recorded, "aws:eks/addon:Addon", addon.Name, "addonVersion"), Offered: []string{},
			Upgrade: ofAddon,
		}
		for _, o := range offers {
			if o.Addon == addon.Name {
				p.Offered = append(p.Offered, o.Version)
				if o.Default && p.Pinned == "" && p.Deployed == "" {
					p.HeldBack = "a deploy installs EKS's default, " + o.Version
				}
			}
		}
		d.Parts = append(d.Parts, p)
	}
}

func emr(c stacks.Config, recorded []plans.StateResource) Part {
	release, _ := versions.EMR(c.EmrRelease)
	p := Part{
		Name: "emr release", Key: "emrRelease", Pinned: c.EmrRelease, Deployed: chartOf(recorded, release.OperatorChart.Name),
		Offered: []string{}, Upgrade: ofEMR,
	}
	for _, r := range versions.EMRReleases() {
		p.Offered = append([]string{r.Version}, p.Offered...)
	}
	return p
}

// charts are those whose version comes with this build.
func charts(c stacks.Config) []versions.Chart {
	out := []versions.Chart{
		versions.Karpenter(), versions.CertManager(), versions.MetricsServer(), versions.CloudWatchMetrics(),
	}
	if c.ClusterAutoscaler {
		out = append(out, versions.ClusterAutoscaler())
	}
	if c.Observability.Prometheus == stacks.InCluster {
		out = append(out, versions.PrometheusStack())
	}
	return out
}

// property is an output of the recorded resource of a type; named chooses by addonName.
func property(recorded []plans.StateResource, typ, named, key string) string {
	for _, r := range recorded {
		if r.Type == typ && (named == "" || untyped.Known(r.Inputs["addonName"]) == named) {
			return untyped.Known(r.Outputs[key])
		}
	}
	return ""
}

func chartOf(recorded []plans.StateResource, chart string) string {
	for _, r := range recorded {
		if chart != "" && lastPart(untyped.Known(r.Inputs["chart"])) == lastPart(chart) {
			return untyped.Known(r.Inputs["version"])
		}
	}
	return ""
}

func imageOf(recorded []plans.StateResource) string {
	for _, r := range recorded {
		if strings.HasSuffix(r.Type, ":EC2NodeClass") {
			return untyped.Known(untyped.At(r.Inputs, "spec", "amiSelectorTerms", 0, "alias"))
		}
	}
	return ""
}

func lastPart(name string) string { return name[strings.LastIndex(name, "/")+1:] }
