// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/internal/plans"
	"emrflink/internal/untyped"
)

// mixed makes the thing a in the account, the object o and its part p in a cluster that a's output reaches, and the
// thing b in the account, which depends on the object and is a child of it.
func mixed(ctx *pulumi.Context) error {
	a, err := newThing(ctx, "a", nil)
	if err != nil {
		return err
	}
	var provider pulumi.ProviderResourceState
	if err := ctx.RegisterResource(kubernetesProvider, "cluster", pulumi.Map{"kubeconfig": a.Arn}, &provider); err != nil {
		return err
	}
	var o thing
	err = ctx.RegisterResource("kubernetes:core/v1:Namespace", "o", pulumi.Map{"name": pulumi.String("o")}, &o,
		pulumi.Provider(&provider))
	if err != nil {
		return err
	}
	var p thing
	err = ctx.RegisterResource("kubernetes:helm.sh/v3:Release", "p", pulumi.Map{"name": pulumi.String("p"), "from": o.Arn}, &p,
		pulumi.Provider(&provider), pulumi.Parent(&o))
	if err != nil {
		return err
	}
	_, err = newThing(ctx, "b", pulumi.Map{"from": p.Arn}, pulumi.Parent(&o), pulumi.DependsOn([]pulumi.Resource{&p}))
	return err
}

func TestWhatIsForgottenLeavesNoReference(t *testing.T) {
	t.Parallel()
	child := recorded("child", "c-1")
	child.Parent, child.DeletedWith = urnOf("inner"), urnOf("inner")
	child.Dependencies = []resource.URN{urnOf("kept"), urnOf("inner")}
	child.ReplaceWith = []resource.URN{urnOf("provider"), urnOf("kept")}
	child.PropertyDependencies = map[resource.PropertyKey][]resource.URN{"from": {urnOf("inner"), urnOf("kept")}}
	inner, outer, provider := recorded("inner", "i-1"), recorded("outer", "o-1"), recorded("provider", "p-1")
	inner.Parent, outer.Parent, provider.Type = urnOf("outer"), urnOf("kept"), kubernetesProvider
	whole := recorded("whole", "w-1")
	whole.Parent, whole.DeletedWith = urnOf("kept"), urnOf("kept")
	d := stateOf([]apitype.ResourceV3{recorded("kept", "k-1"), provider, outer, inner, child, whole})
	forgotten := []resource.URN{urnOf("inner"), urnOf("outer"), urnOf("provider")}
	require.Equal(t, 2, drop(d, func(r apitype.ResourceV3) bool { return slices.Contains(forgotten, r.URN) }),
		"a provider is not counted")
	child.Parent, child.DeletedWith = urnOf("kept"), ""
	child.Dependencies, child.ReplaceWith = []resource.URN{urnOf("kept")}, []resource.URN{urnOf("kept")}
	child.PropertyDependencies = map[resource.PropertyKey][]resource.URN{"from": {urnOf("kept")}}
	require.Equal(t, []apitype.ResourceV3{recorded("kept", "k-1"), child, whole}, d.Resources)
}

func TestAClusterThatIsGoneIsForgottenAndTheRestIsDeleted(t *testing.T) {
	t.Parallel()
	aws, cluster := serveFakeAWS(t), serveFakeAWS(t)
	cluster.plugin = "4.23.0"
	env := aws.env()
	env["PULUMI_DEBUG_PROVIDERS"] += cluster.attach("kubernetes")
	o := Options{Home: t.TempDir(), Env: env, Program: mixed}
	e := open(t, o)
	_, err := e.ForgetKubernetes(t.Context())
	require.ErrorIs(t, err, ErrNoStack)
	_, err = e.Deploy(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"o", "p"}, cluster.names())

	// The cluster is deleted behind the engine's back: nothing answers there any more.
	cluster.stop()
	o.Env = aws.env()
	e = open(t, o)
	_, err = e.Destroy(t.Context(), nil)
	require.Error(t, err, "a release in a cluster that is gone cannot be deleted")

	n, err := e.ForgetKubernetes(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, n)
	left, err := e.Resources(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, []string{left[0].Name, left[1].Name})
	require.Empty(t, left[1].Dependencies)
	saved, err := e.files.read()
	require.NoError(t, err)
	require.False(t, slices.ContainsFunc(left, func(r plans.StateResource) bool { return r.Type == kubernetesProvider }))
	require.Equal(t, "pulumi:pulumi:Stack", untyped.URNType(string(saved.Resources[len(saved.Resources)-1].Parent)),
		"b moved up to the stack")

	again, err := e.ForgetKubernetes(t.Context())
	require.NoError(t, err)
	require.Zero(t, again)
	_, err = e.Destroy(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, aws.names())
}
