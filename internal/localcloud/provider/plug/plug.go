// SPDX-License-Identifier: Apache-2.0

// Package plug has what localcloud's provider servers have in common: the calls that every Pulumi plugin answers alike,
// what belongs to one connection of an engine (its configuration, its log, its cancellation), and the conversion of
// property maps from and to the wire format.
package plug

import (
	"context"
	"log/slog"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Server answers the calls that do not depend on what is provided. Providers
// embed it.
type Server struct {
	pulumirpc.UnimplementedResourceProviderServer
	// Version is the plugin version that the server reports, no leading v.
	Version string
	// Log is where the server logs. Never nil.
	Log *slog.Logger
}

// GetPluginInfo reports the version.
func (s *Server) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: s.Version}, nil
}

// Attach remembers the engine's address, to which status messages go.
func (s *Server) Attach(ctx context.Context, req *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	SessionOf(ctx).attach(req.GetAddress())
	return &emptypb.Empty{}, nil
}

// Cancel ends every wait of this connection's engine, and of it alone.
func (s *Server) Cancel(ctx context.Context, _ *emptypb.Empty) (*emptypb.Empty, error) {
	s.Log.Debug("cancelled by the engine")
	SessionOf(ctx).Stop()
	return &emptypb.Empty{}, nil
}
