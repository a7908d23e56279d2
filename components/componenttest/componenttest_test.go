// SPDX-License-Identifier: Apache-2.0

package componenttest_test

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/components/componenttest"
)

func register(types ...string) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		for _, typ := range types {
			var r pulumi.CustomResourceState
			if err := ctx.RegisterResource(typ, "same", pulumi.Map{"secret": pulumi.ToSecret("x")}, &r); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestUnknownTypesFailTheRun(t *testing.T) {
	t.Parallel()
	_, err := componenttest.TryRun(register("aws:rds/instance:Instance"))
	require.ErrorContains(t, err, `unknown resource type "aws:rds/instance:Instance"`)
}

func TestTwoResourcesOfANameFailTheRun(t *testing.T) {
	t.Parallel()
	_, err := componenttest.TryRun(register("aws:ec2/vpc:Vpc", "aws:ec2/eip:Eip"))
	require.ErrorContains(t, err, `two resources have the name "same"`)
}

func TestUnknownFunctionsFailTheRun(t *testing.T) {
	t.Parallel()
	_, err := componenttest.TryRun(func(ctx *pulumi.Context) error {
		var out map[string]any
		return ctx.Invoke("aws:ec2/getAmi:getAmi", &struct{}{}, &out)
	})
	require.ErrorContains(t, err, `unknown function "aws:ec2/getAmi:getAmi"`)
}

func TestRenderShowsInputs(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, register("aws:ec2/vpc:Vpc"))
	require.Equal(t, "same\n  type: aws:ec2/vpc:Vpc\n  inputs:\n    secret: x\n\n", g.Render())
}
