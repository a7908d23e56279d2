// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"emrflink/components/team"
	"emrflink/internal/awsapi"
)

// role is what a role may do, or why it cannot be read.
type role struct {
	have awsapi.RolePolicies
	err  error
}

func (g role) RolePolicies(context.Context, string) (awsapi.RolePolicies, error) {
	return g.have, g.err
}

const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// sampleJobs are those of a sample of which everything is given.
func sampleJobs(t *testing.T, name string, set ...string) []Job {
	t.Helper()
	s, err := findSample(name)
	require.NoError(t, err)
	spec, err := SpecFrom(stack(), Options{Sample: name, Jars: jarsFor(t), Set: append(exampleOf(s), set...)})
	require.NoError(t, err)
	jobs, err := spec.Jobs()
	require.NoError(t, err)
	return jobs
}

// Each sample with a policy is refused to a role without it, before anything is uploaded or submitted; with the lines that the
// refusal has, it is not.
func TestARoleWithoutThePermissionsOfASampleIsRefused(t *testing.T) {
	t.Parallel()
	policies := 0
	for _, s := range List() {
		jobs := sampleJobs(t, s.Name)
		check := func(g role) error {
			g.have.Policies = append(g.have.Policies, teamPolicy(t))
			return Runner{Kube: healthyCluster(), Objects: &bucket{}, Grants: g}.Preflight(t.Context(), jobs[0])
		}
		if policy, _ := s.policy(spec(t)); policy == nil {
			own := role{have: awsapi.RolePolicies{Policies: []string{teamPolicy(t)}}}
			found, err := Runner{Kube: healthyCluster(), Grants: own}.checkPermissions(t.Context(), jobs[0])
			require.NoError(t, err)
			require.Empty(t, texts(found), "the team's own policy is enough for %s", s.Name)
			continue
		}
		policies++
		err := check(role{})
		var p *PreflightError
		require.ErrorAs(t, err, &p, s.Name)
		require.Contains(t, p.Problems[0], `role "emr-eks-flink-us-west-2-flink-team-a-job" may not `, s.Name)
		var file struct {
			Teams []struct {
				Name     string
				Policies []any
			} `json:"emrflink:teams"`
		}
		require.NoError(t, yaml.Unmarshal([]byte(p.Lines), &file), p.Lines)
		require.Equal(t, "flink-team-a", file.Teams[0].Name)
		granted, err := yaml.Marshal(file.Teams[0].Policies[0])
		require.NoError(t, err)
		document, err := yaml.YAMLToJSON(granted)
		require.NoError(t, err)
		require.NoError(t, check(role{have: awsapi.RolePolicies{Policies: []string{string(document)}}}), s.Name)
		require.NoError(t, check(role{have: awsapi.RolePolicies{Policies: []string{everything}}}), s.Name)
		bounded := awsapi.RolePolicies{Policies: []string{everything}, Boundary: strings.ReplaceAll(everything, `"Action":"*"`,
			`"Action":"s3:*"`)}
		require.ErrorAs(t, check(role{have: bounded}), &p, s.Name)
		require.NoError(t, check(role{err: &awsapi.Error{Code: "AccessDenied"}}), "nobody can say that it lacks anything")
		require.ErrorContains(t, check(role{err: errors.New("no network")}), "no network")
	}
	require.GreaterOrEqual(t, policies, 3)
}

func TestNothingIsTouchedForARoleThatLacksPermissions(t *testing.T) {
	t.Parallel()
	cluster, up := healthyCluster(), store{}
	onlyTeam := role{have: awsapi.RolePolicies{Policies: []string{teamPolicy(t)}}}
	r := Runner{Kube: cluster, Objects: &bucket{}, Upload: up, Grants: onlyTeam, Clock: newClock(nil)}
	_, err := r.RunAll(t.Context(), sampleJobs(t, "kafka"), nil)
	require.ErrorContains(t, err, "may not kafka-cluster:Connect, kafka-cluster:DescribeCluster")
	require.Empty(t, up)
	require.Empty(t, cluster.Calls())
	jobs := sampleJobs(t, "kafka", "iam=false")
	require.NoError(t, r.Preflight(t.Context(), jobs[0]), "it does not log in")
}

func TestOnlyWhatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	have := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kafka-cluster:*Topic*","Resource":"*"},` +
		`{"Effect":"Allow","Action":["kafka-cluster:*Data*","kafka-cluster:*Group"],"Resource":"*"},` +
		`{"Effect":"Allow","Action":["kafka-cluster:Connect","kafka-cluster:*Transactional*"],"Resource":"*"}]}`
	r := Runner{Kube: healthyCluster(), Objects: &bucket{},
		Grants: role{have: awsapi.RolePolicies{Policies: []string{have, teamPolicy(t)}}}}
	var p *PreflightError
	require.ErrorAs(t, r.Preflight(t.Context(), sampleJobs(t, "kafka")[0]), &p)
	require.Equal(t, []string{
		`role "emr-eks-flink-us-west-2-flink-team-a-job" may not kafka-cluster:DescribeCluster`,
	}, p.Problems)
	require.Contains(t, p.Lines, "UseCluster")
	require.NotContains(t, p.Lines, "UseTopic")
}

// The places of a job in S3 are compared with the policies too: of a bucket that is not the stack's, it is only said.
func TestARoleMustReachTheJobsPlaces(t *testing.T) {
	t.Parallel()
	own := teamPolicy(t)
	found := func(j Job, policies ...string) []Finding {
		r := Runner{Kube: healthyCluster(), Grants: role{have: awsapi.RolePolicies{Policies: policies}}}
		all, err := r.checkPermissions(t.Context(), j)
		require.NoError(t, err)
		return all
	}
	require.Empty(t, found(job(t), own))
	all := found(job(t), "")
	require.Len(t, all, 3, "checkpoints, savepoints and JobManager")
	require.Equal(t, `role "emr-eks-flink-us-west-2-flink-team-a-job" may not s3:GetObject, s3:PutObject, s3:DeleteObject `+
		"arn:aws:s3:::emr-eks-flink-111122223333-us-west-2-checkpoints/flink-team-a/checkpoints/basic/*", all[0].Text)
	require.False(t, all[0].Advice)
	other := sizedJob(t, obj{"executionRoleArn": roleARN, "job": obj{"jarURI": "s3://elsewhere/x.jar"}, "flinkConfiguration": obj{
		"state.checkpoints.dir": "s3://emr-eks-flink-111122223333-us-west-2-checkpoints/flink-team-b/checkpoints",
	}})
	all = found(other, own)
	require.Equal(t, []string{
		`: role "emr-eks-flink-us-west-2-flink-team-a-job" may not s3:GetObject, s3:PutObject, s3:DeleteObject ` +
			"arn:aws:s3:::emr-eks-flink-111122223333-us-west-2-checkpoints/flink-team-b/checkpoints/*",
		`: role "emr-eks-flink-us-west-2-flink-team-a-job" may not s3:GetObject arn:aws:s3:::elsewhere/x.jar`,
	}, texts(all))
	require.True(t, all[1].Advice, "the policy of that bucket may allow it")
	require.Equal(t, "spec.job.jarURI", all[1].Path)
}

// teamPolicy is the policy of the team of stack().
func teamPolicy(t *testing.T) string {
	t.Helper()
	text, err := team.Policy("arn:aws:s3:::emr-eks-flink-111122223333-us-west-2-checkpoints", "flink-team-a",
		"arn:aws:logs:us-west-2:111122223333:log-group:/aws/emr-flink/emr-eks-flink/flink-team-a").JSON()
	require.NoError(t, err)
	return text
}
