// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/examples"
	"emrflink/internal/cost"
)

// withFolder is the embedded tree and one folder more.
func withFolder(t *testing.T, files map[string]string) fs.FS {
	t.Helper()
	tree := fstest.MapFS{}
	require.NoError(t, fs.WalkDir(examples.Jobs, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(examples.Jobs, path)
		tree[path] = &fstest.MapFile{Data: text}
		return err
	}))
	for name, text := range files {
		tree["jobs/a-new-one/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	return tree
}

func TestEachFolderIsASampleOfAKnownSize(t *testing.T) {
	t.Parallel()
	all, err := samplesIn(examples.Jobs)
	require.NoError(t, err)
	require.Equal(t, defaultSample, all[0].Name)
	for _, s := range all {
		require.NotEmpty(t, s.JarURI, s.Name)
		pods, err := s.footprints(Spec{Sample: s.Name, NodeGroupType: "group", Arch: "arm64", Parallelism: 3})
		require.NoError(t, err)
		for i, role := range []string{RoleJobManager, RoleTaskManager} {
			require.Equal(t, role, pods[i].Role)
			require.Positive(t, pods[i].Count)
			require.Equal(t, map[string]string{
				"NodeGroupType": "group", "FlinkRole": role, "kubernetes.io/arch": "arm64",
			}, pods[i].Selector, s.Name)
		}
	}
}

func TestTheDefaultSampleTakesTheseResources(t *testing.T) {
	t.Parallel()
	selector := func(role string) map[string]string {
		return map[string]string{"NodeGroupType": "g", "FlinkRole": role, "kubernetes.io/arch": "amd64"}
	}
	require.Equal(t, []cost.Pods{
		{Role: RoleJobManager, Count: 2, MilliCPU: 1500, MemoryMiB: 2298, Selector: selector(RoleJobManager)},
		{Role: RoleTaskManager, Count: 5, MilliCPU: 1500, MemoryMiB: 2298, Selector: selector(RoleTaskManager)},
	}, SamplePods("g", "amd64", 5))
}

func TestEveryVariableIsDocumented(t *testing.T) {
	t.Parallel()
	readme, err := fs.ReadFile(examples.Jobs, "jobs/README.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(readme), "| variable |")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n\n")
	var documented []string
	for row := range strings.Lines(table) {
		names, _, _ := strings.Cut(strings.TrimPrefix(row, "|"), "|")
		for i, part := range strings.Split(names, "`") {
			if i%2 == 1 {
				documented = append(documented, part)
			}
		}
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(Spec{}.variables())), documented)
}

func TestANewFolderIsANewSample(t *testing.T) {
	t.Parallel()
	tree := withFolder(t, map[string]string{
		"README.md": "# SQL\n\nCounts words,\nwith SQL.\n\nMore.\n",
		"count.sql": "SELECT '${name}';\n",
		"manifest.yaml": "kind: FlinkDeployment\nmetadata: {labels: {mine: kept}}\nspec:\n  job:\n" +
			"    jarURI: local:///sql.jar\n" +
			"    parallelism: ${parallelism}\n    args: [\"${file:count.sql}\", \"run-${name}-${parallelism}\"]\n",
	})
	all, err := samplesIn(tree)
	require.NoError(t, err)
	require.Len(t, all, len(List())+1)
	require.Equal(t, defaultSample, all[0].Name, "a new sample is not the default, whatever its name")
	added := all[1]
	require.Equal(t, []string{"a-new-one", "SQL", "Counts words, with SQL.", "local:///sql.jar"},
		[]string{added.Name, added.Title, added.Description, added.JarURI})

	// What a variable contains stays text: it is not a part of the manifest.
	objs, err := added.render(Spec{Sample: added.Name, Name: "n: [", Parallelism: 3})
	require.NoError(t, err)
	job := objs[0]
	require.Equal(t, map[string]string{"mine": "kept", labelManagedBy: managedBy, labelSample: "a-new-one"}, job.GetLabels())
	args, _, err := unstructured.NestedStringSlice(job.Object, "spec", "job", "args")
	require.NoError(t, err)
	require.Equal(t, []string{"SELECT '${name}';\n", "run-n: [-3"}, args)
	parallelism, _, err := unstructured.NestedInt64(job.Object, "spec", "job", "parallelism")
	require.NoError(t, err)
	require.EqualValues(t, 3, parallelism)
	again, err := added.render(Spec{Sample: added.Name, Parallelism: 4})
	require.NoError(t, err)
	require.NotEqual(t, job, again, "the first rendering left the manifest as it was")
}

// TestASizeThatIsMissingIsNamed: what a cost or a preflight would be wrong about.
func TestASizeThatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	manifest, err := fs.ReadFile(examples.Jobs, "jobs/basic/manifest.yaml")
	require.NoError(t, err)
	for before, want := range map[string]string{
		`numberOfTaskSlots: "1"`: "task slots", "cpuLimit: 500m": "CPU of the sidecar",
		"memoryLimit: 250Mi": "memory of the sidecar",
		"memory: 2048m":      "memory of the pods",
	} {
		key, _, _ := strings.Cut(before, ":")
		for _, value := range []string{`"0"`, `""`, "x"} {
			changed := strings.ReplaceAll(string(manifest), before, key+": "+value)
			all, err := samplesIn(withFolder(t, map[string]string{"README.md": "# T\n\nD.\n", "manifest.yaml": changed}))
			require.NoError(t, err)
			_, err = all[1].footprints(Spec{Parallelism: 1})
			require.ErrorContains(t, err, `sample job "a-new-one": `+want, value)
		}
	}
}

func TestAMistakeInAFolderIsNamed(t *testing.T) {
	t.Parallel()
	const readme, kind = "# T\n\nD.\n", "kind: FlinkDeployment\n"
	for want, files := range map[string]map[string]string{
		"README.md: file does not exist":           {"manifest.yaml": kind},
		"manifest.yaml: file does not exist":       {"README.md": readme},
		"a heading (# TITLE) and a paragraph come": {"README.md": "# T\n", "manifest.yaml": kind},
		`kind is "Pod", not FlinkDeployment`:       {"README.md": readme, "manifest.yaml": "kind: Pod\n"},
		`key "kind" already set in map`:            {"README.md": readme, "manifest.yaml": kind + kind},
	} {
		all, err := samplesIn(withFolder(t, files))
		require.ErrorContains(t, err, `sample job "a-new-one"`)
		require.ErrorContains(t, err, want)
		require.Len(t, all, len(List()), "the others stay")
	}
	for want, value := range map[string]string{"unknown variable ${nmae}": "${nmae}", "no.sql": "${file:no.sql}"} {
		manifest := kind + "spec: {x: \"" + value + "\"}\n"
		all, err := samplesIn(withFolder(t, map[string]string{"README.md": readme, "manifest.yaml": manifest}))
		require.NoError(t, err)
		_, err = all[1].render(Spec{})
		require.ErrorContains(t, err, want)
		_, err = all[1].footprints(Spec{})
		require.Error(t, err)
	}
}
