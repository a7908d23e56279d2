// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/cost"
)

// fakeList has a price of 1 for everything but what it lacks.
type fakeList struct {
	lacks string
	err   error
}

func (f fakeList) Region() string { return "eu-north-1" }
func (f fakeList) InstancePrice(_ context.Context, t string) (awsapi.Price, error) {
	return f.RatePrice(context.Background(), t)
}

func (f fakeList) RatePrice(_ context.Context, name string) (awsapi.Price, error) {
	if name == f.lacks {
		return awsapi.Price{Why: "no price for " + name}, f.err
	}
	return awsapi.Price{USD: 1, Found: true}, f.err
}

func TestLivePricesAreThoseThatTheListHas(t *testing.T) {
	t.Parallel()
	want := cost.PriceNames{InstanceTypes: []string{"a", "b"}, Rates: []string{"r"}}
	now := time.Date(2026, 1, 2, 23, 0, 0, 0, time.UTC)
	p, err := Prices(t.Context(), fakeList{lacks: "b"}, want, now)
	require.NoError(t, err)
	require.Equal(t, map[string]float64{"a": 1}, p.EC2, "what has no price stays without")
	require.Equal(t, map[string]float64{"r": 1}, p.Rates)
	require.Equal(t, []string{"no price for b"}, p.Missing)
	require.Equal(t, "2026-01-02", p.AsOf)
	require.Equal(t, "eu-north-1", p.Region)
	_, err = Prices(t.Context(), fakeList{err: errors.New("denied")}, want, now)
	require.ErrorContains(t, err, "denied")
}
