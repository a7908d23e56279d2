// SPDX-License-Identifier: Apache-2.0

package awskind

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// holes names the cells of a row that some place needs and that are empty or wrong.
func holes(k Kind) []string {
	var out []string
	need := func(ok bool, cell string) {
		if !ok {
			out = append(out, k.Type+": no "+cell)
		}
	}
	listed := k.Inventory != "" && k.Inventory != NotListed
	need(k.Terraform != "", "resource of the Terraform provider")
	need(regexp.MustCompile(`^[a-z0-9]+:[a-zA-Z]+$`).MatchString(k.Simulated), "name in the simulated account")
	need(k.Tags != 0, "word on tags")
	need(k.Inventory != "", "type in the inventory (NotListed says that it has none)")
	need(!listed || regexp.MustCompile(`\{(id|name)\}`).MatchString(k.Command), "delete command")
	need(k.Sweep == 0 || listed, "type in the inventory, and it is swept")
	need(k.Delete == 0 || k.Create > 0, "create duration")
	need(k.Create == 0 || k.Delete > 0, "delete duration")
	need(k.Price != "", "price (Free says that it has none)")
	rated := !slices.Contains([]string{"", Free, ByInstances, ByVolumes}, k.Price)
	need((k.Billed != "") == rated, "name of its rate in an estimate, or no rate for that name")
	need(k.Loss != "", "text of what is lost")
	phases := []string{PhaseNetwork, PhaseBucket, PhaseCluster, PhaseCoreNodes, PhaseRest}
	need(slices.Contains(phases, k.Phase), "phase of a deploy")
	adoptable(k, listed, need)
	return out
}

// adoptable names the cells by which one is found again whose creation was cut off, and by which it is known whose it is.
func adoptable(k Kind, listed bool, need func(ok bool, cell string)) {
	need(k.Adopt != "", "rule of adoption (AdoptNever says that it has none)")
	need(k.Made == ByController || k.Adopt != AdoptNever, "look-up of one whose creation was cut off")
	need(k.Owner != "" || k.Tags != Untagged, "owner, whose tags say whose one is")
	need(k.Owner != "" || listed, "place in the inventory or other look-up of its own tags")
	look, _, _ := strings.Cut(k.Owner, " ")
	_, owned := LooksUp(look)
	byTags, found := OfInventory(look)
	need(look == "" || look == OwnerInName || owned || found && byTags.Adopt == AdoptByTags, "look-up of its owner")
	byName := k.Adopt != AdoptByTags && k.Adopt != AdoptNever && k.Tags != Untagged
	need(!byName || k.Show != "", "command that shows one of its name")
	need(k.Adopt != AdoptByTags || listed && k.Tags != Untagged, "tags or no place in the inventory, by which it is adopted")
}

func TestEveryRowIsWhole(t *testing.T) {
	t.Parallel()
	require.Greater(t, len(All()), 40)
	for _, k := range All() {
		require.Regexp(t, `^aws:[a-z0-9]+/[a-zA-Z0-9]+:[A-Z][a-zA-Z0-9]+$`, k.Type)
		require.Empty(t, holes(k))
	}
}

func TestAnEmptyCellIsNamed(t *testing.T) {
	t.Parallel()
	repository := Kind{
		Type: "aws:ecr/repository:Repository", Terraform: "aws_ecr_repository", Simulated: "ecr:repository", Tags: Tagged,
		Inventory: "repository", Price: Free, Loss: "images", Adopt: "{name}", Show: "ecr describe-repositories",
		Phase: PhaseRest,
	}
	require.Equal(t, []string{"aws:ecr/repository:Repository: no delete command"}, holes(repository))
	require.Len(t, holes(Kind{Type: "aws:ecr/repository:Repository"}), 10)
	never := repository
	never.Command, never.Adopt = "ecr delete-repository --repository-name {id}", AdoptNever
	require.Equal(t, []string{never.Type + ": no look-up of one whose creation was cut off"}, holes(never))
	setting := never
	setting.Adopt, setting.Tags = "{name}", Untagged
	require.Equal(t, []string{never.Type + ": no owner, whose tags say whose one is"}, holes(setting))
}

func TestNoNameAndNoPlaceIsTakenTwice(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	once := func(k Kind, what string) {
		require.Empty(t, seen[what], "%s and %s: %s", seen[what], k.Type, what)
		seen[what] = k.Type
	}
	places := map[int]bool{}
	for _, k := range All() {
		once(k, "type "+k.Type)
		once(k, "terraform "+k.Terraform)
		once(k, "simulated "+k.Simulated)
		if k.Inventory != NotListed {
			once(k, "inventory "+k.Inventory)
		}
		require.False(t, k.Sweep != 0 && places[k.Sweep] || k.Gravity != 0 && places[-k.Gravity], k.Type)
		places[k.Sweep], places[-k.Gravity] = true, true
	}
}

// What holds others is deleted before them.
func TestTheOrderOfASweep(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{
		"loadbalancer", "classic-loadbalancer", "instance", "vpc-endpoint", "network-interface", "volume", "security-group",
		"launch-template", "instance-profile", "queue", "log-group", "bucket",
	}, Swept())
}

func TestRowsAreFoundByEachName(t *testing.T) {
	t.Parallel()
	for _, k := range All() {
		byType, known := OfType(k.Type)
		require.True(t, known)
		require.Equal(t, k, byType)
		bySimulated, _ := OfSimulated(k.Simulated)
		require.Equal(t, k, bySimulated)
		byInventory, listed := OfInventory(k.Inventory)
		require.Equal(t, k.Inventory != NotListed, listed)
		require.True(t, !listed || byInventory == k)
	}
	_, known := OfType("aws:rds/instance:Instance")
	require.False(t, known)
}
