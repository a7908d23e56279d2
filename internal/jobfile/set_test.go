// SPDX-License-Identifier: Apache-2.0

package jobfile

import (
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/flinkspec"
)

const twoJobs = "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\nmetadata: {name: cluster}\n" +
	"spec: {flinkVersion: v1_20}\n---\napiVersion: flink.apache.org/v1beta1\nkind: FlinkSessionJob\nmetadata: {name: one}\n" +
	"spec: {deploymentName: cluster, job: {jarURI: \"s3://b/j.jar\", args: [a, b], parallelism: 1}}\n"

func TestAValueIsSetAtItsPath(t *testing.T) {
	t.Parallel()
	for _, of := range []struct{ file, assignment, says string }{
		{good, "spec.job.parallelism=4", "parallelism: 4"},
		{good, "spec.flinkConfiguration.taskmanager.numberOfTaskSlots=3", `taskmanager.numberOfTaskSlots: "3"`},
		{good, "spec.flinkConfiguration.env.java.opts=-ea", `env.java.opts: "-ea"`},
		{good, "spec.taskManager.resource.memory=4g", `memory: "4g"`},
		{good, "spec.job.args=[--rate, 5]", "args: [--rate, 5]"},
		{good, "metadata.labels.team=7", `team: "7"`},
		{good, "spec.podTemplate.spec.containers[0].image=mine:1", "image: 'mine:1'"},
		{good, "spec.podTemplate.spec.nodeSelector.disk=nvme", "disk: nvme"},
		{twoJobs, "one/spec.job.args[1]=5", `args: [a, "5"]`},
		{twoJobs, "cluster/spec.flinkVersion=v1_19", `flinkVersion: "v1_19"`},
	} {
		f, err := Set(File{Name: "f", Text: []byte(of.file)}, of.assignment)
		require.NoError(t, err, of.assignment)
		filled, err := Fill(f, Values{})
		require.NoError(t, err)
		require.Contains(t, string(filled.Text), of.says)
		require.Contains(t, filled.Changes, Change{Object: "f", Path: of.assignment, What: "was set"})
	}
	for _, of := range []struct{ file, assignment, says string }{
		{good, "spec.job.paralelism=4", `spec.job has no field "paralelism"; the nearest is "parallelism"`},
		{good, "spec.flinkConfiguration.taskmanager.numberOfTaskSlot=3", `the nearest is "taskmanager.numberOfTaskSlots"`},
		{good, "spec.podTemplate.spec.nodeSelectr.a=b", `the nearest is "nodeSelector"`},
		{good, "spec.podTemplate.spec.containers[3].image=x", "there is nothing to put it into"},
		{good, "metadata.label.a=b", "metadata has no field"},
		{good, "parallelism=4", `an object has no field "parallelism"`},
		{good, "spec.job.parallelism", "not of the form PATH=VALUE"},
		{good, "spec.job.args=[", "is no YAML"},
		{twoJobs, "spec.job.parallelism=2", "begin the path with the name of one and a slash (cluster, one)"},
	} {
		_, err := Set(File{Name: "f", Text: []byte(of.file)}, of.assignment)
		require.ErrorContains(t, err, of.says)
	}
}

// What is said of a value that was set stands where the file has it, or the object around it.
func TestAProblemOfAValueThatWasSetHasALineOfTheFile(t *testing.T) {
	t.Parallel()
	f, err := Set(File{Name: "f", Text: []byte("# a comment\n\n" + good)}, "spec.job.parallelism=many")
	require.NoError(t, err)
	r := Check(f)
	require.Contains(t, codes(r), "error type spec.job.parallelism")
	for _, p := range r.Problems {
		require.Equal(t, 26, p.Line, p)
	}
}

func TestAJobIsRenamedBesideItsCluster(t *testing.T) {
	t.Parallel()
	for _, file := range []string{good, twoJobs} {
		f, err := Rename(File{Name: "f", Text: []byte(file)}, "other")
		require.NoError(t, err)
		objects := Objects(f)
		require.Equal(t, "other", objects[len(objects)-1]["metadata"].(map[string]any)["name"])
	}
	_, err := Rename(File{Name: "f", Text: []byte(good + "---\n" + good)}, "other")
	require.ErrorContains(t, err, "the file has 2 jobs, not one")
}

func TestAFileIsJudgedByTheVersionsThatAreChosen(t *testing.T) {
	t.Parallel()
	newer := "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\nmetadata: {name: n}\nspec:\n  flinkVersion: v2_0\n" +
		"  flinkConfiguration: {job: {autoscaler: {utilization: {target: \"0.6\"}}}, " +
		"job.autoscaler.target.utilization: \"0.6\"}\n"
	of := func(operator, label string) []string {
		by, err := flinkspec.ChooseVersions(operator, label)
		require.NoError(t, err)
		r := CheckBy(by, File{Name: "f", Text: []byte(newer)})
		require.Equal(t, by.Operator, r.Operator)
		return codes(r)
	}
	require.Subset(t, of("", ""), []string{
		"error newer-value spec.flinkVersion", "error nested-configuration spec.flinkConfiguration.job",
	})
	later := of("1.13", "")
	require.NotContains(t, later, "error newer-value spec.flinkVersion")
	require.NotContains(t, later, "error nested-configuration spec.flinkConfiguration.job")
	require.Contains(t, later, "warning newer-key spec.flinkConfiguration.job.autoscaler.target.utilization")

	by, err := flinkspec.ChooseVersions("", "emr-7.9.0-flink-latest")
	require.NoError(t, err)
	require.Equal(t, []string{"warning release spec.emrReleaseLabel"}, codes(CheckBy(by, File{Name: "f", Text: []byte(good)})))
	by, err = flinkspec.ChooseVersions("", "7.1.0")
	require.NoError(t, err)
	r := CheckBy(by, File{Name: "f", Text: []byte(good)})
	require.Contains(t, codes(r), "error release spec.emrReleaseLabel")
	require.Contains(t, r.NotChecked, "the configuration keys of Flink 1.18: those of 1.20 were taken")
}

// TestAScriptOfPythonIsTheJarAndTheArgument: EMR takes it for the jar and copies it to the image's folder.
func TestAScriptOfPythonIsTheJarAndTheArgument(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"[-py, old.py, --rate, \"5\"]", "[--python, old.py, --rate, \"5\"]", "[--rate, \"5\"]"} {
		text := "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\nmetadata:\n  name: a\nspec:\n  job:\n" +
			"    jarURI: local:///old.py\n    args: " + args + "\n"
		f, err := WithJar(File{Name: "f", Text: []byte(text)}, "s3://b/team/jars/job-12.py")
		require.NoError(t, err)
		job, _ := Objects(f)[0]["spec"].(map[string]any)
		require.Equal(t, map[string]any{"job": map[string]any{
			"jarURI": "s3://b/team/jars/job-12.py", "entryClass": pythonDriver,
			"args": []any{"-py", "/opt/flink/usrlib/job-12.py", "--rate", "5"},
		}}, job)
	}
}
