// SPDX-License-Identifier: Apache-2.0

package awswire_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"emrflink/internal/awsapi"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awswire"
)

func TestCallersAreKnownByTheirSignature(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, err := sts.NewFromConfig(w.cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:iam::111122223333:user/emrflink-local", *id.Arn)
	require.Equal(t, "111122223333", *id.Account)
	require.NotEmpty(t, *id.UserId)

	for name, tc := range map[string]struct {
		cfg  aws.Config
		want string
	}{
		"a wrong secret":       {w.config(account.StaticAccessKey, "guessed", ""), "SignatureDoesNotMatch"},
		"an unknown key":       {w.config("AKIAUNKNOWN000000000", "x", ""), "InvalidClientTokenId"},
		"a made-up session":    {w.config("ASIAUNKNOWN000000000", "x", "y"), "InvalidClientTokenId"},
		"a session with a key": {w.config(account.StaticAccessKey, account.StaticSecretKey, "token"), "InvalidClientTokenId"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sts.NewFromConfig(tc.cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
			require.Equal(t, tc.want, code(t, err))
		})
	}
	t.Run("EC2 has its own code", func(t *testing.T) {
		t.Parallel()
		_, err := w.ec2(w.config("AKIAUNKNOWN000000000", "x", "")).DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
		require.Equal(t, "AuthFailure", code(t, err))
	})
}

func TestRequestsThatWereChangedAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const body = "Action=GetCallerIdentity&Version=2011-06-15"
	for name, change := range map[string]func(*http.Request){
		"a changed body": func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(body + "&x=y"))
			r.ContentLength = -1
		},
		"an added query":          func(r *http.Request) { r.URL.RawQuery = "a=b" },
		"another path":            func(r *http.Request) { r.URL.Path = "/other" },
		"an unsigned amz header":  func(r *http.Request) { r.Header.Set("X-Amz-Extra", "1") },
		"another content type":    func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") },
		"a signature of zeros":    func(r *http.Request) { cutSignature(r, strings.Repeat("0", 64)) },
		"an old date":             func(r *http.Request) { r.Header.Set("X-Amz-Date", "20200101T000000Z") },
		"another region in scope": func(r *http.Request) { replaceAuth(r, region, "eu-west-1") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := signed(t, w, body)
			change(r)
			a := w.send(r)
			require.Equal(t, http.StatusForbidden, a.status, string(a.body))
			require.Contains(t, string(a.body), "SignatureDoesNotMatch")
		})
	}
	t.Run("the untouched request passes", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, http.StatusOK, w.send(signed(t, w, body)).status)
	})
	t.Run("a signature of version 2", func(t *testing.T) {
		t.Parallel()
		url := w.url + "/b/k?AWSAccessKeyId=a&Signature=b&Expires=1"
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		require.NoError(t, err)
		a := w.send(r)
		require.Equal(t, http.StatusBadRequest, a.status)
		require.Contains(t, string(a.body), "Please use AWS4-HMAC-SHA256")
	})
	t.Run("no signature at all", func(t *testing.T) {
		t.Parallel()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url, strings.NewReader(body))
		require.NoError(t, err)
		a := w.send(r)
		require.Equal(t, http.StatusForbidden, a.status)
		require.Contains(t, string(a.body), "MissingAuthenticationToken")
	})
}

func signed(t *testing.T, w *world, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/", strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	cr, err := w.cfg.Credentials.Retrieve(t.Context())
	require.NoError(t, err)
	require.NoError(t, v4.NewSigner().SignHTTP(t.Context(), cr, r, hexSum(body), "sts", region, time.Now()))
	return r
}

func cutSignature(r *http.Request, with string) {
	a := r.Header.Get("Authorization")
	r.Header.Set("Authorization", a[:strings.Index(a, "Signature=")]+"Signature="+with)
}

func replaceAuth(r *http.Request, old, with string) {
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, with, 1))
}

// Whatever path and query Amazon's signer signs, the verifier computes the same.
func TestEverySignatureOfAmazonsSignerVerifies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cr, err := w.cfg.Credentials.Retrieve(t.Context())
	require.NoError(t, err)
	rapid.Check(t, func(rt *rapid.T) {
		service := rapid.SampledFrom([]string{"s3", "eks", "logs"}).Draw(rt, "service")
		path := "/" + rapid.StringMatching(`[a-zA-Z0-9 ~+=,:@!$&'()*._/-]{0,30}`).Draw(rt, "path")
		query := url.Values{}
		for _, k := range rapid.SliceOfN(rapid.StringMatching(`[a-z0-9 +*~-]{1,6}`), 0, 4).Draw(rt, "keys") {
			query.Set(k, rapid.StringMatching(`[a-zA-Z0-9 +=&%*~/:-]{0,8}`).Draw(rt, "value"))
		}
		body := rapid.String().Draw(rt, "body")
		u := w.url + (&url.URL{Path: strings.ReplaceAll(path, "//", "/")}).EscapedPath() + "?" + query.Encode()
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, u, strings.NewReader(body))
		require.NoError(rt, err)
		r.Header.Set("X-Amz-Content-Sha256", hexSum(body))
		r.Header.Set("X-Amz-Meta-Text", rapid.StringMatching(`[a-z]{0,5} {0,3}[a-z]{1,5}`).Draw(rt, "meta"))
		err = v4.NewSigner().SignHTTP(context.Background(), cr, r, hexSum(body), service, region, time.Now(),
			func(o *v4.SignerOptions) {
				o.DisableURIPathEscaping = service == "s3"
			})
		require.NoError(rt, err)
		a := w.send(r)
		require.NotContains(rt, string(a.body), "SignatureDoesNotMatch", u)
		require.NotEqual(rt, http.StatusForbidden, a.status, string(a.body))
	})
}

