// SPDX-License-Identifier: Apache-2.0

package awskind

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

//go:embed calls.tsv
var callRows string

// Phases of a resource's life, as the AWS provider sees them.
const (
	PhaseCreate = "create"
	PhaseRead   = "read"
	PhaseUpdate = "update"
	PhaseDelete = "delete"
)

// Call is an IAM action that an identity needs so that the AWS provider can work on a resource.
type Call struct {
	// Terraform is the resource, as Kind.Terraform.
	Terraform string
	// Phases are when it is needed.
	Phases []string
	Action string
	// When is the input without which it is not needed, "" = it always is.
	When string
	// Source says how it is known: Measured, FromSource or the address of a page.
	Source string
}

// Words of Call.Source.
const (
	Measured   = "measured"
	FromSource = "source"
)

var calls = sync.OnceValue(func() map[string][]Call {
	out := map[string][]Call{}
	for line := range strings.Lines(callRows) {
		cells := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") || len(cells) != 5 {
			continue
		}
		c := Call{
			Terraform: cells[0], Phases: strings.Fields(cells[1]), Action: cells[2], When: strings.Trim(cells[3], "-"),
			Source: cells[4],
		}
		out[c.Terraform] = append(out[c.Terraform], c)
	}
	return out
})

// Calls are the actions of a kind, in the order of the table.
func (k Kind) Calls() []Call { return slices.Clone(calls()[k.Terraform]) }

// In says whether the action is needed in a phase.
func (c Call) In(phase string) bool { return slices.Contains(c.Phases, phase) }
