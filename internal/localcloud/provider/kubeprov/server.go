// SPDX-License-Identifier: Apache-2.0

// Package kubeprov is localcloud's stand-in for the Pulumi Kubernetes provider v4. Like the real one it uses the
// cluster and the credentials that the provider's kubeconfig names: it writes objects by server-side apply and waits
// for them, and deletes them with their dependents first and waits until they are gone. Field validation is strict, so
// that an unknown field is an error where the real provider only warns. A kubernetes:helm.sh/v3:Release installs the
// stand-in of its chart.
//
// Lists, patches, and the components that render charts and manifests
// (helm.sh/v4:Chart, yaml/v2, kustomize) are refused by name.
package kubeprov

import (
	"context"
	"log/slog"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/urn"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"emrflink/internal/localcloud/chart"
	"emrflink/internal/localcloud/provider/plug"
)

const (
	// Version is the release of the Pulumi Kubernetes provider that this stands for.
	Version = "4.23.0"
	// ReleaseToken is the type of a Helm release.
	ReleaseToken = "kubernetes:helm.sh/v3:Release"

	// fieldManager owns the fields that the provider writes.
	fieldManager = "pulumi-kubernetes"
)

// Options configure a Server.
type Options struct {
	// PreviewOnly refuses changes and never connects.
	PreviewOnly bool
	// ExecPath is put before PATH when a kubeconfig's credential command runs.
	ExecPath string
	// ExecEnv, when set, gives that command variables of its own.
	ExecEnv func() (map[string]string, error)
	// KarpenterCRDs gives Karpenter's CRDs as a YAML stream.
	KarpenterCRDs func() ([]byte, error)
	// Address finds the cluster with a CA; see provider.Options.
	Address func(ctx context.Context, ca []byte) (string, error)
	// Faults, when set, is asked before every change; see provider.Options.
	Faults func(ctx context.Context, op, typ, name string) error
	// Logger must not be nil.
	Logger *slog.Logger
}

// Server is the provider server.
type Server struct {
	plug.Server
	opts   Options
	charts chart.Charts
}

var _ pulumirpc.ResourceProviderServer = (*Server)(nil)

type (
	value    = resource.PropertyValue
	property = resource.PropertyMap
)

// New returns a server.
func New(o Options) *Server {
	return &Server{
		Server: plug.Server{Version: Version, Log: o.Logger}, opts: o, charts: chart.Charts{KarpenterCRDs: o.KarpenterCRDs},
	}
}

// handler does the work for one family of types. decoded properties, a context
// that Cancel ends, and the connection's cluster come with the request.
type handler interface {
	check(s *Server, req *pulumirpc.CheckRequest, olds, news property) ([]*pulumirpc.CheckFailure, error)
	diff(olds, news property, c *config) *pulumirpc.DiffResponse
	lifecycle
}

// lifecycle is what is done to a resource in the cluster.
type lifecycle interface {
	create(ctx context.Context, op *operation, inputs property) (id string, state property, err error)
	update(ctx context.Context, op *operation, olds, inputs property) (state property, err error)
	read(ctx context.Context, op *operation, id string, inputs property) (state, actual property, err error)
	remove(ctx context.Context, op *operation, inputs property) error
}

// family returns the handler of a type, or the refusal that names it.
func (s *Server) family(token string) (handler, error) {
	if token == ReleaseToken {
		return releases{}, nil
	}
	parts := strings.Split(token, ":")
	if len(parts) != 3 || strings.HasSuffix(parts[2], "Patch") || strings.HasSuffix(parts[2], "List") {
		return nil, status.Errorf(codes.Unimplemented, "the local target does not simulate %s", token)
	}
	for _, group := range []string{"helm.sh/", "yaml", "kustomize"} {
		if strings.HasPrefix(parts[1], group) {
			return nil, status.Errorf(codes.Unimplemented, "the local target does not simulate %s", token)
		}
	}
	return objects{}, nil
}

// Check fills in a name and reports what is wrong.
func (s *Server) Check(_ context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	h, err := s.family(string(urn.URN(req.GetUrn()).Type()))
	if err != nil {
		return nil, err
	}
	olds, news, err := plug.DecodeBoth(req.GetOlds(), req.GetNews())
	if err != nil {
		return nil, err
	}
	failures, err := h.check(s, req, olds, news)
	if err != nil {
		return nil, err
	}
	inputs, err := plug.Encode(news)
	return &pulumirpc.CheckResponse{Inputs: inputs, Failures: failures}, err
}

