// SPDX-License-Identifier: Apache-2.0

package findings_test

import (
	"encoding/json"
	"strings"
)

const (
	cluster  = "aws:eks/cluster:Cluster"
	bucket   = "aws:s3/bucketV2:BucketV2"
	template = "aws:ec2/launchTemplate:LaunchTemplate"
	class    = "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"
	pool     = "kubernetes:karpenter.sh/v1:NodePool"
	policy   = "aws:iam/policy:Policy"

	attachment    = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
	networkPolicy = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
	role          = "aws:iam/role:Role"
	sgRule        = "aws:ec2/securityGroupRule:SecurityGroupRule"
	logGroup      = "aws:cloudwatch/logGroup:LogGroup"
)

func statement(s string) string {
	doc, _ := json.Marshal(`{"Version":"2012-10-17","Statement":[` + s + `]}`)
	return string(doc)
}

func inline(s string) string { return `{"policy":` + statement(s) + `}` }

func egress(rules string) string { return `{"spec":{"egress":[` + rules + `]}}` }

func trust(s string) string { return `{"assumeRolePolicy":` + statement(s) + `}` }

const tlsOnly = `{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:` +
	`SecureTransport":"false"}}}`

func jobManagers(requirements string) string {
	return `{"spec":{"template":{"metadata":{"labels":{"FlinkRole":"jobmanager"}},"spec":{"requirements":` + requirements + `}}}}`
}

const (
	release = "kubernetes:helm.sh/v3:Release"
	// anybody lets everybody look at Grafana.
	anybody = `"grafana.ini":{"auth.anonymous":{"enabled":true}}`
)

// prometheus is a chart with a volume for Prometheus, and these values of Grafana.
func prometheus(grafana string) string {
	return `{"chart":"kube-prometheus-stack","values":{"grafana":{` + grafana + `},` +
		`"prometheus":{"prometheusSpec":{"storageSpec":{"volumeClaimTemplate":{}}}}}}`
}

