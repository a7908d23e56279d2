// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"emrflink/internal/awskind"
	"emrflink/internal/tools/terraform"
)

// The types of the rules below.
const (
	cluster    = "aws:eks/cluster:Cluster"
	nodeGroup  = "aws:eks/nodeGroup:NodeGroup"
	addon      = "aws:eks/addon:Addon"
	natGateway = "aws:ec2/natGateway:NatGateway"
	route      = "aws:ec2/route:Route"
)

// link is one resource of a chain, with AWS's median duration.
type link struct {
	name string
	took time.Duration
}

// chain is a sequence of resources of which each has to wait for the one before it.
type chain []link

func (c chain) length() time.Duration {
	var sum time.Duration
	for _, l := range c {
		sum += l.took
	}
	return sum
}

func (c chain) String() string {
	var parts []string
	for _, l := range c {
		if l.took > 0 {
			parts = append(parts, fmt.Sprintf("%s %.0f s", l.name, l.took.Seconds()))
		}
	}
	return strings.Join(parts, ", ")
}

// creates says whether AWS lets a resource be made only when another one is there. What a property takes its value from is
// such; of the other edges of the graph these are: a node group is active when its nodes are ready, which need their network
// addon and a way out to fetch images, and an addon with pods is active when they run on nodes.
func creates(n, on terraform.Node) bool {
	for _, urns := range n.Uses {
		if slices.Contains(urns, on.URN) {
			return true
		}
	}
	switch n.Type {
	case addon:
		return on.Type == cluster || on.Type == nodeGroup
	case nodeGroup:
		return on.Type == cluster || on.Type == addon || on.Type == natGateway || on.Type == route
	}
	return on.Type == cluster || on.Type == nodeGroup
}

// deletes says whether AWS lets a resource be deleted only when another one is gone that depends on it. An addon goes with its
// cluster, and nodes that are deleted need no way out.
func deletes(n, on terraform.Node) bool {
	return n.Type != addon && on.Type != addon && (n.Type != nodeGroup || on.Type != natGateway && on.Type != route) &&
		creates(n, on)
}

func creation(n terraform.Node) time.Duration {
	if n.Inputs["addonName"] == "aws-ebs-csi-driver" {
		return awskind.SlowestAddon
	}
	k, _ := awskind.OfType(n.Type)
	return k.Create
}

func deletion(n terraform.Node) time.Duration {
	k, _ := awskind.OfType(n.Type)
	return k.Delete
}

// longest is the chain that takes longest, from the first resource to the last, of those that are in.
func longest(nodes []terraform.Node, in func(terraform.Node) bool, waits func(n, on terraform.Node) bool,
	took func(terraform.Node) time.Duration) chain {
	byURN := map[string]terraform.Node{}
	for _, n := range nodes {
		if in(n) {
			byURN[n.URN] = n
		}
	}
	done := map[string]chain{}
	var of func(n terraform.Node) chain
	of = func(n terraform.Node) chain {
		if c, known := done[n.URN]; known {
			return c
		}
		var before chain
		for _, urn := range n.DependsOn {
			if on, known := byURN[urn]; known && waits(n, on) {
				if c := of(on); c.length() > before.length() {
					before = c
				}
			}
		}
		done[n.URN] = append(slices.Clone(before), link{n.Name, took(n)})
		return done[n.URN]
	}
	var best chain
	for _, n := range nodes {
		if _, inside := byURN[n.URN]; inside {
			if c := of(n); c.length() > best.length() {
				best = c
			}
		}
	}
	return best
}

// stages are what the Terraform blueprint applies one after the other, and destroys in the reverse order: each waits for all of
// the one before.
func stages() []func(terraform.Node) bool {
	network := func(n terraform.Node) bool { return strings.HasPrefix(n.Name, "network-") }
	eks := func(n terraform.Node) bool {
		return !network(n) && (n.Type == cluster || n.Type == nodeGroup || n.Type == addon && creation(n) != awskind.SlowestAddon)
	}
	rest := func(n terraform.Node) bool { return !network(n) && !eks(n) }
	return []func(terraform.Node) bool{network, eks, rest}
}

// staged is how long the stages take.
func staged(nodes []terraform.Node, waits func(n, on terraform.Node) bool, took func(terraform.Node) time.Duration) (
	sum time.Duration, each []string) {
	for i, in := range stages() {
		c := longest(nodes, in, waits, took)
		sum += c.length()
		each = append(each,
			fmt.Sprintf("%s %.0f s", []string{"network", "cluster and nodes", "the rest"}[i], c.length().Seconds()))
	}
	return sum, each
}

func everything(terraform.Node) bool { return true }
