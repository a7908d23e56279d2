// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awskind"
)

func env(endpoint string) map[string]string {
	return map[string]string{EnvEndpoint: endpoint, EnvAccessKey: "AKIAEXAMPLE", EnvSecretKey: "secret"}
}

func client(t *testing.T, endpoint string) *Client {
	t.Helper()
	c, err := New(t.Context(), Options{Region: "us-west-2", Env: env(endpoint)})
	require.NoError(t, err)
	return c
}

func TestAnEndpointNeedsItsOwnCredentialsAndRegion(t *testing.T) {
	for name, tc := range map[string]struct {
		options Options
		want    string
	}{
		"no keys": {Options{Region: "us-west-2", Env: map[string]string{EnvEndpoint: "http://x"}}, "MissingCredentials"},
		"half": {Options{Region: "us-west-2", Env: map[string]string{EnvEndpoint: "http://x", EnvAccessKey: "a"}},
			"MissingCredentials"},
		"no region": {Options{Env: env("http://x")}, "MissingRegion"},
	} {
		t.Run(name, func(t *testing.T) {
			// The process's environment must not fill the gap.
			t.Setenv(EnvAccessKey, "AKIAPROCESS")
			t.Setenv(EnvSecretKey, "process")
			t.Setenv(EnvRegion, "eu-west-1")
			_, err := New(t.Context(), tc.options)
			require.True(t, IsCode(err, tc.want), err)
		})
	}
	e := env("http://x")
	e[EnvRegion] = "eu-central-1"
	c, err := New(t.Context(), Options{Env: e})
	require.NoError(t, err)
	require.Equal(t, "eu-central-1", c.Region())
}

func TestWithoutAnEndpointTheDefaultChainServes(t *testing.T) {
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	t.Setenv(EnvAccessKey, "AKIAPROCESS")
	t.Setenv(EnvSecretKey, "process")
	c, err := New(t.Context(), Options{Region: "us-east-2"})
	require.NoError(t, err)
	cr, err := c.cfg.Credentials.Retrieve(t.Context())
	require.NoError(t, err)
	require.Equal(t, "AKIAPROCESS", cr.AccessKeyID)
	require.Equal(t, "https://sqs.us-east-2.amazonaws.com/", c.raw.endpoint("sqs"))
	c.cfg.Region = "cn-north-1"
	require.Equal(t, "https://sqs.cn-north-1.amazonaws.com.cn/", newRawClient(c.cfg, time.Now).endpoint("sqs"))
}

func TestTheClusterTokenIsAPresignedCallForOneCluster(t *testing.T) {
	t.Parallel()
	now := time.Now()
	c, err := New(t.Context(), Options{Region: "us-west-2", Env: env("http://127.0.0.1:1"), Now: func() time.Time { return now }})
	require.NoError(t, err)
	token, expires, err := c.EKSToken(t.Context(), "demo")
	require.NoError(t, err)
	require.Equal(t, now.Add(14*time.Minute), expires)
	encoded, ok := strings.CutPrefix(token, "k8s-aws-v1.")
	require.True(t, ok)
	require.NotContains(t, encoded, "=", "the server refuses padding")
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	require.NoError(t, err)
	u, err := url.Parse(string(raw))
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:1", u.Host)
	q := u.Query()
	require.Equal(t, "GetCallerIdentity", q.Get("Action"))
	require.Equal(t, "60", q.Get("X-Amz-Expires"))
	require.Equal(t, "host;x-k8s-aws-id", q.Get("X-Amz-SignedHeaders"))
	_, _, err = c.EKSToken(t.Context(), "")
	require.Error(t, err)
}

func TestAnInventoryWithoutExactNamesIsRefused(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	t.Cleanup(srv.Close)
	c := client(t, srv.URL)
	for name, d := range map[string]Deployment{
		"nothing":               {},
		"no name":               {Cluster: "c"},
		"no cluster":            {Name: "n"},
		"a wildcard cluster":    {Name: "n", Cluster: "c*"},
		"a wildcard network":    {Name: "n", Cluster: "c", VPC: "vpc-?"},
		"a tag without value":   {Name: "n", Cluster: "c", Tags: map[string]string{"a": ""}},
		"a tag with a wildcard": {Name: "n", Cluster: "c", Tags: map[string]string{"a": "*"}},
		"an empty bucket":       {Name: "n", Cluster: "c", Buckets: []string{""}},
		"a log group pattern":   {Name: "n", Cluster: "c", LogGroups: []string{"/aws/*"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rs, err := c.DeploymentResources(t.Context(), d)
			require.Error(t, err)
			require.Empty(t, rs)
		})
	}
	t.Cleanup(func() { require.Zero(t, calls.Load(), "nothing was asked") })
	require.Error(t, c.Delete(t.Context(), Resource{Type: TypeInstance}), "an empty id")
	_, err := c.EmptyBucket(t.Context(), "", nil)
	require.Error(t, err)
}

