// SPDX-License-Identifier: Apache-2.0

package adopt

import (
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// LogGroups returns the program with log groups that exist already, by their names. They are imported instead of made:
// their events stay, and what else the program says of them (retention, tags) is changed in place.
func LogGroups(program pulumi.RunFunc, names []string) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		err := ctx.RegisterStackTransformation(func(a *pulumi.ResourceTransformationArgs) *pulumi.ResourceTransformationResult {
			group, ok := a.Props.(*cloudwatch.LogGroupArgs)
			if !ok {
				return nil
			}
			name, _ := group.Name.(pulumi.String)
			if !slices.Contains(names, string(name)) {
				return nil
			}
			return &pulumi.ResourceTransformationResult{Props: a.Props, Opts: append(a.Opts, pulumi.Import(pulumi.ID(name)))}
		})
		if err != nil {
			return err
		}
		return program(ctx)
	}
}
