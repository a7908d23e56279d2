// SPDX-License-Identifier: Apache-2.0

package account

import (
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/iam"
)

// token is a service-account token with a signature that nobody checks.
func token(t *testing.T, claims map[string]any) string {
	t.Helper()
	body, err := json.Marshal(claims)
	require.NoError(t, err)
	return "e30." + base64.RawURLEncoding.EncodeToString(body) + ".c2ln"
}

const issuer = "https://oidc.eks.us-west-2.amazonaws.com/id/ABC"

func webTrust(operator, subject string) string {
	const host = "oidc.eks.us-west-2.amazonaws.com/id/ABC"
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity",
		"Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/` + host + `"},
		"Condition":{"StringEquals":{"` + host + `:aud":"sts.amazonaws.com"},"` +
		operator + `":{"` + host + `:sub":"` + subject + `"}}}]}`
}

func TestWebIdentity(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	w := newWorld(t, Options{Clock: clock})
	role := w.make(KindRole, Props{"name": "karpenter-controller",
		"assumeRolePolicy": webTrust("StringEquals", "system:serviceaccount:kube-system:karpenter")})
	like := w.make(KindRole, Props{"name": "job", "assumeRolePolicy": webTrust("StringLike",
		"system:serviceaccount:team-a:emr-containers-sa-*-*-111122223333-abc")})
	good := map[string]any{
		"iss": issuer, "sub": "system:serviceaccount:kube-system:karpenter", "aud": []string{"sts.amazonaws.com"},
		"exp": clock.Now().Add(time.Hour).Unix(),
	}
	with := func(key string, v any) string {
		c := map[string]any{}
		for k, x := range good {
			c[k] = x
		}
		c[key] = v
		return token(t, c)
	}
	_, err := w.AssumeRoleWithWebIdentity(t.Context(), role.ARN, "karpenter", token(t, good))
	w.refused("InvalidIdentityToken", err) // no provider yet
	w.make(KindOIDCProvider, Props{"url": issuer, "clientIdLists": []any{"sts.amazonaws.com"}})
	for name, c := range map[string]struct{ arn, jwt, code string }{
		"the right subject": {role.ARN, token(t, good), ""},
		"another subject":   {role.ARN, with("sub", "system:serviceaccount:default:karpenter"), "AccessDenied"},
		"another audience":  {role.ARN, with("aud", "https://kubernetes.default.svc"), "InvalidIdentityToken"},
		"another issuer":    {role.ARN, with("iss", "https://example.com"), "InvalidIdentityToken"},
		"an expired token":  {role.ARN, with("exp", clock.Now().Add(-time.Second).Unix()), "ExpiredTokenException"},
		"what is no token":  {role.ARN, "abc", "InvalidIdentityToken"},
		"an absent role":    {"arn:aws:iam::111122223333:role/absent", token(t, good), "AccessDenied"},
		"a pattern that matches": {
			like.ARN, with("sub", "system:serviceaccount:team-a:emr-containers-sa-flink-jobmanager-111122223333-abc"), ""},
		"a pattern in another team": {like.ARN, with(
			"sub", "system:serviceaccount:team-b:emr-containers-sa-flink-jobmanager-111122223333-abc"), "AccessDenied"},
		"a pattern, plain account":    {like.ARN, with("sub", "system:serviceaccount:team-a:default"), "AccessDenied"},
		"the subject of another role": {like.ARN, token(t, good), "AccessDenied"},
	} {
		_, err := w.AssumeRoleWithWebIdentity(t.Context(), c.arn, "session", c.jwt)
		require.Equal(t, c.code, Code(err), "%s: %v", name, err)
	}
	c, err := w.AssumeRoleWithWebIdentity(t.Context(), role.ARN, "karpenter", token(t, good))
	require.NoError(t, err)
	require.Equal(t, "arn:aws:sts::111122223333:assumed-role/karpenter-controller/karpenter", c.AssumedRoleARN)
	caller, secret, err := w.CallerByAccessKey(c.AccessKeyID, c.SessionToken)
	require.NoError(t, err)
	require.Equal(t, c.SecretAccessKey, secret)
	require.Equal(t, ByKarpenter, caller.Via)
	_, _, err = w.CallerByAccessKey(c.AccessKeyID, "wrong")
	w.refused("InvalidClientTokenId", err)
	clock.advance(2 * time.Hour)
	_, _, err = w.CallerByAccessKey(c.AccessKeyID, c.SessionToken)
	w.refused("ExpiredToken", err)
}

func TestTheRuntimeVerifiesTokens(t *testing.T) {
	t.Parallel()
	runtime := &fakeRuntime{subject: "system:serviceaccount:a:real", audiences: []string{"sts.amazonaws.com"}}
	w := newWorld(t, Options{Runtime: runtime})
	w.make(KindOIDCProvider, Props{"url": issuer, "clientIdLists": []any{"sts.amazonaws.com"}})
	role := w.make(KindRole, Props{"name": "r", "assumeRolePolicy": webTrust("StringEquals", "system:serviceaccount:a:real")})
	claimed := token(t, map[string]any{"iss": issuer, "sub": "system:serviceaccount:a:forged", "aud": "sts.amazonaws.com"})
	_, err := w.AssumeRoleWithWebIdentity(t.Context(), role.ARN, "session", claimed)
	require.NoError(t, err, "what counts is what the runtime has verified")
	runtime.tokenErr = errBroken
	_, err = w.AssumeRoleWithWebIdentity(t.Context(), role.ARN, "session", claimed)
	w.refused("InvalidIdentityToken", err)
}

func TestAssumeRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	accountWide := `{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:` +
		`AssumeRole"}}`
	one := w.make(KindRole, Props{"name": "one", "assumeRolePolicy": accountWide})
	two := w.make(KindRole, Props{"name": "two", "assumeRolePolicy": `{"Statement":{"Effect":"Allow","Principal":{"AWS":"` +
		one.ARN + `"},"Action":"sts:AssumeRole"}}`})
	c, err := w.AssumeRole(t.Context(), w.Administrator(), one.ARN, "admin")
	require.NoError(t, err)
	_, err = w.AssumeRole(t.Context(), w.Administrator(), two.ARN, "admin")
	w.refused("AccessDenied", err)
	caller, _, err := w.CallerByAccessKey(c.AccessKeyID, c.SessionToken)
	require.NoError(t, err)
	_, err = w.AssumeRole(t.Context(), caller, two.ARN, "chained")
	require.NoError(t, err)
	_, err = w.AssumeRole(t.Context(), caller, two.ARN, "bad name")
	w.refused("ValidationError", err)
}

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
		require.Equal(t, c.code, Code(err), "%s: %v", name, err)
	}
	w.SetFaults([]Fault{{Op: "ec2:Describe*", Error: &Error{Code: "RequestLimitExceeded", HTTP: 503}, Times: 1}})
	w.refused("RequestLimitExceeded", w.Authorize(w.Administrator(), "ec2:DescribeInstances", "*", nil))
	require.NoError(t, w.Authorize(w.Administrator(), "ec2:DescribeInstances", "*", nil))
	attached, inline := w.PoliciesOfRole("controller")
	require.Len(t, attached, 2)
	require.Equal(t, []string{"inline"}, inline)
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
