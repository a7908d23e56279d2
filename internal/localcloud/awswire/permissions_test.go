// SPDX-License-Identifier: Apache-2.0

package awswire_test

import (
	"cmp"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/iam"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awswire"
)

// wire is a call without a generated client: how the protocol of its service spells it.
type wire struct {
	method, path, body string
}

// restCalls are the operations that a method and a path spell.
func restCalls() map[string]wire {
	return map[string]wire{
		"eks:DescribeCluster":     {"GET", "/clusters/demo", ""},
		"eks:ListClusters":        {"GET", "/clusters", ""},
		"eks:UpdateClusterConfig": {"POST", "/clusters/demo/update-config", `{"deletionProtection":true}`},
		"eks:ListNodegroups":      {"GET", "/clusters/demo/node-groups", ""},
		"eks:DescribeNodegroup":   {"GET", "/clusters/demo/node-groups/core", ""},
		"eks:ListAddons":          {"GET", "/clusters/demo/addons", ""},
		"eks:DescribeAddon":       {"GET", "/clusters/demo/addons/coredns", ""},
		"eks:ListAccessEntries":   {"GET", "/clusters/demo/access-entries", ""},
		"eks:DescribeAccessEntry": {
			"GET", "/clusters/demo/access-entries/arn:aws:iam::" + account.DefaultAccountID + ":role%2Fnodes", "",
		},
		"eks:ListPodIdentityAssociations":    {"GET", "/clusters/demo/pod-identity-associations", ""},
		"eks:DescribePodIdentityAssociation": {"GET", "/clusters/demo/pod-identity-associations/a-1", ""},
		"eks:DescribeClusterVersions":        {"GET", "/cluster-versions", ""},
		"eks:DescribeAddonVersions":          {"GET", "/addons/supported-versions", ""},

		"s3:ListBuckets":             {"GET", "/", ""},
		"s3:HeadBucket":              {"HEAD", "/demo-data", ""},
		"s3:GetBucketLocation":       {"GET", "/demo-data?location", ""},
		"s3:GetBucketTagging":        {"GET", "/demo-data?tagging", ""},
		"s3:DeleteBucket":            {"DELETE", "/demo-data", ""},
		"s3:PutObject":               {"PUT", "/demo-data/new", "x"},
		"s3:GetObject":               {"GET", "/demo-data/key", ""},
		"s3:HeadObject":              {"HEAD", "/demo-data/key", ""},
		"s3:DeleteObject":            {"DELETE", "/demo-data/key?versionId=null", ""},
		"s3:DeleteObjects":           {"POST", "/demo-data?delete", "<Delete><Object><Key>key</Key></Object></Delete>"},
		"s3:ListObjectsV2":           {"GET", "/demo-data?list-type=2", ""},
		"s3:ListObjectVersions":      {"GET", "/demo-data?versions", ""},
		"s3:ListMultipartUploads":    {"GET", "/demo-data?uploads", ""},
		"s3:ListObjects":             {"GET", "/demo-data", ""},
		"s3:CreateMultipartUpload":   {"POST", "/demo-data/new?uploads", ""},
		"s3:UploadPart":              {"PUT", "/demo-data/new?uploadId=u&partNumber=1", "x"},
		"s3:CompleteMultipartUpload": {"POST", "/demo-data/new?uploadId=u", "<CompleteMultipartUpload/>"},
		"s3:AbortMultipartUpload":    {"DELETE", "/demo-data/new?uploadId=u", ""},
		"s3:ListParts":               {"GET", "/demo-data/new?uploadId=u", ""},
		"s3:CopyObject":              {"PUT", "/demo-data/new", ""},
		"s3:UploadPartCopy":          {"PUT", "/demo-data/new?uploadId=u&partNumber=1", ""},
	}
}

// parameters are those without which an operation is about nothing: what a policy may name by its tags must exist.
func parameters(w *world, instance, template string) map[string]string {
	return map[string]string{
		"ec2:RunInstances": "InstanceType=c5d.xlarge&ImageId=" + image(w, "x86_64") + "&SubnetId=" + w.subnets[0] +
			"&IamInstanceProfile.Name=nodes&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=a",
		"ec2:CreateFleet": "Type=instant&TargetCapacitySpecification.TotalTargetCapacity=1" +
			"&LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateId=" + template +
			"&LaunchTemplateConfigs.1.Overrides.1.InstanceType=c5d.xlarge&LaunchTemplateConfigs.1.Overrides.1.SubnetId=" +
			w.subnets[0],
		"ec2:TerminateInstances": "InstanceId.1=" + instance,
		"ec2:CreateLaunchTemplate": "LaunchTemplateName=new&TagSpecification.1.ResourceType=launch-template" +
			"&TagSpecification.1.Tag.1.Key=a",
		"ec2:DeleteLaunchTemplate":          "LaunchTemplateId=" + template,
		"ec2:CreateTags":                    "ResourceId.1=" + instance + "&Tag.1.Key=a&Tag.1.Value=b",
		"ec2:DeleteTags":                    "ResourceId.1=" + instance + "&Tag.1.Key=a",
		"ec2:CreateVolume":                  "TagSpecification.1.ResourceType=volume&TagSpecification.1.Tag.1.Key=a",
		"iam:AddRoleToInstanceProfile":      "InstanceProfileName=nodes&RoleName=nodes",
		"iam:RemoveRoleFromInstanceProfile": "InstanceProfileName=nodes&RoleName=nodes",
		"iam:DeleteInstanceProfile":         "InstanceProfileName=nodes",
		"iam:TagInstanceProfile":            "InstanceProfileName=nodes&Tags.member.1.Key=a&Tags.member.1.Value=b",
		"elasticloadbalancing:DeleteLoadBalancer": "LoadBalancerArn=arn:aws:elasticloadbalancing:us-west-2:" +
			account.DefaultAccountID +
			":loadbalancer/net/a/b",
		"ssm:GetParameter":             `{"Name":"/aws/service/a"}`,
		"iam:GetPolicyVersion":         "PolicyArn=arn:aws:iam::" + account.DefaultAccountID + ":policy/a",
		"iam:GetPolicy":                "PolicyArn=arn:aws:iam::" + account.DefaultAccountID + ":policy/a",
		"iam:GetOpenIDConnectProvider": "OpenIDConnectProviderArn=arn:aws:iam::" + account.DefaultAccountID + ":oidc-provider/a",
		"events:ListTagsForResource":   `{"ResourceARN":"arn:aws:events:us-west-2:` + account.DefaultAccountID + `:rule/a"}`,
		"logs:ListTagsForResource":     `{"resourceArn":"arn:aws:logs:us-west-2:` + account.DefaultAccountID + `:log-group:a"}`,
		"iam:SimulatePrincipalPolicy":  "PolicySourceArn=arn:aws:iam::" + account.DefaultAccountID + ":role/nodes",
		"sts:AssumeRole":               "RoleSessionName=s&RoleArn=arn:aws:iam::" + account.DefaultAccountID + ":role/nodes",
	}
}

