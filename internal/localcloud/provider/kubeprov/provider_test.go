// SPDX-License-Identifier: Apache-2.0

package kubeprov_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil/rpcerror"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/structpb"

	"emrflink/internal/localcloud/provider/kubeprov"
	"emrflink/internal/localcloud/provider/kubeprov/apitest"
	"emrflink/internal/localcloud/provider/plug"
)

type object = map[string]any

// engine calls a server as the engine does, over one connection.
type engine struct {
	*kubeprov.Server
	t   *testing.T
	ctx context.Context // it stands for the connection
}

func connect(t *testing.T, o kubeprov.Options, config object) *engine {
	t.Helper()
	o.Logger = slog.New(slog.DiscardHandler)
	e := &engine{Server: kubeprov.New(o), t: t, ctx: plug.With(t.Context(), plug.NewSession())}
	_, err := e.Configure(e.ctx, &pulumirpc.ConfigureRequest{Args: wire(t, config)})
	require.NoError(t, err)
	return e
}

func wire(t *testing.T, m object) *structpb.Struct {
	t.Helper()
	s, err := plugin.MarshalProperties(resource.NewPropertyMapFromMap(m), plugin.MarshalOptions{KeepUnknowns: true})
	require.NoError(t, err)
	return s
}

func plain(t *testing.T, s *structpb.Struct) object {
	t.Helper()
	m, err := plugin.UnmarshalProperties(s, plugin.MarshalOptions{KeepUnknowns: true})
	require.NoError(t, err)
	return m.Mappable()
}

const (
	configMap = "kubernetes:core/v1:ConfigMap"
	namespace = "kubernetes:core/v1:Namespace"
	deploy    = "kubernetes:apps/v1:Deployment"
	helm      = "kubernetes:helm.sh/v3:Release"
)

func urn(typ string) string { return "urn:pulumi:s::p::" + typ + "::thing" }

func (e *engine) check(typ string, in object) *structpb.Struct {
	e.t.Helper()
	out, err := e.Check(e.ctx, &pulumirpc.CheckRequest{Urn: urn(typ), News: wire(e.t, in)})
	require.NoError(e.t, err)
	require.Empty(e.t, out.Failures)
	return out.Inputs
}

func (e *engine) create(typ string, in object, timeout float64) (*pulumirpc.CreateResponse, *structpb.Struct, error) {
	e.t.Helper()
	inputs := e.check(typ, in)
	out, err := e.Create(e.ctx, &pulumirpc.CreateRequest{Urn: urn(typ), Properties: inputs, Timeout: timeout})
	return out, inputs, err
}

func TestAnObjectLives(t *testing.T) {
	t.Parallel()
	a := apitest.New(t)
	e := connect(t, kubeprov.Options{}, object{"kubeconfig": a.Kubeconfig()})
	out, inputs, err := e.create(configMap, object{"metadata": object{"namespace": "n"}, "data": object{"k": "v"}}, 0)
	require.NoError(t, err)
	require.Regexp(t, `^n/thing-[0-9a-f]{8}$`, out.Id)
	path := "/api/v1/namespaces/n/configmaps/" + strings.TrimPrefix(out.Id, "n/")
	require.True(t, a.Has(path))
	require.Equal(t, "PATCH "+path+"?fieldManager=pulumi-kubernetes&fieldValidation=Strict&force=false", a.Queries[0])

	again, err := e.Check(e.ctx, &pulumirpc.CheckRequest{
		Urn: urn(configMap), Olds: inputs, RandomSeed: []byte("x"),
		News: wire(t, object{"metadata": object{"namespace": "n"}, "data": object{"k": "w"}}),
	})
	require.NoError(t, err)
	diff, err := e.Diff(e.ctx, &pulumirpc.DiffRequest{Id: out.Id, Urn: urn(configMap), OldInputs: inputs, News: again.Inputs})
	require.NoError(t, err)
	require.Equal(t, []string{"data"}, diff.Replaces, "what mounts a ConfigMap shall notice")
	require.True(t, diff.DeleteBeforeReplace, "the name stays")

	a.Edit(path, func(o object) { o["data"] = object{"k": "edited"} })
	read, err := e.Read(e.ctx, &pulumirpc.ReadRequest{Id: out.Id, Urn: urn(configMap), Inputs: inputs})
	require.NoError(t, err)
	require.Equal(t, object{"k": "edited"}, plain(t, read.Inputs)["data"])
	require.NotContains(t, plain(t, read.Inputs)["metadata"], "uid", "what the server adds is no input")

	_, err = e.Delete(e.ctx, &pulumirpc.DeleteRequest{Id: out.Id, Urn: urn(configMap), OldInputs: inputs})
	require.NoError(t, err)
	require.False(t, a.Has(path))
	read, err = e.Read(e.ctx, &pulumirpc.ReadRequest{Id: out.Id, Urn: urn(configMap), Inputs: inputs})
	require.NoError(t, err)
	require.Empty(t, read.Id)
}

