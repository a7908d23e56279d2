// SPDX-License-Identifier: Apache-2.0

package terraform

import (
	"maps"
	"slices"

	"emrflink/internal/awskind"
	"emrflink/internal/localcloud/provider/awsprov"
)

// Type pairs a Pulumi type with the resource of the AWS provider that it is made of.
type Type struct {
	Pulumi, Terraform string
	// Args is the zero value of the SDK's arguments, whose tags name the properties.
	Args any
}

// Types are all AWS types of the blueprint, of its options and of the simulated account, sorted.
func Types() []Type {
	args := awsprov.Args()
	var out []Type
	for _, typ := range slices.Sorted(maps.Keys(args)) {
		k, _ := awskind.OfType(typ)
		out = append(out, Type{Pulumi: typ, Terraform: k.Terraform, Args: args[typ]})
	}
	return out
}
