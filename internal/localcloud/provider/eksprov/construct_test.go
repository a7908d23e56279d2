// SPDX-License-Identifier: Apache-2.0

package eksprov

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi-eks/sdk/v2/go/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"emrflink/internal/localcloud/provider/schema"
)

// child is one registration, as it is kept in testdata.
type child struct {
	Type         string         `json:"type"`
	Name         string         `json:"name"`
	Parent       string         `json:"parent"`
	Dependencies []string       `json:"dependencies"`
	Inputs       map[string]any `json:"inputs"`

	version string
	ignored []string
}

// monitor is the engine's side of a Construct: it gives every resource an id and
// an ARN made of its name.
type monitor struct {
	pulumirpc.UnimplementedResourceMonitorServer

	t        *testing.T
	preview  bool
	mu       sync.Mutex
	children []child
}

func (m *monitor) SupportsFeature(_ context.Context,
	req *pulumirpc.SupportsFeatureRequest) (*pulumirpc.SupportsFeatureResponse, error) {
	return &pulumirpc.SupportsFeatureResponse{HasSupport: req.Id == "resourceReferences" || req.Id == "outputValues"}, nil
}

func (m *monitor) RegisterResourceOutputs(context.Context, *pulumirpc.RegisterResourceOutputsRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func nameOf(urn string) string { return urn[strings.LastIndex(urn, "::")+2:] }

func (m *monitor) RegisterResource(_ context.Context,
	req *pulumirpc.RegisterResourceRequest) (*pulumirpc.RegisterResourceResponse, error) {
	in, err := plugin.UnmarshalProperties(req.Object, plugin.MarshalOptions{
		KeepUnknowns: true, KeepResources: true, KeepSecrets: true,
	})
	if err != nil {
		return nil, err
	}
	c := child{
		Type: req.Type, Name: req.Name, Parent: nameOf("::" + req.Parent), Dependencies: []string{}, Inputs: plain(in),
		version: req.Version, ignored: req.IgnoreChanges,
	}
	for _, d := range req.Dependencies {
		c.Dependencies = append(c.Dependencies, nameOf(d))
	}
	slices.Sort(c.Dependencies)
	m.mu.Lock()
	m.children = append(m.children, c)
	m.mu.Unlock()
	out := &pulumirpc.RegisterResourceResponse{Urn: "urn:pulumi:s::p::" + req.Type + "::" + req.Name}
	if !req.Custom || m.preview {
		// References become ids on their way through a provider.
		out.Object, err = plugin.MarshalProperties(in, plugin.MarshalOptions{KeepUnknowns: true})
		return out, err
	}
	out.Id = "id-" + req.Name
	in["arn"] = resource.NewProperty("arn-" + req.Name)
	if req.Type == "aws:eks/cluster:Cluster" {
		in["endpoint"] = resource.NewProperty("https://127.0.0.1:1")
		in["certificateAuthority"] = resource.NewProperty(resource.PropertyMap{"data": resource.NewProperty("Q0E=")})
	}
	out.Object, err = plugin.MarshalProperties(in, plugin.MarshalOptions{KeepUnknowns: true})
	return out, err
}

// plain writes references to resources as "ref:NAME".
func plain(m resource.PropertyMap) map[string]any {
	return m.MapRepl(nil, func(v resource.PropertyValue) (any, bool) {
		switch {
		case v.IsResourceReference():
			return "ref:" + nameOf(string(v.ResourceReferenceValue().URN)), true
		case v.IsComputed():
			return "unknown", true
		}
		return nil, false
	})
}

func construct1(t *testing.T, m *monitor, inputs map[string]any) (*pulumirpc.ConstructResponse, error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := grpc.NewServer()
	pulumirpc.RegisterResourceMonitorServer(srv, m)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	t.Cleanup(func() {
		srv.Stop()
		require.NoError(t, <-served)
	})
	args, err := plugin.MarshalProperties(resource.NewPropertyMapFromMap(inputs), plugin.MarshalOptions{KeepUnknowns: true})
	require.NoError(t, err)
	return New(slog.New(slog.DiscardHandler)).Construct(t.Context(), &pulumirpc.ConstructRequest{
		Project: "p", Stack: "s", Type: Token, Name: "c", Inputs: args, MonitorEndpoint: ln.Addr().String(), DryRun: m.preview,
		Parent: "urn:pulumi:s::p::pulumi:pulumi:Stack::p-s",
	})
}

func arguments() map[string]any {
	return map[string]any{
		"name": "emr-eks-flink", "version": "1.35", "authenticationMode": "API", "skipDefaultNodeGroup": true,
		"useDefaultVpcCni": true, "vpcId": "vpc-1", "endpointPrivateAccess": true,
		"privateSubnetIds":       []any{"subnet-a", "subnet-b", "subnet-c"},
		"publicSubnetIds":        []any{"subnet-d", "subnet-e", "subnet-f"},
		"enabledClusterLogTypes": []any{"api", "audit", "authenticator"},
		"nodeSecurityGroupTags":  map[string]any{"karpenter.sh/discovery": "emr-eks-flink"},
		"clusterTags":            map[string]any{"deployment": "d1"}, "tags": map[string]any{"deployment": "d1"},
	}
}

// The children are what a recording of the real plugin, pulumi-eks 2.8.1, has
// for the same arguments: types, names, parents, dependencies and inputs.
func TestTheChildrenAreThoseOfTheRealComponent(t *testing.T) {
	t.Parallel()
	m := &monitor{t: t}
	out, err := construct1(t, m, arguments())
	require.NoError(t, err)
	require.Equal(t, "urn:pulumi:s::p::"+Token+"::c", out.Urn)

	b, err := os.ReadFile("testdata/children.json")
	require.NoError(t, err)
	var want []child
	require.NoError(t, json.Unmarshal(b, &want))
	var got []child
	for _, c := range m.children {
		switch {
		case c.Type == Token:
			require.Equal(t, "p-s", c.Parent)
			continue
		case strings.HasPrefix(c.Type, "aws:"):
			require.Equal(t, awsVersion, c.version)
		case strings.HasPrefix(c.Type, "pulumi:providers:kubernetes"):
			require.Equal(t, kubernetesVersion, c.version)
		}
		if c.Type == "aws:eks/cluster:Cluster" {
			require.Equal(t, []string{"accessConfig.bootstrapClusterCreatorAdminPermissions"}, c.ignored)
		}
		c.version, c.ignored = "", nil
		got = append(got, c)
	}
	slices.SortFunc(got, func(a, b child) int { return strings.Compare(a.Type+a.Name, b.Type+b.Name) })
	slices.SortFunc(want, func(a, b child) int { return strings.Compare(a.Type+a.Name, b.Type+b.Name) })
	if d := cmp.Diff(want, got, cmp.AllowUnexported(child{})); d != "" {
		t.Error(d)
	}
}

func TestNoRoleForNodesIsMadeWhenNoneIsAskedFor(t *testing.T) {
	t.Parallel()
	m, in := &monitor{t: t}, arguments()
	in["instanceRoles"] = []any{}
	_, err := construct1(t, m, in)
	require.NoError(t, err)
	require.Len(t, m.children, 21-6, "a component, a role, three attachments, an access entry")
	for _, c := range m.children {
		require.NotContains(t, strings.ToLower(c.Name), "instancerole")
	}
}

func TestTheOutputsReferToTheChildren(t *testing.T) {
	t.Parallel()
	out, err := construct1(t, &monitor{t: t}, arguments())
	require.NoError(t, err)
	state, err := plugin.UnmarshalProperties(out.State, plugin.MarshalOptions{KeepResources: true})
	require.NoError(t, err)
	got := plain(state)
	require.Equal(t, "ref:c-eksCluster", got["eksCluster"])
	require.Equal(t, "ref:c-eksClusterSecurityGroup", got["clusterSecurityGroup"])
	require.Equal(t, "ref:c-nodeSecurityGroup", got["nodeSecurityGroup"])
	require.Equal(t, "ref:c-eksClusterIngressRule", got["eksClusterIngressRule"])
	require.Equal(t, []any{"ref:c-instanceRole-role"}, got["instanceRoles"])
	var parsed any
	text, ok := got["kubeconfigJson"].(string)
	require.True(t, ok)
	require.NoError(t, json.Unmarshal([]byte(text), &parsed))
	require.Equal(t, parsed, got["kubeconfig"])
	core, ok := got["core"].(map[string]any)
	require.True(t, ok)
	require.Equal(t, "https://127.0.0.1:1", core["endpoint"])
}

func TestAPreviewKnowsTheGraph(t *testing.T) {
	t.Parallel()
	m := &monitor{t: t, preview: true}
	_, err := construct1(t, m, arguments())
	require.NoError(t, err)
	require.Len(t, m.children, 21)
}

func TestEveryArgumentOfTheComponentIsNamed(t *testing.T) {
	t.Parallel()
	sdk, err := schema.Of(eks.ClusterArgs{})
	require.NoError(t, err)
	require.Equal(t, sdk.Names(), argumentNames())
}

func TestArgumentsThatAreNotSimulatedAreRefusedByName(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set  map[string]any
		want string
	}{
		"another mode":         {map[string]any{"authenticationMode": "CONFIG_MAP"}, "authentication mode CONFIG_MAP"},
		"a default node group": {map[string]any{"skipDefaultNodeGroup": false}, "set skipDefaultNodeGroup"},
		"its own CNI":          {map[string]any{"useDefaultVpcCni": false}, "set useDefaultVpcCni"},
		"an OIDC provider":     {map[string]any{"createOidcProvider": true}, "an OIDC provider of its own"},
		"Fargate":              {map[string]any{"fargate": true}, `does not simulate the argument "fargate"`},
		"roles of nodes":       {map[string]any{"instanceRoles": []any{"x"}}, "does not support non-empty values"},
		"a typo":               {map[string]any{"vpcID_": "x"}, `has no argument "vpcID_"; the nearest is "vpcId"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := arguments()
			for k, v := range c.set {
				in[k] = v
			}
			_, err := construct1(t, &monitor{t: t}, in)
			require.ErrorContains(t, err, c.want)
		})
	}
}
