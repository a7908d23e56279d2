// SPDX-License-Identifier: Apache-2.0

package awskind

import (
	"strings"
	"time"
)

// Names of the phases of a deploy.
const (
	PhaseKey       = "encryption key"
	PhaseNetwork   = "network"
	PhaseBucket    = "checkpoint bucket"
	PhaseCluster   = "cluster"
	PhaseCoreNodes = "core nodes"
	PhaseAddons    = "addons"
	PhaseKarpenter = "karpenter"
	PhaseNodePools = "node pools"
	PhaseOperator  = "flink operator"
	PhaseTeams     = "teams"
	PhaseRest      = "the rest"
)

// Phase is a phase of a deploy and what AWS usually takes for it.
type Phase struct {
	Name     string
	Expected time.Duration
}

// Phases lists the phases in the order in which they begin. One that makes something slow takes as long as that.
func Phases() []Phase {
	return []Phase{
		{PhaseKey, 5 * time.Second},
		{PhaseNetwork, slowest("ec2:natGateway")},
		{PhaseBucket, 10 * time.Second},
		{PhaseCluster, slowest("eks:cluster")},
		{PhaseCoreNodes, slowest("eks:nodeGroup")},
		{PhaseAddons, SlowestAddon},
		{PhaseKarpenter, time.Minute},
		{PhaseNodePools, 10 * time.Second},
		{PhaseOperator, time.Minute},
		{PhaseTeams, 15 * time.Second},
		{PhaseRest, 0},
	}
}

// slowest is what AWS takes to make one of a kind.
func slowest(simulated string) time.Duration { return indexed().bySimulated[simulated].Create }

// componentPhases are the phases by the package of a component, the middle of its type "emrflink:network:Network".
func componentPhases() map[string]string {
	return map[string]string{
		"encryption": PhaseKey, "network": PhaseNetwork, "checkpoints": PhaseBucket, "cluster": PhaseCluster,
		"addons": PhaseAddons, "observability": PhaseAddons, "karpenter": PhaseKarpenter, "flinkoperator": PhaseOperator,
		"team": PhaseTeams,
	}
}

// PhaseOf finds the phase of a resource: by its own type where that says it all, else by the outermost component around it,
// else by the row of its type.
func PhaseOf(urn, pulumiType string) string {
	own := PhaseRest
	if k, known := OfType(pulumiType); known {
		own = k.Phase
	}
	switch {
	case own == PhaseCoreNodes:
		return own
	case strings.Contains(pulumiType, "karpenter.sh/"), strings.Contains(pulumiType, "karpenter.k8s.aws/"):
		return PhaseNodePools
	}
	if parts := strings.Split(urn, "::"); len(parts) >= 3 {
		for typ := range strings.SplitSeq(parts[2], "$") {
			if phase := phaseOfComponent(typ); phase != "" {
				return phase
			}
		}
	}
	if strings.HasPrefix(pulumiType, "eks:") {
		return PhaseCluster
	}
	return own
}

// phaseOfComponent is the phase of a component's type, "" when it has none.
func phaseOfComponent(typ string) string {
	parts := strings.Split(typ, ":")
	if len(parts) != 3 || parts[0] != "emrflink" {
		return ""
	}
	return componentPhases()[parts[1]]
}
