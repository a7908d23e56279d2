// SPDX-License-Identifier: Apache-2.0

package plug_test

import (
	"context"
	"errors"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil/rpcerror"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/provider/plug"
)

func TestStopEndsTheContextsOfItsSessionAlone(t *testing.T) {
	t.Parallel()
	one, two := plug.NewSession(), plug.NewSession()
	a, cancelA := one.Context(t.Context())
	defer cancelA()
	b, cancelB := two.Context(t.Context())
	defer cancelB()
	one.Stop()
	one.Stop()
	<-a.Done()
	require.ErrorIs(t, context.Cause(a), plug.ErrCancelled)
	require.NoError(t, b.Err())
	late, cancel := one.Context(t.Context())
	defer cancel()
	<-late.Done()
	require.ErrorIs(t, context.Cause(late), plug.ErrCancelled)
}

func TestPropertiesTravel(t *testing.T) {
	t.Parallel()
	in := resource.PropertyMap{
		"known": resource.NewProperty("x"), "later": plug.Unknown(), "secret": resource.MakeSecret(resource.NewProperty("s")),
		"none": resource.NewNullProperty(),
	}
	s, err := plug.Encode(in)
	require.NoError(t, err)
	out, err := plug.Decode(s)
	require.NoError(t, err)
	require.True(t, out["later"].IsComputed())
	require.Equal(t, "s", out["secret"].StringValue(), "secrets are the engine's to seal")
	require.NotContains(t, out, resource.PropertyKey("none"))
	require.Equal(t, map[string]any{"known": "x", "secret": "s"}, plug.Known(out))
}

func TestAFailedStartCarriesTheResource(t *testing.T) {
	t.Parallel()
	err := plug.InitFailed("id", resource.PropertyMap{"a": resource.NewProperty("b")}, nil, errors.New("not ready"))
	details := rpcerror.Convert(err).Details()
	require.Len(t, details, 1)
	failed, ok := details[0].(*pulumirpc.ErrorResourceInitFailed)
	require.True(t, ok)
	require.Equal(t, "id", failed.Id)
	require.Equal(t, []string{"not ready"}, failed.Reasons)
}
