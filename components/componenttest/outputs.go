// SPDX-License-Identifier: Apache-2.0

package componenttest

import (
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// computed is what a provider adds to the inputs of a resource.
type computed func(pulumi.MockResourceArgs) resource.PropertyMap

func property(v any) resource.PropertyValue { return resource.NewPropertyValue(v) }

func text(args pulumi.MockResourceArgs, key string) string {
	v := args.Inputs[resource.PropertyKey(key)]
	if v.IsString() {
		return v.StringValue()
	}
	return args.Name
}

func none(pulumi.MockResourceArgs) resource.PropertyMap { return nil }

// arn makes an ARN from a prefix and the resource's name.
func arn(prefix, nameKey string) computed {
	return func(a pulumi.MockResourceArgs) resource.PropertyMap {
		return resource.PropertyMap{"arn": property(prefix + text(a, nameKey))}
	}
}

// outputs is the table of known types.
func outputs(region string) map[string]computed {
	regional := func(service string) string { return "arn:aws:" + service + ":" + region + ":" + Account + ":" }
	iam := "arn:aws:iam::" + Account + ":"
	return map[string]computed{
		"aws:ec2/vpc:Vpc":                                       none,
		"aws:ec2/subnet:Subnet":                                 none,
		"aws:ec2/internetGateway:InternetGateway":               none,
		"aws:ec2/eip:Eip":                                       none,
		"aws:ec2/natGateway:NatGateway":                         none,
		"aws:ec2/routeTable:RouteTable":                         none,
		"aws:ec2/route:Route":                                   none,
		"aws:ec2/routeTableAssociation:RouteTableAssociation":   none,
		"aws:ec2/vpcEndpoint:VpcEndpoint":                       none,
		"aws:ec2/flowLog:FlowLog":                               none,
		"aws:ec2/securityGroup:SecurityGroup":                   none,
		"aws:ec2/tag:Tag":                                       none,
		"aws:eks/podIdentityAssociation:PodIdentityAssociation": none,
		"aws:kms/alias:Alias":                                   none,
		"aws:kms/key:Key": func(a pulumi.MockResourceArgs) resource.PropertyMap {
			return resource.PropertyMap{"arn": property(regional("kms") + "key/" + a.Name), "keyId": property(a.Name)}
		},
		"aws:iam/role:Role":                                       arn(iam+"role/", "name"),
		"aws:iam/policy:Policy":                                   arn(iam+"policy/", "name"),
		"aws:iam/rolePolicyAttachment:RolePolicyAttachment":       none,
		"aws:iam/rolePolicy:RolePolicy":                           none,
		"aws:iam/instanceProfile:InstanceProfile":                 arn(iam+"instance-profile/", "name"),
		"aws:iam/openIdConnectProvider:OpenIdConnectProvider":     arn(iam+"oidc-provider/", "none"),
		"aws:eks/nodeGroup:NodeGroup":                             none,
		"aws:eks/addon:Addon":                                     none,
		"aws:eks/accessEntry:AccessEntry":                         none,
		"aws:eks/accessPolicyAssociation:AccessPolicyAssociation": none,
		"aws:sqs/queue:Queue":                                     arn(regional("sqs"), "name"),
		"aws:sqs/queuePolicy:QueuePolicy":                         none,
		"aws:cloudwatch/eventRule:EventRule":                      none,
		"aws:cloudwatch/eventTarget:EventTarget":                  none,
		"aws:cloudwatch/logGroup:LogGroup":                        none,
		"aws:s3/bucketV2:BucketV2":                                arn("arn:aws:s3:::", "bucket"),
		"aws:s3/bucketVersioningV2:BucketVersioningV2":            none,
		"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock":  none,
		"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": none,
		"aws:s3/bucketPolicy:BucketPolicy":                                     none,
		"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2": none,
		"aws:s3/bucketOwnershipControls:BucketOwnershipControls":               none,
		"aws:ec2/launchTemplate:LaunchTemplate": func(pulumi.MockResourceArgs) resource.PropertyMap {
			return resource.PropertyMap{"latestVersion": property(1.0)}
		},
		"eks:index:Cluster": func(pulumi.MockResourceArgs) resource.PropertyMap {
			return resource.PropertyMap{
				"eksCluster": resource.MakeCustomResourceReference(controlPlaneURN(), controlPlaneName+"-id", "6.83.0"),
			}
		},
		"pulumi:providers:kubernetes":                        none,
		"kubernetes:core/v1:Namespace":                       none,
		"kubernetes:core/v1:ResourceQuota":                   none,
		"kubernetes:core/v1:ServiceAccount":                  none,
		"kubernetes:core/v1:LimitRange":                      none,
		"kubernetes:networking.k8s.io/v1:NetworkPolicy":      none,
		"kubernetes:core/v1:ConfigMap":                       none,
		"kubernetes:monitoring.coreos.com/v1:PodMonitor":     none,
		"kubernetes:monitoring.coreos.com/v1:PrometheusRule": none,
		"kubernetes:storage.k8s.io/v1:StorageClass":          none,
		"kubernetes:karpenter.k8s.aws/v1:EC2NodeClass":       none,
		"kubernetes:karpenter.sh/v1:NodePool":                none,
		"kubernetes:helm.sh/v3:Release":                      none,
	}
}

// controlPlane is the EKS cluster as AWS describes it.
func controlPlane(region string) resource.PropertyMap {
	return resource.NewPropertyMapFromMap(map[string]any{
		"name":                 "emr-eks-flink",
		"arn":                  "arn:aws:eks:" + region + ":" + Account + ":cluster/emr-eks-flink",
		"version":              "1.35",
		"endpoint":             "https://0123456789ABCDEF0123456789ABCDEF.gr7." + region + ".eks.amazonaws.com",
		"certificateAuthority": map[string]any{"data": "Y2VydGlmaWNhdGU="},
		"identities":           []any{map[string]any{"oidcs": []any{map[string]any{"issuer": Issuer}}}},
		"vpcConfig":            map[string]any{"clusterSecurityGroupId": "sg-0123456789abcdef0"},
	})
}
