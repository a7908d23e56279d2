// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

const root = "../../.."

func readPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, pagePath))
	require.NoError(t, err)
	return string(text)
}

func TestThePageIsThatOfTheSource(t *testing.T) {
	t.Parallel()
	parts, err := written(root)
	require.NoError(t, err)
	text := readPage(t)
	filled, err := fill(text, parts)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(filled, text), "%s is stale; run: go run ./internal/tools/house (make docs does it too)", pagePath)
}

func TestEveryPackageAndEveryDecisionIsNamed(t *testing.T) {
	t.Parallel()
	text := readPage(t)
	packages, err := load(root)
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, p := range packages {
		seen[p.path] = true
		require.NotEmpty(t, p.doc, p.path)
		require.Truef(t, strings.Contains(text, "| [`"+p.path+"`](../"+p.path+") | "), "the page does not name %s", p.path)
	}
	for _, path := range []string{"cmd/emrflink", "stacks", "internal/localcloud/account", "localkube/internal/controlplane"} {
		require.Truef(t, seen[path], "%s of one of the two modules", path)
	}
	decisions, err := filepath.Glob(filepath.Join(root, "docs/adr/*.md"))
	require.NoError(t, err)
	require.NotEmpty(t, decisions)
	for _, d := range decisions {
		require.Truef(t, strings.Contains(text, "](adr/"+filepath.Base(d)+")"), "the page does not name %s", d)
	}
}

func TestWhatThePageNamesExists(t *testing.T) {
	t.Parallel()
	byHand, err := fill(readPage(t), map[string]string{"picture": "", "packages": "", "decisions": ""})
	require.NoError(t, err)
	wrong, err := wrongNames(root, byHand)
	require.NoError(t, err)
	require.Empty(t, wrong)
}

// TestAStrangerFindsWhereToChangeIt: each line says where, by the name of what has to be changed.
func TestAStrangerFindsWhereToChangeIt(t *testing.T) {
	t.Parallel()
	text := readPage(t)
	for what, where := range map[string]string{
		"the text that a replaced bucket loses its checkpoints": "[`bucketRows`](../internal/awskind/s3.go)",
		"the order in which cleanup deletes":                    "[`Cleanup.Run`](../internal/cleanup/cleanup.go)",
		"the CPU limit of a node pool":                          "[`defaultCPULimit`](../karpenter/pools.go)",
		"the permissions of a job":                              "[`Policy`](../components/team/policy.go)",
		"what kubectl sees of a node": "[`Kubelet.newNode`]" +
			"(../internal/localcloud/kubelet/nodespec.go)",
	} {
		_, line, ok := strings.Cut(text, "\n- To change **"+what+"**")
		require.True(t, ok, what)
		line, _, _ = strings.Cut(line, "\n- ")
		require.Contains(t, line, where)
	}
}

func TestAWrongNameIsSaid(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"[`Phases`](../internal/cleanup/cleanup.go)":      nil,
		"[`Cleanup.Run`](../internal/cleanup/cleanup.go)": nil,
		"[`Kind.Loss`](../internal/awskind/awskind.go)":   nil,
		"`internal/cli/NAME/NAME.go`, `make docs`":        nil,
		"[`Fazes`](../internal/cleanup/cleanup.go)":       {"Fazes: ../internal/cleanup/cleanup.go does not declare it"},
		"[`Run`](../internal/cleanup/cleanup.go)":         {"Run: ../internal/cleanup/cleanup.go does not declare it"},
		"[`Phases`](../internal/cleanup/gone.go)": {
			"Phases: the link goes to ../internal/cleanup/gone.go, which does not exist",
		},
		"`internal/gone`":    {"internal/gone: there is no such path"},
		"`make nothing`":     {"make nothing: there is no such target"},
		"`TestThatIsNoLink`": {"TestThatIsNoLink: make it a link to its file"},
		"`Cleanup.Run`":      {"Cleanup.Run: make it a link to its file"},
	} {
		wrong, err := wrongNames(root, text)
		require.NoError(t, err)
		require.Equal(t, want, wrong, text)
	}
}

func TestAPackageWithoutARoomIsSaid(t *testing.T) {
	t.Parallel()
	_, err := arrange([]pkg{{path: "internal/made-up"}})
	require.EqualError(t, err, `package "internal/made-up" is in no room: add its folder to one in internal/tools/house/rooms.go`)
}

func TestRoomsThatNeedEachOtherAreSaid(t *testing.T) {
	t.Parallel()
	all, err := arrange([]pkg{
		{path: "internal/cleanup", imports: []string{"internal/plans"}},
		{path: "internal/plans", imports: []string{"internal/engine"}},
		{path: "internal/engine", imports: []string{"internal/plans"}},
	})
	require.NoError(t, err)
	_, err = arrows(all)
	require.ErrorContains(t, err, `internal/plans imports internal/engine, but room "Adapters" needs room "Foundation"`)
}

func TestAnArrowThatFollowsFromOthersIsLeftOut(t *testing.T) {
	t.Parallel()
	all, err := arrange([]pkg{
		{path: "cmd/emrflink", imports: []string{"internal/adopt", "internal/plans"}},
		{path: "internal/adopt", imports: []string{"internal/plans"}}, {path: "internal/plans"},
	})
	require.NoError(t, err)
	got, err := arrows(all)
	require.NoError(t, err)
	commands, operations, foundation := roomOf(all, "cmd/emrflink"), roomOf(all, "internal/adopt"), roomOf(all, "internal/plans")
	require.Equal(t, []int{operations}, got[commands])
	require.Equal(t, []int{foundation}, got[operations])
}

func TestAPageWithoutAPlaceIsRefused(t *testing.T) {
	t.Parallel()
	_, err := fill("# nothing\n", map[string]string{"picture": ""})
	require.ErrorContains(t, err, `the page has no place for "picture"`)
}
