// SPDX-License-Identifier: Apache-2.0

// Package flinkoperator installs the EMR Flink Kubernetes operator: its namespace, its role, its log group and its chart.
// There is one operator per cluster; its CRDs, webhooks and RBAC are those of the whole cluster.
//
// The operator's admission webhook gets its certificate from cert-manager, whose own webhook must answer first. The
// chart's CRDs are in its crds/ directory: Helm installs them once and never removes them.
package flinkoperator

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/cluster"
	"emrflink/components/deployment"
	"emrflink/components/helm"
	"emrflink/components/iamdoc"
	"emrflink/components/irsa"
	"emrflink/components/manifest"
	"emrflink/components/versions"
	"emrflink/observability"
)

// Token is the Pulumi type of the component.
const Token = "emrflink:flinkoperator:Operator"

// Namespace is the operator's namespace. The role's trust policy, the chart and the teams' network policies all name it.
const Namespace = "flink-kubernetes-operator"

// Args describe the operator.
type Args struct {
	// Deployment is the deployment of the operator.
	Deployment *deployment.Deployment
	// Release is the EMR release.
	Release versions.EMRRelease
	// OidcProviderArn and OidcIssuer are the cluster's identity provider.
	OidcProviderArn, OidcIssuer pulumi.StringInput
	// BucketArn is the bucket with the jars of session jobs and the operator's logs.
	BucketArn pulumi.StringInput
	// LogRetentionDays is how long the operator's logs are kept.
	LogRetentionDays int
	// KmsKeyArn encrypts the log group; nil is CloudWatch's own key.
	KmsKeyArn pulumi.StringPtrInput
	// Kubernetes is the provider of the cluster.
	Kubernetes *kubernetes.Provider
	// After must be ready first: cert-manager, CoreDNS, nodes.
	After []pulumi.CustomResource
}

// Operator is the installed operator.
type Operator struct {
	pulumi.ResourceState

	// RoleArn is the operator's role.
	RoleArn pulumi.StringOutput `pulumi:"roleArn"`
	// Release is ready when the operator and its webhook are. Resources with Flink deployments in them depend on it,
	// because only the operator removes their finalizers.
	Release *helm.Release
}

// LogGroup is the name of the operator's log group.
func LogGroup(d *deployment.Deployment) string { return "/aws/emr-flink/" + d.Name + "/operator" }

// NewOperator installs the operator.
func NewOperator(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Operator, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("flink operator %q: %w", name, err)
	}
	o := &Operator{}
	if err := ctx.RegisterComponentResource(Token, name, o, opts...); err != nil {
		return nil, fmt.Errorf("register %s %q: %w", Token, name, err)
	}
	parent, provider := pulumi.Parent(o), pulumi.Provider(args.Kubernetes)
	group := LogGroup(args.Deployment)
	logs, err := cloudwatch.NewLogGroup(ctx, name+"-logs", &cloudwatch.LogGroupArgs{
		Name: pulumi.String(group), RetentionInDays: pulumi.Int(args.LogRetentionDays), KmsKeyId: args.KmsKeyArn,
		Tags: args.Deployment.ResourceTags(group),
	}, parent)
	if err != nil {
		return nil, fmt.Errorf("create log group %q: %w", group, err)
	}
	role, err := operatorRole(ctx, name, args, parent)
	if err != nil {
		return nil, err
	}
	ns, err := manifest.New(ctx, name+"-namespace", &manifest.Args{
		APIVersion: "v1", Kind: "Namespace", Name: Namespace, Annotations: deployment.Owned(),
		Labels: pulumi.StringMap{
			"pod-security.kubernetes.io/enforce": pulumi.String("baseline"),
			"pod-security.kubernetes.io/warn":    pulumi.String("restricted"),
		},
	}, parent, provider, deployment.DependsOn(args.After...), deployment.EndsWithCluster(args.Kubernetes))
	if err != nil {
		return nil, err
	}
	after := append([]pulumi.CustomResource{ns, logs}, role.Attachments...)
	o.RoleArn = role.Arn
	o.Release, err = release(ctx, name, args, role, parent, provider, deployment.DependsOn(append(after, args.After...)...))
	if err != nil {
		return nil, err
	}
	return o, ctx.RegisterResourceOutputs(o, pulumi.Map{"roleArn": o.RoleArn})
}

// defaultConfiguration lets the operator and every job offer their metrics to a Prometheus. Excluded are the labels with
// which each restart would begin new time series. Source: Flink, "Metric Reporters"; Flink Kubernetes operator, "Metrics".
// In a region that an account has to enable, Hadoop's S3 client is told its name (EMR on EKS Development Guide, "Using high
// availability").
func defaultConfiguration(region string) string {
	const factory = "factory.class: org.apache.flink.metrics.prometheus.PrometheusReporterFactory\n"
	const job, operator = "metrics.reporter.prom.", "kubernetes.operator.metrics.reporter.prom."
	const rocks = "state.backend.rocksdb.metrics."
	return job + factory + fmt.Sprintf("%sport: %d\n", job, observability.JobPort) +
		job + "scope.variables.excludes: host;task_attempt_id;task_attempt_num\n" +
		// Of RocksDB's own, those that cost nothing to read.
		rocks + "column-family-as-variable: true\n" + rocks + "estimate-num-keys: true\n" +
		rocks + "block-cache-usage: true\n" + rocks + "compaction-pending: true\n" + rocks + "is-write-stopped: true\n" +
		operator + factory + fmt.Sprintf("%sport: %d\n", operator, observability.OperatorPort) + s3Region(region)
}

