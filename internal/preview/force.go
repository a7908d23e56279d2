// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"slices"
	"strings"

	"emrflink/internal/plans"
	"emrflink/internal/replacement"
	"emrflink/internal/untyped"
)

const replaceSuffix = "-replace"

// kubernetesProvider has settings that say which cluster its objects are in.
const kubernetesProvider = "pulumi:providers:kubernetes"

// forces tells whether a change of a property needs another resource.
func forces(s plans.Step, path string) bool {
	if s.Type == kubernetesProvider {
		return anotherCluster(s, root(path))
	}
	return !s.Component && replacement.Forces(s.Type, path)
}

// anotherCluster is the rule of the Kubernetes provider: another identifier is another cluster, in which everything is
// new; without an identifier another kubeconfig is.
// https://www.pulumi.com/registry/packages/kubernetes/api-docs/provider/#inputs (clusterIdentifier)
func anotherCluster(s plans.Step, property string) bool {
	if id, ok := s.New["clusterIdentifier"].(string); ok && !untyped.HasUnknown(id) {
		return property == "clusterIdentifier"
	}
	return property == "kubeconfig" || property == "context" || property == "cluster"
}

// forcing divides the properties that need another resource: those that certainly changed, and those that are not known
// yet, on one side, and may turn out to be what they were.
func forcing(s plans.Step) (will, may []string) {
	for _, d := range s.Diff {
		open := untyped.HasUnknown(d.New) || d.Kind != "delete" && untyped.HasUnknown(d.Old)
		switch says := strings.HasSuffix(d.Kind, replaceSuffix); {
		case !says && !(open && forces(s, d.Path)):
		case open:
			may = append(may, d.Path)
		default:
			will = append(will, d.Path)
		}
	}
	return will, may
}

// settle decides between an update, a replacement and an update that may turn into one. Providers report a property
// that forces a replacement as one that does, also when its new value is not known yet (a guess, as the makers of the
// AWS provider's bridge say: https://github.com/pulumi/pulumi-terraform-bridge/pull/2516); whoever reviews the plan has to
// be able to tell the two apart. The properties that may are returned.
func settle(s plans.Step) (plans.Step, []string) {
	if s.Op != plans.OpReplace && s.Op != plans.OpUpdate {
		return s, nil
	}
	will, may := forcing(s)
	if len(may) == 0 {
		return s, nil
	}
	other := slices.DeleteFunc(slices.Clone(s.ReplaceReasons), func(r string) bool { return slices.Contains(may, r) })
	if s.Op == plans.OpReplace && (len(will) > 0 || len(other) > 0) {
		s.ReplaceReasons = append(will, other...)
		slices.Sort(s.ReplaceReasons)
		s.ReplaceReasons = slices.Compact(s.ReplaceReasons)
		return s, nil
	}
	s.Op, s.ReplaceReasons = plans.OpUpdate, []string{}
	slices.Sort(may)
	return s, slices.Compact(may)
}
