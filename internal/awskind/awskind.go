// SPDX-License-Identifier: Apache-2.0

// Package awskind is the catalogue of the kinds of AWS resources that this project knows: a row per kind with
// everything that more than one place needs to know about it, from its Pulumi type to the command that deletes it.
//
// Invariants: a row has no empty cell that some place needs (a test names the cell), and no other code repeats what a
// row says. Two tables stay separate: package replacement has the properties that force a replacement, by Pulumi type,
// and package cost has the rates, by the names that the rows use.
//
// Place: below everything else. It imports the standard library only. docs/add-a-kind.md says how to add a row.
package awskind

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind is one row.
type Kind struct {
	// Type is the Pulumi type, Terraform the resource of the AWS provider that it is made of.
	Type, Terraform string
	// Simulated is the name of the kind in the simulated account, "service:type".
	Simulated string
	// Made says who makes such resources.
	Made Maker
	// Tags says whether AWS lets them have tags.
	Tags Tagging
	// Inventory is the type in the inventory of the account, or NotListed.
	Inventory string
	// Create and Delete are what AWS usually takes; 0 where the call itself does all the work.
	Create, Delete time.Duration

	// Price is how it is billed by the hour: Free, ByInstances, ByVolumes, or the name of a rate of package cost.
	Price string
	// Billed is what an estimate calls the position of a rate.
	Billed string
	// Usage is what is billed by use beside that, "" when nothing is.
	Usage string

	// Sweep is the place in the order in which a cleanup deletes what controllers left behind: what holds others comes
	// first. 0 says that only the engine deletes this kind, because it is in the state of the deployment.
	Sweep int
	// Command is what a person runs to delete one, the arguments of aws. {id} is its id in the inventory; {cluster} and
	// {name} are the halves of an id "cluster:name".
	Command string
	// Scope is the property by which a cleanup keeps in mind what belongs to the deployment ("id" is the resource's id),
	// "" where a tag or the VPC tells.
	Scope string
	// Loss is what deleting or replacing one destroys. Replacing is deleting too: a replacement begins empty.
	Loss string
	// Gravity orders losses in a summary: the smallest is the gravest, and 0 gets no line of its own.
	Gravity int

	// Adopt is how the next deployment finds one that a killed engine had begun to make: its id made of its inputs
	// ("{clusterName}:{addonName}"; package adopt has the words with @), or a word of Adopt.
	Adopt string
	// Owner is the resource whose tags say who owns one: its look-up and its id made of the inputs ("role {role}"), or
	// OwnerInName. "" is the resource itself, by its Inventory.
	Owner string
	// Show is what a person runs to look at one that an Owner names, spelt as Command.
	Show string
	// Phase is the phase of a deploy in which one is made that belongs to no component.
	Phase string
}

// Maker says who makes the resources of a kind.
type Maker int

// The makers.
const (
	// ByProgram is the Pulumi program: there is a type in the local AWS provider and a replacement table.
	ByProgram Maker = iota
	// ByController are controllers in the cluster only: the local AWS provider does not have the type.
	ByController
)

// Tagging says whether AWS lets a kind have tags.
type Tagging int

// The ways of tagging.
const (
	_ Tagging = iota
	// Untagged resources cannot have tags.
	Untagged
	// Tagged resources can.
	Tagged
	// NamedByTag resources can, and their tag Name is the only name they have.
	NamedByTag
)

// Words of Price.
const (
	// Free is not billed by the hour.
	Free = "free"
	// ByInstances is billed by instance type and count.
	ByInstances = "instances"
	// ByVolumes is billed by volume type and size.
	ByVolumes = "volumes"
)

// Words of Adopt.
const (
	// AdoptByTags looks in the inventory for one that carries all the tags that were asked for.
	AdoptByTags = "tags"
	// AdoptByEnds looks in the inventory for the two resources that it connects.
	AdoptByEnds = "ends"
	// AdoptByLookup takes the id that the look-up of its Owner answers: AWS makes it, and one per name.
	AdoptByLookup = "look-up"
	// AdoptNever is for what no program makes.
	AdoptNever = "never"
)

