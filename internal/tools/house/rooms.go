// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"
)

// room is a group of packages that do one kind of work: a box of the picture.
type room struct {
	title, purpose string
	// folders are packages; one that ends in /... includes everything below it. The longest match decides.
	folders []string
	// starts are the titles of rooms that are reached through a process or a connection, which no import shows.
	starts []string

	packages []pkg
}

// rooms are those of the project, from the command line down.
func rooms() []room {
	return []room{
		{title: "Command line",
			purpose: "One package per command: flags, questions, printing. `internal/cli/wire` puts the parts together.",
			folders: []string{"cmd/emrflink", "internal/cli/..."}},
		{title: "Operations", purpose: "What the commands do, each with its result and its JSON document.",
			folders: []string{
				"internal/adopt", "internal/cleanup", "internal/cost/live", "internal/dashboards", "internal/deploy",
				"internal/diagnose",
				"internal/drift/...",
				"internal/flinkjob/...", "internal/jarcheck", "internal/jobfile", "internal/jobinit",
				"internal/observe", "internal/preflight", "internal/preview", "internal/stackconfig", "internal/upgrade",
			}},
		{title: "Target", purpose: "The only place that knows whether AWS is real.",
			folders: []string{"internal/target", "internal/outofband"}},
		{title: "Simulated account", purpose: "The AWS account, its API, the provider servers and the nodes of the local target.",
			folders: []string{"internal/localcloud/..."}, starts: []string{"Control plane"}},
		{title: "Adapters", purpose: "The only access to the Pulumi engine, AWS, Kubernetes, Flink and registries of charts.",
			folders: []string{
				"internal/engine/...", "internal/awsapi", "internal/flinkhome", "internal/flinkrest", "internal/helmchart",
				"internal/kube/...",
			},
			starts: []string{"Simulated account"}},
		{title: "Knowledge",
			purpose: "Facts about AWS kinds, prices, replacements and IAM, and the rules that check a graph with them. " +
				"Nothing is contacted.",
			folders: []string{
				"internal/awskind", "internal/cost", "internal/findings", "internal/flinkspec", "internal/flinkstate",
				"internal/graph", "internal/iam", "internal/policy", "internal/replacement",
			}},
		{title: "Pulumi program",
			purpose: "The blueprint and its components. Other people import these packages: nothing here imports `internal/`.",
			folders: []string{"cmd/blueprint", "stacks/...", "components/...", "karpenter", "observability", "examples/..."}},
		{title: "Foundation", purpose: "Small packages and shared types that all other packages can use.",
			folders: []string{
				"internal/check", "internal/disk", "internal/exitcode", "internal/iostreams", "internal/localtarget",
				"internal/mask", "internal/runlog",
				"internal/pattern", "internal/plans", "internal/proppath", "internal/stack", "internal/untyped",
			}},
		{title: "Control plane", purpose: "A separate Go module: Kubernetes and Karpenter, unmodified, as one program.",
			folders: []string{"localkube/..."}},
		{title: "Tools and tests", purpose: "Not part of a release.",
			folders: []string{
				"internal", "internal/chaos", "internal/e2e", "internal/golden", "internal/graphcheck", "internal/leanstart",
				"internal/program",
				"internal/tools/...",
			}},
	}
}

// arrange puts each package into its room.
func arrange(packages []pkg) ([]room, error) {
	all := rooms()
	for _, p := range packages {
		i := roomOf(all, p.path)
		if i < 0 {
			return nil, fmt.Errorf("package %q is in no room: add its folder to one in internal/tools/house/rooms.go", p.path)
		}
		all[i].packages = append(all[i].packages, p)
	}
	return all, nil
}

// roomOf is the room of a folder, -1 for none.
func roomOf(all []room, path string) int {
	best, length := -1, -1
	for i, r := range all {
		for _, f := range r.folders {
			root, open := strings.CutSuffix(f, "/...")
			fits := path == root || open && strings.HasPrefix(path, root+"/")
			if fits && len(root) > length {
				best, length = i, len(root)
			}
		}
	}
	return best
}

// arrows are the imports between rooms: of each room, those that it needs. What follows from other arrows is left out.
func arrows(all []room) ([][]int, error) {
	needs := make([][]int, len(all))
	for i, r := range all {
		for _, p := range r.packages {
			for _, path := range p.imports {
				if j := roomOf(all, path); j != i && !slices.Contains(needs[i], j) {
					needs[i] = append(needs[i], j)
				}
			}
		}
		slices.Sort(needs[i])
	}
	for i := range all {
		for _, j := range needs[i] {
			if j < i && reaches(needs, j, i) { // every circle has an arrow that goes up
				return nil, fmt.Errorf("%s, but room %q needs room %q: imports go one way; remove this one, or move a "+
					"package in internal/tools/house/rooms.go", firstImport(all, i, j), all[j].title, all[i].title)
			}
		}
	}
	kept := make([][]int, len(all))
	for i := range all {
		for _, j := range needs[i] {
			if !slices.ContainsFunc(needs[i], func(k int) bool { return k != j && reaches(needs, k, j) }) {
				kept[i] = append(kept[i], j)
			}
		}
	}
	return kept, nil
}

// firstImport is an import from one room into another, in words.
func firstImport(all []room, from, to int) string {
	for _, p := range all[from].packages {
		for _, path := range p.imports {
			if roomOf(all, path) == to {
				return p.path + " imports " + path
			}
		}
	}
	return ""
}

// reaches tells whether a room needs another, directly or through others.
func reaches(needs [][]int, from, to int) bool {
	seen := make([]bool, len(needs))
	next := []int{from}
	for len(next) > 0 {
		at := next[0]
		next = next[1:]
		if at == to {
			return true
		}
		if !seen[at] {
			seen[at] = true
			next = append(next, needs[at]...)
		}
	}
	return false
}
