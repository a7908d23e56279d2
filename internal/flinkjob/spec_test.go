// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite the checked-in examples")

const roleARN = "arn:aws:iam::111122223333:role/emr-eks-flink-us-west-2-flink-team-a-job"

func stack() map[string]any {
	return map[string]any{
		"emrReleaseLabel": "emr-7.13.0-flink-latest", "flinkVersion": "v1_20",
		"flinkOperatorNamespace": "flink-kubernetes-operator",
		"nodePools": []any{
			map[string]any{"name": "flink-compute-optimized", "arch": "amd64", "nodeGroupType": "FlinkComputeOptimized",
				"flinkRole": "taskmanager"},
			map[string]any{"name": "flink-compute-optimized-jobmanager", "arch": "amd64",
				"nodeGroupType": "FlinkComputeOptimized", "flinkRole": "jobmanager"},
			map[string]any{"name": "lonely", "arch": "arm64", "nodeGroupType": "NoMaster", "flinkRole": "taskmanager"},
		},
		"teams": map[string]any{"flink-team-a": map[string]any{
			"namespace": "flink-team-a", "jobRoleArn": roleARN, "logGroup": "/aws/emr-flink/emr-eks-flink/flink-team-a",
			"checkpointUri": "s3://emr-eks-flink-111122223333-us-west-2-checkpoints/flink-team-a/checkpoints",
			"savepointUri":  "s3://emr-eks-flink-111122223333-us-west-2-checkpoints/flink-team-a/savepoints",
			"jobmanagerUri": "s3://emr-eks-flink-111122223333-us-west-2-checkpoints/flink-team-a/jobmanager",
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

func TestTheCheckedInExampleIsWhatIsRendered(t *testing.T) {
	t.Parallel()
	objs, err := Render(spec(t))
	require.NoError(t, err)
	got, err := YAML(objs)
	require.NoError(t, err)
	head := "# The sample job `basic` as `emrflink sample-job render basic` prints it for the default deployment,\n" +
		"# in account 111122223333. A test keeps it equal to what is rendered.\n"
	path := filepath.Join("..", "..", "examples", "basic.yaml")
	if *update {
		require.NoError(t, os.WriteFile(path, append([]byte(head), got...), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(string(want), head+string(got)), "go test ./internal/flinkjob -update rewrites it")
}

func TestEveryFlinkSettingIsAString(t *testing.T) {
	t.Parallel()
	for k, v := range spec(t).configuration() {
		require.IsType(t, "", v, k)
	}
}

func TestCheckpointsUsePrestoAndTheRestHadoop(t *testing.T) {
	t.Parallel()
	s := spec(t)
	c := s.configuration()
	require.True(t, strings.HasPrefix(c["state.checkpoints.dir"].(string), "s3p://"))
	require.True(t, strings.HasPrefix(c["state.savepoints.dir"].(string), "s3://"))
	require.Equal(t, "emr-eks-flink-111122223333-us-west-2-checkpoints/logs/flink-team-a/basic",
		s.monitoring()["s3MonitoringConfiguration"].(obj)["logUri"])
}

func TestSpecFromRefusesByName(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options Options
		change  func(map[string]any)
		want    []string
	}{
		"an unknown sample names the known ones": {Options{Sample: "kafka"}, nil,
			[]string{`unknown sample job "kafka"`, "basic"}},
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

func TestRolesWithAPathOrOfAnotherServiceAreRefused(t *testing.T) {
	t.Parallel()
	for _, arn := range []string{"", "role", "arn:aws:iam::111122223333:role/path/name", "arn:aws:iam::111122223333:user/x",
		"arn:aws:iam::1:role/x"} {
		_, err := ServiceAccount(arn, RoleJobManager)
		require.Error(t, err, arn)
	}
}

func trust(operator, sub string) string {
	return `{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Condition":{"` + operator + `":{"oidc.example/id:sub":"` + sub + `"},
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