// Look-ups of package awsapi whose resources the inventory leaves out.
const (
	AccessEntry = "access-entry"
	PodIdentity = "pod-identity-association" // by "cluster:namespace/service account"
)

// OwnerInName is the Owner of what has no tags and hangs on what may be anybody's: its id ends with the deployment's name.
const OwnerInName = "name"

// Words of Phase: those of package deploy in which AWS resources are made that belong to no component.
const (
	PhaseNetwork   = "network"
	PhaseBucket    = "checkpoint bucket"
	PhaseCluster   = "cluster"
	PhaseCoreNodes = "core nodes"
	PhaseRest      = "the rest"
)

// GuardDutyTag is on what GuardDuty makes in a VPC for its agents, with the value "true". Source: GuardDuty User Guide,
// "Disabling, uninstalling, and cleaning up resources in Runtime Monitoring".
const GuardDutyTag = "GuardDutyManaged"

// NotListed is the Inventory of what the inventory leaves out: it goes with the resource that it is part of.
const NotListed = "-"

// NothingLost is the Loss of what holds nothing.
const NothingLost = "nothing that lasts"

// index has the rows by the three names of a kind.
type index struct{ byType, byInventory, bySimulated map[string]Kind }

var (
	rows = sync.OnceValue(func() []Kind {
		return slices.Concat(networkRows(), trafficRows(), computeRows(), clusterRows(), identityRows(), bucketRows(),
			serviceRows())
	})
	indexed = sync.OnceValue(func() index {
		x := index{map[string]Kind{}, map[string]Kind{}, map[string]Kind{}}
		for _, k := range rows() {
			x.byType[k.Type], x.bySimulated[k.Simulated] = k, k
			if k.Inventory != NotListed {
				x.byInventory[k.Inventory] = k
			}
		}
		return x
	})
)

// All returns the rows.
func All() []Kind { return slices.Clone(rows()) }

// OfType finds a row by its Pulumi type.
func OfType(pulumiType string) (Kind, bool) {
	k, ok := indexed().byType[pulumiType]
	return k, ok
}

// OfInventory finds a row by its type in the inventory.
func OfInventory(typ string) (Kind, bool) {
	k, ok := indexed().byInventory[typ]
	return k, ok
}

// OfSimulated finds a row by the name in the simulated account.
func OfSimulated(name string) (Kind, bool) {
	k, ok := indexed().bySimulated[name]
	return k, ok
}

// LooksUp finds the row of a look-up of package awsapi by its name.
func LooksUp(name string) (Kind, bool) {
	i := slices.IndexFunc(rows(), func(k Kind) bool {
		own, _, _ := strings.Cut(k.Owner, " ")
		return k.Show != "" && cmp.Or(own, k.Inventory) == name
	})
	if i < 0 {
		return Kind{}, false
	}
	return rows()[i], true
}

// Spell makes a Command or a Show the command line about one resource.
func Spell(command, id, region string) string {
	cluster, name, _ := strings.Cut(id, ":")
	words := strings.NewReplacer("{id}", id, "{cluster}", cluster, "{name}", name)
	return "aws " + words.Replace(command) + " --region " + region
}

// Swept returns the inventory types that a cleanup may delete itself, in the order in which it does.
func Swept() []string {
	all := slices.DeleteFunc(All(), func(k Kind) bool { return k.Sweep == 0 })
	slices.SortFunc(all, func(a, b Kind) int { return cmp.Compare(a.Sweep, b.Sweep) })
	var out []string
	for _, k := range all {
		out = append(out, k.Inventory)
	}
	return out
}

// DataTypes are the Pulumi types that a cleanup keeps which is to retain the data: buckets with their settings, and the keys
// without which nobody can read them.
func DataTypes() []string {
	var out []string
	for _, k := range rows() {
		if strings.HasPrefix(k.Type, "aws:s3/") || strings.HasPrefix(k.Type, "aws:kms/") {
			out = append(out, k.Type)
		}
	}
	return out
}
