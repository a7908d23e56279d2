// SPDX-License-Identifier: Apache-2.0

package componenttest_test

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/components/componenttest"
	"emrflink/components/deployment"
	"emrflink/components/iamdoc"
	"emrflink/components/team"
)

func teamProgram(change func(*team.Args)) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		provider, err := kubernetes.NewProvider(ctx, "k8s", &kubernetes.ProviderArgs{})
		if err != nil {
			return err
		}
		a := &team.Args{
			Deployment: &deployment.Deployment{
				Name: "demo", Region: "us-west-2", AccountID: componenttest.Account, Partition: "aws",
			},
			Name: "blue", VpcCidr: "10.0.0.0/16", BucketArn: pulumi.String("arn:aws:s3:::bucket"),
			OidcProviderArn: pulumi.String("arn:provider"), OidcIssuer: pulumi.String(componenttest.Issuer),
			OperatorNamespace: "flink-kubernetes-operator", LogRetentionDays: 7, Kubernetes: provider,
		}
		change(a)
		_, err = team.NewTeam(ctx, "team-blue", a)
		return err
	}
}

func TestTeam(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, teamProgram(func(*team.Args) {}))
	require.Equal(t, "/aws/emr-flink/demo/blue", g.Find(t, "team-blue-logs").Inputs["name"])
	require.EqualValues(t, 7, g.Find(t, "team-blue-logs").Inputs["retentionInDays"])
	require.Equal(t, "demo-us-west-2-blue-job", g.Find(t, "team-blue-job-role").Inputs["name"])
	require.Equal(t, "baseline",
		g.Find(t, "team-blue-namespace").At("metadata", "labels", "pod-security.kubernetes.io/enforce"))
	require.Equal(t, "0", g.Find(t, "team-blue-quota").At("spec", "hard", "services.loadbalancers"))
	require.Nil(t, g.Find(t, "team-blue-defaults").At("spec", "limits", 0, "default"))
	require.Len(t, g.Names("kubernetes:networking.k8s.io/v1:NetworkPolicy"), 4)
	for _, name := range []string{"team-blue-quota", "team-blue-defaults", "team-blue-deny-all", "team-blue-to-services"} {
		require.Equal(t, []string{"team-blue-namespace"}, g.Find(t, name).Dependencies)
		require.Equal(t, "blue", g.Find(t, name).At("metadata", "namespace"))
	}
	require.True(t, g.DependsOn("team-blue-namespace", "team-blue-job-data-attachment"))
}

// What a team's jobs may do beside what every team's may: nothing of it is in another object.
func TestATeamWithSourcesAndSinks(t *testing.T) {
	t.Parallel()
	const ours, aws = "arn:aws:iam::111122223333:policy/data/P", "arn:aws:iam::aws:policy/P"
	const document = `{"Statement":[{"Action":"kinesis:GetRecords","Effect":"Allow","Resource":"arn:aws:kinesis:r:1:stream/s"}]}`
	g := componenttest.Run(t, teamProgram(func(a *team.Args) {
		a.PolicyArns, a.Documents = []string{ours, aws}, []string{document}
		a.Quota = team.Quota{CPU: "400"}
		a.Egress = []team.Egress{{Cidrs: []string{"10.20.0.0/16", "0.0.0.0/0"}, Ports: []int{5432}}}
		a.MetricsNamespaces = []string{"monitoring"}
	}))
	require.Equal(t, ours, g.Find(t, "team-blue-job-policy-111122223333-data-P").Inputs["policyArn"])
	require.Equal(t, aws, g.Find(t, "team-blue-job-policy-aws-P").Inputs["policyArn"])
	require.Equal(t, document, g.Find(t, "team-blue-job-access-1").Inputs["policy"])
	for _, attachment := range []string{"policy-aws-P", "policy-111122223333-data-P", "access-1-attachment"} {
		require.True(t, g.DependsOn("team-blue-namespace", "team-blue-job-"+attachment), "jobs use it to their end")
	}
	quota := g.Find(t, "team-blue-quota")
	require.Equal(t, "400", quota.At("spec", "hard", "requests.cpu"))
	require.Equal(t, "800Gi", quota.At("spec", "hard", "requests.memory"), "what is not set stays")
	out := g.Find(t, "team-blue-to-services")
	require.Equal(t, "10.20.0.0/16", out.At("spec", "egress", 3, "to", 0, "ipBlock", "cidr"))
	require.Nil(t, out.At("spec", "egress", 3, "to", 0, "ipBlock", "except"))
	require.Equal(t, "169.254.169.254/32", out.At("spec", "egress", 3, "to", 1, "ipBlock", "except", 0),
		"a pod never gets at the credentials of its node")
	require.EqualValues(t, 5432, out.At("spec", "egress", 3, "ports", 0, "port"))
	in := g.Find(t, "team-blue-from-metrics")
	require.EqualValues(t, 9249, in.At("spec", "ingress", 0, "ports", 0, "port"))
	require.Equal(t, "monitoring", in.At("spec", "ingress", 0, "from", 0, "namespaceSelector", "matchLabels",
		"kubernetes.io/metadata.name"))
}

