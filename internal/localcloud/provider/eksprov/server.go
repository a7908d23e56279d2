// SPDX-License-Identifier: Apache-2.0

// Package eksprov is localcloud's stand-in for the provider plugin of
// pulumi-eks v2.8.1. Its one component is eks:index:Cluster: Construct
// registers with the engine the children that the real plugin registers for
// the same arguments, with the same types, names, parents, dependencies and
// inputs, and at the versions of the providers that the plugin was built with.
// Arguments that the blueprint does not use are refused by name.
package eksprov

import (
	"context"
	"log/slog"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/provider"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"emrflink/internal/localcloud/provider/plug"
)

const (
	// Version is the release of pulumi-eks that this stands for.
	Version = "2.8.1"
	// Token is the component.
	Token = "eks:index:Cluster"

	// The versions of the providers that the plugin of this release bundles
	// (nodejs/eks/yarn.lock); its children are registered with them.
	awsVersion        = "6.45.0"
	kubernetesVersion = "4.15.0"
)

// Server is the provider server.
type Server struct{ plug.Server }

var _ pulumirpc.ResourceProviderServer = (*Server)(nil)

// New returns a server. The logger must not be nil.
func New(log *slog.Logger) *Server {
	return &Server{plug.Server{Version: Version, Log: log}}
}

// CheckConfig accepts the configuration: the plugin has none.
func (s *Server) CheckConfig(_ context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	return &pulumirpc.CheckResponse{Inputs: req.GetNews()}, nil
}

// DiffConfig says that nothing changes.
func (s *Server) DiffConfig(context.Context, *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}, nil
}

// Configure accepts everything.
func (s *Server) Configure(context.Context, *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	return &pulumirpc.ConfigureResponse{
		AcceptSecrets: true, SupportsPreview: true, AcceptResources: true, AcceptOutputs: true,
	}, nil
}

// Construct registers the component and its children.
func (s *Server) Construct(ctx context.Context, req *pulumirpc.ConstructRequest) (*pulumirpc.ConstructResponse, error) {
	if req.GetType() != Token {
		return nil, status.Errorf(codes.Unimplemented, "the local target does not simulate %s", req.GetType())
	}
	session := plug.SessionOf(ctx)
	engine, err := session.Engine()
	if err != nil {
		return nil, err
	}
	ctx, cancel := session.Context(ctx)
	defer cancel()
	return provider.Construct(ctx, req, engine, construct)
}

func construct(ctx *pulumi.Context, typ, name string, inputs provider.ConstructInputs,
	options pulumi.ResourceOption,
) (*provider.ConstructResult, error) {
	given, err := inputs.Map()
	if err != nil {
		return nil, err
	}
	if err := checkArgs(given); err != nil {
		return nil, err
	}
	args := &args{}
	if err := inputs.CopyTo(args); err != nil {
		return nil, err
	}
	if err := args.validate(); err != nil {
		return nil, err
	}
	c := &component{}
	if err := ctx.RegisterComponentResourceV2(typ, name, given, c, options); err != nil {
		return nil, err
	}
	b := &builder{ctx: ctx, name: name, args: args, parent: c}
	b.build()
	if b.err != nil {
		return nil, b.err
	}
	outputs := b.outputs()
	if err := ctx.RegisterResourceOutputs(c, outputs); err != nil {
		return nil, err
	}
	return &provider.ConstructResult{URN: c.URN(), State: outputs}, nil
}

// component is the resource that the children hang on.
type component struct{ pulumi.ResourceState }

// Call is refused: the component's method makes kubeconfigs for other profiles.
func (s *Server) Call(_ context.Context, req *pulumirpc.CallRequest) (*pulumirpc.CallResponse, error) {
	return nil, status.Errorf(codes.Unimplemented, "the local target does not simulate %s", req.GetTok())
}

// Invoke is refused.
func (s *Server) Invoke(_ context.Context, req *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	return nil, status.Errorf(codes.Unimplemented, "the local target does not simulate %s", req.GetTok())
}
