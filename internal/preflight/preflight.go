// SPDX-License-Identifier: Apache-2.0

// Package preflight checks, before anything is created, for what would make a deploy fail after half an hour:
// credentials of another account or that expire too soon, quotas that are used up, names that are taken, a wrong clock.
//
// Invariants: nothing is changed; every problem is reported, not only the first one; a check without permission is a
// warning that names the missing IAM action, never a failure of the run; each problem has AWS's own code and a command
// that helps.
//
// Place: domain. It asks AWS through narrow interfaces and does not know which target answers.
package preflight

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"emrflink/components/mirror"
	"emrflink/internal/awsapi"
	"emrflink/internal/check"
	"emrflink/internal/iam"
)

// DeployLasts is how long a deploy of the default settings takes on AWS: the medians of its phases, as the deploy command
// expects them, rounded up.
const DeployLasts = 20 * time.Minute

// Deploy is what a deploy of the stack needs, and what there is of it already.
type Deploy struct {
	Stack      string
	File       string // stack file, "" = the defaults
	Name       string // of the deployment and of its cluster
	Region     string
	Kubernetes string
	Cidr       string
	// Networks is how many VPCs a deploy makes: 1, or 0 into one that exists.
	Networks int
	// Zones is how many zones are used; PerZone asks for a NAT gateway in each of them, NoNAT for none.
	Zones          int
	PerZone, NoNAT bool
	// CoreTypes are candidates for the CoreNodes nodes that a deploy starts.
	CoreTypes []string
	CoreNodes int
	// SpotVCPUs is the smallest node that a job starts on spot; 0 = jobs do not ask for spot.
	SpotVCPUs int
	// PoolTypes are patterns of the instance types of each node pool, by its name.
	PoolTypes map[string][]string
	// Subnets are those of an existing network in which nodes run.
	Subnets []string
	// IAM is what a deploy has of IAM's entities in all.
	IAM Entities
	// Bucket and LogGroups name what is made, in the account of the identity.
	Bucket    func(awsapi.Identity) string
	LogGroups []string
	// Adopt says that log groups which are there already are taken into the stack.
	Adopt bool
	// Admins are the ARNs of those who are to administer the cluster; without any, its creator does.
	Admins []string
	// Policies are those of IAM that the settings name.
	Policies []NamedPolicy
	// Roles are those that a deploy makes.
	Roles Roles
	// Mirrors are the registries of ECR that the settings name.
	Mirrors []mirror.ECR
	// Tag marks the VPC of a deployment: its key. The value is the deployment's name.
	Tag string
	// Recorded is what the state of the stack has.
	Recorded Recorded
	// Lasts is how long a deploy usually takes on the target.
	Lasts time.Duration
	// StandardSupportUSD and ExtendedSupportUSD are the prices of a control plane per hour; 0 = not known.
	StandardSupportUSD, ExtendedSupportUSD float64
}

// AWS is what the checks ask.
type AWS interface {
	caller
	quotas
	vcpus
	places
	names
	entries
	capacity
	caches
	simulator
}

var _ AWS = (*awsapi.Client)(nil)

// Account checks the account that a deploy goes to.
type Account struct {
	AWS    AWS
	Deploy Deploy
	Now    func() time.Time
}

// step is one independent part of the checks; ids are those of the checks that it returns.
type step struct {
	ids []string
	run func(context.Context, awsapi.Identity) []check.Check
}

func (a Account) steps() []step {
	return []step{
		{[]string{"account", "region"}, a.recorded},
		{[]string{"session"}, a.session},
		{[]string{"zones"}, a.zones},
		{[]string{"kubernetes-version"}, a.version},
		{[]string{"instance-types", "quota-vcpu-on-demand", "quota-vcpu-spot"}, a.processors},
		{[]string{"instance-zones"}, a.offered},
		{[]string{"subnet-addresses"}, a.subnets},
		{[]string{"quota-iam-roles", "quota-iam-policies", "quota-instance-profiles"}, a.iam},
		{[]string{"quota-vpc", "vpc"}, a.networks},
		{[]string{"quota-eip"}, a.addresses},
		{[]string{"quota-nat"}, a.natGateways},
		{[]string{"quota-cluster", "cluster-name"}, a.clusters},
		{[]string{"admins"}, a.admins},
		{[]string{"policies"}, a.policies},
		{[]string{"role-creation"}, a.roles},
		{[]string{mirrorsID}, a.mirrors},
		{[]string{"spot-role"}, a.spotRole},
		{[]string{"bucket-name"}, a.bucket},
		{[]string{"log-groups"}, a.logGroups},
	}
}

// IDs are the names of all checks, on a machine that needs programs.
func IDs(programs []string) []string {
	var out []string
	for _, p := range programs {
		out = append(out, programID(p))
	}
	out = append(out, loginID, answersID, pluginsID, memoryID, "credentials", "clock")
	for _, s := range (Account{}).steps() {
		out = append(out, s.ids...)
	}
	return out
}

// atOnce bounds the calls that are under way.
const atOnce = 6

// Run makes the checks. Without an identity nothing can be asked: the rest is skipped.
func (a Account) Run(ctx context.Context) []check.Check {
	clock := a.clock(ctx)
	id, credentials := a.credentials(ctx)
	checks := []check.Check{credentials, clock}
	steps := a.steps()
	if credentials.Status == check.Error {
		for _, s := range steps {
			for _, name := range s.ids {
				checks = append(checks, check.Check{
					ID: name, Status: check.Skipped, What: "not checked", Why: "AWS does not know the identity: see credentials",
				})
			}
		}
		return checks
	}
	results := make([][]check.Check, len(steps))
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, s := range steps {
		g.Go(func() error {
			results[i] = s.run(ctx, id)
			return nil
		})
	}
	_ = g.Wait() // no step returns an error
	for _, r := range results {
		checks = append(checks, r...)
	}
	return checks
}

// unknown is a check that could not be made. Of a refusal it names the IAM action, which is not always the operation.
func unknown(id, what string, err error) check.Check {
	c := check.Check{ID: id, Status: check.Warning, What: what + ": could not check", Why: err.Error(), Fix: "emrflink doctor"}
	var e *awsapi.Error
	if errors.As(err, &e) && e.Denied() {
		action := iam.ActionOf(e.Op)
		c.Why = fmt.Sprintf("%s: the identity is not allowed to call %s", e.Code, action)
		c.Fix = "allow " + action + " in the identity's IAM policy"
	}
	return c
}

func fine(id, format string, args ...any) check.Check {
	return check.Check{ID: id, Status: check.OK, What: fmt.Sprintf(format, args...)}
}
