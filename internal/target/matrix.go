// SPDX-License-Identifier: Apache-2.0

package target

import (
	"maps"
	"slices"

	"emrflink/internal/localcloud/awswire"
	"emrflink/internal/localcloud/chart"
	"emrflink/internal/localcloud/provider/awsprov"
	"emrflink/internal/localcloud/provider/eksprov"
	"emrflink/internal/localtarget"
)

// Simulated returns what the local target simulates, from the tables that it is made of.
func Simulated() localtarget.Matrix {
	m := localtarget.Matrix{Charts: chart.Names(), Addons: chart.AddonNames()}
	for _, o := range awswire.Operations() {
		m.Operations = append(m.Operations,
			localtarget.Operation{Service: o.Service, Name: o.Name, UsedBy: o.UsedBy, Notes: o.Notes})
	}
	types := awsprov.Types()
	for _, token := range slices.Sorted(maps.Keys(types)) {
		m.Types = append(m.Types, localtarget.ResourceType{
			Token: token, Provider: "aws " + awsprov.Version, Kind: string(types[token]),
		})
	}
	m.Types = append(m.Types, localtarget.ResourceType{Token: eksprov.Token, Provider: "eks " + eksprov.Version})
	return m
}