// cases has for every rule a graph that raises it, what it names, and a graph that does not.
func cases() map[string]struct {
	raises []one
	at     []string
	quiet  []one
} {
	type pair = struct {
		raises []one
		at     []string
		quiet  []one
	}
	return map[string]pair{
		"public-endpoint": {
			[]one{
				{cluster, "a", `{"vpcConfig":{"endpointPublicAccess":true,"publicAccessCidrs":["203.0.113.0/24","0.0.0.0/0"]}}`,
					""},
				{cluster, "b", `{"vpcConfig":{}}`, ""},
			},
			[]string{"a vpcConfig.publicAccessCidrs", "b vpcConfig.publicAccessCidrs"},
			[]one{
				{cluster, "a", `{"vpcConfig":{"endpointPublicAccess":false,"publicAccessCidrs":["0.0.0.0/0"]}}`, ""},
				{cluster, "b", `{"vpcConfig":{"publicAccessCidrs":["203.0.113.0/24"]}}`, ""},
			},
		},
		"open-dashboards": {
			[]one{
				{release, "a", prometheus(`"service":{"type":"LoadBalancer"},` + anybody), ""},
				{release, "b", prometheus(`"ingress":{"enabled":true},` + anybody), ""},
				{release, "c", strings.Replace(prometheus(`"ingress":{"enabled":true},`+anybody), `"kube-`,
					`"oci://r.example.com/charts/kube-`, 1), ""},
			},
			[]string{"a values.grafana.service.type", "b values.grafana.ingress", "c values.grafana.ingress"},
			[]one{
				{release, "a", prometheus(anybody), ""},
				{release, "b", prometheus(`"ingress":{"enabled":true}`), ""},
				{release, "c", prometheus(`"enabled":false,"ingress":{"enabled":true},` + anybody), ""},
				{release, "d", `{"chart":"other","values":{"grafana":{"ingress":{"enabled":true}}}}`, ""},
			},
		},
		"metrics-volume": {
			[]one{{release, "a", `{"chart":"kube-prometheus-stack","values":{}}`, ""}},
			[]string{"a values.prometheus.prometheusSpec.storageSpec"},
			[]one{
				{release, "a", prometheus(""), ""},
				{release, "b", `{"chart":"kube-prometheus-stack","values":{"prometheus":{"enabled":false}}}`, ""},
			},
		},
		"open-ingress": {
			[]one{
				{sgRule, "a", `{"type":"ingress","cidrBlocks":["0.0.0.0/0"],"fromPort":22,"toPort":22}`, ""},
				{"aws:ec2/securityGroup:SecurityGroup", "b",
					`{"ingress":[{"ipv6CidrBlocks":["::/0"],"fromPort":443,"toPort":443}]}`, ""},
				{"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "c", `{"cidrIpv4":"0.0.0.0/0"}`, ""},
			},
			[]string{"b ingress", "a cidrBlocks", "c cidrIpv4"},
			[]one{
				{sgRule, "a", `{"type":"egress","cidrBlocks":["0.0.0.0/0"]}`, ""},
				{sgRule, "b", `{"type":"ingress","cidrBlocks":["10.0.0.0/8"]}`, ""},
				{"aws:ec2/securityGroup:SecurityGroup", "c", `{}`, ""},
			},
		},
		"open-egress": {
			[]one{
				{networkPolicy, "a", egress(`{"to":[{"ipBlock":{"cidr":"0.0.0.0/0"}}],` +
					`"ports":[{"port":443},{"port":5432}]}`), ""},
				{networkPolicy, "b", egress(`{"to":[{"podSelector":{}}]},{"to":[{"ipBlock":{"cidr":"::/0"}}]}`), ""},
				{networkPolicy, "c", egress(`{}`), ""},
			},
			[]string{"a spec.egress[0]", "b spec.egress[1]", "c spec.egress[0]"},
			[]one{
				{networkPolicy, "a", egress(`{"to":[{"ipBlock":{"cidr":"0.0.0.0/0"}}],"ports":[{"port":443}]}`), ""},
				{networkPolicy, "b", egress(`{"to":[{"ipBlock":{"cidr":"10.0.0.0/8"}}],"ports":[{"port":5432}]}`), ""},
				{networkPolicy, "c", `{"spec":{"policyTypes":["Egress"]}}`, ""},
			},
		},
		"iam-broad-managed-policy": {
			[]one{
				{attachment, "a", `{"policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}`, ""},
				{attachment, "b", `{"policyArn":"arn:aws-us-gov:iam::aws:policy/AmazonS3FullAccess"}`, ""},
				{role, "c", `{"managedPolicyArns":["arn:aws:iam::aws:policy/service-role/X",` +
					`"arn:aws:iam::aws:policy/PowerUserAccess"]}`, ""},
			},
			[]string{"c managedPolicyArns[1]", "a policyArn", "b policyArn"},
			[]one{
				{attachment, "a", `{"policyArn":"arn:aws:iam::aws:policy/AmazonMSKReadOnlyAccess"}`, ""},
				{attachment, "b", `{"policyArn":"arn:aws:iam::111122223333:policy/OurFullAccess"}`, ""},
			},
		},
		"pod-security": {
			[]one{
				{"kubernetes:core/v1:Namespace", "a", `{"metadata":{"labels":{"emrflink/team":"a"}}}`, ""},
				{"kubernetes:core/v1:Namespace", "b",
					`{"metadata":{"labels":{"emrflink/team":"b","pod-security.kubernetes.io/enforce":"privileged"}}}`, ""},
			},
			[]string{`a metadata.labels["pod-security.kubernetes.io/enforce"]`,
				`b metadata.labels["pod-security.kubernetes.io/enforce"]`},
			[]one{
				{"kubernetes:core/v1:Namespace", "a",
					`{"metadata":{"labels":{"emrflink/team":"a","pod-security.kubernetes.io/enforce":"baseline"}}}`, ""},
				{"kubernetes:core/v1:Namespace", "b",
					`{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"privileged"}}}`, ""},
			},
		},
		"iam-wildcard-action": {
			[]one{
				{policy, "a", inline(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b"}`), ""},
				{policy, "b", inline(`{"Effect":"Allow","Action":["iam:Put*","iam:GetRole"],"Resource":"arn:aws:iam::1:role/x"}`),
					""},
				{policy, "c", inline(`{"Effect":"Allow","NotAction":"iam:*","Resource":"arn:aws:s3:::b"}`), ""},
				{role, "d", `{"inlinePolicies":[{"policy":` + statement(
					`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b"}`) + `}]}`, ""},
			},
			[]string{"a policy", "b policy", "c policy", "d inlinePolicies[0].policy"},
			[]one{
				{policy, "a", inline(`{"Effect":"Deny","Action":"s3:*","Resource":"*"}`), ""},
				{policy, "b", inline(`{"Effect":"Allow","Action":["ec2:Describe*","s3:GetObject"],"Resource":"arn:aws:s3:::b"}`),
					""},
			},
		},
		"iam-wildcard-resource": {
			[]one{
				{policy, "a", inline(
					`{"Sid":"All","Effect":"Allow","Action":["s3:GetObject","ec2:DescribeInstances"],"Resource":"*"}`), ""},
				{policy, "b", inline(`{"Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::x","arn:aws:s3:::*"]}`),
					""},
				{policy, "c", inline(`{"Effect":"Allow","Action":"s3:GetObject","NotResource":"arn:aws:s3:::x"}`), ""},
			},
			[]string{"a policy", "b policy", "c policy"},
			[]one{
				{policy, "a", inline(
					`{"Effect":"Allow","Action":["ec2:DescribeInstances","ec2:describe*","pricing:GetProducts"],"Resource":"*"}`),
					""},
				{policy, "b", inline(
					`{"Effect":"Allow","Action":"ec2:TerminateInstances","Resource":"*","Condition":{"StringEquals":{"aws:` +
						`ResourceTag/x":"y"}}}`), ""},
				{policy, "c", inline(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::x/*"}`), ""},
				{policy, "d", inline(`{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}`), ""},
			},
		},
		"iam-open-trust": {
			[]one{
				{role, "a", trust(`{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":{"Federated":"arn:x"},
					"Condition":{"StringEquals":{"oidc:aud":"sts.amazonaws.com"}}}`), ""},
				{role, "b", trust(`{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":["arn:x","*"]}}`), ""},
				{"aws:sqs/queuePolicy:QueuePolicy", "c",
					inline(`{"Effect":"Allow","Action":"sqs:SendMessage","Principal":"*","Resource":"arn:aws:sqs:::q"}`), ""},
			},
			[]string{"a assumeRolePolicy", "b assumeRolePolicy", "c policy"},
			[]one{
				{role, "a", trust(`{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":{"Federated":"arn:x"},
					"Condition":{"StringEquals":{"oidc:sub":"system:serviceaccount:a:b"}}}`), ""},
				{role, "b",
					trust(`{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ec2.amazonaws.com"}}`), ""},
				{"aws:s3/bucketPolicy:BucketPolicy", "c", inline(tlsOnly), ""},
			},
		},
		"iam-user": {
			[]one{{"aws:iam/user:User", "a", `{}`, ""}, {"aws:iam/accessKey:AccessKey", "b", `{"user":"a"}`, ""}},
			[]string{"b", "a"},
			[]one{{role, "a", `{}`, ""}},
		},
		"iam-refused-document": {
			[]one{
				{policy, "a", inline(`{"Effect":"Allow","Actions":"s3:GetObject","Resource":"arn:aws:s3:::b"}`), ""},
				{
					role, "b",
					trust(
						`{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"1"},
						"Condition":{"StringIs":{"a":"b"}}}`), "",
				},
				{policy, "c", `{"policy":{"Statement":[]}}`, ""},
			},
			[]string{"a policy", "c policy", "b assumeRolePolicy"},
			[]one{
				{policy, "a", inline(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b",
					"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`), ""},
				{role, "b", `{"assumeRolePolicy":"[unknown]"}`, ""},
				{role, "c", `{}`, ""},
			},
		},
		"bucket-public-access": {
			[]one{
				{bucket, "a", `{"bucket":"a"}`, ""}, {bucket, "b", `{"bucket":"b"}`, ""},
				{"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "block", `{"bucket":"b",
					"blockPublicAcls":true,"blockPublicPolicy":false,"ignorePublicAcls":true,"restrictPublicBuckets":true}`, ""},
			},
			[]string{"block blockPublicPolicy", "a"},
			[]one{
				{bucket, "a", `{"bucket":"a"}`, ""},
				{"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "block", `{"bucket":"[unknown]",
					"blockPublicAcls":true,"blockPublicPolicy":true,"ignorePublicAcls":true,"restrictPublicBuckets":true}`,
					bucket + "::a"},
			},
		},
		"bucket-tls": {
			[]one{
				{bucket, "a", `{"bucket":"a"}`, ""}, {bucket, "b", `{"bucket":"b"}`, ""},
				{"aws:s3/bucketPolicy:BucketPolicy", "p", `{"bucket":"b","policy":` +
					statement(`{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*",
					"Condition":{"Bool":{"aws:SecureTransport":"true"}}}`) + `}`, ""},
				{bucket, "c", `{"bucket":"c"}`, ""},
				{"aws:s3/bucketPolicy:BucketPolicy", "q", `{"bucket":"c","policy":` +
					statement(strings.Replace(tlsOnly, "aws:SecureTransport", "aws:MultiFactorAuthPresent", 1)) + `}`, ""},
			},
			[]string{"a", "b", "c"},
			[]one{
				{bucket, "a", `{"bucket":"a"}`, ""},
				{"aws:s3/bucketPolicy:BucketPolicy", "p", `{"bucket":"[unknown]","policy":` + statement(tlsOnly) + `}`,
					bucket + "::a"},
			},
		},
		"bucket-versioning": {
			[]one{
				{bucket, "a", `{"bucket":"a"}`, ""},
				{"aws:s3/bucketVersioningV2:BucketVersioningV2", "v",
					`{"bucket":"a","versioningConfiguration":{"status":"Suspended"}}`, ""},
			},
			[]string{"a"},
			[]one{
				{bucket, "a", `{"bucket":"a"}`, ""},
				{"aws:s3/bucketVersioningV2:BucketVersioningV2", "v",
					`{"bucket":"a","versioningConfiguration":{"status":"Enabled"}}`, ""},
			},
		},
		"bucket-encryption": {
			[]one{{bucket, "a", `{"bucket":"a"}`, ""}},
			[]string{"a"},
			[]one{
				{bucket, "a", `{"bucket":"a"}`, ""},
				{"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2", "e",
					`{"bucket":"a"}`, ""},
			},
		},
		"unencrypted-volume": {
			[]one{
				{template, "a", `{"blockDeviceMappings":[{"ebs":{"encrypted":"false"}}]}`, ""}, {template, "b", `{}`, ""},
				{class, "c", `{"spec":{"blockDeviceMappings":[{"ebs":{"volumeSize":"100Gi"}}]}}`, ""},
				{"aws:ebs/volume:Volume", "d", `{}`, ""},
				{"kubernetes:storage.k8s.io/v1:StorageClass", "e",
					`{"provisioner":"ebs.csi.aws.com","parameters":{"type":"gp3"}}`, ""},
			},
			[]string{"d encrypted", "a blockDeviceMappings", "b blockDeviceMappings", "c spec.blockDeviceMappings",
				"e parameters.encrypted"},
			[]one{
				{template, "a", `{"blockDeviceMappings":[{"ebs":{"encrypted":"true"}},{"virtualName":"ephemeral0"}]}`, ""},
				{class, "c", `{"spec":{}}`, ""}, {"aws:ebs/volume:Volume", "d", `{"encrypted":true}`, ""},
				{"kubernetes:storage.k8s.io/v1:StorageClass", "e", `{"provisioner":"efs.csi.aws.com"}`, ""},
			},
		},
		"log-retention": {
			[]one{{logGroup, "a", `{}`, ""}, {logGroup, "b", `{"retentionInDays":0}`, ""}},
			[]string{"a retentionInDays", "b retentionInDays"},
			[]one{{logGroup, "a", `{"retentionInDays":30}`, ""}},
		},
		"imds-v1": {
			[]one{
				{template, "a", `{"metadataOptions":{"httpTokens":"optional"}}`, ""}, {template, "b", `{}`, ""},
				{class, "c", `{"spec":{"metadataOptions":{"httpTokens":"optional"}}}`, ""},
			},
			[]string{"a metadataOptions.httpTokens", "b metadataOptions.httpTokens", "c spec.metadataOptions.httpTokens"},
			[]one{
				{template, "a", `{"metadataOptions":{"httpTokens":"required"}}`, ""}, {class, "c", `{"spec":{}}`, ""},
				{template, "d", `{"metadataOptions":{"httpEndpoint":"disabled"}}`, ""},
			},
		},
		"imds-hop-limit": {
			[]one{{template, "a", `{"metadataOptions":{"httpPutResponseHopLimit":2}}`, ""}},
			[]string{"a metadataOptions.httpPutResponseHopLimit"},
			[]one{{class, "a", `{"spec":{"metadataOptions":{"httpPutResponseHopLimit":1}}}`, ""}, {template, "b", `{}`, ""}},
		},
		"unpinned-ami": {
			[]one{
				{class, "a", `{"spec":{"amiSelectorTerms":[{"alias":"al2023@latest"}]}}`, ""},
				{class, "b", `{"spec":{"amiSelectorTerms":[{"name":"my-image-*"}]}}`, ""},
			},
			[]string{"a spec.amiSelectorTerms", "b spec.amiSelectorTerms"},
			[]one{{class, "a", `{"spec":{"amiSelectorTerms":[{"alias":"al2023@v20261023"},{"id":"ami-1"}]}}`, ""}},
		},
		"spot-jobmanager": {
			[]one{
				{pool, "a",
					jobManagers(`[{"key":"karpenter.sh/capacity-type","operator":"In","values":["spot","on-demand"]}]`), ""},
				{pool, "b", jobManagers(`[]`), ""},
				{pool, "c", jobManagers(`[{"key":"karpenter.sh/capacity-type","operator":"NotIn","values":["reserved"]}]`), ""},
			},
			[]string{
				"a spec.template.spec.requirements", "b spec.template.spec.requirements", "c spec.template.spec.requirements",
			},
			[]one{
				{pool, "a", jobManagers(`[{"key":"karpenter.sh/capacity-type","operator":"In","values":["on-demand"]}]`), ""},
				{pool, "b", jobManagers(`[{"key":"karpenter.sh/capacity-type","operator":"NotIn","values":["spot"]}]`), ""},
				{pool, "c", `{"spec":{"template":{"spec":{"requirements":[]}}}}`, ""},
			},
		},
		"nodepool-grace": {
			[]one{{pool, "a", `{"spec":{}}`, ""}}, []string{"a spec.template.spec.terminationGracePeriod"},
			[]one{{pool, "a", `{"spec":{"template":{"spec":{"terminationGracePeriod":"15m"}}}}`, ""}},
		},
		"nodepool-budgets": {
			[]one{{pool, "a", `{"spec":{"disruption":{"budgets":[]}}}`, ""}}, []string{"a spec.disruption.budgets"},
			[]one{{pool, "a", `{"spec":{"disruption":{"budgets":[{"nodes":"1"}]}}}`, ""}},
		},
		"nodepool-limits": {
			[]one{{pool, "a", `{"spec":{}}`, ""}}, []string{"a spec.limits.cpu"},
			[]one{{pool, "a", `{"spec":{"limits":{"cpu":"1000"}}}`, ""}},
		},
		"control-plane-logs": {
			[]one{{cluster, "a", `{"enabledClusterLogTypes":["api","audit"]}`, ""}, {cluster, "b", `{}`, ""}},
			[]string{"a enabledClusterLogTypes", "b enabledClusterLogTypes"},
			[]one{{cluster, "a", `{"enabledClusterLogTypes":["api","audit","authenticator"]}`, ""}},
		},
		"extended-support": {
			[]one{{cluster, "a", `{"version":"1.33"}`, ""}}, []string{"a version"},
			[]one{{cluster, "a", `{"version":"1.35"}`, ""}, {cluster, "b", `{"version":"9.99"}`, ""}},
		},
		"partly-mirrored": {
			[]one{
				{release, "a", `{"chart":"oci://r.example.com/karpenter/karpenter","values":{"controller":{"image":` +
					`{"repository":"r.example.com/karpenter/controller"}}}}`, ""},
				{release, "b", `{"chart":"metrics-server","values":{}}`, ""},
				{release, "c", `{"chart":"cert-manager","values":{"imageRegistry":"quay.io"}}`, ""},
			},
			[]string{"b values.image.repository", "c values.imageRegistry"},
			[]one{
				{release, "a", `{"chart":"oci://public.ecr.aws/karpenter/karpenter","values":{}}`, ""},
				{release, "b", `{"chart":"metrics-server","values":{}}`, ""}, {release, "x", `{"chart":"mine"}`, ""},
			},
		},
		"cold-cache": {
			[]one{{release, "a", `{"chart":"oci://r.example.com/karpenter/karpenter","values":{"settings":{"isolatedVPC":true},` +
				`"controller":{"image":{"repository":"111122223333.dkr.ecr.us-west-2.amazonaws.com/karpenter"}}}}`, ""}},
			[]string{"a values.controller.image.repository"},
			[]one{
				{release, "a", `{"chart":"oci://public.ecr.aws/karpenter/karpenter","values":{"settings":{"isolatedVPC":true},` +
					`"controller":{"image":{"repository":"harbor.example.com/karpenter/controller"}}}}`, ""},
				{release, "b", `{"chart":"karpenter","values":{"settings":{},` +
					`"controller":{"image":{"repository":"111122223333.dkr.ecr.us-west-2.amazonaws.com/karpenter"}}}}`, ""},
			},
		},
		"single-nat": {
			[]one{
				{"aws:ec2/natGateway:NatGateway", "n", `{"connectivityType":"public"}`, ""},
				{"aws:ec2/subnet:Subnet", "a", `{"availabilityZone":"us-west-2a"}`, ""},
				{"aws:ec2/subnet:Subnet", "b", `{"availabilityZone":"us-west-2b"}`, ""},
			},
			[]string{"n"},
			[]one{
				{"aws:ec2/natGateway:NatGateway", "n", `{}`, ""}, {"aws:ec2/natGateway:NatGateway", "m", `{}`, ""},
				{"aws:ec2/subnet:Subnet", "a", `{"availabilityZone":"us-west-2a"}`, ""},
				{"aws:ec2/subnet:Subnet", "b", `{"availabilityZone":"us-west-2b"}`, ""},
			},
		},
	}
}
