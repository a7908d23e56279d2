// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"pgregory.net/rapid"

	"emrflink/internal/golden"
)

const roleARN = "arn:aws:iam::111122223333:role/emr-eks-flink-us-west-2-flink-team-a-job"

func stack() map[string]any {
	return map[string]any{
		"region": "us-west-2", "emrReleaseLabel": "emr-7.13.0-flink-latest", "flinkVersion": "v1_20",
		"flinkOperatorNamespace": "flink-kubernetes-operator",
		"nodePools": []any{
			map[string]any{"name": "flink-compute-optimized", "arch": "amd64", "nodeGroupType": "FlinkComputeOptimized",
				"flinkRole": "taskmanager"},
			map[string]any{"name": "flink-compute-optimized-jobmanager", "arch": "amd64",
				"nodeGroupType": "FlinkComputeOptimized", "flinkRole": "jobmanager"},
			map[string]any{"name": "flink-graviton-memory-optimized", "arch": "arm64",
				"nodeGroupType": "FlinkGravitonMemoryOptimized", "flinkRole": "taskmanager"},
			map[string]any{"name": "flink-graviton-memory-optimized-jm", "arch": "arm64",
				"nodeGroupType": "FlinkGravitonMemoryOptimized", "flinkRole": "jobmanager"},
			map[string]any{"name": "lonely", "arch": "arm64", "nodeGroupType": "NoMaster", "flinkRole": "taskmanager"},
		},
		"teams": map[string]any{"flink-team-a": map[string]any{
			"namespace": "flink-team-a", "jobRoleArn": roleARN, "logGroup": "/aws/emr-flink/emr-eks-flink/flink-team-a",
			"checkpointUri": "s3://emr-eks-flink-111122223333-us-west-2-checkpoints/flink-team-a/checkpoints",
			"savepointUri":  "s3://emr-eks-flink-111122223333-us-west-2-checkpoints/flink-team-a/savepoints",
			"jobmanagerUri": "s3://emr-eks-flink-111122223333-us-west-2-checkpoints/flink-team-a/jobmanager",
			"jarsUri":       "s3://emr-eks-flink-111122223333-us-west-2-checkpoints/flink-team-a/jars",
			"logUri":        "s3://emr-eks-flink-111122223333-us-west-2-checkpoints/logs/flink-team-a",
		}},
	}
}

func spec(t *testing.T) Spec {
	t.Helper()
	s, err := SpecFrom(stack(), Options{})
	require.NoError(t, err)
	return s
}

// render renders the FlinkDeployment of each sample with its defaults.
func render(t *testing.T) map[string]*unstructured.Unstructured {
	t.Helper()
	all := map[string]*unstructured.Unstructured{}
	for name, objs := range renderAll(t) {
		all[name] = objs[0]
	}
	return all
}

// jarsFor is a folder with something for the jar of each sample.
func jarsFor(t *testing.T) string {
	t.Helper()
	jars := t.TempDir()
	for _, sample := range List() {
		require.NoError(t, os.WriteFile(filepath.Join(jars, sample.Name+".jar"), []byte("a jar"), 0o600))
	}
	return jars
}

// renderAll renders all objects of each sample.
func renderAll(t *testing.T) map[string][]*unstructured.Unstructured {
	t.Helper()
	all, jars := map[string][]*unstructured.Unstructured{}, jarsFor(t)
	for _, sample := range List() {
		s, err := SpecFrom(stack(), Options{Sample: sample.Name, Jars: jars, Set: exampleOf(sample)})
		require.NoError(t, err)
		objs, err := Render(s)
		require.NoError(t, err)
		all[sample.Name] = objs
	}
	return all
}

func TestTheCheckedInExampleIsWhatIsRendered(t *testing.T) {
	t.Parallel()
	for name, objs := range renderAll(t) {
		got, err := YAML(objs)
		require.NoError(t, err)
		head := "# The sample job `" + name + "` as `emrflink sample-job render " + name +
			"` prints it for the default deployment,\n" +
			"# in account 111122223333. A test keeps it equal to what is rendered.\n"
		golden.Equal(t, "../../examples/jobs/"+name+"/rendered.yaml", head+string(got))
	}
}

func TestEveryFlinkSettingIsAString(t *testing.T) {
	t.Parallel()
	for name, job := range render(t) {
		settings, _, err := unstructured.NestedMap(job.Object, "spec", "flinkConfiguration")
		require.NoError(t, err)
		require.NotEmpty(t, settings, name)
		for k, v := range settings {
			require.IsType(t, "", v, "%s: %s", name, k)
		}
	}
}

