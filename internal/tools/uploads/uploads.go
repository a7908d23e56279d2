// SPDX-License-Identifier: Apache-2.0

// Package uploads counts what is written to a bucket of the local target: a proxy before its S3 sees every request. It shows
// what a state costs that is kept in a bucket.
package uploads

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/structpb"

	"emrflink/internal/awsapi"
)

// bucket is the one for the states.
const bucket = "emrflink-states"

// Counter is the proxy.
type Counter struct {
	// Env are the variables with which a command keeps its state in the bucket.
	Env []string

	server *http.Server
	aws    *awsapi.Client

	mu   sync.Mutex
	sent Sent
}

// Sent is what was written, with copies that S3 made itself.
type Sent struct {
	Requests int
	Bytes    int64
}

// Count makes a bucket in the account of the local target that runs in a state folder, and serves it.
func Count(ctx context.Context, home string) (*Counter, error) {
	raw, err := os.ReadFile(filepath.Join(home, "local", "daemon.json"))
	var at struct {
		URL, Region, AccessKey, SecretKey string
		Ports                             struct{ AWS int }
	}
	if err == nil {
		err = json.Unmarshal(raw, &at)
	}
	if err != nil {
		return nil, fmt.Errorf("find the local target: %w", err)
	}
	target, err := url.Parse(at.URL)
	if err != nil {
		return nil, fmt.Errorf("find the local target: %w", err)
	}
	client, err := awsapi.New(ctx, awsapi.Options{Region: at.Region, Env: map[string]string{
		awsapi.EnvEndpoint: at.URL, awsapi.EnvAccessKey: at.AccessKey, awsapi.EnvSecretKey: at.SecretKey,
	}})
	if err != nil {
		return nil, err
	}
	if err := makeBucket(ctx, at.Ports.AWS); err != nil {
		return nil, fmt.Errorf("make bucket %q: %w", bucket, err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	query := url.Values{
		"region": {at.Region}, "endpoint": {"http://" + listener.Addr().String()}, "s3ForcePathStyle": {"true"}, "awssdk": {"v2"},
	}
	c := &Counter{aws: client, Env: []string{
		"EMRFLINK_STATE=s3://" + bucket + "?" + query.Encode(),
		"PULUMI_CONFIG_PASSPHRASE=that of a team", "AWS_ACCESS_KEY_ID=" + at.AccessKey, "AWS_SECRET_ACCESS_KEY=" + at.SecretKey,
	}}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // it is signed
	}}
	seen := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.see(r)
		proxy.ServeHTTP(w, r)
	})
	c.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: seen}
	go func() { _ = c.server.Serve(listener) }() // it ends when the server is closed
	return c, nil
}

// makeBucket makes it as Pulumi does, by the provider: the API of the account makes none.
func makeBucket(ctx context.Context, providerPort int) error {
	conn, err := grpc.NewClient(net.JoinHostPort("127.0.0.1", strconv.Itoa(providerPort)),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	properties, err := structpb.NewStruct(map[string]any{"bucket": bucket})
	if err != nil {
		return err
	}
	_, err = pulumirpc.NewResourceProviderClient(conn).Create(ctx, &pulumirpc.CreateRequest{
		Urn: "urn:pulumi:states::states::aws:s3/bucketV2:BucketV2::states", Properties: properties,
	})
	return err
}

func (c *Counter) see(r *http.Request) {
	if r.Method == http.MethodPut || r.Method == http.MethodPost {
		c.mu.Lock()
		c.sent.Requests++
		c.sent.Bytes += max(0, r.ContentLength)
		c.mu.Unlock()
	}
}

// Take returns what was written since the last call.
func (c *Counter) Take() Sent {
	c.mu.Lock()
	defer c.mu.Unlock()
	sent := c.sent
	c.sent = Sent{}
	return sent
}

// Put writes an object into the bucket, past the proxy.
func (c *Counter) Put(ctx context.Context, key, body string) error {
	return c.aws.PutObject(ctx, bucket, key, strings.NewReader(body), "")
}

// Close ends the proxy.
func (c *Counter) Close() error { return c.server.Close() }