func TestADeploymentIsAwaited(t *testing.T) {
	t.Parallel()
	a := apitest.New(t)
	ready := false
	a.OnApply = func(_ string, o object) {
		if ready {
			o["status"] = object{"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
		}
	}
	e := connect(t, kubeprov.Options{}, object{"kubeconfig": a.Kubeconfig()})
	in := object{"metadata": object{"name": "d", "namespace": "n"}, "spec": object{"replicas": 1.0}}
	_, _, err := e.create(deploy, in, 0.6)
	require.ErrorContains(t, err, "Deployment n/d did not become ready (timed out): 0 of 1 replicas are available")
	failed, ok := rpcerror.Convert(err).Details()[0].(*pulumirpc.ErrorResourceInitFailed)
	require.True(t, ok, "it exists: the engine has to know")
	require.Equal(t, "n/d", failed.Id)

	ready = true
	out, err := e.Update(e.ctx, &pulumirpc.UpdateRequest{Id: "n/d", Urn: urn(deploy), News: e.check(deploy, in)})
	require.NoError(t, err)
	require.Equal(t, 1.0, plain(t, out.Properties)["status"].(object)["availableReplicas"])
}

func TestADeletionSaysWhatBlocksIt(t *testing.T) {
	t.Parallel()
	a := apitest.New(t)
	a.OnApply = func(_ string, o object) { o["status"] = object{"phase": "Active"} }
	a.OnDelete = func(path string) bool {
		meta, _ := a.Objects[path]["metadata"].(object)
		meta["finalizers"] = []any{"example.org/hold"}
		a.Objects[path]["status"] = object{"conditions": []any{object{
			"type": "NamespaceContentRemaining", "status": "True", "message": "2 resource instances",
		}}}
		return true
	}
	e := connect(t, kubeprov.Options{}, object{"kubeconfig": a.Kubeconfig()})
	out, inputs, err := e.create(namespace, object{"metadata": object{"name": "n"}}, 0)
	require.NoError(t, err)
	require.Equal(t, "n", out.Id)
	_, err = e.Delete(e.ctx, &pulumirpc.DeleteRequest{Id: "n", Urn: urn(namespace), OldInputs: inputs, Timeout: 0.6})
	require.ErrorContains(t, err,
		"Namespace n is still there after the deletion was asked (timed out): finalizers example.org/hold; 2 resource instances")
}

func TestAPreviewShowsARefusalAndChangesNothing(t *testing.T) {
	t.Parallel()
	a := apitest.New(t)
	e := connect(t, kubeprov.Options{}, object{"kubeconfig": a.Kubeconfig()})
	in := e.check(configMap, object{"metadata": object{"name": "c", "namespace": "n"}})
	_, err := e.Create(e.ctx, &pulumirpc.CreateRequest{Urn: urn(configMap), Properties: in, Preview: true})
	require.NoError(t, err)
	require.Contains(t, a.Queries[0], "dryRun=All")
	require.False(t, a.Has("/api/v1/namespaces/n/configmaps/c"))

	offline := connect(t, kubeprov.Options{PreviewOnly: true}, object{"kubeconfig": "no kubeconfig at all\n"})
	_, err = offline.Create(offline.ctx, &pulumirpc.CreateRequest{Urn: urn(configMap), Properties: in, Preview: true})
	require.NoError(t, err, "an offline server does not connect")
	_, err = offline.Create(offline.ctx, &pulumirpc.CreateRequest{Urn: urn(configMap), Properties: in})
	require.ErrorContains(t, err, "only previews work offline")
}

func TestWhatIsNotSimulatedIsRefusedByName(t *testing.T) {
	t.Parallel()
	e := connect(t, kubeprov.Options{}, nil)
	for _, typ := range []string{
		"kubernetes:helm.sh/v4:Chart", "kubernetes:yaml/v2:ConfigGroup", "kubernetes:core/v1:ConfigMapList",
		"kubernetes:apps/v1:DeploymentPatch", "kubernetes:kustomize/v2:Directory",
	} {
		_, err := e.Check(e.ctx, &pulumirpc.CheckRequest{Urn: urn(typ), News: wire(t, nil)})
		require.ErrorContains(t, err, "does not simulate "+typ)
	}
	out, err := e.Check(e.ctx, &pulumirpc.CheckRequest{Urn: urn(configMap), News: wire(t, object{
		"kind": "Secret", "metadata": object{"name": "x", "annotations": object{"pulumi.com/waitFor": "jsonpath={.a}"}},
	})})
	require.NoError(t, err)
	require.Len(t, out.Failures, 2)
	config, err := e.CheckConfig(e.ctx, &pulumirpc.CheckRequest{
		News: wire(t, object{"deleteUnreachable": true, "kubconfig": "x"}),
	})
	require.NoError(t, err)
	require.Len(t, config.Failures, 2)
	require.Equal(t, `no such setting; the nearest is "kubeconfig"`, config.Failures[1].Reason)
}

func TestAnotherClusterNeedsEverythingAnew(t *testing.T) {
	t.Parallel()
	e := connect(t, kubeprov.Options{}, nil)
	one, two := apitest.New(t).Kubeconfig(), apitest.New(t).Kubeconfig()
	unknown := plugin.UnknownStringValue
	for name, c := range map[string]struct {
		old, new object
		want     []string
	}{
		"the same cluster, other credentials": {
			object{"kubeconfig": one}, object{"kubeconfig": strings.Replace(one, `"user":{}`, `"user":{"token":"t"}`, 1)}, nil,
		},
		"another cluster":                {object{"kubeconfig": one}, object{"kubeconfig": two}, []string{"kubeconfig"}},
		"a kubeconfig that is not known": {object{"kubeconfig": one}, object{"kubeconfig": unknown}, []string{"kubeconfig"}},
		"not known, but the same identifier": {object{"kubeconfig": one, "clusterIdentifier": "c"},
			object{"kubeconfig": unknown, "clusterIdentifier": "c"}, nil},
		"another identifier": {object{"kubeconfig": one, "clusterIdentifier": "c"},
			object{"kubeconfig": one, "clusterIdentifier": "d"}, []string{"clusterIdentifier"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := e.DiffConfig(t.Context(), &pulumirpc.DiffRequest{OldInputs: wire(t, c.old), News: wire(t, c.new)})
			require.NoError(t, err)
			require.Equal(t, c.want, out.Replaces)
		})
	}
}

func release() object {
	return object{
		"chart": "metrics-server", "version": "3.13.0", "name": "metrics", "namespace": "kube-system",
		"repositoryOpts": object{"repo": "https://kubernetes-sigs.github.io/metrics-server/"},
		"values":         object{"replicas": 1.0},
	}
}

func TestAReleaseLives(t *testing.T) {
	t.Parallel()
	a := apitest.New(t)
	a.OnApply = func(_ string, o object) {
		o["status"] = object{"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
	}
	e := connect(t, kubeprov.Options{}, object{"kubeconfig": a.Kubeconfig()})
	out, inputs, err := e.create(helm, release(), 0)
	require.NoError(t, err)
	require.Equal(t, "kube-system/metrics", out.Id)
	status, ok := plain(t, out.Properties)["status"].(object)
	require.True(t, ok)
	require.Equal(t, "deployed", status["status"])
	require.Equal(t, "0.8.0", status["appVersion"])
	require.True(t, a.Has("/api/v1/namespaces/kube-system/secrets/sh.helm.release.v1.metrics.v1"))
	require.True(t, a.Has("/apis/apps/v1/namespaces/kube-system/deployments/metrics-metrics-server"))

	news := release()
	news["values"] = object{"replicas": 1.0, "podDisruptionBudget": object{"enabled": true, "maxUnavailable": 1.0}}
	next := e.check(helm, news)
	updated, err := e.Update(e.ctx, &pulumirpc.UpdateRequest{Id: out.Id, Urn: urn(helm), Olds: out.Properties, News: next})
	require.NoError(t, err)
	require.Equal(t, 2.0, plain(t, updated.Properties)["status"].(object)["revision"])
	budget := "/apis/policy/v1/namespaces/kube-system/poddisruptionbudgets/metrics-metrics-server"
	require.True(t, a.Has(budget))

	_, err = e.Update(e.ctx, &pulumirpc.UpdateRequest{Id: out.Id, Urn: urn(helm), Olds: updated.Properties, News: inputs})
	require.NoError(t, err)
	require.False(t, a.Has(budget), "what the next revision has not goes")

	read, err := e.Read(e.ctx, &pulumirpc.ReadRequest{Id: out.Id, Urn: urn(helm), Inputs: inputs})
	require.NoError(t, err)
	require.Equal(t, plain(t, inputs), plain(t, read.Inputs))

	_, err = e.Delete(e.ctx, &pulumirpc.DeleteRequest{Id: out.Id, Urn: urn(helm), OldInputs: inputs})
	require.NoError(t, err)
	require.Empty(t, a.Objects, "nothing is left, the records neither")
}

func TestAReleaseWithAValueThatDoesNotExistIsRefused(t *testing.T) {
	t.Parallel()
	e := connect(t, kubeprov.Options{}, nil)
	in := release()
	in["values"], in["skipCRDs"] = object{"replica": 1.0}, true
	out, err := e.Check(e.ctx, &pulumirpc.CheckRequest{Urn: urn(helm), News: wire(t, in)})
	require.NoError(t, err)
	require.Equal(t, `no such property; the nearest is "skipCrds"`, out.Failures[0].Reason)
	delete(in, "skipCRDs")
	out, err = e.Check(e.ctx, &pulumirpc.CheckRequest{Urn: urn(helm), News: wire(t, in)})
	require.NoError(t, err)
	require.Contains(t, out.Failures[0].Reason, `value replica is not one the stand-in knows; the nearest is "replicas"`)
}

// The credentials of a kubeconfig come from the program that it names, which is
// looked for in ExecPath first.
func TestTheCredentialProgramIsRun(t *testing.T) {
	t.Parallel()
	a := apitest.New(t)
	dir := t.TempDir()
	marker := filepath.Join(dir, "ran")
	script := "#!/bin/sh\necho \"$@\" > " + marker + "\n" +
		`echo '{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"t"}}'` + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "token-maker"), []byte(script), 0o700)) // it has to run
	config := strings.Replace(a.Kubeconfig(), `"user":{}`, `"user":{"exec":{"apiVersion":"client.authentication.k8s.io/v1beta1",`+
		`"command":"token-maker","args":["--cluster","c"],"interactiveMode":"Never"}}`, 1)
	e := connect(t, kubeprov.Options{ExecPath: dir}, object{"kubeconfig": config})
	_, _, err := e.create(configMap, object{"metadata": object{"name": "c", "namespace": "n"}}, 0)
	require.NoError(t, err)
	got, err := os.ReadFile(marker)
	require.NoError(t, err)
	require.Equal(t, "--cluster c\n", string(got))
}