func TestCheckpointsUsePrestoAndTheRestHadoop(t *testing.T) {
	t.Parallel()
	bucket := "emr-eks-flink-111122223333-us-west-2-checkpoints"
	for name, job := range render(t) {
		for want, at := range map[string][]string{
			"s3p://" + bucket + "/flink-team-a/checkpoints/" + name: {"flinkConfiguration", "state.checkpoints.dir"},
			"s3://" + bucket + "/flink-team-a/savepoints/" + name:   {"flinkConfiguration", "state.savepoints.dir"},
			"s3://" + bucket + "/flink-team-a/jobmanager/" + name:   {"jobManager", "storageDir"},
			bucket + "/logs/flink-team-a/" + name: {
				"monitoringConfiguration", "s3MonitoringConfiguration", "logUri",
			},
		} {
			got, _, err := unstructured.NestedString(job.Object, append([]string{"spec"}, at...)...)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	}
}

func TestSpecFromRefusesByName(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options Options
		change  func(map[string]any)
		want    []string
	}{
		"an unknown sample names the known ones": {Options{Sample: "no-such"}, nil,
			[]string{`unknown sample job "no-such"`, "basic"}},
		"an unknown team names the known ones": {Options{Team: "x"}, nil, []string{`unknown team "x"`, "flink-team-a"}},
		"a pool without JobManager pool is none": {Options{NodePool: "lonely"}, nil,
			[]string{`unknown node pool "lonely"`, "flink-compute-optimized"}},
		"a bad name and parallelism come together": {Options{Name: "Basic_1", Parallelism: 1000}, nil,
			[]string{`job name "Basic_1"`, "parallelism 1000"}},
		"a stack without teams was never deployed": {Options{}, func(m map[string]any) { delete(m, "teams") },
			[]string{"deploy it first"}},
		"a stack without pools cannot run a job": {Options{}, func(m map[string]any) { delete(m, "nodePools") },
			[]string{"no node pool for Flink"}},
		"a missing release label is named": {Options{}, func(m map[string]any) { delete(m, "emrReleaseLabel") },
			[]string{"EMR release label"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := stack()
			if tc.change != nil {
				tc.change(m)
			}
			_, err := SpecFrom(m, tc.options)
			require.Error(t, err)
			for _, w := range tc.want {
				require.Contains(t, err.Error(), w)
			}
		})
	}
}

func TestEachFieldOfASpecIsChecked(t *testing.T) {
	t.Parallel()
	all := spec(t)
	var want []string
	for _, c := range []struct {
		change  func(*Spec)
		problem string
	}{
		{func(s *Spec) { s.RoleARN = "role" }, `execution role "role" is no IAM role ARN`},
		{func(s *Spec) { s.CheckpointURI = "b" }, `checkpointUri: "b" is no s3:// URI`},
		{func(s *Spec) { s.SavepointURI = "s3://" }, `savepointUri: "s3://" has no bucket`},
		{func(s *Spec) { s.JobManagerURI = "hdfs://x" }, `jobmanagerUri: "hdfs://x" is no s3:// URI`},
		{func(s *Spec) { s.LogURI = "" }, `logUri: "" is no s3:// URI`},
		{func(s *Spec) { s.Namespace = "" }, "the team has no namespace"},
		{func(s *Spec) { s.LogGroup = "" }, "the team has no log group"},
		{func(s *Spec) { s.EmrReleaseLabel = "7" }, `EMR release label "7" does not start with emr-`},
		{func(s *Spec) { s.FlinkVersion = "1.20" }, `Flink version "1.20" is not of the form v1_20`},
		{func(s *Spec) { s.Arch = "" }, "the node pool has no node group type or no architecture"},
		{func(s *Spec) { s.Parallelism = 257 }, "parallelism 257: 1 to 256"},
		{func(s *Spec) { s.Interval = 999 * time.Millisecond }, "checkpoint interval 999ms: at least 1s"},
	} {
		one := spec(t)
		c.change(&one)
		require.EqualError(t, one.Validate(), "invalid job: "+c.problem)
		c.change(&all)
		want = append(want, c.problem)
	}
	slices.Sort(want)
	require.Equal(t, &ValidationError{Problems: want}, all.Validate())
	for name, ok := range map[string]bool{
		"a": true, "a-1": true, strings.Repeat("a", 45): true, strings.Repeat("a", 46): false, "": false,
		"a-": false, "1a": false,
	} {
		s := spec(t)
		s.Name = name
		require.Equal(t, ok, s.Validate() == nil, name)
	}
	for parallelism, ok := range map[int]bool{0: false, 1: true, 256: true} {
		s := spec(t)
		s.Parallelism = parallelism
		require.Equal(t, ok, s.Validate() == nil, parallelism)
	}
}

