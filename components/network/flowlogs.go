// SPDX-License-Identifier: Apache-2.0

package network

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/deployment"
	"emrflink/components/iamdoc"
)

// What VPC flow logs record.
const (
	// FlowLogsNone is nothing: there are no flow logs.
	FlowLogsNone = "none"
	// FlowLogsRejected is what security groups and network ACLs refuse.
	FlowLogsRejected = "rejected"
	// FlowLogsAll is all traffic.
	FlowLogsAll = "all"
)

// FlowLogsChoices are what flow logs can record.
func FlowLogsChoices() []string { return []string{FlowLogsNone, FlowLogsRejected, FlowLogsAll} }

// FlowLogGroup is the name of the log group of a deployment's flow logs.
func FlowLogGroup(d *deployment.Deployment) string {
	return "/aws/emr-flink/" + d.Name + "/vpc-flow-logs"
}

// FlowLogPolicy lets the service of flow logs write into a log group that exists. It may not make one: it would make the
// group again when it writes after the group was deleted. Source: VPC User Guide, "IAM role for publishing flow logs to
// CloudWatch Logs".
func FlowLogPolicy(d *deployment.Deployment) iamdoc.Document {
	group := d.ARN("logs", "log-group:"+FlowLogGroup(d))
	return iamdoc.New(
		iamdoc.Allow("WriteFlowLogs",
			iamdoc.Strings{"logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"},
			iamdoc.Strings{group, group + ":*"}),
		iamdoc.Allow("FindLogGroup", iamdoc.Strings{"logs:DescribeLogGroups"}, iamdoc.Strings{d.ARN("logs", "log-group:*")}),
	)
}

// flowLogs records the traffic of the VPC in CloudWatch Logs.
func (b *builder) flowLogs() error {
	traffic := map[string]string{FlowLogsRejected: "REJECT", FlowLogsAll: "ALL"}[b.args.FlowLogs]
	if traffic == "" {
		return nil
	}
	d := b.args.Deployment
	group, err := cloudwatch.NewLogGroup(b.ctx, b.name+"-flow-logs", &cloudwatch.LogGroupArgs{
		Name: pulumi.String(FlowLogGroup(d)), RetentionInDays: pulumi.Int(b.args.LogRetentionDays), KmsKeyId: b.args.KmsKeyArn,
		Tags: d.ResourceTags(FlowLogGroup(d)),
	}, b.parent)
	if err != nil {
		return fmt.Errorf("create log group of flow logs: %w", err)
	}
	role, policy, err := b.flowLogsRole()
	if err != nil {
		return err
	}
	_, err = ec2.NewFlowLog(b.ctx, b.name+"-flow-log", &ec2.FlowLogArgs{
		VpcId: b.vpc.ID(), TrafficType: pulumi.String(traffic), LogDestination: group.Arn, IamRoleArn: role.Arn,
		Tags: b.tags("flow-log"),
	}, b.parent, deployment.DependsOn(policy))
	if err != nil {
		return fmt.Errorf("create flow log: %w", err)
	}
	return nil
}

// flowLogsRole is the role of the service, which takes it only for flow logs of this account.
func (b *builder) flowLogsRole() (*iam.Role, *iam.RolePolicy, error) {
	d, name := b.args.Deployment, b.args.Deployment.AccountName("flow-logs")
	trusted := iamdoc.ServiceTrust("vpc-flow-logs.amazonaws.com")
	trusted.Statements[0].Condition = iamdoc.Conditions{
		"StringEquals": {"aws:SourceAccount": {d.AccountID}},
		"ArnLike":      {"aws:SourceArn": {d.ARN("ec2", "vpc-flow-log/*")}},
	}
	trust, err := trusted.Trust()
	if err != nil {
		return nil, nil, err
	}
	document, err := FlowLogPolicy(d).JSON()
	if err != nil {
		return nil, nil, err
	}
	role, err := iam.NewRole(b.ctx, b.name+"-flow-logs-role", &iam.RoleArgs{
		Name: pulumi.String(name), Description: pulumi.String("Flow logs of the VPC of " + d.Name),
		AssumeRolePolicy: pulumi.String(trust), PermissionsBoundary: d.Boundary(), Path: d.Path(), Tags: d.ResourceTags(name),
	}, b.parent)
	if err != nil {
		return nil, nil, fmt.Errorf("create role %q: %w", name, err)
	}
	policy, err := iam.NewRolePolicy(b.ctx, b.name+"-flow-logs-policy", &iam.RolePolicyArgs{
		Name: pulumi.String("write-flow-logs"), Role: role.Name, Policy: pulumi.String(document),
	}, b.parent)
	if err != nil {
		return nil, nil, fmt.Errorf("create policy of role %q: %w", name, err)
	}
	return role, policy, nil
}
