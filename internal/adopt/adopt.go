// SPDX-License-Identifier: Apache-2.0

// Package adopt takes over what already exists in the AWS account: resources whose creation a killed engine had begun
// (Finder), so that the next deployment does not create them twice, log groups of an earlier deployment
// (LogGroups), and Helm releases (Releases), by their records in the cluster.
//
// Nothing is taken for its name alone: the resource itself, or what it hangs on when it has no tags, must carry the tags
// of the deployment, all of them. A resource of the name that does not is somebody else's, which is an error
// (engine.ForeignError). Where the id follows from what was asked for and only the owner is looked at, the refresh that
// follows drops what does not exist. Kubernetes objects are never adopted: applying them again
// is their adoption.
package adopt

import (
	"cmp"
	"context"
	"fmt"
	"hash/crc32"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"emrflink/components/helm"
	"emrflink/internal/awsapi"
	"emrflink/internal/awskind"
	"emrflink/internal/engine"
	"emrflink/internal/untyped"
)

// Account is what the lookup asks AWS.
type Account interface {
	Identity(ctx context.Context) (awsapi.Identity, error)
	DeploymentResources(ctx context.Context, d awsapi.Deployment) ([]awsapi.Resource, error)
	Lookup(ctx context.Context, name, id string) (r awsapi.Resource, exists bool, err error)
	TaggedKeys(ctx context.Context, tags map[string]string) ([]awsapi.Resource, error)
	TaggedRoles(ctx context.Context, tags map[string]string) ([]awsapi.Resource, error)
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
	// Releases finds Helm releases. Nil: none is found.
	Releases *Releases
	// Poll is the pause between two looks at a resource that is still being
	// made; 5 s when zero.
	Poll time.Duration
	// Lost says that the state is lost. What is looked for then is the whole of the deployment, in one go, and a role whose
	// name Pulumi made, with an ending by chance, is looked for by its tags and the name without the ending.
	Lost bool
}

// Finder returns the engine's hook.
func Finder(o Options) engine.AdoptFunc {
	if o.Poll == 0 {
		o.Poll = 5 * time.Second
	}
	if o.Lost {
		o.Account = &remembered{Account: o.Account}
	}
	return func(ctx context.Context, p engine.PendingCreate) (string, bool, error) {
		if p.Type == helm.Token && o.Releases != nil {
			if p.Notice == nil {
				p.Notice = func(string) {}
			}
			id, err := o.Releases.Find(ctx, input(p, "namespace"), input(p, "name"), input(p, "chart"), p.Notice)
			return id, id != "", err
		}
		if !strings.HasPrefix(p.Type, "aws:") {
			return "", false, nil
		}
		identity, err := o.Account.Identity(ctx)
		if err != nil {
			return "", false, err
		}
		k, _ := awskind.OfType(p.Type)
		if k.Adopt == "" || k.Adopt == awskind.AdoptNever {
			return "", false, fmt.Errorf("%s cannot be looked up in the account", p.Type)
		}
		s := search{Options: o, kind: k, asked: p}
		if other := s.otherDeployment(); other != "" {
			return "", false, fmt.Errorf("it was asked for with the tag %s: give the stack that name again (emrflink:name), "+
				"and run the same command", other)
		}
		s.words = account{region: o.Region, id: identity.Account, partition: identity.Partition}.words(p)
		if s.asksForUnknown() {
			return "", false, nil
		}
		return s.run(ctx)
	}
}

// search is the look for one resource.
type search struct {
	Options
	kind  awskind.Kind
	asked engine.PendingCreate
	words map[string]string
}

// otherDeployment is the tag of the deployment that the stack was when it asked, "" when it is the same still.
func (s search) otherDeployment() string {
	for _, k := range slices.Sorted(maps.Keys(s.Tags)) {
		if asked, ok := s.askedTags()[k].(string); ok && asked != s.Tags[k] {
			return k + "=" + asked
		}
	}
	return ""
}

func (s search) askedTags() map[string]any {
	tags, _ := s.asked.Inputs["tags"].(map[string]any)
	return tags
}

// asksForUnknown says that an id or a tag is among what is looked for that only a resource has which was not found.
func (s search) asksForUnknown() bool {
	return untyped.IsUnknown(s.fill(s.kind.Adopt+s.kind.Owner)) || untyped.IsUnknown(input(s.asked, "subnetId")) ||
		s.kind.Adopt == awskind.AdoptByTags && untyped.HasUnknown(s.askedTags())
}

// run looks until what it finds is neither being made nor being deleted.
func (s search) run(ctx context.Context) (id string, found bool, err error) {
	if s.kind.Owner == awskind.OwnerInName {
		id := s.fill(s.kind.Adopt)
		return id, strings.HasSuffix(id, "/"+s.Deployment), nil
	}
	for told := false; ; told = true {
		r, exists, err := s.owner(ctx)
		if err != nil || !exists {
			return "", false, err
		}
		if failed(r) {
			return "", false, &engine.BrokenError{ID: s.idOf(r), State: r.State}
		}
		if !unfinished(r) {
			id := s.idOf(r)
			return id, id != "", nil
		}
		if !told && s.asked.Notice != nil {
			s.asked.Notice(fmt.Sprintf("waiting for AWS: %s %s is %s", r.Type, r.ID, r.State))
		}
		if err := s.pause(ctx); err != nil {
			return "", false, err
		}
		if r, ok := s.Account.(*remembered); ok {
			r.forget()
		}
	}
}

