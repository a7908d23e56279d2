// SPDX-License-Identifier: Apache-2.0

// Package awsapi has the AWS calls that emrflink makes itself: the caller's identity, the cluster and its token,
// objects of the checkpoint bucket, log events, the inventory of a deployment and the deletes of a sweep.
//
// It is the only package that imports the service clients of the AWS SDK, and it returns none of their types. Every
// error that AWS answered is an *Error. The package does not know which target it uses: only an endpoint in Options.Env
// differs.
package awsapi

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Names of the environment variables that New reads from Options.Env.
const (
	EnvEndpoint     = "AWS_ENDPOINT_URL"
	EnvAccessKey    = "AWS_ACCESS_KEY_ID"
	EnvSecretKey    = "AWS_SECRET_ACCESS_KEY" // #nosec G101 -- a variable's name
	EnvSessionToken = "AWS_SESSION_TOKEN"     // #nosec G101 -- a variable's name
	EnvProfile      = "AWS_PROFILE"
	EnvRegion       = "AWS_REGION"
)

// Options says where to call and as whom.
type Options struct {
	// Region is the region of every call; empty means AWS_REGION of Env, then
	// what the SDK's default chain finds.
	Region string
	// Env goes before the process's environment. With AWS_ENDPOINT_URL in it,
	// nothing else is consulted: not the process environment, no shared file,
	// no instance metadata. Without it the SDK's default chain is used.
	Env map[string]string
	// HTTPClient replaces the SDK's client; nil keeps it.
	HTTPClient *http.Client
	// AnswerWithin is how long AWS may take to begin an answer before the call is tried again; 20 s when zero. The SDK
	// tries three times.
	AnswerWithin time.Duration
	// Now is the clock of token expiry; nil means time.Now.
	Now func() time.Time
}

// Client makes AWS calls in one region with one set of credentials. It is safe
// for concurrent use.
type Client struct {
	cfg aws.Config
	now func() time.Time
	ec2 ec2Operations
	eks eksOperations
	iam iamOperations
	kms *kms.Client
	sts *sts.Client
	s3  *s3.Client
	elb elbOperations
	raw *rawClient

	pricing *pricing.Client
}

// New returns a client. It makes no call: wrong credentials show at the first
// one. Missing ones, or no region, are an error here when Env names an
// endpoint.
func New(ctx context.Context, o Options) (*Client, error) {
	cfg, err := loadConfig(ctx, o)
	if err != nil {
		return nil, err
	}
	if cfg.Region == "" {
		return nil, &Error{Op: "config", Code: "MissingRegion", Message: "no AWS region is set"}
	}
	return fromConfig(cfg, o.Now), nil
}

// loadConfig builds the SDK's configuration: explicitly when Env has an
// endpoint, with the default chain otherwise.
func loadConfig(ctx context.Context, o Options) (aws.Config, error) {
	region := o.Region
	if region == "" {
		region = o.Env[EnvRegion]
	}
	static := staticCredentials(o.Env)
	if endpoint := o.Env[EnvEndpoint]; endpoint != "" {
		if static == nil {
			return aws.Config{}, &Error{Op: "config", Code: "MissingCredentials",
				Message: EnvEndpoint + " is set without " + EnvAccessKey + " and " + EnvSecretKey}
		}
		cfg := aws.Config{Region: region, Credentials: aws.NewCredentialsCache(static), BaseEndpoint: aws.String(endpoint)}
		cfg.HTTPClient = o.httpClient()
		return cfg, nil
	}
	var opts []func(*config.LoadOptions) error
	if region != "" {
		opts = append(opts, config.WithRegion(region))
	}
	if static != nil {
		opts = append(opts, config.WithCredentialsProvider(static))
	}
	if p := o.Env[EnvProfile]; p != "" {
		opts = append(opts, config.WithSharedConfigProfile(p))
	}
	opts = append(opts, config.WithHTTPClient(o.httpClient()))
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("load AWS configuration: %w", err)
	}
	return cfg, nil
}

// ProfileRegion is the region of the profile in use, "" when it names none.
func ProfileRegion(ctx context.Context) string {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return ""
	}
	return cfg.Region
}

// httpClient gives up a connection or an answer that does not come: the SDK's own client waits for an answer without end.
func (o Options) httpClient() aws.HTTPClient {
	if o.HTTPClient != nil {
		return o.HTTPClient
	}
	patience := cmp.Or(o.AnswerWithin, 20*time.Second)
	return awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = min(d.Timeout, patience) }).
		WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = patience })
}

// staticCredentials returns the provider of the keys in env, nil without them.
func staticCredentials(env map[string]string) aws.CredentialsProvider {
	if env[EnvAccessKey] == "" || env[EnvSecretKey] == "" {
		return nil
	}
	return credentials.NewStaticCredentialsProvider(env[EnvAccessKey], env[EnvSecretKey], env[EnvSessionToken])
}

// fromConfig makes the service clients. They are cheap: no connection is
// opened before the first call.
func fromConfig(cfg aws.Config, now func() time.Time) *Client {
	if now == nil {
		now = time.Now
	}
	return &Client{
		cfg: cfg, now: now,
		ec2: newEc2Operations(cfg),
		eks: newEksOperations(cfg),
		iam: newIamOperations(cfg),
		kms: kms.NewFromConfig(cfg),
		sts: sts.NewFromConfig(cfg),
		elb: newElbOperations(cfg),
		s3: s3.NewFromConfig(cfg, func(so *s3.Options) {
			// A bucket is a host name on AWS and a path on an explicit
			// endpoint, which has no wildcard name in the DNS.
			so.UsePathStyle = cfg.BaseEndpoint != nil
		}),
		raw: newRawClient(cfg, now),
		// The Price List answers in a few regions only, for all of them.
		pricing: pricing.NewFromConfig(cfg, func(po *pricing.Options) { po.Region = pricingRegion }),
	}
}

// Region is the region of every call of c.
func (c *Client) Region() string { return c.cfg.Region }