// The vectors are those of the AWS CLI's own test of its encoder.
func TestBase36IsTheEncodingOfTheAWSCLI(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"abcdefghijkl": "2x6xx5ubcrus4bplmr0", "+=,.@-_": "3bu5b0xg4tb", "abcdefghijkl+=,.@-_": "1ll75jdngh5gbk11wbh7h35ji05wtb",
		"emr-on-eks-test-execution-role": "1sseqknnoni14bdu6yyw9n3ft32986beoj10gadqfez009x", "": "0",
	} {
		require.Equal(t, want, base36(name), name)
	}
	sa, err := ServiceAccount("arn:aws:iam::021732063925:role/emr-on-eks-test-execution-role", RoleJobManager)
	require.NoError(t, err)
	require.Equal(t, "emr-containers-sa-flink-jobmanager-021732063925-1sseqknnoni14bdu6yyw9n3ft32986beoj10gadqfez009x", sa)
}

func TestOfARoleWithAPathTheNameIsEncoded(t *testing.T) {
	t.Parallel()
	plain, err := ServiceAccount("arn:aws:iam::111122223333:role/name", RoleJobManager)
	require.NoError(t, err)
	below, err := ServiceAccount("arn:aws:iam::111122223333:role/a/path/name", RoleJobManager)
	require.NoError(t, err)
	require.Equal(t, plain, below)
	for _, arn := range []string{"", "role", "arn:aws:iam::111122223333:role/path/", "arn:aws:iam::111122223333:user/x",
		"arn:aws:iam::1:role/x"} {
		_, err := ServiceAccount(arn, RoleJobManager)
		require.Error(t, err, arn)
	}
}

func trust(operator, sub string) string {
	return `{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity",
		"Condition":{"` + operator + `":{"oidc.example/id:sub":"` + sub + `"},
		"StringEquals":{"oidc.example/id:aud":["sts.amazonaws.com"]}}}]}`
}

func TestTrustIsComparedWithTheNameThatEMRMakes(t *testing.T) {
	t.Parallel()
	sa, err := ServiceAccount(roleARN, RoleTaskManager)
	require.NoError(t, err)
	subject := Subject("flink-team-a", sa)
	_, role, err := roleOf(roleARN)
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		policy string
		want   bool
	}{
		"EMR's documented pattern": {
			trust("StringLike", "system:serviceaccount:flink-team-a:emr-containers-sa-*-*-111122223333-"+base36(role)), true},
		"the exact subject of any value": {trust("ForAnyValue:StringEquals", subject), true},
		"the exact subject by equality": {
			`{"Statement":[{"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity"],"Condition":{"StringEquals":{"o:sub":` +
				`["a","` + subject + `"]}}}]}`, true},
		"another namespace":        {trust("StringLike", "system:serviceaccount:other:emr-containers-sa-*"), false},
		"a pattern under equality": {trust("StringEquals", "system:serviceaccount:flink-team-a:*"), false},
		"the wrong sample of AWS's docs": {
			trust("StringLike", "system:serviceaccount:flink-team-a:emr-containers-sa-*-*-111122223333-2eum5f"), false},
		"no subject at all": {`{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole"}]}`, false},
	} {
		ok, why, err := TrustAllows(tc.policy, subject)
		require.NoError(t, err, name)
		require.Equal(t, tc.want, ok, name)
		require.Equal(t, tc.want, why == "", name)
	}
	_, _, err = TrustAllows("{", subject)
	require.Error(t, err)
}

func TestSplitURIUndoesJoining(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		bucket := rapid.StringMatching(`[a-z0-9][a-z0-9.-]{2,20}`).Draw(t, "bucket")
		key := rapid.StringMatching(`([a-z0-9]{1,5}(/[a-z0-9]{1,5}){0,3})?`).Draw(t, "key")
		scheme := rapid.SampledFrom([]string{"s3", "s3p", "s3a"}).Draw(t, "scheme")
		b, k, err := splitURI(scheme + "://" + bucket + "/" + key)
		if err != nil || b != bucket || k != key {
			t.Fatalf("got %q %q %v", b, k, err)
		}
	})
}