func TestOnlyTheTeamsServiceAccountsAssumeItsRole(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, teamProgram(func(*team.Args) {}))
	trust := g.Find(t, "team-blue-job-role").JSON(t, "assumeRolePolicy")
	statement := trust["Statement"].([]any)[0].(map[string]any)
	condition := statement["Condition"].(map[string]any)
	require.Len(t, condition, 1, "StringEquals only")
	host := strings.TrimPrefix(componenttest.Issuer, "https://")
	equals := condition["StringEquals"].(map[string]any)
	require.Equal(t, "sts.amazonaws.com", equals[host+":aud"])
	subjects := equals[host+":sub"].([]any)
	require.Len(t, subjects, 2)
	for i, part := range []string{"jobmanager", "taskmanager"} {
		require.True(t, strings.HasPrefix(subjects[i].(string),
			"system:serviceaccount:blue:emr-containers-sa-flink-"+part+"-"+componenttest.Account+"-"), subjects[i])
		require.NotContains(t, subjects[i], "*")
	}
}

// TestPolicyStaysWithinTheTeam: no resource of a statement reaches beyond the team's own places.
func TestPolicyStaysWithinTheTeam(t *testing.T) {
	t.Parallel()
	const bucket, group = "arn:aws:s3:::bucket", "arn:aws:logs:us-west-2:1:log-group:/g/blue"
	var statements []string
	for _, s := range team.Policy(bucket, "blue", group).Statements {
		statements = append(statements, s.Sid)
		require.Equal(t, "Allow", s.Effect)
		require.NotEmpty(t, s.Resource)
		require.NotEmpty(t, s.Action)
		for _, r := range s.Resource {
			own := r == bucket+"/blue" || strings.HasPrefix(r, bucket+"/blue/") || strings.HasPrefix(r, bucket+"/logs/blue/") ||
				r == group || r == group+":*"
			bucketOnly := r == bucket && (s.Sid == "ListOwnPrefix" || s.Sid == "FindBucket")
			look := s.Sid == "FindLogGroup" && r == "arn:aws:logs:us-west-2:1:log-group:*" // AWS takes nothing less
			require.True(t, own || bucketOnly || look, "%s reaches %s", s.Sid, r)
		}
		for _, a := range s.Action {
			require.NotContains(t, a, "*")
		}
		if s.Sid == "ListOwnPrefix" {
			require.Equal(t, iamdoc.Strings{"blue", "blue/*"}, s.Condition["StringLike"]["s3:prefix"])
		}
	}
	require.Equal(t, []string{
		"ListOwnPrefix", "FindBucket", "KeepState", "ReadOwnPrefix", "PutLogs", "WriteLogEvents", "FindLogGroup",
	}, statements)
}

func TestCheckName(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"flink-team-a": true, "a": true, strings.Repeat("t", 24): true, strings.Repeat("t", 25): false, "": false,
		"Team": false, "1team": false, "team-": false, "te_am": false, "kube-system": false, "logs": false, "operator": false,
	} {
		require.Equal(t, ok, team.CheckName(name) == nil, name)
	}
}

func TestTeamRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*team.Args){
		"a wrong name":                    func(a *team.Args) { a.Name = "Blue" },
		"no bucket":                       func(a *team.Args) { a.BucketArn = nil },
		"no range":                        func(a *team.Args) { a.VpcCidr = "" },
		"no provider":                     func(a *team.Args) { a.Kubernetes = nil },
		"more policies than a role takes": func(a *team.Args) { a.PolicyArns = make([]string, team.MaxPolicies+1) },

		"no retention": func(a *team.Args) { a.LogRetentionDays = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := componenttest.TryRun(teamProgram(change))
			require.Error(t, err)
		})
	}
}
