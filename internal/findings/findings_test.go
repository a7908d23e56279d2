// SPDX-License-Identifier: Apache-2.0

package findings_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/internal/findings"
)

// res makes a resource from its inputs in JSON.
func res(t *testing.T, typ, name, inputs string, deps ...string) findings.Resource {
	t.Helper()
	r := findings.Resource{URN: "urn:pulumi:t::emrflink::" + typ + "::" + name, Type: typ, Name: name, Dependencies: []string{}}
	for _, d := range deps {
		r.Dependencies = append(r.Dependencies, "urn:pulumi:t::emrflink::"+d)
	}
	require.NoError(t, json.Unmarshal([]byte(inputs), &r.Inputs), inputs)
	return r
}

// one is a resource of a test: type, name, inputs and dependencies.
type one struct{ typ, name, inputs, dep string }

func graph(t *testing.T, all []one) []findings.Resource {
	t.Helper()
	var out []findings.Resource
	for _, o := range all {
		if o.dep != "" {
			out = append(out, res(t, o.typ, o.name, o.inputs, o.dep))
			continue
		}
		out = append(out, res(t, o.typ, o.name, o.inputs))
	}
	return out
}

// of are the findings of one rule, as "name path".
func of(all []findings.Finding, rule string) []string {
	var out []string
	for _, f := range all {
		if f.Rule == rule {
			out = append(out, strings.TrimSpace(f.Name+" "+f.Path))
		}
	}
	return out
}

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

// cases has for every rule a graph that raises it, what it names, and a graph that does not.
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

func TestRules(t *testing.T) {
	t.Parallel()
	all := cases()
	for _, r := range findings.Rules() {
		if slices.Contains([]string{findings.NotChecked, findings.UnusedAcceptance, "plain-secret"}, r.ID) {
			continue // each has a test of its own
		}
		c, ok := all[r.ID]
		require.True(t, ok, "rule %s has no case", r.ID)
		delete(all, r.ID)
		t.Run(r.ID, func(t *testing.T) {
			t.Parallel()
			found := findings.Check(graph(t, c.raises))
			require.Equal(t, c.at, of(found, r.ID))
			for _, f := range found {
				require.NotEmpty(t, f.Message)
				require.False(t, f.Accepted)
				require.Equal(t, f.Rule == r.ID, f.Severity == r.Severity && f.Rule == r.ID)
			}
			require.Empty(t, of(findings.Check(graph(t, c.quiet)), r.ID))
		})
	}
	require.Empty(t, all, "cases without a rule")
}

func TestAPlainSecretIsFoundWhereItWasHidden(t *testing.T) {
	t.Parallel()
	r := res(t, role, "a", `{"tags":{"note":"[secret]"}}`)
	require.Empty(t, of(findings.Check([]findings.Resource{r}), "plain-secret"), "one that is marked")
	r.Exposed = []string{"tags.note"}
	require.Equal(t, []string{"a tags.note"}, of(findings.Check([]findings.Resource{r}), "plain-secret"))
}

// TestUnknownValues: they raise no finding, and the rule that had to look at one is named once.
// A policy that the same graph makes is judged by its document, not by an ARN that is not known yet.
func TestAnAttachmentOfAPolicyOfTheGraphIsChecked(t *testing.T) {
	t.Parallel()
	own := res(t, attachment, "a", `{"policyArn":"[unknown]"}`, policy+"::p")
	require.Empty(t, findings.Check([]findings.Resource{own}))
}

