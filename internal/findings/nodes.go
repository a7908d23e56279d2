// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"slices"
	"strings"

	"emrflink/components/nodelabel"
	"emrflink/internal/untyped"
)

const (
	nodeClassType = "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"
	nodePoolType  = "kubernetes:karpenter.sh/v1:NodePool"
)

// metadata visits the metadata options of nodes. Karpenter's default is safe (tokens required, hop limit 1), a launch
// template's is the image's.
func metadata(g *graph, visit func(r Resource, path string, options any, safeDefault bool)) {
	for _, r := range g.of("aws:ec2/launchTemplate:LaunchTemplate", "aws:ec2/instance:Instance") {
		visit(r, "metadataOptions", r.Inputs["metadataOptions"], false)
	}
	for _, r := range g.of(nodeClassType) {
		visit(r, "spec.metadataOptions", untyped.At(r.Inputs, "spec", "metadataOptions"), true)
	}
}

func imdsV1(g *graph, rep *reporter) {
	metadata(g, func(r Resource, path string, options any, safe bool) {
		tokens := untyped.At(options, "httpTokens")
		switch {
		case untyped.IsUnknown(tokens):
			rep.skip(r)
		case tokens == "required", tokens == nil && safe, untyped.At(options, "httpEndpoint") == "disabled":
		case tokens == nil:
			rep.add(r, path+".httpTokens", "does not require tokens: the image decides")
		default:
			rep.add(r, path+".httpTokens", "tokens are %v", tokens)
		}
	})
}

func imdsHopLimit(g *graph, rep *reporter) {
	metadata(g, func(r Resource, path string, options any, _ bool) {
		v := untyped.At(options, "httpPutResponseHopLimit")
		if untyped.IsUnknown(v) {
			rep.skip(r)
			return
		}
		if hops, ok := untyped.Number(v); ok && hops > 1 && untyped.At(options, "httpEndpoint") != "disabled" {
			rep.add(r, path+".httpPutResponseHopLimit", "the hop limit is %g", hops)
		}
	})
}

// unpinnedAMI: an alias names a version behind its @, a name may end with a *.
func unpinnedAMI(g *graph, rep *reporter) {
	for _, r := range g.of(nodeClassType) {
		terms := untyped.At(r.Inputs, "spec", "amiSelectorTerms")
		if untyped.IsUnknown(terms) {
			rep.skip(r)
		}
		for _, term := range untyped.List(terms) {
			alias, name := untyped.At(term, "alias"), untyped.Known(untyped.At(term, "name"))
			switch {
			case untyped.IsUnknown(alias):
				rep.skip(r)
			case strings.HasSuffix(untyped.Known(alias), "@latest"), strings.Contains(name, "*"):
				rep.add(r, "spec.amiSelectorTerms", "the image is %s", untyped.Known(alias)+name)
			}
		}
	}
}

// spotJobManager: pools that are for JobManagers by the label with which jobs choose them.
func spotJobManager(g *graph, rep *reporter) {
	for _, r := range g.of(nodePoolType) {
		if untyped.At(r.Inputs, "spec", "template", "metadata", "labels", nodelabel.FlinkRole) != nodelabel.JobManager {
			continue
		}
		requirements := untyped.At(r.Inputs, "spec", "template", "spec", "requirements")
		if untyped.IsUnknown(requirements) {
			rep.skip(r)
			continue
		}
		spot := true // without the requirement Karpenter takes the cheapest
		for _, req := range untyped.List(requirements) {
			if untyped.At(req, "key") != "karpenter.sh/capacity-type" {
				continue
			}
			named := slices.Contains(untyped.KnownTexts(untyped.At(req, "values")), "spot")
			spot = spot && named == (untyped.At(req, "operator") == "In")
		}
		if spot {
			rep.add(r, "spec.template.spec.requirements", "the capacity type may be spot")
		}
	}
}

// pools reports node pools that lack a part of their spec.
func pools(g *graph, rep *reporter, message string, path ...any) {
	var name []string
	for _, p := range path {
		s, _ := p.(string)
		name = append(name, s)
	}
	for _, r := range g.of(nodePoolType) {
		switch v := untyped.At(r.Inputs, path...); {
		case untyped.IsUnknown(v):
			rep.skip(r)
		case v == nil, v == "", untyped.List(v) != nil && len(untyped.List(v)) == 0:
			rep.add(r, strings.Join(name, "."), "%s", message)
		}
	}
}

func nodePoolGrace(g *graph, rep *reporter) {
	pools(g, rep, "has no termination grace period", "spec", "template", "spec", "terminationGracePeriod")
}

func nodePoolBudgets(g *graph, rep *reporter) {
	pools(g, rep, "has no disruption budget", "spec", "disruption", "budgets")
}

func nodePoolLimits(g *graph, rep *reporter) {
	pools(g, rep, "has no limit of CPUs", "spec", "limits", "cpu")
}

// podSecurity looks at the namespaces of teams: theirs are the ones where jobs of many people run.
func podSecurity(g *graph, rep *reporter) {
	for _, r := range g.of("kubernetes:core/v1:Namespace") {
		labels := untyped.At(r.Inputs, "metadata", "labels")
		if untyped.Object(labels)["emrflink/team"] == nil {
			continue
		}
		const key = "pod-security.kubernetes.io/enforce"
		path := `metadata.labels["` + key + `"]`
		switch level := untyped.At(labels, key); {
		case untyped.IsUnknown(level):
			rep.skip(r)
		case level == nil:
			rep.add(r, path, "enforces no pod security level: pods may be privileged")
		case level == "privileged":
			rep.add(r, path, "enforces nothing: the level is privileged")
		}
	}
}
