// SPDX-License-Identifier: Apache-2.0

package provider_test

import (
	"context"
	"net"
	"strconv"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/structpb"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/provider"
)

type object = map[string]any

// engine is one connection to a provider server, as the engine makes it.
type engine struct {
	pulumirpc.ResourceProviderClient
	t    *testing.T
	conn *grpc.ClientConn
}

// serve starts servers over an account in memory.
func serve(t *testing.T, o provider.Options) (*provider.Servers, *account.Account) {
	t.Helper()
	a, err := account.Open(account.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	o.Account = a
	s, err := provider.Serve(context.Background(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s, a
}

// dial connects to a server and configures it.
func dial(t *testing.T, port int, config object) *engine {
	t.Helper()
	conn, err := grpc.NewClient(net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	e := &engine{ResourceProviderClient: pulumirpc.NewResourceProviderClient(conn), t: t, conn: conn}
	_, err = e.Configure(t.Context(), &pulumirpc.ConfigureRequest{Args: wire(t, config)})
	require.NoError(t, err)
	return e
}

func wire(t *testing.T, m object) *structpb.Struct {
	return marshal(t, resource.NewPropertyMapFromMap(m))
}

func marshal(t *testing.T, m resource.PropertyMap) *structpb.Struct {
	t.Helper()
	s, err := plugin.MarshalProperties(m, plugin.MarshalOptions{KeepUnknowns: true})
	require.NoError(t, err)
	return s
}

func unmarshal(t *testing.T, s *structpb.Struct) resource.PropertyMap {
	t.Helper()
	m, err := plugin.UnmarshalProperties(s, plugin.MarshalOptions{KeepUnknowns: true})
	require.NoError(t, err)
	return m
}

func urn(typ, name string) string { return "urn:pulumi:test::emrflink::" + typ + "::" + name }

// check returns the checked inputs, which must have no failure.
func (e *engine) check(typ, name string, in object) *structpb.Struct {
	e.t.Helper()
	out, err := e.Check(e.t.Context(), &pulumirpc.CheckRequest{
		Urn: urn(typ, name), News: wire(e.t, in), RandomSeed: []byte("seed"),
	})
	require.NoError(e.t, err)
	require.Empty(e.t, out.Failures)
	return out.Inputs
}

// create checks and creates, and returns the id, the inputs and the outputs.
func (e *engine) create(typ, name string, in object) (string, *structpb.Struct, object) {
	e.t.Helper()
	inputs := e.check(typ, name, in)
	out, err := e.Create(e.t.Context(), &pulumirpc.CreateRequest{Urn: urn(typ, name), Properties: inputs})
	require.NoError(e.t, err)
	require.NotEmpty(e.t, out.Id)
	return out.Id, inputs, unmarshal(e.t, out.Properties).Mappable()
}

func (e *engine) diff(typ, name, id string, olds *structpb.Struct, news object) *pulumirpc.DiffResponse {
	e.t.Helper()
	checked, err := e.Check(e.t.Context(), &pulumirpc.CheckRequest{Urn: urn(typ, name), Olds: olds, News: wire(e.t, news)})
	require.NoError(e.t, err)
	out, err := e.Diff(e.t.Context(), &pulumirpc.DiffRequest{
		Id: id, Urn: urn(typ, name), OldInputs: olds, Olds: olds, News: checked.Inputs,
	})
	require.NoError(e.t, err)
	return out
}

func kinds(d *pulumirpc.DiffResponse) map[string]string {
	out := map[string]string{}
	for path, p := range d.DetailedDiff {
		out[path] = p.Kind.String()
	}
	return out
}
