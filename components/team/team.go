// SPDX-License-Identifier: Apache-2.0

// Package team makes everything with which one team runs its Flink jobs: a namespace with a pod security level, a
// quota, default resources and network policies; a log group; and one role. Only the service accounts of this team's
// Flink jobs can assume the role, and it has access only to this team's prefix of the bucket and this team's log group.
//
// Resources of different teams do not depend on each other: adding or removing a team changes only its own resources.
package team

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/deployment"
	"emrflink/components/irsa"
)

// Token is the Pulumi type of the component.
const Token = "emrflink:team:Team"

// MaxNameLength bounds a team's name, in characters: with it, the longest role name is exactly IAM's 64.
const MaxNameLength = 24

// MaxPolicies bounds PolicyArns and Documents: a role takes ten managed policies by default, and one is the team's own.
// Source: IAM User Guide, "IAM and AWS STS quotas".
const MaxPolicies = 9

var nameForm = regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`)

// Args describe a team.
type Args struct {
	// Deployment is the deployment of the team.
	Deployment *deployment.Deployment
	// Name is the team's name, its namespace and its prefix in the bucket.
	Name string
	// VpcCidr is the VPC's range, in which Kafka's brokers are expected.
	VpcCidr string
	// BucketArn is the bucket for state and logs.
	BucketArn pulumi.StringInput
	// OidcProviderArn and OidcIssuer are the cluster's identity provider.
	OidcProviderArn, OidcIssuer pulumi.StringInput
	// OperatorNamespace is the namespace of the Flink operator, which connects to the jobs.
	OperatorNamespace string
	// PodIdentityAgent lets pods reach the Pod Identity agent on their node.
	PodIdentityAgent bool
	// LogRetentionDays is how long logs in CloudWatch are kept.
	LogRetentionDays int
	// KmsKeyArn encrypts the log group; nil is CloudWatch's own key.
	KmsKeyArn pulumi.StringPtrInput
	// Quota limits the namespace; DefaultQuota where it is zero.
	Quota Quota
	// PolicyArns are policies of the jobs' role beside its own, made by others; Documents are further ones, as JSON, which the
	// team makes. A role takes MaxPolicies of both together.
	PolicyArns, Documents []string
	// Egress is what jobs may connect to beside what those of every team may.
	Egress []Egress
	// MetricsNamespaces have pods that may read the jobs' metrics on Flink's Prometheus port.
	MetricsNamespaces []string
	// Kubernetes is the provider of the cluster.
	Kubernetes *kubernetes.Provider
	// After must exist before the namespace and outlive it: the Flink operator, which removes the finalizers of the
	// jobs in it, the bucket, and the node pools, whose nodes drain at once if there is no job.
	After []pulumi.CustomResource
}

// Team has the resources of one team.
type Team struct {
	pulumi.ResourceState

	// JobRoleArn is the executionRoleArn of the team's Flink deployments.
	JobRoleArn pulumi.StringOutput `pulumi:"jobRoleArn"`
	// Namespace is where the team's jobs run.
	Namespace string
	// LogGroup is the name of the team's log group.
	LogGroup string
}

// CheckName says what is wrong with a team's name.
func CheckName(name string) error {
	switch {
	case !nameForm.MatchString(name):
		return errors.New("lower-case letters, digits and '-', beginning with a letter and not ending with '-'")
	case len(name) > MaxNameLength:
		return fmt.Errorf("%d characters: at most %d, so that the name of its role fits IAM", len(name), MaxNameLength)
	}
	for _, taken := range []string{
		"default", "kube-system", "kube-public", "kube-node-lease", "cert-manager", "amazon-cloudwatch",
		"flink-kubernetes-operator", "operator", "logs", "vpc-flow-logs",
	} {
		if name == taken {
			return errors.New("taken by a namespace, a prefix or a log group of the platform")
		}
	}
	return nil
}

// RoleName is the name of a team's job role. It has no path: EMR derives service accounts only from the name.
func RoleName(d *deployment.Deployment, team string) string { return d.AccountName(team + "-job") }

// LogGroup is the name of a team's log group.
func LogGroup(d *deployment.Deployment, team string) string {
	return "/aws/emr-flink/" + d.Name + "/" + team
}

// NewTeam makes the resources of one team.
func NewTeam(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Team, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("team %q: %w", name, err)
	}
	t := &Team{Namespace: args.Name, LogGroup: LogGroup(args.Deployment, args.Name)}
	if err := ctx.RegisterComponentResource(Token, name, t, opts...); err != nil {
		return nil, fmt.Errorf("register %s %q: %w", Token, name, err)
	}
	parent := pulumi.Parent(t)
	logs, err := cloudwatch.NewLogGroup(ctx, name+"-logs", &cloudwatch.LogGroupArgs{
		Name: pulumi.String(t.LogGroup), RetentionInDays: pulumi.Int(args.LogRetentionDays), KmsKeyId: args.KmsKeyArn,
		Tags: args.Deployment.ResourceTags(t.LogGroup, map[string]string{"emrflink:team": args.Name}),
	}, parent)
	if err != nil {
		return nil, fmt.Errorf("create log group %q: %w", t.LogGroup, err)
	}
	role, err := jobRole(ctx, name, args, parent)
	if err != nil {
		return nil, err
	}
	t.JobRoleArn = role.Arn
	// Jobs in the namespace use role and log group to their end.
	after := append(append([]pulumi.CustomResource{logs}, role.Attachments...), args.After...)
	if err := namespace(ctx, name, args, parent, deployment.DependsOn(after...)); err != nil {
		return nil, err
	}
	return t, ctx.RegisterResourceOutputs(t, pulumi.Map{"jobRoleArn": t.JobRoleArn})
}

func jobRole(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*irsa.Role, error) {
	logGroupARN := args.Deployment.ARN("logs", "log-group:"+LogGroup(args.Deployment, args.Name))
	document := args.BucketArn.ToStringOutput().ApplyT(func(arn string) (string, error) {
		return Policy(arn, args.Name, logGroupARN).Managed()
	}).(pulumi.StringOutput)
	roleName := RoleName(args.Deployment, args.Name)
	return irsa.NewRole(ctx, name+"-job", &irsa.Args{
		Deployment:      args.Deployment,
		RoleName:        roleName,
		Description:     "Flink jobs of team " + args.Name + " in EKS cluster " + args.Deployment.Name,
		OidcProviderArn: args.OidcProviderArn,
		OidcIssuer:      args.OidcIssuer,
		Namespace:       args.Name,
		ServiceAccounts: irsa.FlinkServiceAccounts(args.Deployment.AccountID, roleName),
		Policies: append([]irsa.Policy{{
			Suffix: "data", Description: "State, jars and logs of team " + args.Name, Document: document,
		}}, args.accesses()...),
		OtherPolicyArns: args.PolicyArns,
	}, opts...)
}

// accesses are the team's documents, as policies.
func (a *Args) accesses() []irsa.Policy {
	var out []irsa.Policy
	for i, document := range a.Documents {
		out = append(out, irsa.Policy{
			Suffix:      fmt.Sprintf("access-%d", i+1),
			Description: fmt.Sprintf("Sources and sinks of team %s, document %d", a.Name, i+1),
			Document:    pulumi.String(document),
		})
	}
	return out
}

func (a *Args) validate() error {
	if a == nil {
		return errors.New("no arguments")
	}
	if err := a.Deployment.Validate(); err != nil {
		return err
	}
	if err := CheckName(a.Name); err != nil {
		return fmt.Errorf("name %q: %w", a.Name, err)
	}
	switch {
	case a.VpcCidr == "" || a.OperatorNamespace == "":
		return errors.New("no VPC range or no operator namespace")
	case a.BucketArn == nil || a.OidcProviderArn == nil || a.OidcIssuer == nil:
		return errors.New("no bucket or no OIDC provider")
	case a.Kubernetes == nil:
		return errors.New("no Kubernetes provider")
	case a.LogRetentionDays <= 0:
		return fmt.Errorf("log retention of %d days", a.LogRetentionDays)
	case len(a.PolicyArns)+len(a.Documents) > MaxPolicies:
		return fmt.Errorf("%d policies beside the team's own, at most %d", len(a.PolicyArns)+len(a.Documents), MaxPolicies)
	}
	return nil
}
