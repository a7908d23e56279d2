// SPDX-License-Identifier: Apache-2.0

package awskind

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

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
	need(k.Adopt != "", "rule of adoption (AdoptNever says that it has none)")
	need(k.Adopt != AdoptByTags || listed && k.Tags != Untagged, "tags or no place in the inventory, by which it is adopted")
	need(slices.ContainsFunc(Phases(), func(p Phase) bool { return p.Name == k.Phase }), "phase of a deploy")
	return out
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
		Inventory: "repository", Price: Free, Loss: "images", Adopt: "{name}", Phase: PhaseRest,
	}
	require.Equal(t, []string{"aws:ecr/repository:Repository: no delete command"}, holes(repository))
	require.Len(t, holes(Kind{Type: "aws:ecr/repository:Repository"}), 8)
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
		"loadbalancer", "instance", "network-interface", "volume", "security-group", "launch-template", "instance-profile",
		"queue", "log-group", "bucket",
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

func TestPhaseOfAResource(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ chain, want string }{
		"a VPC of the network": {"emrflink:network:Network$aws:ec2/vpc:Vpc", PhaseNetwork},
		"a role inside Karpenter": {"emrflink:karpenter:Karpenter$emrflink:irsa:Role$aws:iam/role:Role",
			PhaseKarpenter},
		"a node pool of Karpenter": {"emrflink:karpenter:Karpenter$kubernetes:karpenter.sh/v1:NodePool",
			PhaseNodePools},
		"a node group of the cluster":          {"emrflink:cluster:CoreNodes$aws:eks/nodeGroup:NodeGroup", PhaseCoreNodes},
		"a key of the encryption":              {"emrflink:encryption:Key$aws:kms/key:Key", PhaseKey},
		"a namespace of a team":                {"emrflink:team:Team$kubernetes:core/v1:Namespace", PhaseTeams},
		"a bucket on its own":                  {"aws:s3/bucketV2:BucketV2", PhaseBucket},
		"the cluster's component of Pulumi":    {"eks:index:Cluster", PhaseCluster},
		"a queue on its own":                   {"aws:sqs/queue:Queue", PhaseRest},
		"something that nobody thought of yet": {"random:index:Pet", PhaseRest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			typ := c.chain[strings.LastIndex(c.chain, "$")+1:]
			require.Equal(t, c.want, PhaseOf("urn:pulumi:s::p::"+c.chain+"::n", typ))
		})
	}
}

// The types are read from the source: a new component has to be given a phase.
func TestEveryComponentHasAPhase(t *testing.T) {
	t.Parallel()
	token := regexp.MustCompile(`Token = "(emrflink:\w+:\w+)"`)
	inOthers := []string{"emrflink:irsa:Role"} // only ever a part of other components
	found := map[string]bool{}
	for _, root := range []string{"../../components", "../../karpenter"} {
		require.NoError(t, filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			for _, m := range token.FindAllStringSubmatch(string(source), -1) {
				found[m[1]] = true
			}
			return err
		}))
	}
	require.Greater(t, len(found), 10)
	for typ := range found {
		require.Equal(t, slices.Contains(inOthers, typ), phaseOfComponent(typ) == "", typ)
	}
	for pkg := range componentPhases() {
		require.DirExists(t, map[bool]string{true: "../../karpenter", false: "../../components/" + pkg}[pkg == "karpenter"])
	}
}

func TestPhasesTakeWhatTheirSlowestKindTakes(t *testing.T) {
	t.Parallel()
	for _, p := range Phases() {
		want, known := map[string]time.Duration{
			PhaseNetwork: 106 * time.Second, PhaseCluster: 617 * time.Second, PhaseCoreNodes: 119 * time.Second,
		}[p.Name]
		require.True(t, !known || p.Expected == want, p.Name)
	}
}
