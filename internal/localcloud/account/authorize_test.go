// SPDX-License-Identifier: Apache-2.0

package account

import (
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/iam"
	"emrflink/internal/localcloud/awserror"
)

func TestAuthorize(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	n := w.network()
	trustPolicy := trust("ec2.amazonaws.com")
	role := w.make(KindRole, Props{
		"name": "controller", "assumeRolePolicy": trustPolicy,
		"inlinePolicies": []any{Props{"name": "in-role", "policy": allow("eks:DescribeCluster", "*")}},
	})
	w.make(KindRolePolicy, Props{"name": "inline", "role": role.ID, "policy": `{"Statement":[
		{"Effect":"Allow","Action":"ec2:TerminateInstances","Resource":"arn:aws:ec2:*:*:instance/*",` +
		`"Condition":{"StringLike":{"aws:ResourceTag/karpenter.sh/nodepool":"*"}}},
		{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*",` +
		`"Condition":{"StringEquals":{"aws:RequestedRegion":"us-west-2"}}},
		{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`})
	own := w.make(KindPolicy, Props{"name": "own", "policy": allow("sqs:ReceiveMessage", "arn:aws:sqs:us-west-2:111122223333:q")})
	w.make(KindRolePolicyAttachment, Props{"role": role.ID, "policyArn": own.ARN})
	w.make(KindRolePolicyAttachment, Props{"role": role.ID, "policyArn": "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"})
	w.make(KindBucket, Props{"bucket": "locked"})
	w.make(KindBucketPolicy, Props{"bucket": "locked", "policy": `{"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*",
		"Resource":["arn:aws:s3:::locked","arn:aws:s3:::locked/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}}`})
	queue := w.make(KindQueue, Props{"name": "shared"})
	w.make(KindQueuePolicy, Props{"queueUrl": queue.ID, "policy": `{"Statement":{"Effect":"Allow","Principal":{"AWS":"` +
		role.ARN + `"},"Action":"sqs:SendMessage","Resource":"` + queue.ARN + `"}}`})
	tagged := w.run(n, true)
	plain, err := w.RunInstances(t.Context(), Caller{}, RunRequest{InstanceType: "m5.large", SubnetID: n.subnets[0].ID,
		ImageID: "ami-0123456789abcdef0"})
	require.NoError(t, err)
	as := Caller{ARN: "arn:aws:sts::111122223333:assumed-role/controller/s", Role: "controller"}
	type keys = map[string][]string
	for name, c := range map[string]struct {
		caller           Caller
		action, resource string
		keys             keys
		code             string
	}{
		"the administrator may do all": {w.Administrator(), "ec2:DeleteVpc", "*", nil, ""},
		"an inline policy of the role": {as, "eks:DescribeCluster", "arn:aws:eks:us-west-2:111122223333:cluster/demo", nil,
			""},
		"an attached policy": {as, "sqs:ReceiveMessage", "arn:aws:sqs:us-west-2:111122223333:q", nil, ""},
		"a policy that AWS manages": {as, "logs:PutLogEvents", "arn:aws:logs:us-west-2:111122223333:log-group:g", nil,
			""},
		"the tags of the resource are known": {as, "ec2:TerminateInstances", tagged.ARN, nil, ""},
		"a resource without the tag":         {as, "ec2:TerminateInstances", plain[0].ARN, nil, "UnauthorizedOperation"},
		"the account's region is known":      {as, "ec2:DescribeInstances", "*", nil, ""},
		"another region": {as, "ec2:DescribeInstances", "*", keys{"aws:RequestedRegion": {"eu-west-1"}},
			"UnauthorizedOperation"},
		"what nothing allows, of EKS": {as, "eks:DeleteCluster", "*", nil, "AccessDeniedException"},
		"what nothing allows, of IAM": {as, "iam:CreateRole", "*", nil, "AccessDenied"},
		"a bucket policy denies": {as, "s3:GetObject", "arn:aws:s3:::locked/k",
			keys{"aws:SecureTransport": {"false"}}, "AccessDenied"},
		"and does not when TLS is used": {as, "s3:GetObject", "arn:aws:s3:::locked/k",
			keys{"aws:SecureTransport": {"true"}}, ""},
		"a queue policy allows":               {as, "sqs:SendMessage", queue.ARN, nil, ""},
		"a role that has gone may do nothing": {Caller{ARN: "x", Role: "gone"}, "s3:GetObject", "*", nil, "AccessDenied"},
	} {
		err := w.Authorize(c.caller, c.action, c.resource, c.keys)
		require.Equal(t, c.code, awserror.Code(err), "%s: %v", name, err)
	}
	w.SetFaults([]Fault{{Op: "ec2:Describe*", Error: &awserror.Error{Code: "RequestLimitExceeded", HTTP: 503}, Times: 1}})
	w.refused("RequestLimitExceeded", w.Authorize(w.Administrator(), "ec2:DescribeInstances", "*", nil))
	require.NoError(t, w.Authorize(w.Administrator(), "ec2:DescribeInstances", "*", nil))
	attached, inline := w.PoliciesOfRole("controller")
	require.Len(t, attached, 2)
	require.Equal(t, []string{"inline"}, inline)
}

func TestAPermissionsBoundaryLimitsARole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	policy := func(name, actions string) string {
		return w.make(KindPolicy, Props{"name": name, "policy": `{"Statement":{"Effect":"Allow","Action":[` +
			actions + `],"Resource":"*"}}`}).ARN
	}
	boundary := policy("boundary", `"s3:*","ec2:DescribeVpcs"`)
	limited := func(name, boundary string) Props {
		return Props{"name": name, "assumeRolePolicy": trust("ec2.amazonaws.com"), "permissionsBoundary": boundary}
	}
	w.make(KindRole, limited("limited", boundary))
	w.make(KindRolePolicyAttachment, Props{"role": "limited", "policyArn": policy("all", `"ec2:*"`)})
	as := Caller{ARN: "arn:aws:sts::111122223333:assumed-role/limited/s", Role: "limited"}
	require.NoError(t, w.Authorize(as, "ec2:DescribeVpcs", "*", nil))
	err := w.Authorize(as, "ec2:DeleteVpc", "*", nil)
	require.ErrorContains(t, err, "because no permissions boundary allows the ec2:DeleteVpc action")
	require.Error(t, w.Authorize(as, "s3:ListAllMyBuckets", "*", nil), "a boundary gives nothing by itself")

	_, err = w.Create(t.Context(), Caller{}, KindRole, limited("lost", "arn:aws:iam::111122223333:policy/absent"))
	w.refused("NoSuchEntity", err)
}

func TestManagedPoliciesParse(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"AmazonEKSClusterPolicy", "AmazonEKSVPCResourceController", "AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy",
		"AmazonEC2ContainerRegistryPullOnly", "AmazonEC2ContainerRegistryReadOnly", "AmazonSSMManagedInstanceCore",
		"service-role/AmazonEBSCSIDriverPolicy", "CloudWatchAgentServerPolicy",
	} {
		require.NoError(t, checkIdentityPolicy(iam.AWSManaged("arn:aws:iam::aws:policy/"+name)), name)
	}
	require.Empty(t, iam.AWSManaged("arn:aws:iam::aws:policy/AdministratorAccess"))
}
