// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

// many makes n independent things.
func many(n int) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		for i := range n {
			if _, err := newThing(ctx, fmt.Sprintf("t%d", i), pulumi.Map{"size": pulumi.Int(i)}); err != nil {
				return err
			}
		}
		return nil
	}
}

func BenchmarkOfflinePreview(b *testing.B) {
	for _, n := range []int{1, 150, 1500} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f := serveFakeAWS(b)
			for b.Loop() {
				e, err := Open(b.Context(), Options{Stack: "local", Ephemeral: true, Env: f.env(), Program: many(n)})
				require.NoError(b, err)
				plan, err := e.Preview(b.Context())
				require.NoError(b, err)
				require.Equal(b, n+2, plan.Summary.Create)
			}
		})
	}
}

func BenchmarkLife(b *testing.B) {
	f := serveFakeAWS(b)
	e, err := Open(b.Context(), Options{Stack: "local", Home: b.TempDir(), Env: f.env(), Program: many(150)})
	require.NoError(b, err)
	b.Run("deploy", func(b *testing.B) {
		for b.Loop() {
			_, err := e.Deploy(b.Context(), nil)
			require.NoError(b, err)
		}
	})
	b.Run("preview", func(b *testing.B) {
		for b.Loop() {
			_, err := e.Preview(b.Context())
			require.NoError(b, err)
		}
	})
	b.Run("outputs", func(b *testing.B) {
		for b.Loop() {
			_, err := e.Outputs(b.Context())
			require.NoError(b, err)
		}
	})
	b.Run("destroy", func(b *testing.B) {
		for b.Loop() {
			_, err := e.Destroy(b.Context(), nil)
			require.NoError(b, err)
		}
	})
}