// The catalogue, the constants and the delete calls speak of the same types.
func TestTheInventoryKnowsTheTypesOfTheCatalogue(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("inventory.go")
	require.NoError(t, err)
	var constants, listed, sweepable []string
	for _, m := range regexp.MustCompile(`(?m)^\tType\w+ += "(.+)"$`).FindAllStringSubmatch(string(source), -1) {
		constants = append(constants, m[1])
	}
	for _, k := range awskind.All() {
		if k.Inventory != awskind.NotListed {
			listed = append(listed, k.Inventory)
		}
	}
	require.ElementsMatch(t, listed, constants)
	for typ := range (&Client{}).deleters() {
		sweepable = append(sweepable, typ)
	}
	require.ElementsMatch(t, awskind.Swept(), sweepable)
	require.True(t, CanDelete(TypeVolume))
	require.False(t, CanDelete(TypeVPC))
}

// What can be of somebody else's with a name that we ask for is looked up with its tags.
func TestEveryLookUpOfTheCatalogueIsThere(t *testing.T) {
	t.Parallel()
	readers := (&Client{}).readers()
	for name := range readers {
		_, known := awskind.LooksUp(name)
		require.True(t, known, name)
	}
	shown := 0
	for _, k := range awskind.All() {
		if k.Show != "" {
			shown++
		}
	}
	require.Len(t, readers, shown)
	_, _, err := (&Client{}).Lookup(t.Context(), "repository", "x")
	require.ErrorContains(t, err, "no look-up is called repository")
}

func TestADeploymentKeepsWhatTheCatalogueSays(t *testing.T) {
	t.Parallel()
	var d Deployment
	for _, k := range awskind.All() {
		require.Equal(t, k.Scope != "", d.Include(k.Inventory, k.Inventory+"-1"), k.Type)
		d.Include(k.Inventory, "")
		d.Include(k.Inventory, k.Inventory+"-1")
	}
	for typ, list := range d.lists() {
		require.Equal(t, []string{typ + "-1"}, *list)
	}
	require.Equal(t, []string{"vpc-1", "cluster-1", "oidc-provider-1"}, []string{d.VPC, d.Cluster, d.OIDCIssuer})
}

func TestAPartlyReadInventoryIsAnError(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(srv.Close)
	rs, err := client(t, srv.URL).DeploymentResources(t.Context(), Deployment{Name: "n", Cluster: "c"})
	require.Empty(t, rs)
	require.True(t, IsDenied(err), err)
	require.False(t, IsNotFound(err))
}

func TestCreatorsAreReadFromTags(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		key, want string
	}{
		"a node of Karpenter":  {"karpenter.sh/nodepool", "karpenter"},
		"its claim":            {"karpenter.sh/nodeclaim", "karpenter"},
		"its launch template":  {"karpenter.k8s.aws/ec2nodeclass", "karpenter"},
		"what it may use":      {"karpenter.sh/discovery", "user"},
		"a node group's node":  {"eks:cluster-name", "eks"},
		"the cluster's group":  {"aws:eks:cluster-name", "eks"},
		"a claimed volume":     {"CSIVolumeName", "kubernetes"},
		"a leaked interface":   {"node.k8s.amazonaws.com/instance_id", "kubernetes"},
		"a balancer":           {"elbv2.k8s.aws/cluster", "kubernetes"},
		"anything else at all": {"team", "user"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, createdBy(map[string]string{tc.key: "x"}))
		})
	}
}

