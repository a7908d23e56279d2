// SPDX-License-Identifier: Apache-2.0

package plug

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/stats"
)

// ErrCancelled is the cause of a context that the engine's Cancel ended.
var ErrCancelled = errors.New("cancelled by the engine")

// Session is what belongs to one connection of an engine. The engine opens one
// connection for each provider resource, so the configuration of two explicit
// providers of a package never mix, and cancelling one engine leaves another
// one's operations alone.
type Session struct {
	mu     sync.Mutex
	engine string
	conn   *grpc.ClientConn
	config any
	done   chan struct{}
	closed time.Time // zero while the connection lives
}

// NewSession returns the session of a new connection.
func NewSession() *Session { return &Session{done: make(chan struct{})} }

type sessionKey struct{}

// With returns ctx with the session s.
func With(ctx context.Context, s *Session) context.Context {
	return context.WithValue(ctx, sessionKey{}, s)
}

// SessionOf returns the session of a call. A call that came over no connection
// has one of its own.
func SessionOf(ctx context.Context) *Session {
	if s, ok := ctx.Value(sessionKey{}).(*Session); ok {
		return s
	}
	return NewSession()
}

// Connections gives every connection of a gRPC server its Session.
type Connections struct{}

var _ stats.Handler = Connections{}

// TagConn implements stats.Handler: the contexts of a connection's calls derive
// from the one it returns.
func (Connections) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	return With(ctx, NewSession())
}

// HandleConn implements stats.Handler.
func (Connections) HandleConn(ctx context.Context, s stats.ConnStats) {
	if _, ok := s.(*stats.ConnEnd); ok {
		SessionOf(ctx).close()
	}
}

// TagRPC implements stats.Handler.
func (Connections) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC implements stats.Handler.
func (Connections) HandleRPC(context.Context, stats.RPCStats) {}

// Configure keeps the connection's provider configuration.
func (s *Session) Configure(config any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.config = config
}

// Config returns what Configure kept, nil before.
func (s *Session) Config() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.config
}

func (s *Session) attach(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.engine = address
}

// Engine returns the connection to the attached engine, or nil when no engine
// has attached.
func (s *Session) Engine() (*grpc.ClientConn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil || s.engine == "" || !s.closed.IsZero() {
		return s.conn, nil
	}
	conn, err := grpc.NewClient(s.engine, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("connect to the engine at %q: %w", s.engine, err)
	}
	s.conn = conn
	return conn, nil
}

// Status shows a passing message beside the resource in the engine's output:
// what an operation waits for. It is lost when no engine listens.
func (s *Session) Status(ctx context.Context, urn, message string) {
	s.log(ctx, urn, message, pulumirpc.LogSeverity_INFO, true)
}

// Warn shows a warning that stays beside the resource in the engine's output.
func (s *Session) Warn(ctx context.Context, urn, message string) {
	s.log(ctx, urn, message, pulumirpc.LogSeverity_WARNING, false)
}

func (s *Session) log(ctx context.Context, urn, message string, severity pulumirpc.LogSeverity, passing bool) {
	conn, err := s.Engine()
	if err != nil || conn == nil {
		return
	}
	_, _ = pulumirpc.NewEngineClient(conn).Log(ctx, &pulumirpc.LogRequest{
		Severity: severity, Message: message, Urn: urn, Ephemeral: passing,
	})
}

// Context returns ctx ended by Stop too, with ErrCancelled as its cause.
func (s *Session) Context(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-s.done:
			cancel(ErrCancelled)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// Stop ends every context that Context returned or will return.
func (s *Session) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.done:
	default:
		close(s.done)
	}
}

func (s *Session) close() {
	s.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = time.Now()
	if s.conn != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
}

// Closed says whether the connection has ended, and when.
func (s *Session) Closed() (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed, !s.closed.IsZero()
}
