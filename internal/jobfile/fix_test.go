// SPDX-License-Identifier: Apache-2.0

package jobfile

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/golden"
)

var teamA = Values{
	Namespace: "flink-team-a", RoleARN: "arn:aws:iam::111122223333:role/flink-team-a-job", Region: "us-west-2",
	LogGroup: "/aws/emr-flink/flink-team-a", LogURI: "bucket/logs/flink-team-a",
	CheckpointURI: "s3://bucket/flink-team-a/checkpoints",
	SavepointURI:  "s3://bucket/flink-team-a/savepoints", JobManagerURI: "s3://bucket/flink-team-a/jobmanager",
	EmrReleaseLabel: "emr-7.13.0-flink-latest", FlinkVersion: "v1_20", NodeGroupType: "FlinkComputeOptimized",
	JobManagerRole: "jobmanager", TaskManagerRole: "taskmanager",
}

// What becomes of the files that people wrote is in golden files, with what is left for their authors.
func TestFilesThatPeopleWroteAreMended(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/cases/*.yaml")
	require.NoError(t, err)
	left := map[string][]string{}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		fixed, err := Fix(File{Name: name, Text: content}, teamA)
		require.NoError(t, err)
		require.NotEmpty(t, fixed.Changes, name)
		for _, c := range fixed.Changes {
			require.NotContains(t, fmt.Sprint(c), "canary", name)
			require.NotContains(t, fmt.Sprint(c), "wJalrXUtnFEMI", name)
		}
		first, _, _ := strings.Cut(string(content), "\n")
		require.True(t, strings.HasPrefix(string(fixed.Text), first), "the comment at the head stays")
		golden.Equal(t, "testdata/fixed/"+name+".txt", string(fixed.Text))
		for _, p := range fixed.Left.Problems {
			if p.Severity == Error {
				left[name] = append(left[name], p.Code+" "+p.Path)
			}
		}
		again, err := Fix(File{Name: name, Text: fixed.Text}, teamA)
		require.NoError(t, err)
		require.Empty(t, again.Changes, "%s: what is mended stays as it is", name)
		require.Equal(t, string(fixed.Text), string(again.Text))
	}
	require.Equal(t, map[string][]string{
		"placeholders": {"placeholder spec.job.args[0]", "placeholder spec.job.args[2]"},
		"sessions":     {"volume spec.podTemplate.spec.volumes[0].persistentVolumeClaim.claimName", "operator spec.job"},
	}, left, "only these are for their authors")
}

// ofTheAuthor are codes that no rule and no value of a stack decides.
var ofTheAuthor = []string{
	"unknown-field", "choice", "kind", "name", "duplicate", "syntax", "value", "memory", "jar", "savepoint", "volume",
	"main-container", "value-from", "parallelism", "slots", "unknown-key", "metrics",
}

func TestAFaultIsMendedOrLeftToItsAuthor(t *testing.T) {
	t.Parallel()
	for _, f := range faults {
		faulty := strings.Replace(good, f.old, f.new, 1)
		fixed, err := Fix(File{Name: "job.yaml", Text: []byte(faulty)}, teamA)
		if f.code == "syntax" {
			require.ErrorContains(t, err, "no YAML", f.what)
			continue
		}
		require.NoError(t, err, f.what)
		still := slices.ContainsFunc(fixed.Left.Problems, func(p Problem) bool { return p.Code == f.code })
		author := slices.Contains(ofTheAuthor, f.code) && f.what != "a version that does not exist" ||
			slices.Contains([]string{
				"a name with a capital", "a name that is too long", "memory in words", "a secret in a variable",
				"a variable of a field",
			}, f.what)
		require.Equal(t, author, still, "%s: %v", f.what, codes(fixed.Left))
		if !author && f.what != "a text as a number" { // how much memory was meant is the author's
			require.Zero(t, fixed.Left.Errors, "%s: %v\n%s", f.what, codes(fixed.Left), fixed.Text)
		}
	}
	fixed, err := Fix(File{Name: "job.yaml", Text: []byte(good)}, teamA)
	require.NoError(t, err)
	require.Empty(t, fixed.Changes)
	require.Equal(t, good, string(fixed.Text), "a good file stays as it is, byte for byte")
}

func TestAmountsOfKubernetesAreConverted(t *testing.T) {
	t.Parallel()
	for amount, want := range map[string]string{
		"2Gi": `memory: "2048m"`, "2000Mi": `memory: "2000m"`, "2G": `memory: "1907m"`, "2048m": "",
	} {
		faulty := strings.Replace(good, `resource: {memory: "2048m", cpu: 1}`,
			"resources: {limits: {memory: "+amount+", cpu: 500m}}", 1)
		fixed, err := Fix(File{Name: "job.yaml", Text: []byte(faulty)}, teamA)
		require.NoError(t, err)
		if want == "" {
			require.Contains(t, string(fixed.Text), "memory: 2048m", "two bytes are what nobody meant: left as it is")
			continue
		}
		require.Contains(t, string(fixed.Text), want)
		require.Contains(t, string(fixed.Text), "cpu: 0.5")
	}
}

// A file of another cluster, with the variables of envsubst: its objects and its logs become the team's when the file is mended;
// a run fills in only what nobody wrote.
func TestAFileOfAnotherClusterBecomesTheTeams(t *testing.T) {
	t.Parallel()
	file := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: flink-team-a-ns}\n---\n" + strings.NewReplacer(
		"namespace: flink-team-a", "namespace: flink-team-a-ns", "arn:aws:iam::111122223333:role/flink-team-a-job",
		"$FLINK_JOB_ROLE", "s3p://bucket/flink-team-a", "s3://$S3_BUCKET", "s3://bucket/flink-team-a", "s3://$S3_BUCKET",
		"  flinkVersion", "  monitoringConfiguration: {s3MonitoringConfiguration: {logUri: $S3_BUCKET/logs}}\n  flinkVersion",
	).Replace(good)
	fixed, err := Fix(File{Name: "job.yaml", Text: []byte(file)}, teamA)
	require.NoError(t, err)
	require.Zero(t, fixed.Left.Errors, codes(fixed.Left))
	require.NotContains(t, string(fixed.Text), "flink-team-a-ns")
	require.NotContains(t, string(fixed.Text), "$")
	require.Contains(t, string(fixed.Text), "logUri: bucket/logs/flink-team-a}")
	require.Equal(t, 2, strings.Count(string(fixed.Text), "namespace: flink-team-a}"))
	other, err := Fix(File{Name: "job.yaml", Text: []byte(strings.Replace(file, "$S3_BUCKET/logs", "elsewhere/logs", 1))}, teamA)
	require.NoError(t, err)
	require.Contains(t, string(other.Text), "logUri: bucket/logs/flink-team-a}", "its role may write there only")

	jar := strings.Replace(good, "local:///opt/flink/examples/streaming", "s3://<your-bucket>/jars", 1)
	of, err := Fill(File{Name: "job.yaml", Text: []byte(jar)}, teamA)
	require.NoError(t, err)
	require.Contains(t, string(of.Text), "s3://bucket/jars/StateMachineExample.jar")

	filled, err := Fill(File{Name: "job.yaml", Text: []byte(file)}, teamA)
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(filled.Text), "namespace: flink-team-a-ns}"), "what the author wrote stays")
	require.Contains(t, string(filled.Text), "logUri: bucket/logs/flink-team-a}")
	require.NotContains(t, string(filled.Text), "$")
}
