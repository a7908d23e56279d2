// SPDX-License-Identifier: Apache-2.0

// Package adopt takes over what already exists in the AWS account: resources whose creation a killed engine had begun
// (Finder), so that the next deployment does not create them twice, and log groups of an earlier deployment
// (LogGroups).
//
// Most ids follow from the inputs: a role's is its name. Those are returned without asking AWS, and the refresh that
// follows drops what does not exist. A resource whose id AWS chooses is found by the tags of the deployment; it must
// have all of them. Kubernetes objects and Helm releases are never adopted: applying them again adopts them.
package adopt

import (
	"cmp"
	"context"
	"fmt"
	"hash/crc32"
	"regexp"
	"strconv"
	"strings"
	"time"

	"emrflink/internal/awsapi"
	"emrflink/internal/awskind"
	"emrflink/internal/engine"
)

// Account is what the lookup asks AWS.
type Account interface {
	Identity(ctx context.Context) (awsapi.Identity, error)
	DeploymentResources(ctx context.Context, d awsapi.Deployment) ([]awsapi.Resource, error)
}

var _ Account = (*awsapi.Client)(nil)

// Options say whose resources are looked for.
type Options struct {
	Account Account
	Region  string
	// Deployment is the deployment's name, which is its cluster's too.
	Deployment string
	// Tags together mark every resource of the deployment.
	Tags map[string]string
	// Poll is the pause between two looks at a resource that is still being
	// made; 5 s when zero.
	Poll time.Duration
}

// Finder returns the engine's hook.
func Finder(o Options) engine.AdoptFunc {
	if o.Poll == 0 {
		o.Poll = 5 * time.Second
	}
	return func(ctx context.Context, p engine.PendingCreate) (string, bool, error) {
		if !strings.HasPrefix(p.Type, "aws:") {
			return "", false, nil
		}
		identity, err := o.Account.Identity(ctx)
		if err != nil {
			return "", false, err
		}
		k, _ := awskind.OfType(p.Type)
		switch k.Adopt {
		case "", awskind.AdoptNever:
			return "", false, fmt.Errorf("%s cannot be looked up in the account", p.Type)
		case awskind.AdoptByTags, awskind.AdoptByEnds:
			return o.search(ctx, p, k)
		}
		id := derived(k.Adopt, p, account{region: o.Region, id: identity.Account, partition: identity.Partition})
		return id, true, o.settled(ctx, k, id)
	}
}

// account is what ARNs are made of.
type account struct{ region, id, partition string }

// placeholder is "{name}", an input, or "{@word}", one of account.words.
var placeholder = regexp.MustCompile(`\{@?\w+\}`)

// derived makes the id of a resource whose id follows from its properties, by the rule of its kind.
func derived(rule string, p engine.PendingCreate, a account) string {
	words := a.words(p)
	return placeholder.ReplaceAllStringFunc(rule, func(quoted string) string {
		name := strings.Trim(quoted, "{}")
		if strings.HasPrefix(name, "@") {
			return words[name]
		}
		return input(p, name)
	})
}

func input(p engine.PendingCreate, name string) string {
	s, _ := p.Inputs[name].(string)
	return s
}

// words are what ids have in them that is no input as it stands.
func (a account) words(p engine.PendingCreate) map[string]string {
	domain := "amazonaws.com"
	if a.partition == "aws-cn" {
		domain += ".cn"
	}
	return map[string]string{
		"@partition": a.partition, "@account": a.id, "@region": a.region, "@domain": domain, "@name": p.Name,
		"@path":   cmp.Or(input(p, "path"), "/"),
		"@issuer": strings.TrimPrefix(input(p, "url"), "https://"),
		// The provider's own rule for routes: a checksum of the destination.
		"@destination": strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(input(p, "destinationCidrBlock")))), 10),
	}
}

func (o Options) inventory(ctx context.Context) ([]awsapi.Resource, error) {
	return o.Account.DeploymentResources(ctx, awsapi.Deployment{Name: o.Deployment, Cluster: o.Deployment, Tags: o.Tags})
}

// search finds a resource by all the tags that it was asked for with, or by its ends, and waits until it is made.
func (o Options) search(ctx context.Context, p engine.PendingCreate, k awskind.Kind) (string, bool, error) {
	for {
		all, err := o.inventory(ctx)
		if err != nil {
			return "", false, err
		}
		if k.Adopt == awskind.AdoptByEnds {
			id := association(all, p)
			return id, id != "", nil
		}
		r, found := tagged(all, k.Inventory, p)
		if !found || !unfinished(r) {
			return r.ID, found, nil
		}
		if err := o.pause(ctx); err != nil {
			return "", false, err
		}
	}
}

func tagged(all []awsapi.Resource, typ string, p engine.PendingCreate) (awsapi.Resource, bool) {
	tags, _ := p.Inputs["tags"].(map[string]any)
	for _, r := range all {
		if r.Type == typ && len(tags) > 0 && carries(r, tags) && r.State != "deleted" && r.State != "deleting" {
			return r, true
		}
	}
	return awsapi.Resource{}, false
}

func carries(r awsapi.Resource, tags map[string]any) bool {
	for k, v := range tags {
		if got, ok := r.Tags[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// association finds the id by the two ends.
func association(all []awsapi.Resource, p engine.PendingCreate) string {
	subnet, _ := p.Inputs["subnetId"].(string)
	for _, r := range all {
		if r.Type == awsapi.TypeRouteTable && r.ID == p.Inputs["routeTableId"] {
			return r.Detail["association/"+subnet]
		}
	}
	return ""
}

func unfinished(r awsapi.Resource) bool {
	return r.State == "pending" || r.State == "creating" || r.State == "CREATING"
}

// settled waits for what takes a while and is still being made: a cluster, a node group.
func (o Options) settled(ctx context.Context, k awskind.Kind, id string) error {
	if k.Create == 0 {
		return nil
	}
	for {
		all, err := o.inventory(ctx)
		if err != nil {
			return err
		}
		waiting := false
		for _, r := range all {
			waiting = waiting || r.Type == k.Inventory && id == r.ID && unfinished(r)
		}
		if !waiting {
			return nil
		}
		if err := o.pause(ctx); err != nil {
			return err
		}
	}
}

func (o Options) pause(ctx context.Context) error {
	t := time.NewTimer(o.Poll)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