// Diff compares the inputs that the object has with the ones it should have.
func (s *Server) Diff(ctx context.Context, req *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	h, err := s.family(string(urn.URN(req.GetUrn()).Type()))
	if err != nil {
		return nil, err
	}
	olds, news, err := plug.DecodeBoth(req.GetOldInputs(), req.GetNews())
	if err != nil {
		return nil, err
	}
	c, _ := s.configured(ctx)
	return h.diff(olds, news, c), nil
}

// Invoke is refused: every function of the provider renders manifests.
func (s *Server) Invoke(_ context.Context, req *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	return nil, status.Errorf(codes.Unimplemented, "the local target does not simulate the function %s", req.GetTok())
}

// Construct is refused.
func (s *Server) Construct(_ context.Context, req *pulumirpc.ConstructRequest) (*pulumirpc.ConstructResponse, error) {
	return nil, status.Errorf(codes.Unimplemented, "the local target does not simulate %s", req.GetType())
}

// Create makes the object, or says what it would be.
func (s *Server) Create(ctx context.Context, req *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	op, inputs, err := s.begin(ctx, "create", req.GetUrn(), req.GetTimeout(), req.GetPreview(), req.GetProperties())
	if err != nil {
		return nil, err
	}
	ctx, cancel := plug.SessionOf(ctx).Context(ctx)
	defer cancel()
	id, state, err := op.create(ctx, op, inputs)
	if err != nil && id == "" {
		return nil, err
	}
	if err != nil {
		return nil, plug.InitFailed(id, state, inputs, err)
	}
	out, err := plug.Encode(state)
	return &pulumirpc.CreateResponse{Id: id, Properties: out}, err
}

// Update changes the object in place, or says what it would be.
func (s *Server) Update(ctx context.Context, req *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	op, inputs, err := s.begin(ctx, "update", req.GetUrn(), req.GetTimeout(), req.GetPreview(), req.GetNews())
	if err != nil {
		return nil, err
	}
	olds, err := plug.Decode(req.GetOlds())
	if err != nil {
		return nil, err
	}
	ctx, cancel := plug.SessionOf(ctx).Context(ctx)
	defer cancel()
	state, err := op.update(ctx, op, olds, inputs)
	if err != nil && state != nil {
		return nil, plug.InitFailed(req.GetId(), state, inputs, err)
	}
	if err != nil {
		return nil, err
	}
	out, err := plug.Encode(state)
	return &pulumirpc.UpdateResponse{Properties: out}, err
}

// Read returns what the cluster has, nothing when it is gone.
func (s *Server) Read(ctx context.Context, req *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	op, inputs, err := s.begin(ctx, "read", req.GetUrn(), 0, false, req.GetInputs())
	if err != nil {
		return nil, err
	}
	if state := req.GetProperties().GetFields(); op.urn.Type() == ReleaseToken && len(state) > 0 && state["status"] == nil {
		inputs = nil // as the real provider: a state that it has not written is imported, whatever was asked for
	}
	ctx, cancel := plug.SessionOf(ctx).Context(ctx)
	defer cancel()
	state, actual, err := op.read(ctx, op, req.GetId(), inputs)
	if err != nil || state == nil {
		return &pulumirpc.ReadResponse{}, err
	}
	props, err := plug.Encode(state)
	if err != nil {
		return nil, err
	}
	in, err := plug.Encode(actual)
	return &pulumirpc.ReadResponse{Id: req.GetId(), Properties: props, Inputs: in}, err
}

// Delete removes the object and returns when it is gone.
func (s *Server) Delete(ctx context.Context, req *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	from := req.GetOldInputs()
	if len(from.GetFields()) == 0 {
		from = req.GetProperties()
	}
	op, inputs, err := s.begin(ctx, "delete", req.GetUrn(), req.GetTimeout(), false, from)
	if err != nil {
		return nil, err
	}
	ctx, cancel := plug.SessionOf(ctx).Context(ctx)
	defer cancel()
	return &emptypb.Empty{}, op.remove(ctx, op, inputs)
}
