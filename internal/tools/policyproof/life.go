// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"regexp"
	"slices"

	"emrflink/internal/localcloud/provider/awsprov"
	"emrflink/internal/policy"
	"emrflink/internal/tools/terraform"
	"emrflink/stacks"
)

// denial finds the action that a refusal names, in AWS's words or in those of a check.
var denial = regexp.MustCompile(`(?:not authorized to perform:|not allowed to call) ([a-z0-9-]+:\w+)`)

// said is what went wrong in a life: an error, or what a check or an inventory says that it could not look at. A life ends at the
// first of them.
type said []string

func (s *said) err(err error) {
	if err != nil {
		*s = append(*s, err.Error())
	}
}

// refused are the actions that were refused, sorted; what failed for another reason is an error.
func (s said) refused() ([]string, error) {
	var out []string
	var errs []error
	for _, text := range s {
		actions := denial.FindAllStringSubmatch(text, -1)
		for _, a := range actions {
			out = append(out, a[1])
		}
		if len(actions) == 0 {
			errs = append(errs, errors.New(text))
		}
	}
	if len(out) > 0 {
		slices.Sort(out)
		return slices.Compact(out), nil // what else failed may follow from it
	}
	return nil, errors.Join(errs...)
}

// step is a part of a life.
type step func(ctx context.Context, out *said)

// life goes through the steps of a world under documents, until something is refused. It returns the actions that were refused,
// and by what: the provider, or the calls of emrflink itself.
func life(ctx context.Context, documents []string, steps func(*world) []part) (refused []string, by string, err error) {
	w, err := newWorld(ctx, documents)
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	for _, s := range steps(w) {
		var out said
		s.do(ctx, &out)
		if len(out) > 0 {
			refused, err := out.refused()
			return refused, s.by, err
		}
	}
	return nil, "", nil
}

// part is a step with what makes its calls.
type part struct {
	by string
	do step
}

// What makes the calls of a step.
const (
	byProvider = "the local AWS provider"
	byClient   = "emrflink's own calls"
)

// steps are the life that a policy is for.
func (w *world) steps(nodes []terraform.Node, p policy.Purpose) []part {
	c := stacks.Default()
	own := func(do func(context.Context, stacks.Config, *said)) part {
		return part{byClient, func(ctx context.Context, out *said) { do(ctx, c, out) }}
	}
	creation, read := each(nodes, w.admin, w.create), each(nodes, w.role, w.read)
	switch p {
	case policy.Deploy:
		creation = each(nodes, w.role, w.create)
		return []part{
			own(w.doctor), creation, own(w.doctor), read, own(w.inventory), own(w.adopt), own(w.protect),
			each(nodes, w.role, w.update), each(backwards(nodes), w.role, w.removeSmall),
		}
	case policy.Preview:
		return []part{creation, own(w.doctor), own(w.leave), read, own(w.inventory), own(w.versions)}
	case policy.Job:
		return []part{creation, own(w.jobs)}
	}
	back := backwards(nodes)
	cluster := 1 + slices.IndexFunc(back, func(n terraform.Node) bool { return n.Type == "aws:eks/cluster:Cluster" })
	return []part{
		creation, own(w.leave), read, own(w.sweep), each(back[:cluster], w.role, w.remove), own(w.sweep),
		each(back[cluster:], w.role, w.remove),
	}
}

func backwards(nodes []terraform.Node) []terraform.Node {
	out := slices.Clone(nodes)
	slices.Reverse(out)
	return out
}

// each is a step that does the same with every node, until something fails.
func each(nodes []terraform.Node, by *awsprov.Server, do action) part {
	return part{byProvider, func(ctx context.Context, out *said) {
		for _, n := range nodes {
			if out.err(do(ctx, by, n)); len(*out) > 0 {
				return
			}
		}
	}}
}

// action is what a provider does with a node.
type action func(context.Context, *awsprov.Server, terraform.Node) error

// removeSmall deletes what a deploy may delete; the administrator deletes the rest.
func (w *world) removeSmall(ctx context.Context, by *awsprov.Server, n terraform.Node) error {
	if lasting(n.Type) {
		by = w.admin
	}
	return w.remove(ctx, by, n)
}
