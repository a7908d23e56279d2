// SPDX-License-Identifier: Apache-2.0

package kubeprov

import (
	"context"
	"strconv"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/urn"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"emrflink/internal/localcloud/provider/kubeclient"
	"emrflink/internal/localcloud/provider/plug"
)

// defaultTimeout bounds a wait that neither the program nor the object bounds,
// as in the real provider.
const defaultTimeout = 10 * time.Minute

// operation is one call of the engine.
type operation struct {
	handler
	server  *Server
	urn     urn.URN
	timeout time.Duration // 0 when the program says nothing
	preview bool
	config  *config // nil in a server that never connects
	session *plug.Session
}

// begin decodes a call and refuses changes that may not be.
func (s *Server) begin(ctx context.Context, op, id string, timeout float64, preview bool, in *structpb.Struct,
) (*operation, property, error) {
	u := urn.URN(id)
	h, err := s.family(string(u.Type()))
	if err != nil {
		return nil, nil, err
	}
	props, err := plug.Decode(in)
	if err != nil {
		return nil, nil, err
	}
	if s.opts.PreviewOnly && !preview {
		return nil, nil, status.Errorf(codes.FailedPrecondition, "%s %s: only previews work offline", op, u.Name())
	}
	if !preview && op != "read" && s.opts.Faults != nil {
		if err := s.opts.Faults(ctx, op, string(u.Type()), u.Name()); err != nil {
			return nil, nil, err
		}
	}
	out := &operation{
		handler: h, server: s, urn: u, timeout: time.Duration(timeout * float64(time.Second)), preview: preview,
		session: plug.SessionOf(ctx),
	}
	if !s.opts.PreviewOnly {
		out.config, err = s.configured(ctx)
	}
	return out, props, err
}

// client connects to the cluster.
func (o *operation) client() (*kubeclient.Client, error) { return o.config.client() }

// progress tells the engine what the operation waits for.
func (o *operation) progress(ctx context.Context) func(string) {
	return func(message string) {
		o.server.Log.Debug("waiting", "urn", o.urn, "for", message)
		o.session.Status(ctx, string(o.urn), message)
	}
}

// within bounds a wait: by the program's timeout, the object's annotation, or
// ten minutes.
func (o *operation) within(ctx context.Context, annotation string) (context.Context, context.CancelFunc) {
	d := o.timeout
	if seconds, err := strconv.Atoi(annotation); d == 0 && err == nil {
		d = time.Duration(seconds) * time.Second
	}
	if d == 0 {
		d = defaultTimeout
	}
	return context.WithTimeout(ctx, d)
}
