// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

// FieldManager is the name under which every server-side apply is made.
const FieldManager = "emrflink"

// TokenFunc returns a bearer token and the time at which it stops working.
type TokenFunc func(ctx context.Context) (token string, expires time.Time, err error)

// Source says where a cluster is and how to authenticate. Endpoint and CABase64 are what eks:DescribeCluster answers.
type Source struct {
	ClusterName string
	Region      string
	Endpoint    string
	CABase64    string
	Token       TokenFunc
}

// Client talks to one API server. It is safe for concurrent use.
type Client struct {
	dyn    dynamic.Interface
	rest   rest.Interface // for what is no object: logs, proxies
	config *rest.Config
	mapper meta.RESTMapper
	reset  func()
	now    func() time.Time
}

// Connect returns a client for the cluster of src after one request has shown
// that the server answers and accepts the token.
func Connect(ctx context.Context, src Source) (*Client, error) {
	cfg, err := src.restConfig()
	if err != nil {
		return nil, err
	}
	c, err := fromConfig(cfg)
	if err != nil {
		return nil, err
	}
	if err := c.ping(ctx, cfg); err != nil {
		return nil, fmt.Errorf("connect to cluster %q: %w", src.ClusterName, err)
	}
	return c, nil
}

// FromConfig returns a client for a ready-made client-go configuration (the
// controllers of the local target use it). Nothing is sent.
func FromConfig(cfg *rest.Config) (*Client, error) { return fromConfig(cfg) }

func fromConfig(cfg *rest.Config) (*Client, error) {
	dyn, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("make Kubernetes client: %w", err)
	}
	disc, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("make Kubernetes discovery client: %w", err)
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(disc))
	c := newClient(dyn, mapper, mapper.Reset)
	c.rest, c.config = disc.RESTClient(), cfg
	return c, nil
}

func newClient(dyn dynamic.Interface, mapper meta.RESTMapper, reset func()) *Client {
	return &Client{dyn: dyn, mapper: mapper, reset: reset, now: time.Now}
}

func (s Source) restConfig() (*rest.Config, error) {
	if s.Endpoint == "" {
		return nil, fmt.Errorf("connect to cluster %q: it has no endpoint yet", s.ClusterName)
	}
	if u, err := url.Parse(s.Endpoint); err != nil || u.Host == "" {
		return nil, fmt.Errorf("connect to cluster %q: endpoint %q is no URL", s.ClusterName, s.Endpoint)
	}
	if s.Token == nil {
		return nil, fmt.Errorf("connect to cluster %q: no token source", s.ClusterName)
	}
	ca, err := base64.StdEncoding.DecodeString(s.CABase64)
	if err != nil {
		return nil, fmt.Errorf("decode certificate authority of cluster %q: %w", s.ClusterName, err)
	}
	tokens := newTokenSource(s.Token)
	return &rest.Config{
		Host:            s.Endpoint,
		TLSClientConfig: rest.TLSClientConfig{CAData: ca},
		UserAgent:       FieldManager,
		QPS:             50,
		Burst:           100,
		WrapTransport: func(next http.RoundTripper) http.RoundTripper {
			return &bearer{next: next, tokens: tokens}
		},
	}, nil
}

func (c *Client) ping(ctx context.Context, cfg *rest.Config) error {
	disc, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		return fmt.Errorf("make Kubernetes discovery client: %w", err)
	}
	if err := disc.RESTClient().Get().AbsPath("/version").Do(ctx).Error(); err != nil {
		return wrap("read version", Ref{}, err)
	}
	return nil
}
