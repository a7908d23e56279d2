// SPDX-License-Identifier: Apache-2.0

package adopt_test

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/components/helm"
	"emrflink/internal/adopt"
	"emrflink/internal/engine"
	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
	"emrflink/internal/plans"
)

// imports notes by which id each resource of a program is taken over, "" for one that is made.
type imports struct {
	mu sync.Mutex
	of map[string]string
}

func (i *imports) NewResource(a pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.of[a.Name] = a.ID
	return a.Name, a.Inputs, nil
}

func (i *imports) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) { return nil, nil }

func importsOf(program pulumi.RunFunc, options ...pulumi.RunOption) (map[string]string, error) {
	i := &imports{of: map[string]string{}}
	err := pulumi.RunErr(program, append(options, pulumi.WithMocks("p", "s", i))...)
	return i.of, err
}

// registered is a program of one resource.
func registered(typ string, inputs pulumi.Map) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		return ctx.RegisterResource(typ, "x", inputs, &pulumi.CustomResourceState{})
	}
}

// in is a cluster with one release "n/r" of the chart c.
func in(t *testing.T) *kubetest.Store {
	t.Helper()
	r := kube.HelmRelease{Namespace: "n", Name: "r", Version: 1}
	r.Info.Status, r.Chart.Metadata.Name = kube.HelmDeployed, "c"
	secret, err := r.Secret()
	require.NoError(t, err)
	return kubetest.New(secret)
}

func TestOnlyAReleaseThatIsThereAndNotRecordedIsImported(t *testing.T) {
	t.Parallel()
	asked := pulumi.Map{"namespace": pulumi.String("n"), "name": pulumi.String("r"), "chart": pulumi.String("repo/c")}
	with := func(key string, value pulumi.Input) pulumi.Map {
		m := maps.Clone(asked)
		m[key] = value
		return m
	}
	for name, c := range map[string]struct {
		typ      string
		inputs   pulumi.Map
		recorded map[string]bool
		dryRun   bool
		id, err  string
	}{
		"a release":                {inputs: asked, id: "n/r"},
		"while it is previewed":    {inputs: asked, dryRun: true},
		"one that is recorded":     {inputs: asked, recorded: map[string]bool{"n/r": true}},
		"another one is recorded":  {inputs: asked, recorded: map[string]bool{"n/q": true}, id: "n/r"},
		"one that does not exist":  {inputs: with("name", pulumi.String("q"))},
		"one of another namespace": {inputs: with("namespace", pulumi.String("m"))},
		"one of another chart":     {inputs: with("chart", pulumi.String("repo/d")), err: "see whose it is: helm status r"},
		"one without a name":       {inputs: with("name", pulumi.String(""))},
		"one without a chart":      {inputs: with("chart", pulumi.String(""))},
		"one without a namespace":  {inputs: with("namespace", nil)},
		"another type":             {typ: "kubernetes:core/v1:Namespace", inputs: asked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			typ := c.typ
			if typ == "" {
				typ = helm.Token
			}
			releases := &adopt.Releases{
				Connect:  func(context.Context) (adopt.Cluster, error) { return in(t), nil },
				Recorded: func(context.Context) (map[string]bool, error) { return c.recorded, nil },
			}
			got, err := importsOf(releases.Into(registered(typ, c.inputs)),
				func(info *pulumi.RunInfo) { info.DryRun = c.dryRun })
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.id, got["x"])
		})
	}
}

func TestAStateThatCannotBeReadStopsTheProgram(t *testing.T) {
	t.Parallel()
	releases := &adopt.Releases{
		Connect:  func(context.Context) (adopt.Cluster, error) { return in(t), nil },
		Recorded: func(context.Context) (map[string]bool, error) { return nil, errors.New("the state is locked") },
	}
	_, err := importsOf(releases.Into(registered(helm.Token, pulumi.Map{
		"namespace": pulumi.String("n"), "name": pulumi.String("r"), "chart": pulumi.String("c"),
	})))
	require.ErrorContains(t, err, "the state is locked")
}

// What a run makes itself needs no look: the state is read once, and the cluster is connected to once.
func TestStateAndClusterAreAskedOnce(t *testing.T) {
	t.Parallel()
	connected, read := 0, 0
	releases := &adopt.Releases{
		Connect: func(context.Context) (adopt.Cluster, error) {
			if connected++; connected == 1 {
				return nil, errors.New("it is not there yet")
			}
			return in(t), nil
		},
		Recorded: func(context.Context) (map[string]bool, error) { read++; return map[string]bool{}, nil },
	}
	_, err := importsOf(releases.Into(func(ctx *pulumi.Context) error {
		for _, name := range []string{"a", "b", "r"} {
			var r pulumi.CustomResourceState
			if err := ctx.RegisterResource(helm.Token, name, pulumi.Map{
				"namespace": pulumi.String("n"), "name": pulumi.String(name), "chart": pulumi.String("c"),
			}, &r); err != nil {
				return err
			}
		}
		return nil
	}))
	require.NoError(t, err)
	require.Equal(t, []int{2, 1}, []int{connected, read}, "only a cluster that was not there is tried again")
}

func TestOnlyLogGroupsOfTheNamesAreImported(t *testing.T) {
	t.Parallel()
	got, err := importsOf(adopt.LogGroups(func(ctx *pulumi.Context) error {
		for _, name := range []string{"there", "new"} {
			if _, err := cloudwatch.NewLogGroup(ctx, name, &cloudwatch.LogGroupArgs{Name: pulumi.String(name)}); err != nil {
				return err
			}
		}
		return registered("aws:sqs/queue:Queue", pulumi.Map{"name": pulumi.String("there")})(ctx)
	}, []string{"there"}))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"there": "there", "new": "", "x": ""}, got)
}

func TestOnlyReleasesAreReviewed(t *testing.T) {
	t.Parallel()
	releases := &adopt.Releases{Connect: func(context.Context) (adopt.Cluster, error) { return nil, errors.New("was asked") }}
	for _, res := range []plans.StateResource{
		{Type: "kubernetes:core/v1:Secret", ID: "n/r"}, {Type: helm.Token, ID: "r"}, {Type: helm.Token},
	} {
		verdict, err := releases.Review(t.Context(), res, false, func(text string) { t.Error(text) })
		require.NoError(t, err)
		require.Equal(t, engine.Whole, verdict)
	}
}

// A cluster that is not there has nothing to say; a run that was interrupted knows nothing.
func TestWhatCouldNotBeLookedForIsSaidUnlessTheRunIsOver(t *testing.T) {
	t.Parallel()
	none := &adopt.Releases{Connect: func(context.Context) (adopt.Cluster, error) { return nil, nil }}
	id, err := none.Find(t.Context(), "n", "r", "c", func(text string) { t.Error(text) })
	require.NoError(t, err)
	require.Empty(t, id)

	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	failing := &adopt.Releases{Connect: func(ctx context.Context) (adopt.Cluster, error) { return nil, ctx.Err() }}
	_, err = failing.Find(interrupted, "n", "r", "c", func(text string) { t.Error(text) })
	require.ErrorIs(t, err, context.Canceled)
}