func s3Region(region string) string {
	if slices.Contains(enabledByDefault, region) {
		return ""
	}
	return "fs.s3a.endpoint.region: " + region + "\n"
}

// enabledByDefault are the regions that every account has. Source: AWS Account Management Reference Guide, "Enable or disable
// AWS Regions in your account"; regions that came after March 2019 have to be enabled.
var enabledByDefault = []string{
	"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1",
	"eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1",
	"us-west-2",
}

// release leaves the operator's image label to the chart, whose version it then always matches.
func release(ctx *pulumi.Context, name string, args *Args, role *irsa.Role,
	opts ...pulumi.ResourceOption) (*helm.Release, error) {
	chart := args.Release.OperatorChart
	return helm.NewRelease(ctx, name+"-chart", &helm.Args{
		Name: "flink-kubernetes-operator", Chart: chart.Name, Repo: chart.Repo, Version: chart.Version,
		Mirrors: args.Deployment.Mirrors, Images: chart.Images,
		Namespace: pulumi.String(Namespace),
		Values: pulumi.Map{
			"emrContainers": pulumi.Map{
				"awsRegion":                pulumi.String(args.Deployment.Region),
				"operatorExecutionRoleArn": role.Arn,
			},
			"monitoringConfiguration": monitoring(args),
			// Two replicas need leader election, and leader election needs two replicas.
			"replicas":                pulumi.Int(2),
			"highAvailabilityEnabled": pulumi.Bool(true),
			"operatorPod":             pulumi.Map{"nodeSelector": pulumi.ToStringMap(cluster.CoreSelector())},
			// The chart appends this to its own defaults, and each job's file may say otherwise.
			"defaultConfiguration": pulumi.Map{"flink-conf.yaml": pulumi.String(defaultConfiguration(args.Deployment.Region))},
			"metrics":              pulumi.Map{"port": pulumi.Int(observability.OperatorPort)},
		},
	}, opts...)
}

// monitoring names the image of the logs' container only for a mirror: EMR finds its own by the release. It finds the
// operator's own image likewise, in its registry of the region, and no value is documented that names another.
func monitoring(args *Args) pulumi.Map {
	out := pulumi.Map{"cloudWatchMonitoringConfiguration": pulumi.Map{
		"logGroupName":        pulumi.String(LogGroup(args.Deployment)),
		"logStreamNamePrefix": pulumi.String("operator"),
	}}
	if own := args.Release.LogImage(); args.Deployment.Mirrors.Image(own) != own {
		out["image"] = pulumi.String(args.Deployment.Mirrors.Image(own))
	}
	return out
}

func operatorRole(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*irsa.Role, error) {
	document := args.BucketArn.ToStringOutput().ApplyT(func(arn string) (string, error) {
		return Policy(arn, args.Deployment.ARN("logs", "log-group:"+LogGroup(args.Deployment))).Managed()
	}).(pulumi.StringOutput)
	return irsa.NewRole(ctx, name+"-irsa", &irsa.Args{
		Deployment:      args.Deployment,
		RoleName:        args.Deployment.AccountName("flink-operator"),
		Description:     "EMR Flink operator of EKS cluster " + args.Deployment.Name,
		OidcProviderArn: args.OidcProviderArn,
		OidcIssuer:      args.OidcIssuer,
		Namespace:       Namespace,
		ServiceAccounts: []string{irsa.OperatorServiceAccount},
		Policies: []irsa.Policy{{
			Suffix: "data", Description: "Read session jobs' jars, write the operator's logs", Document: document,
		}},
	}, opts...)
}

// Policy has the permissions of the operator: read the jars of every team's session jobs, write its own logs.
func Policy(bucketARN, logGroupARN string) iamdoc.Document {
	return iamdoc.New(append([]iamdoc.Statement{
		iamdoc.Allow("ReadJars", iamdoc.Strings{"s3:GetObject"}, iamdoc.Strings{bucketARN + "/*/jars/*"}),
		iamdoc.Allow("FindJars", iamdoc.Strings{"s3:ListBucket"}, iamdoc.Strings{bucketARN},
			iamdoc.Conditions{"StringLike": {"s3:prefix": {"*/jars", "*/jars/*"}}}),
		iamdoc.Allow("PutLogs", iamdoc.Strings{"s3:PutObject"}, iamdoc.Strings{bucketARN + "/logs/operator/*"}),
	}, iamdoc.WriteLogs(logGroupARN)...)...)
}

func (a *Args) validate() error {
	switch {
	case a == nil:
		return errors.New("no arguments")
	case a.Release.Version == "":
		return errors.New("no EMR release")
	case a.OidcProviderArn == nil || a.OidcIssuer == nil || a.BucketArn == nil:
		return errors.New("no OIDC provider or no bucket")
	case a.Kubernetes == nil:
		return errors.New("no Kubernetes provider")
	case len(a.After) == 0:
		return errors.New("nothing to wait for: cert-manager must be ready first")
	case a.LogRetentionDays <= 0:
		return fmt.Errorf("log retention of %d days", a.LogRetentionDays)
	}
	return a.Deployment.Validate()
}