// spell makes the request of an operation.
func spell(o awswire.Operation, params map[string]string) (wire, map[string]string) {
	switch name := o.Service + ":" + o.Name; o.Service {
	case "ec2", "iam", "sts", "elasticloadbalancing":
		return wire{"POST", "/", "Action=" + o.Name + "&" + params[name]},
			map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	case "eks", "s3":
		if strings.Contains(name, "Copy") {
			return restCalls()[name], map[string]string{"X-Amz-Copy-Source": "/demo-data/key"}
		}
		return restCalls()[name], nil
	default:
		return wire{"POST", "/", cmp.Or(params[name], "{}")}, map[string]string{"X-Amz-Target": "Service." + o.Name}
	}
}

// denial is the code with which a service says that the caller has no permission.
func denial(service string) string {
	switch service {
	case "ec2":
		return "UnauthorizedOperation"
	case "iam", "sts", "elasticloadbalancing", "s3":
		return "AccessDenied"
	}
	return "AccessDeniedException"
}

// TestEveryOperationAsksForItsPermissions calls each operation with a role that has no permission, which is refused, and
// with one that has the operation's actions, which is not.
func TestEveryOperationAsksForItsPermissions(t *testing.T) {
	t.Parallel()
	table, err := iam.Actions()
	require.NoError(t, err)
	open := []string{}
	for _, o := range awswire.Operations() {
		name := o.Service + ":" + o.Name
		if len(o.Actions()) == 0 {
			open = append(open, name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _ := deployed(t)
			_, err := w.account.Objects.Put("demo-data", "key", []byte("x"), nil) // who may not list is denied what is missing
			require.NoError(t, err)
			instances := w.account.List(account.KindInstance)
			templates := w.account.List(account.KindLaunchTemplate)
			params := parameters(w, instances[0].ID, templates[0].ID)
			var seen awswire.Call
			srv := httptest.NewServer(awswire.New(w.account, awswire.Options{Observe: func(c awswire.Call) { seen = c }}))
			t.Cleanup(srv.Close)
			w.url = srv.URL
			ask := func(role, document string) (refused bool, said string) {
				c, header := spell(o, params)
				require.NotEmpty(t, c.method, "say in restCalls how a client spells it")
				a := w.call(t.Context(), w.as(w.role(role, "ec2.amazonaws.com", document)), o.Service, c.method, c.path, header,
					c.body)
				require.Equal(t, name, seen.Operation)
				said = string(a.body)
				if name == "s3:DeleteObjects" { // each object has an answer of its own
					return strings.Contains(said, "<Code>AccessDenied</Code>"), said
				}
				return seen.Code == denial(o.Service), said
			}

			refused, said := ask("nobody", "")
			require.True(t, refused, "%s %s", seen.Code, said)
			// A policy may name log-group:* for it, or everything.
			if _, resource, limited := strings.Cut(said, "on resource: "); said != "" && name != "logs:DescribeLogGroups" {
				resource, _, _ = strings.Cut(resource, " ")
				require.Equal(t, iam.Unscoped(o.Actions()[0]), !limited,
					"an action that can be limited is asked for on a resource: %s", said)
				action, _ := table.Action(o.Actions()[0])
				require.True(t, !limited || action.Takes(resource), "%s is no resource of %s", resource, o.Actions()[0])
			}
			refused, said = ask("somebody", allow("*", "", o.Actions()...))
			require.False(t, refused, "the operation needs more than its row says: %s", said)
		})
	}
	require.ElementsMatch(t, []string{"sts:GetCallerIdentity", "sts:AssumeRoleWithWebIdentity",
		"eks-auth:AssumeRoleForPodIdentity"}, open,
		"AWS asks for no permission")
}

// TestActionsOfOperationsExist: the API asks for actions that AWS has.
func TestActionsOfOperationsExist(t *testing.T) {
	t.Parallel()
	table, err := iam.Actions()
	require.NoError(t, err)
	for _, o := range awswire.Operations() {
		for _, action := range o.Actions() {
			_, known := table.Action(action)
			require.True(t, known || iam.Unscoped(action), "%s is not in actions.csv of internal/iam", action)
		}
	}
}