func TestTheNamespaceThatCountsIsTheRealOne(t *testing.T) {
	t.Parallel()
	a := apitest.New(t)
	e := connect(t, kubeprov.Options{}, object{"kubeconfig": a.Kubeconfig()})
	in := func(ns string) object {
		meta := object{"name": "x"}
		if ns != "" {
			meta["namespace"] = ns
		}
		return object{"metadata": meta}
	}
	const role = "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole"
	for name, c := range map[string]struct {
		typ, was, is string
		replaced     bool
	}{
		"another one":                   {configMap, "a", "b", true},
		"none is default":               {configMap, "", "default", false},
		"a kind that lives in none":     {role, "a", "b", false},
		"a kind that is not known yet":  {"kubernetes:example.org/v1:Thing", "a", "b", true},
		"a kind that a cluster defines": {"kubernetes:example.org/v1:Everywhere", "a", "b", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			diff, err := e.Diff(e.ctx, &pulumirpc.DiffRequest{
				Urn: urn(c.typ), OldInputs: e.check(c.typ, in(c.was)), News: e.check(c.typ, in(c.is)),
			})
			require.NoError(t, err)
			require.Equal(t, c.replaced, len(diff.Replaces) > 0, diff)
			require.Equal(t, c.replaced, diff.Changes == pulumirpc.DiffResponse_DIFF_SOME, diff)
			require.False(t, diff.DeleteBeforeReplace)
		})
	}
}

func TestTheDataOfAnImmutableObjectIsNeverChangedInPlace(t *testing.T) {
	t.Parallel()
	e := connect(t, kubeprov.Options{}, object{"enableConfigMapMutable": true, "enableSecretMutable": true})
	for _, typ := range []string{configMap, "kubernetes:core/v1:Secret"} {
		for _, immutable := range []bool{false, true} {
			data := func(v string) *structpb.Struct {
				return e.check(typ, object{"metadata": object{"name": "x"}, "immutable": immutable, "data": object{"k": v}})
			}
			diff, err := e.Diff(e.ctx, &pulumirpc.DiffRequest{Urn: urn(typ), OldInputs: data("a"), News: data("b")})
			require.NoError(t, err)
			require.Equal(t, immutable, len(diff.Replaces) > 0, typ)
		}
	}
}
