// SPDX-License-Identifier: Apache-2.0

package stacks

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/checkpoints"
	"emrflink/components/flinkoperator"
	"emrflink/components/team"
)

// export writes the stack's outputs. Their names are a contract: they are added to, never renamed.
func (p *platform) export(ctx *pulumi.Context) {
	p.exportPlatform(ctx)
	p.exportFlink(ctx)
	p.exportAliases(ctx)
}

func (p *platform) exportPlatform(ctx *pulumi.Context) {
	d, c := p.deployment, p.cluster
	ctx.Export("region", pulumi.String(d.Region))
	ctx.Export("accountId", pulumi.String(d.AccountID))
	ctx.Export("partition", pulumi.String(d.Partition))
	ctx.Export("deploymentName", pulumi.String(d.Name))
	ctx.Export("clusterName", c.Name)
	ctx.Export("clusterArn", c.Arn)
	ctx.Export("clusterEndpoint", c.Endpoint)
	ctx.Export("clusterCertificateAuthority", c.CertificateAuthority)
	ctx.Export("clusterVersion", c.Version)
	ctx.Export("clusterOidcIssuer", c.OidcIssuer)
	ctx.Export("oidcProviderArn", c.OidcProviderArn)
	ctx.Export("configureKubectl", p.configureKubectl())
	ctx.Export("vpcId", p.network.VpcId)
	ctx.Export("privateSubnetIds", p.network.PrivateSubnetIds)
	ctx.Export("publicSubnetIds", p.network.PublicSubnetIds)
	ctx.Export("nodeSecurityGroupId", c.SecurityGroupId)
	ctx.Export("karpenterQueue", p.karpenter.QueueName)
	ctx.Export("karpenterNodeRoleArn", p.karpenter.NodeRoleArn)
	ctx.Export("karpenterControllerRoleArn", p.karpenter.ControllerRoleArn)
	ctx.Export("costTags", pulumi.ToStringMap(d.OwnTags()))
	pools := pulumi.Array{}
	for _, n := range p.pools.Catalog {
		pools = append(pools, pulumi.Map{
			"name": pulumi.String(n.Name), "arch": pulumi.String(n.Arch),
			"nodeGroupType": pulumi.String(n.NodeGroupType), "flinkRole": pulumi.String(n.FlinkRole),
			"capacityTypes": pulumi.ToStringArray(n.CapacityTypes), "families": pulumi.ToStringArray(n.Families),
		})
	}
	ctx.Export("nodePools", pools)
}

func (p *platform) configureKubectl() pulumi.StringOutput {
	return pulumi.Sprintf("aws eks --region %s update-kubeconfig --name %s", p.deployment.Region, p.cluster.Name)
}

// exportFlink writes what a job needs. The URIs of the stack are those of its first team.
func (p *platform) exportFlink(ctx *pulumi.Context) {
	bucket := checkpoints.BucketName(p.deployment)
	teams := pulumi.Map{}
	for _, t := range p.teams {
		paths := checkpoints.TeamPaths(bucket, t.Namespace)
		teams[t.Namespace] = pulumi.Map{
			"namespace":     pulumi.String(t.Namespace),
			"jobRoleArn":    t.JobRoleArn,
			"logGroup":      pulumi.String(t.LogGroup),
			"checkpointUri": pulumi.String(paths.Checkpoints),
			"savepointUri":  pulumi.String(paths.Savepoints),
			"jobmanagerUri": pulumi.String(paths.JobManager),
			"jarsUri":       pulumi.String(paths.Jars),
			"logUri":        pulumi.String(paths.Logs),
		}
	}
	first := checkpoints.TeamPaths(bucket, p.firstTeam().Namespace)
	ctx.Export("teams", teams)
	ctx.Export("checkpointBucket", p.bucket.Name)
	ctx.Export("checkpointUri", pulumi.String(first.Checkpoints))
	ctx.Export("savepointUri", pulumi.String(first.Savepoints))
	ctx.Export("jobmanagerUri", pulumi.String(first.JobManager))
	ctx.Export("logsUri", pulumi.String(first.Logs))
	ctx.Export("emrReleaseLabel", pulumi.String(p.release.Label))
	if m := p.config.Mirrors; len(m.Images) > 0 {
		ctx.Export("imageMirrors", pulumi.ToStringMap(m.Images))
	}
	ctx.Export("flinkVersion", pulumi.String(p.release.FlinkVersion))
	ctx.Export("flinkOperatorNamespace", pulumi.String(flinkoperator.Namespace))
	ctx.Export("flinkOperatorRoleArn", p.operator.RoleArn)
}

// exportAliases writes outputs under the names that they had in the Terraform blueprint emr-eks-flink.
func (p *platform) exportAliases(ctx *pulumi.Context) {
	ctx.Export("configure_kubectl", p.configureKubectl())
	ctx.Export("flink_job_execution_role_arn", p.firstTeam().JobRoleArn)
	ctx.Export("flink_operator_role_arn", p.operator.RoleArn)
	ctx.Export("flink_operator_bucket", p.bucket.Name)
}

// firstTeam exists: a configuration without teams is refused.
func (p *platform) firstTeam() *team.Team { return p.teams[0] }