func TestUnknownValues(t *testing.T) {
	t.Parallel()
	graphs := map[string][]one{
		"public-endpoint":          {{cluster, "a", `{"vpcConfig":{"publicAccessCidrs":["[unknown]"]}}`, ""}},
		"open-ingress":             {{sgRule, "a", `{"type":"ingress","cidrBlocks":"[unknown]"}`, ""}},
		"open-egress":              {{networkPolicy, "a", `{"spec":{"egress":"[unknown]"}}`, ""}},
		"iam-wildcard-action":      {{policy, "a", `{"policy":"[unknown]"}`, ""}},
		"iam-wildcard-resource":    {{policy, "a", `{"policy":"{\"Statement\":{\"Resource\":\"[unknown]\"}}"}`, ""}},
		"iam-broad-managed-policy": {{attachment, "a", `{"policyArn":"[unknown]"}`, ""}},
		"iam-open-trust":           {{role, "a", `{"assumeRolePolicy":"[unknown]"}`, ""}},
		"imds-v1":                  {{template, "a", `{"metadataOptions":"[unknown]"}`, ""}},
		"imds-hop-limit":           {{template, "a", `{"metadataOptions":"[unknown]"}`, ""}},
		"unencrypted-volume":       {{template, "a", `{"blockDeviceMappings":"[unknown]"}`, ""}},
		"unpinned-ami":             {{class, "a", `{"spec":"[unknown]"}`, ""}},
		"spot-jobmanager":          {{pool, "a", jobManagers(`"[unknown]"`), ""}},
		"nodepool-grace":           {{pool, "a", `{"spec":"[unknown]"}`, ""}},
		"nodepool-budgets":         {{pool, "a", `{"spec":"[unknown]"}`, ""}},
		"nodepool-limits":          {{pool, "a", `{"spec":"[unknown]"}`, ""}},
		"control-plane-logs":       {{cluster, "a", `{"enabledClusterLogTypes":"[unknown]"}`, ""}},
		"extended-support":         {{cluster, "a", `{"version":"[unknown]"}`, ""}},
		"open-dashboards": {{release, "a", `{"chart":"kube-prometheus-stack","values":{"grafana":"[unknown]",
			"prometheus":{"enabled":false}}}`, ""}},
		"metrics-volume": {{release, "a", `{"chart":"kube-prometheus-stack","values":{"prometheus":"[unknown]"}}`, ""}},
		"log-retention":  {{logGroup, "a", `{"retentionInDays":"[unknown]"}`, ""}},
		"pod-security": {{"kubernetes:core/v1:Namespace", "a",
			`{"metadata":{"labels":{"emrflink/team":"a","pod-security.kubernetes.io/enforce":"[unknown]"}}}`, ""}},
		"bucket-public-access": {{bucket, "b", `{"bucket":"b"}`, ""},
			{"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "a", `{"bucket":"b","blockPublicAcls":"[unknown]",
				"blockPublicPolicy":true,"ignorePublicAcls":true,"restrictPublicBuckets":true}`, ""}},
		"partly-mirrored": {{release, "a", `{"chart":"metrics-server","values":{"image":{"repository":"[unknown]"}}}`, ""}},
		"cold-cache":      {{release, "a", `{"chart":"karpenter","values":{"settings":{"isolatedVPC":"[unknown]"}}}`, ""}},
		"bucket-tls": {{bucket, "b", `{"bucket":"b"}`, ""},
			{"aws:s3/bucketPolicy:BucketPolicy", "a", `{"bucket":"b","policy":"[unknown]"}`, ""}},
		"bucket-versioning": {{bucket, "b", `{"bucket":"b"}`, ""},
			{"aws:s3/bucketVersioningV2:BucketVersioningV2", "a",
				`{"bucket":"b","versioningConfiguration":{"status":"[unknown]"}}`, ""}},
	}
	for _, r := range findings.Rules() {
		switch r.ID {
		case "plain-secret", findings.NotChecked, findings.UnusedAcceptance: // of no property
		case "iam-user", "bucket-encryption": // that a resource is there, or not, is always known
		case "single-nat": // counts the resources
		case "iam-refused-document": // the rules of the document's statements say that they did not read it
		default:
			require.Contains(t, graphs, r.ID, "this rule looks at values: what does it do with an unknown one?")
		}
	}
	for rule, g := range graphs {
		found := findings.Check(graph(t, g))
		require.Empty(t, of(found, rule), rule)
		last := found[len(found)-1]
		require.Equal(t, findings.NotChecked, last.Rule, rule)
		require.Contains(t, last.Message, rule+" (a)")
	}
	// The rule looks at queues before roles; the names are sorted all the same.
	many := []one{{"aws:sqs/queuePolicy:QueuePolicy", "e", `{"policy":"[unknown]"}`, ""}}
	for _, n := range []string{"a", "b", "c", "d"} {
		many = append(many, one{role, n, `{"assumeRolePolicy":"[unknown]"}`, ""})
	}
	found := findings.Check(graph(t, many))
	require.Len(t, found, 1)
	require.Contains(t, found[0].Message, "iam-open-trust (a, b, c and 2 more)")
}

func TestOrder(t *testing.T) {
	t.Parallel()
	g := graph(t, []one{
		{logGroup, "z", `{}`, ""}, {cluster, "c", `{"vpcConfig":{}}`, ""},
		{"aws:iam/user:User", "u", `{}`, ""},
	})
	first := findings.Check(g)
	slices.Reverse(g)
	require.Empty(t, cmp.Diff(first, findings.Check(g)))
	var severities []string
	for _, f := range first {
		severities = append(severities, f.Severity)
	}
	require.Equal(t, []string{"high", "medium", "medium", "low"}, severities)
}
