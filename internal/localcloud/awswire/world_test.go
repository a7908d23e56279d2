// SPDX-License-Identifier: Apache-2.0

package awswire_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awswire"
)

const region = "us-west-2"

// world is an account behind its API, with a network, and Amazon's clients for
// it.
type world struct {
	t       *testing.T
	account *account.Account
	url     string
	cfg     aws.Config
	vpc     string
	subnets []string // one per zone: a, b, c
	group   string
}

// bareWorld serves a fresh account on which nothing takes time, and in which there is nothing.
func bareWorld(t *testing.T) *world {
	t.Helper()
	a, err := account.Open(account.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	srv := httptest.NewServer(awswire.New(a, awswire.Options{}))
	t.Cleanup(srv.Close)
	return &world{t: t, account: a, url: srv.URL}
}

// newWorld has a network.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := bareWorld(t)
	w.cfg = w.config(account.StaticAccessKey, account.StaticSecretKey, "")
	w.vpc = w.create(account.KindVPC, account.Props{"cidrBlock": "10.0.0.0/16"}).ID
	for i, zone := range []string{"a", "b", "c"} {
		s := w.create(account.KindSubnet, account.Props{"vpcId": w.vpc, "cidrBlock": "10.0." + string(rune('0'+i)) + ".0/24",
			"availabilityZone": region + zone, "tags": account.Props{"karpenter.sh/discovery": "demo"}})
		w.subnets = append(w.subnets, s.ID)
	}
	w.group = w.create(account.KindSecurityGroup, account.Props{"vpcId": w.vpc, "name": "nodes", "description": "nodes",
		"tags": account.Props{"karpenter.sh/discovery": "demo"}}).ID
	return w
}

func (w *world) config(key, secret, token string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: aws.String(w.url),
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, token),
	}
}

// create makes a resource in the account directly.
func (w *world) create(k account.Kind, p account.Props) account.Resource {
	w.t.Helper()
	r, err := w.account.Create(w.t.Context(), account.Caller{}, k, p)
	require.NoError(w.t, err)
	return r
}

func (w *world) ec2(cfg aws.Config) *ec2.Client { return ec2.NewFromConfig(cfg) }
func (w *world) iam(cfg aws.Config) *iam.Client { return iam.NewFromConfig(cfg) }
func (w *world) eks(cfg aws.Config) *eks.Client { return eks.NewFromConfig(cfg) }
func (w *world) s3(cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = true
		// As of a configuration that is loaded: a zero one has no checksums.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenSupported
	})
}

// role makes a role that the account may assume, with one inline policy.
func (w *world) role(name, service, document string) account.Resource {
	w.t.Helper()
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service + `"},
		"Action":"sts:AssumeRole"},
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account.DefaultAccountID + `:root"},"Action":"sts:AssumeRole"}]}`
	r := w.create(account.KindRole, account.Props{"name": name, "assumeRolePolicy": trust})
	if document != "" {
		w.create(account.KindRolePolicy, account.Props{"name": "policy", "role": name, "policy": document})
	}
	return r
}

// as is the configuration of an assumed role.
func (w *world) as(role account.Resource) aws.Config {
	w.t.Helper()
	out, err := sts.NewFromConfig(w.cfg).AssumeRole(w.t.Context(), &sts.AssumeRoleInput{
		RoleArn: &role.ARN, RoleSessionName: aws.String("test"),
	})
	require.NoError(w.t, err)
	c := out.Credentials
	return w.config(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
}

// allow is a policy document with one statement.
func allow(resource, condition string, actions ...string) string {
	b, _ := json.Marshal(actions)
	doc := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":` + string(b) + `,"Resource":"` + resource + `"`
	if condition != "" {
		doc += `,"Condition":` + condition
	}
	return doc + `}]}`
}

// answered is a raw answer.
type answered struct {
	status int
	header http.Header
	body   []byte
}

// call signs and sends a request that no generated client is needed for.
func (w *world) call(ctx context.Context, cfg aws.Config, service, method, path string, header map[string]string,
	body string) answered {
	w.t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, w.url+path, bytes.NewReader([]byte(body)))
	require.NoError(w.t, err)
	for k, v := range header {
		req.Header.Set(k, v)
	}
	cr, err := cfg.Credentials.Retrieve(ctx)
	require.NoError(w.t, err)
	if service == "s3" {
		req.Header.Set("X-Amz-Content-Sha256", hexSum(body))
	}
	err = v4.NewSigner().SignHTTP(ctx, cr, req, hexSum(body), service, region, time.Now(), func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = service == "s3"
	})
	require.NoError(w.t, err)
	return w.send(req)
}

func hexSum(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func (w *world) send(req *http.Request) answered {
	w.t.Helper()
	resp, err := http.DefaultClient.Do(req)
	require.NoError(w.t, err)
	b, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	require.NoError(w.t, resp.Body.Close())
	return answered{resp.StatusCode, resp.Header, b}
}

// target calls a JSON service and decodes what it answers.
func (w *world) target(cfg aws.Config, service, target, body string) (answered, map[string]any) {
	w.t.Helper()
	a := w.call(w.t.Context(), cfg, service, http.MethodPost, "/", map[string]string{
		"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1",
	}, body)
	m := map[string]any{}
	require.NoError(w.t, json.Unmarshal(a.body, &m), string(a.body))
	return a, m
}

// code is AWS's code of an error of the SDK.
func code(t *testing.T, err error) string {
	t.Helper()
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	return api.ErrorCode()
}