// owner finds the resource whose tags say whose the wanted one is, mostly that itself.
func (s search) owner(ctx context.Context) (awsapi.Resource, bool, error) {
	if s.kind.Adopt == awskind.AdoptByTags {
		return s.byTags(ctx)
	}
	name, id := s.names()
	row, named := awskind.LooksUp(name)
	if !named {
		return s.listed(ctx, func(r awsapi.Resource) bool {
			return r.Type == name && r.ID == id && awsapi.Carries(r.Tags, s.Tags)
		})
	}
	r, exists, err := s.Account.Lookup(ctx, name, id)
	if err == nil && !exists && s.Lost && s.kind.Inventory == awsapi.TypeRole {
		return s.byEnding(ctx)
	}
	// EKS makes the log group of the cluster anew when it still has something to write.
	byEKS := name == awsapi.TypeLogGroup && id == awsapi.ClusterLogGroup(s.Deployment) && len(r.Tags) == 0
	if err == nil && exists && !byEKS && !awsapi.Carries(r.Tags, s.Tags) {
		err = &engine.ForeignError{
			What: strings.ReplaceAll(name, "-", " "), ID: id, Tags: r.Tags, Wanted: s.Tags,
			Show: awskind.Spell(row.Show, id, s.Region),
		}
	}
	return r, exists, err
}

// names are kind and id of the resource whose tags count.
func (s search) names() (name, id string) {
	name, id = s.kind.Inventory, s.fill(s.kind.Adopt)
	if s.kind.Owner != "" {
		name, id, _ = strings.Cut(s.fill(s.kind.Owner), " ")
	}
	if name == awskind.AccessEntry && len(s.askedTags()) == 0 { // as pulumi-eks makes one: the cluster says whose it is
		return awsapi.TypeCluster, input(s.asked, "clusterName")
	}
	return name, id
}

// byTags finds what AWS has named itself: by all tags that it was asked for with, which are the deployment's and its name.
// One that the state has already is another of the same tags.
func (s search) byTags(ctx context.Context) (awsapi.Resource, bool, error) {
	tags := maps.Clone(s.Tags)
	for k, v := range s.askedTags() {
		tags[k], _ = v.(string)
	}
	wanted := func(r awsapi.Resource) bool {
		return r.Type == s.kind.Inventory && awsapi.Carries(r.Tags, tags) && !slices.Contains(s.asked.Taken, r.ID) && !leaving(r)
	}
	if s.kind.Inventory != awsapi.TypeKey {
		return s.listed(ctx, wanted)
	}
	keys, err := s.Account.TaggedKeys(ctx, tags)
	return first(keys, wanted, err)
}

// byEnding finds a role whose name Pulumi made: the name in the program, a hyphen and seven digits.
func (s search) byEnding(ctx context.Context) (awsapi.Resource, bool, error) {
	roles, err := s.Account.TaggedRoles(ctx, s.Tags)
	name := regexp.MustCompile("^" + regexp.QuoteMeta(s.asked.Name) + "-[0-9a-f]{7}$")
	return first(roles, func(r awsapi.Resource) bool {
		return name.MatchString(r.ID) && name.MatchString(input(s.asked, "name")) && !slices.Contains(s.asked.Taken, r.ID)
	}, err)
}

// listed finds a resource in the inventory.
func (s search) listed(ctx context.Context, wanted func(awsapi.Resource) bool) (awsapi.Resource, bool, error) {
	all, err := s.Account.DeploymentResources(ctx,
		awsapi.Deployment{Name: s.Deployment, Cluster: s.Deployment, Tags: s.Tags})
	return first(all, wanted, err)
}

func first(all []awsapi.Resource, wanted func(awsapi.Resource) bool, err error) (awsapi.Resource, bool, error) {
	i := slices.IndexFunc(all, wanted)
	if err != nil || i < 0 {
		return awsapi.Resource{}, false, err
	}
	return all[i], true, nil
}

// idOf is the id of the wanted resource, whose owner is r; "" when r shows that there is none.
func (s search) idOf(r awsapi.Resource) string {
	if s.kind.Inventory == awsapi.TypeRole {
		return r.ID // its name may be another than the one that is asked for: see byEnding
	}
	switch s.kind.Adopt {
	case awskind.AdoptByTags, awskind.AdoptByLookup:
		return r.ID
	case awskind.AdoptByEnds:
		return r.Detail["association/"+input(s.asked, "subnetId")]
	}
	return s.fill(s.kind.Adopt)
}

// account is what ARNs are made of.
type account struct{ region, id, partition string }

// placeholder is "{name}", an input, or "{@word}", one of account.words.
var placeholder = regexp.MustCompile(`\{@?\w+\}`)

// fill puts the inputs and the words into a rule of the kind.
func (s search) fill(rule string) string {
	return placeholder.ReplaceAllStringFunc(rule, func(quoted string) string {
		name := strings.Trim(quoted, "{}")
		if strings.HasPrefix(name, "@") {
			return s.words[name]
		}
		return input(s.asked, name)
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

// unfinished says that AWS is still at it.
func unfinished(r awsapi.Resource) bool {
	return slices.Contains([]string{"pending", "creating", "deleting"}, strings.ToLower(r.State))
}

// failed says that AWS could not make it: nothing can be built on it, and AWS does not try again.
func failed(r awsapi.Resource) bool { return strings.HasSuffix(strings.ToLower(r.State), "failed") }

// leaving says that it will not be there any more.
func leaving(r awsapi.Resource) bool {
	return slices.Contains([]string{"deleted", "deleting", "shutting-down", "terminated"}, r.State)
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
