// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"context"
	"strings"

	"emrflink/internal/plans"
)

// State is what the recorded state of a stack says.
type State struct {
	Resources int             // resources that exist, providers and the stack itself not counted
	ByService map[string]int  // "ec2": 30
	LockedBy  string          // who is changing the stack now, "" = nobody
	Pending   []plans.Pending // operations of which nobody recorded the end
	Outputs   map[string]plans.Output
}

// Record is a recorded stack, as the engine reads it.
type Record interface {
	Resources(ctx context.Context) ([]plans.StateResource, error)
	Outputs(ctx context.Context) (map[string]plans.Output, error)
	Pending(ctx context.Context) ([]plans.Pending, error)
	// LockedBy names who is changing the stack now, "" = nobody.
	LockedBy(ctx context.Context) (string, error)
}

// ReadState reads what a stack recorded.
func ReadState(ctx context.Context, r Record) (State, error) {
	resources, err := r.Resources(ctx)
	if err != nil {
		return State{}, err
	}
	var s State
	s.Resources, s.ByService = Count(resources)
	if s.Outputs, err = r.Outputs(ctx); err != nil {
		return State{}, err
	}
	if s.Pending, err = r.Pending(ctx); err != nil {
		return State{}, err
	}
	s.LockedBy, err = r.LockedBy(ctx)
	return s, err
}

// Count counts resources, and those of each service: components exist in the state only.
func Count(resources []plans.StateResource) (all int, byService map[string]int) {
	byService = map[string]int{}
	for _, r := range resources {
		if r.Custom {
			all++
			byService[service(r.Type)]++
		}
	}
	return all, byService
}

// service is the part of a Pulumi type that a person calls the service: "aws:ec2/vpc:Vpc" is ec2.
func service(typ string) string {
	pkg, rest, _ := strings.Cut(typ, ":")
	if pkg != "aws" {
		return pkg
	}
	module, _, _ := strings.Cut(rest, ":")
	name, _, _ := strings.Cut(module, "/")
	return name
}