func TestErrorsSayWhatWasAskedAndAnswered(t *testing.T) {
	t.Parallel()
	e := &Error{Op: "ec2:DeleteVpc", Resource: "vpc-1", Code: "DependencyViolation", Message: "has dependencies",
		RequestID: "r-1", HTTP: 400}
	require.Equal(t, `ec2:DeleteVpc "vpc-1": DependencyViolation: has dependencies (request r-1)`, e.Error())
	require.NotEmpty(t, e.Hint())
	require.False(t, e.NotFound())
	for _, code := range []string{"InvalidVpcID.NotFound", "NoSuchEntity", "ResourceNotFoundException",
		"RepositoryNotFoundException",
		"InvalidLaunchTemplateName.NotFoundException", "NoSuchBucket", "QueueDoesNotExist"} {
		require.True(t, (&Error{Code: code}).NotFound(), code)
	}
	for _, code := range []string{"AccessDenied", "UnauthorizedOperation", "ExpiredToken"} {
		require.True(t, (&Error{Code: code}).Denied(), code)
		require.NotEmpty(t, (&Error{Code: code, Op: "x:Y"}).Hint(), code)
	}
	require.Empty(t, (&Error{Code: "Other"}).Hint())
	require.NoError(t, wrap("x:Y", "", nil))
}

func TestAConnectionThatFailsIsNotAnAnswer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	srv := httptest.NewServer(http.NotFoundHandler())
	url := srv.URL
	srv.Close()
	_, err := client(t, url).DescribeCluster(ctx, "demo")
	require.Error(t, err)
	require.False(t, IsNotFound(err), "unreachable does not mean gone")
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Zero(t, e.HTTP)
	canceled, stop := context.WithCancel(t.Context())
	stop()
	err = client(t, url).DeleteQueue(canceled, "http://q/1/x")
	require.True(t, errors.Is(err, context.Canceled), err)
}

func TestRawCallsAreTriedAgainWhenThatMayHelp(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status, calls int
		body          string
	}{
		"throttled":     {400, 3, `{"__type":"ThrottlingException","message":"slow down"}`},
		"out of order":  {500, 3, `{"__type":"InternalError"}`},
		"not simulated": {501, 1, `{"__type":"NotImplemented"}`},
		"refused":       {400, 1, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"none"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				calls.Add(1)
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			}))
			t.Cleanup(srv.Close)
			err := client(t, srv.URL).DeleteQueue(t.Context(), srv.URL+"/1/x")
			require.Error(t, err)
			require.Equal(t, int32(tc.calls), calls.Load())
			if name == "refused" {
				require.True(t, IsNotFound(err))
			}
		})
	}
}

func TestATrustPolicyIsDecoded(t *testing.T) {
	t.Parallel()
	policy := `{"Statement":[{"Action":"sts:AssumeRoleWithWebIdentity",` +
		`"Condition":{"StringLike":{"x:sub":"system:serviceaccount:a:b+c*"}}}]}`
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		if r.Form.Get("Action") != "GetRole" || r.Form.Get("RoleName") != "job" {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte("<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>none</Message></Error>" +
				"</ErrorResponse>"))
			return
		}
		_, _ = w.Write([]byte("<GetRoleResponse><GetRoleResult><Role><RoleName>job</RoleName><AssumeRolePolicyDocument>" +
			url.PathEscape(policy) + "</AssumeRolePolicyDocument></Role></GetRoleResult></GetRoleResponse>"))
	}))
	t.Cleanup(srv.Close)
	c := client(t, srv.URL)
	got, err := c.RoleTrust(t.Context(), "job")
	require.NoError(t, err)
	require.Equal(t, policy, got)
	_, err = c.RoleTrust(t.Context(), "other")
	require.True(t, IsNotFound(err), err)
}

func TestAnAnswerThatDoesNotComeEndsWithTheNameOfTheCall(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer srv.Close()
	defer close(hang)
	c, err := New(t.Context(), Options{Region: "us-west-2", AnswerWithin: 10 * time.Millisecond, Env: map[string]string{
		EnvEndpoint: srv.URL, EnvAccessKey: "AKIATEST", EnvSecretKey: "secret"}})
	require.NoError(t, err)
	_, err = c.DescribeCluster(t.Context(), "demo")
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "eks:DescribeCluster", e.Op)
	require.ErrorContains(t, err, "timeout awaiting response headers")
	require.False(t, IsNotFound(err))
}

func TestWhatWasNotAnsweredIsNamedAsNotChecked(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
	}))
	defer srv.Close()
	c := client(t, srv.URL)
	found, err := c.DeploymentResources(t.Context(), Deployment{Name: "demo", Cluster: "demo", VPC: "vpc-1"})
	require.Empty(t, found)
	var unknown *InventoryError
	require.ErrorAs(t, err, &unknown)
	require.Len(t, unknown.Parts, len(c.lookups())-7, "it names no queue, rule, role, policy, bucket, key or issuer")
	require.ErrorContains(t, err, "not checked: ")
	require.ErrorContains(t, err, "the cluster: eks:DescribeCluster")
	require.True(t, IsDenied(err))
}
