// SPDX-License-Identifier: Apache-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/provider/awsprov"
	"emrflink/internal/localcloud/provider/eksprov"
	"emrflink/internal/localcloud/provider/kubeprov"
	"emrflink/internal/localcloud/provider/plug"
)

// maxMessage is the largest gRPC message in bytes, the engine's own limit.
const maxMessage = 400 << 20

// Options say what the servers act on.
type Options struct {
	// Account is the simulated account. Required.
	Account *account.Account
	// Caller is the identity that the aws server acts as; nil is the account's administrator.
	Caller *account.Caller
	// PreviewOnly makes the servers refuse every change and never connect to a
	// cluster; names that the real providers draw at random are then derived from
	// the resource alone, so that the same configuration gives the same graph.
	PreviewOnly bool
	// ExecPath is a folder put before PATH when the credential command of a
	// kubeconfig is run. Empty changes nothing.
	ExecPath string
	// ExecEnv, when set, gives that command variables that go before those of this process.
	ExecEnv func() (map[string]string, error)
	// KarpenterCRDs gives Karpenter's custom resource definitions as a YAML stream.
	// Nil makes the charts that need them fail by name.
	KarpenterCRDs func() ([]byte, error)
	// Address returns the host:port where the cluster with this CA serves now, once it does, "" when it is not known, or
	// why it does not serve. Nil knows no cluster: each serves where its kubeconfig says.
	Address func(ctx context.Context, ca []byte) (string, error)
	// Faults, when set, is asked before every change; the error it returns is the
	// operation's result. op is "create", "update" or "delete", typ the Pulumi type
	// token, name the logical name (create, update) or id (delete).
	Faults func(ctx context.Context, op, typ, name string) error
	// Changes, when set, is told of every change before it is made; the function it returns is called after it, before the
	// engine hears of it. op is "create", "update" or "delete". Both may wait: that is how a test finds the moment at which it
	// kills somebody.
	Changes func(ctx context.Context, op, urn string) (after func())
	// Logger is where the servers log. Nil discards.
	Logger *slog.Logger
}

// Servers are the running provider servers: a port of 127.0.0.1 for each
// Pulumi package.
type Servers struct {
	AWS, EKS, Kubernetes int

	running []*grpc.Server
	done    []chan error
}

// Serve starts the three servers on free ports of 127.0.0.1. They run until
// Close, or until ctx ends.
func Serve(ctx context.Context, o Options) (*Servers, error) {
	if o.Account == nil {
		return nil, errors.New("serve providers: no account")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	aws, err := awsprov.New(awsprov.Options{
		Account: o.Account, Caller: o.Caller, PreviewOnly: o.PreviewOnly, Faults: o.Faults,
		Logger: o.Logger.With("provider", "aws"),
	})
	if err != nil {
		return nil, err
	}
	kube := kubeprov.New(kubeprov.Options{
		PreviewOnly: o.PreviewOnly, ExecPath: o.ExecPath, ExecEnv: o.ExecEnv, KarpenterCRDs: o.KarpenterCRDs, Address: o.Address,
		Faults: o.Faults, Logger: o.Logger.With("provider", "kubernetes"),
	})
	s := &Servers{}
	for _, one := range []struct {
		port   *int
		server pulumirpc.ResourceProviderServer
	}{
		{&s.AWS, aws},
		{&s.EKS, eksprov.New(o.Logger.With("provider", "eks"))},
		{&s.Kubernetes, kube},
	} {
		if *one.port, err = s.start(ctx, one.server, o.Changes); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	context.AfterFunc(ctx, s.stop)
	return s, nil
}

func (s *Servers) start(
	ctx context.Context, p pulumirpc.ResourceProviderServer, changes func(context.Context, string, string) func(),
) (int, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("listen for a provider: %w", err)
	}
	addr, ok := ln.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.Join(fmt.Errorf("listen for a provider: %s is no TCP address", ln.Addr()), ln.Close())
	}
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage), grpc.StatsHandler(plug.Connections{}),
	}
	if changes != nil {
		options = append(options, grpc.UnaryInterceptor(telling(changes)))
	}
	srv := grpc.NewServer(options...)
	pulumirpc.RegisterResourceProviderServer(srv, p)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ln) }()
	s.running, s.done = append(s.running, srv), append(s.done, done)
	return addr.Port, nil
}

// telling calls changes around every change of a resource.
func telling(changes func(context.Context, string, string) func()) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
		op, urn := "", ""
		switch r := req.(type) {
		case *pulumirpc.CreateRequest:
			if !r.GetPreview() {
				op, urn = "create", r.GetUrn()
			}
		case *pulumirpc.UpdateRequest:
			if !r.GetPreview() {
				op, urn = "update", r.GetUrn()
			}
		case *pulumirpc.DeleteRequest:
			op, urn = "delete", r.GetUrn()
		}
		if op == "" {
			return handle(ctx, req)
		}
		after := changes(ctx, op, urn)
		defer after()
		return handle(ctx, req)
	}
}

// stop breaks every connection; calls under way see their context end.
func (s *Servers) stop() {
	for _, srv := range s.running {
		srv.Stop()
	}
}

// Close stops the servers and returns when they have stopped. Calls under way
// are cancelled. A second Close does nothing.
func (s *Servers) Close() error {
	s.stop()
	var errs []error
	for _, done := range s.done {
		if err := <-done; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			errs = append(errs, err)
		}
	}
	s.done = nil
	return errors.Join(errs...)
}
