// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"emrflink/internal/cli/session"
	"emrflink/internal/target"
)

// matrix lists what the local target simulates.
func matrix() session.Matrix {
	simulated := target.Simulated()
	m := session.Matrix{Charts: simulated.Charts, Addons: simulated.Addons}
	for _, o := range simulated.Operations {
		m.Operations = append(m.Operations, session.Operation(o))
	}
	for _, t := range simulated.Types {
		m.Types = append(m.Types, session.ResourceType(t))
	}
	return m
}
