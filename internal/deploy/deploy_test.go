// SPDX-License-Identifier: Apache-2.0

package deploy

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

	"emrflink/internal/awskind"
)

func TestPhaseOfAResource(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ chain, want string }{
		"a VPC of the network":                 {"emrflink:network:Network$aws:ec2/vpc:Vpc", Network},
		"a role inside Karpenter":              {"emrflink:karpenter:Karpenter$emrflink:irsa:Role$aws:iam/role:Role", Karpenter},
		"a node pool of Karpenter":             {"emrflink:karpenter:Karpenter$kubernetes:karpenter.sh/v1:NodePool", NodePools},
		"a node group of the cluster":          {"emrflink:cluster:Cluster$aws:eks/nodeGroup:NodeGroup", CoreNodes},
		"a component inside another":           {"emrflink:observability:Metrics$emrflink:irsa:Role$aws:iam/role:Role", Addons},
		"a namespace of a team":                {"emrflink:team:Team$kubernetes:core/v1:Namespace", Teams},
		"a key of the encryption":              {"emrflink:encryption:Key$aws:kms/key:Key", Network},
		"the cluster's component of Pulumi":    {"eks:index:Cluster", Cluster},
		"a queue on its own":                   {"aws:sqs/queue:Queue", Everything},
		"a bucket on its own":                  {"aws:s3/bucketV2:BucketV2", Bucket},
		"something that nobody thought of yet": {"random:index:Pet", Everything},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			typ := c.chain[max(0, lastDollar(c.chain)):]
			require.Equal(t, c.want, PhaseOf("urn:pulumi:s::p::"+c.chain+"::n", typ))
		})
	}
}

// Every phase that the catalogue names is one of a deploy, and those that wait for AWS take what their slowest kind takes.
func TestPhasesAreThoseOfTheCatalogue(t *testing.T) {
	t.Parallel()
	expected := map[string]time.Duration{}
	for _, p := range Phases() {
		expected[p.Name] = p.Expected
	}
	for _, k := range awskind.All() {
		require.Contains(t, expected, k.Phase, k.Type)
	}
	require.Equal(t, []time.Duration{106 * time.Second, 617 * time.Second, 119 * time.Second, 54 * time.Second},
		[]time.Duration{expected[Network], expected[Cluster], expected[CoreNodes], expected[Addons]})
}

// The types are read from the source: a new component has to be given a phase, also one that no graph has yet.
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
		require.Equal(t, slices.Contains(inOthers, typ), ComponentPhase(typ) == "", typ)
	}
}

func lastDollar(s string) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '$' {
			return i + 1
		}
	}
	return 0
}
