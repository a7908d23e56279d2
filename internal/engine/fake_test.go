// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil/rpcerror"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

const thingType = "aws:test/thing:Thing"

// fakeAWS is a provider with one type. A thing's name is its id, `zone` forces a replacement, `fail` is an error text
// that its creation ends with.
type fakeAWS struct {
	pulumirpc.UnimplementedResourceProviderServer

	mu     sync.Mutex
	things map[string]resource.PropertyMap
	// calls counts the provider's real operations, for example "create a".
	calls []string
	// creating is told the name of a thing that was made; its creation returns when hold closes.
	creating chan string
	hold     chan struct{}
	// cancelled ends the waits of a provider that can be told to; nil for one that cannot.
	cancelled chan struct{}
	told      bool
	port      int
	plugin    string // version that it calls itself
	stop      func()
}

// serveFakeAWS starts the provider on a free port until the test ends.
func serveFakeAWS(t testing.TB) *fakeAWS {
	t.Helper()
	f := &fakeAWS{things: map[string]resource.PropertyMap{}, plugin: "6.83.0"}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f.port = l.Addr().(*net.TCPAddr).Port
	srv := grpc.NewServer()
	pulumirpc.RegisterResourceProviderServer(srv, f)
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	f.stop = func() { srv.Stop(); <-done }
	t.Cleanup(f.stop)
	return f
}

// attach is what serves the provider as one of a second package.
func (f *fakeAWS) attach(pkg string) string { return fmt.Sprintf(",%s:%d", pkg, f.port) }

func (f *fakeAWS) env() map[string]string {
	return map[string]string{
		"PULUMI_DEBUG_PROVIDERS":                      fmt.Sprintf("aws:%d", f.port),
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
		"PATH": "",
	}
}

func (f *fakeAWS) names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.things))
}

func (f *fakeAWS) called() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, f.calls...)
}

func (f *fakeAWS) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: f.plugin}, nil
}

func (f *fakeAWS) Attach(context.Context, *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (f *fakeAWS) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cancelled != nil && !f.told { // the engine tells more than once
		close(f.cancelled)
	}
	f.told = true
	return &emptypb.Empty{}, nil
}

// wasTold says whether the engine has told the provider that it is cancelled.
func (f *fakeAWS) wasTold() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.told
}

func (f *fakeAWS) CheckConfig(_ context.Context, r *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	return &pulumirpc.CheckResponse{Inputs: r.News}, nil
}

func (f *fakeAWS) DiffConfig(context.Context, *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}, nil
}

func (f *fakeAWS) Configure(context.Context, *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	return &pulumirpc.ConfigureResponse{AcceptSecrets: true, SupportsPreview: true}, nil
}

func (f *fakeAWS) Check(_ context.Context, r *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	return &pulumirpc.CheckResponse{Inputs: r.News}, nil
}

func (f *fakeAWS) Diff(_ context.Context, r *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	before, errA := props(r.OldInputs)
	after, errB := props(r.News)
	if err := errors.Join(errA, errB); err != nil {
		return nil, err
	}
	d := before.Diff(after)
	if d == nil {
		return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}, nil
	}
	res := &pulumirpc.DiffResponse{
		Changes: pulumirpc.DiffResponse_DIFF_SOME, HasDetailedDiff: true, DetailedDiff: map[string]*pulumirpc.PropertyDiff{},
	}
	for _, k := range d.ChangedKeys() {
		kind := pulumirpc.PropertyDiff_UPDATE
		if k == "zone" {
			kind = pulumirpc.PropertyDiff_UPDATE_REPLACE
			res.Replaces = append(res.Replaces, "zone")
		}
		res.Diffs = append(res.Diffs, string(k))
		res.DetailedDiff[string(k)] = &pulumirpc.PropertyDiff{Kind: kind, InputDiff: true}
	}
	return res, nil
}

func (f *fakeAWS) Create(_ context.Context, r *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	in, err := props(r.Properties)
	if err != nil {
		return nil, err
	}
	out, err := marshal(withARN(in))
	if err != nil || r.Preview {
		return &pulumirpc.CreateResponse{Properties: out}, err
	}
	name := in["name"].StringValue()
	if in["fail"].IsString() {
		return nil, errors.New(in["fail"].StringValue())
	}
	f.mu.Lock()
	if _, taken := f.things[name]; taken && !in["zone"].IsString() {
		f.mu.Unlock()
		return nil, fmt.Errorf("operation error Test: CreateThing, https response error StatusCode: 409, RequestID: 0aa1-22, "+
			"api error ThingAlreadyExists: %s exists", name)
	}
	f.things[name] = in
	f.calls = append(f.calls, "create "+name)
	f.mu.Unlock()
	if f.creating != nil && in["slow"].IsBool() {
		f.creating <- name
		select {
		case <-f.hold:
		case <-f.cancelled:
			return nil, rpcerror.WithDetails(rpcerror.New(codes.Unknown, "waiting for "+name+": cancelled"),
				&pulumirpc.ErrorResourceInitFailed{
					Id: name, Properties: out, Inputs: r.Properties, Reasons: []string{"waiting for " + name + ": cancelled"},
				})
		}
	}
	return &pulumirpc.CreateResponse{Id: name, Properties: out}, nil
}

func (f *fakeAWS) Update(_ context.Context, r *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	in, err := props(r.News)
	if err != nil {
		return nil, err
	}
	if !r.Preview {
		f.mu.Lock()
		f.things[r.Id] = in
		f.calls = append(f.calls, "update "+r.Id)
		f.mu.Unlock()
	}
	out, err := marshal(withARN(in))
	return &pulumirpc.UpdateResponse{Properties: out}, err
}

func (f *fakeAWS) Read(_ context.Context, r *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	f.mu.Lock()
	in, exists := f.things[r.Id]
	f.mu.Unlock()
	if !exists {
		return &pulumirpc.ReadResponse{}, nil
	}
	inputs, errA := marshal(in)
	out, errB := marshal(withARN(in))
	return &pulumirpc.ReadResponse{Id: r.Id, Inputs: inputs, Properties: out}, errors.Join(errA, errB)
}

func (f *fakeAWS) Delete(_ context.Context, r *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.things, r.Id)
	f.calls = append(f.calls, "delete "+r.Id)
	return &emptypb.Empty{}, nil
}

func props(s *structpb.Struct) (resource.PropertyMap, error) {
	return plugin.UnmarshalProperties(s, plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true, SkipInternalKeys: true})
}

func marshal(m resource.PropertyMap) (*structpb.Struct, error) {
	return plugin.MarshalProperties(m, plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true})
}

func withARN(in resource.PropertyMap) resource.PropertyMap {
	out := in.Copy()
	if in["name"].IsString() {
		out["arn"] = resource.NewProperty("arn:aws:test:::" + in["name"].StringValue())
	}
	return out
}

// thing is the program's side of the fake type.
type thing struct {
	pulumi.CustomResourceState
	Arn pulumi.StringOutput `pulumi:"arn"`
}

// newThing registers one thing.
func newThing(ctx *pulumi.Context, name string, in pulumi.Map, opts ...pulumi.ResourceOption) (*thing, error) {
	var r thing
	all := pulumi.Map{"name": pulumi.String(name)}
	for k, v := range in {
		all[k] = v
	}
	return &r, ctx.RegisterResource(thingType, name, all, &r, opts...)
}