func TestTokensOfAClusterAreVerified(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	env := map[string]string{
		awsapi.EnvEndpoint: w.url, awsapi.EnvAccessKey: account.StaticAccessKey, awsapi.EnvSecretKey: account.StaticSecretKey,
	}
	c, err := awsapi.New(t.Context(), awsapi.Options{Region: region, Env: env})
	require.NoError(t, err)
	token, expires, err := c.EKSToken(t.Context(), "demo")
	require.NoError(t, err)
	require.Greater(t, time.Until(expires), 10*time.Minute)

	caller, err := awswire.VerifyEKSToken(w.account, token, "demo")
	require.NoError(t, err)
	require.Equal(t, "arn:aws:iam::111122223333:user/emrflink-local", caller.ARN)

	env[awsapi.EnvSecretKey] = "guessed"
	forger, err := awsapi.New(t.Context(), awsapi.Options{Region: region, Env: env})
	require.NoError(t, err)
	forged, _, err := forger.EKSToken(t.Context(), "demo")
	require.NoError(t, err)
	for name, tc := range map[string]struct{ token, cluster, want string }{
		"another cluster":  {token, "other", "its signature is wrong"},
		"a wrong secret":   {forged, "demo", "its signature is wrong"},
		"a cut token":      {token[:len(token)-12], "demo", "not a token of cluster"},
		"another scheme":   {"Bearer x", "demo", "does not start with"},
		"not base64":       {"k8s-aws-v1.***", "demo", "not base64url"},
		"no URL in it":     {"k8s-aws-v1.aGVsbG8", "demo", "holds no URL"},
		"an empty token":   {"", "demo", "does not start with"},
		"an empty cluster": {token, "", "its signature is wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := awswire.VerifyEKSToken(w.account, tc.token, tc.cluster)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestWhatIsNotSimulatedIsRefusedByName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	for name, tc := range map[string]struct {
		service, method, path, body string
		header                      map[string]string
	}{
		"ec2:CreateVpnGateway":   {"ec2", "POST", "/", "Action=CreateVpnGateway&Version=2016-11-15", form},
		"iam:CreateUser":         {"iam", "POST", "/", "Action=CreateUser&Version=2010-05-08", form},
		"sqs:SetQueueAttributes": {"sqs", "POST", "/", "{}", map[string]string{"X-Amz-Target": "AmazonSQS.SetQueueAttributes"}},
		"eks:CreateCluster":      {"eks", "POST", "/clusters", "{}", nil},
		"s3:CreateBucket":        {"s3", "PUT", "/bucket", "", nil},
		"s3:GET bucket?acl":      {"s3", "GET", "/bucket?acl=", "", nil},
		"lambda:GET /2015/x":     {"lambda", "GET", "/2015/x", "", nil},
		"kinesis:DescribeStream": {
			"kinesis", "POST", "/", "{}", map[string]string{"X-Amz-Target": "Kinesis_20131202.DescribeStream"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := w.call(t.Context(), w.cfg, tc.service, tc.method, tc.path, tc.header, tc.body)
			require.Equal(t, http.StatusNotImplemented, a.status, string(a.body))
			require.Contains(t, string(a.body), name+" is not simulated")
			require.NotEmpty(t, a.header.Get("X-Amzn-Requestid"))
		})
	}
}

func TestOperationsAreListedOnce(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, op := range awswire.Operations() {
		name := op.Service + ":" + op.Name
		require.False(t, seen[name], name)
		require.NotEmpty(t, op.UsedBy, name)
		seen[name] = true
	}
	// What Karpenter was seen to call, and the exchange of its web identity.
	for _, name := range []string{"ec2:DescribeInstanceTypes", "ec2:DescribeInstanceTypeOfferings",
		"ec2:DescribeSpotPriceHistory", "pricing:GetProducts",
		"ec2:DescribeInstances", "ec2:DescribeInstanceStatus", "ec2:DescribeImages", "ec2:DescribeSubnets",
		"ec2:DescribeSecurityGroups", "ec2:DescribeLaunchTemplates", "ec2:CreateLaunchTemplate", "ec2:DeleteLaunchTemplate",
		"ec2:CreateFleet", "ec2:RunInstances", "ec2:CreateTags", "ec2:TerminateInstances", "iam:GetInstanceProfile",
		"iam:CreateInstanceProfile", "iam:AddRoleToInstanceProfile", "iam:RemoveRoleFromInstanceProfile",
		"iam:DeleteInstanceProfile", "iam:ListInstanceProfiles", "eks:DescribeCluster", "ssm:GetParameter",
		"sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sts:AssumeRoleWithWebIdentity"} {
		require.True(t, seen[name], name)
	}
}
