// SPDX-License-Identifier: Apache-2.0

// Package awsprov is localcloud's stand-in for the Pulumi AWS provider v6: it works on the simulated account. A table
// lists the types that it knows, with what reflection on the Go SDK cannot tell (which properties force a replacement,
// defaults that the bridged provider fills in, automatic names); every other type, and every function but four, is
// refused by name. Errors have AWS's code and the wording of the real provider.
package awsprov

import (
	"context"
	"log/slog"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/provider/plug"
)

// Version is the release of the Pulumi AWS provider whose types this stands for.
const Version = "6.83.0"

// Options configure a Server.
type Options struct {
	// Account is what the provider acts on.
	Account *account.Account
	// Caller is the identity that makes the changes; nil is the account's administrator.
	Caller *account.Caller
	// PreviewOnly refuses changes and makes automatic names depend on the resource alone.
	PreviewOnly bool
	// Faults, when set, is asked before every change; see provider.Options.
	Faults func(ctx context.Context, op, typ, name string) error
	// Logger must not be nil.
	Logger *slog.Logger
}

// Server is the provider server.
type Server struct {
	plug.Server
	opts   Options
	kinds  map[string]*kind
	caller account.Caller
	lost   losses
}

var _ pulumirpc.ResourceProviderServer = (*Server)(nil)

type (
	value    = resource.PropertyValue
	property = resource.PropertyMap
)

// New returns a server for o.
func New(o Options) (*Server, error) {
	caller := o.Account.Administrator()
	if o.Caller != nil {
		caller = *o.Caller
	}
	caller.Via = account.ByPulumi
	return &Server{
		Server: plug.Server{Version: Version, Log: o.Logger}, opts: o, kinds: table(), caller: caller,
	}, nil
}

// Types returns the Pulumi type tokens that are simulated, with the account's
// kind of each.
func Types() map[string]account.Kind {
	out := map[string]account.Kind{}
	for token, k := range table() {
		out[token] = k.kind
	}
	return out
}

// lookup returns the row of a type, or the refusal that names it.
func (s *Server) lookup(token string) (*kind, error) {
	k, ok := s.kinds[token]
	if !ok {
		return nil, status.Errorf(codes.Unimplemented, "the local target does not simulate %s", token)
	}
	if err := k.load(); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return k, nil
}

// as returns the caller for a session: the administrator in the provider's region.
func (s *Server) as(c config) account.Caller {
	out := s.caller
	out.Region = c.region
	return out
}

func (s *Server) fault(ctx context.Context, op, typ, name string) error {
	if s.opts.Faults == nil {
		return nil
	}
	return s.opts.Faults(ctx, op, typ, name)
}
