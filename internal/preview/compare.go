// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"emrflink/internal/plans"
)

// Compare turns the desired graph of a configuration, in which everything is new, into a plan against a baseline.
//
// What only a deployment gives is not known in the desired graph. Such a value counts as unchanged when the baseline has
// none or one that may be the same, the property takes its value from the same resources as before, and none of these is
// new, replaced or may be replaced; else it is a possible change, and one that may replace its resource where the
// property forces that. The second result counts the values taken as unchanged.
func Compare(desired plans.Plan, base Baseline, region string) (plans.Plan, int) {
	c := &comparer{base: base, before: map[string]BaselineResource{}, after: map[string]plans.Step{}, region: region}
	for _, r := range base.Resources {
		c.before[r.URN] = r
	}
	c.findAccount(desired.Steps)
	out := plans.Plan{Stack: desired.Stack, Diagnostics: slices.Clone(desired.Diagnostics)}
	for _, s := range desired.Steps {
		c.after[s.URN] = s
	}
	c.relations(desired.Steps)
	c.settled(desired.Steps)
	skipped := 0
	for _, s := range desired.Steps {
		out.Steps = append(out.Steps, c.steps[s.URN])
		skipped += c.skipped[s.URN]
	}
	for _, urn := range slices.Sorted(maps.Keys(c.before)) {
		if _, stays := c.after[urn]; !stays {
			out.Steps = append(out.Steps, deleted(c.before[urn]))
		}
	}
	if c.moved() {
		out.Diagnostics = append(out.Diagnostics, plans.Diagnostic{Severity: "warning", Message: fmt.Sprintf(
			"the baseline is of region %s, the settings say %s: resources cannot move to another region, they are "+
				"created again; deploy to another region with a stack of its own", base.Region, region)})
	}
	out.Summary = plans.Summarize(out.Steps)
	return out, skipped
}

// comparer compares every resource with its baseline, until what is found for one changes nothing for another.
type comparer struct {
	base   Baseline
	before map[string]BaselineResource
	after  map[string]plans.Step
	region string
	// account is the made-up account of the desired graph, "" when it is that of the baseline.
	account string

	steps   map[string]plans.Step
	may     map[string]bool
	skipped map[string]int
}

// relations begins with every resource that was there as one that stays.
func (c *comparer) relations(steps []plans.Step) {
	c.steps, c.may, c.skipped = map[string]plans.Step{}, map[string]bool{}, map[string]int{}
	for _, s := range steps {
		if _, existed := c.before[s.URN]; existed {
			s.Op = plans.OpSame
		}
		c.steps[s.URN] = s
	}
}

// settled repeats the comparison while a replacement makes more values uncertain. Dependencies have no cycles: each round
// decides at least one more step for good.
func (c *comparer) settled(steps []plans.Step) {
	for range len(steps) + 1 {
		changed := false
		for _, s := range steps {
			was, mayWas := c.steps[s.URN], c.may[s.URN]
			now, may, skipped := c.compare(s)
			c.steps[s.URN], c.may[s.URN], c.skipped[s.URN] = now, may, skipped
			changed = changed || was.Op != now.Op || mayWas != may || len(was.Diff) != len(now.Diff)
		}
		if !changed {
			return
		}
	}
}

// compare decides what happens to one resource.
func (c *comparer) compare(s plans.Step) (step plans.Step, may bool, skipped int) {
	r, existed := c.before[s.URN]
	if !existed || s.Op == plans.OpRead {
		return s, false, 0
	}
	s.Old, s.ID, s.Op, s.Diff, s.ReplaceReasons = r.Inputs, r.id, plans.OpSame, []plans.PropertyDiff{}, []string{}
	d := differ{same: func(_, before, after string) bool { return c.same(s, before, after) }}
	d.unsure = func(path string, before, after string) bool { return c.unsure(s, r, path, before, after, d.grown) }
	d.value("", withoutVersion(s, r.Inputs), withoutVersion(s, s.New), false)
	s.Diff = append(s.Diff, slices.DeleteFunc(d.out, func(diff plans.PropertyDiff) bool { return ignored(s, diff.Path) })...)
	for i, diff := range s.Diff {
		if forces(s, diff.Path) {
			s.Diff[i].Kind += replaceSuffix
		}
	}
	if len(s.Diff) > 0 {
		s.Op = plans.OpUpdate
	}
	if will, _ := forcing(s); len(will) > 0 {
		s.Op, s.ReplaceReasons = plans.OpReplace, will
	}
	c.elsewhere(&s)
	s, mayBe := settle(s)
	return s, len(mayBe) > 0, len(d.skipped)
}

// ignored says that the engine, too, leaves a property as the resource was made with it.
func ignored(s plans.Step, path string) bool {
	return slices.ContainsFunc(s.Ignored, func(i string) bool {
		below, is := strings.CutPrefix(path, i)
		return is && (below == "" || below[0] == '.' || below[0] == '[')
	})
}

// elsewhere replaces what is in another region or another cluster.
func (c *comparer) elsewhere(s *plans.Step) {
	if s.Component || s.Internal() {
		return
	}
	reason := ""
	// IAM is global; the other services that are used are regional.
	// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/global-services.html
	if c.moved() && strings.HasPrefix(s.Type, "aws:") && !strings.HasPrefix(s.Type, "aws:iam/") {
		reason = "region"
	}
	if p := c.steps[s.Provider]; p.Op == plans.OpReplace {
		reason = "provider"
	}
	if reason == "" {
		return
	}
	s.Op = plans.OpReplace
	s.ReplaceReasons = append(s.ReplaceReasons, reason)
}

func (c *comparer) moved() bool { return c.base.Region != "" && c.base.Region != c.region }

// unsure decides whether a value that is not known may differ from the old one.
func (c *comparer) unsure(s plans.Step, r BaselineResource, path string, before, after string, grown bool) bool {
	switch {
	case before == after:
	case !c.base.deployed, !fits(c.ours(after), before):
		return true
	}
	name := root(path)
	was, is := r.PropertyDependencies[name], s.PropertyDependencies[name]
	if !grown && !slices.Equal(c.existing(was), c.existing(is)) {
		return true
	}
	return slices.ContainsFunc(is, func(urn string) bool { return c.gives(urn, path) })
}

// existing drops what a deployed state and a desired graph do not name alike: components.
func (c *comparer) existing(urns []string) []string {
	return slices.DeleteFunc(slices.Clone(urns), func(urn string) bool {
		if s, ok := c.after[urn]; ok {
			return s.Component
		}
		return c.before[urn].Component
	})
}

// gives tells whether a resource will have other outputs than before.
func (c *comparer) gives(urn, path string) bool {
	s := c.steps[urn]
	switch {
	case s.Component:
		return false
	case s.Op == plans.OpCreate || s.Op == plans.OpReplace || c.may[urn]:
		return true
	}
	// A launch template has a new version after every change but one of its tags; its id stays.
	// https://docs.aws.amazon.com/autoscaling/ec2/userguide/launch-templates.html
	return s.Op == plans.OpUpdate && s.Type == "aws:ec2/launchTemplate:LaunchTemplate" && lastName(path) == "version" &&
		slices.ContainsFunc(s.Diff, func(d plans.PropertyDiff) bool { return root(d.Path) != "tags" })
}

// same tells whether two texts differ only in what an offline graph makes up: the account, and names that the engine
// draws by lot.
func (c *comparer) same(s plans.Step, before, after string) bool {
	if c.ours(after) == before {
		return true
	}
	lot := regexp.MustCompile("^" + regexp.QuoteMeta(s.Name) + "-[0-9a-f]{7,8}$")
	return lot.MatchString(before) && lot.MatchString(after)
}

// ours puts the account of the baseline into a text of the desired graph.
func (c *comparer) ours(s string) string {
	if c.account == "" {
		return s
	}
	return strings.ReplaceAll(s, c.account, c.base.account)
}

// findAccount finds the account that the desired graph made up, in the identifier of the cluster that its Kubernetes
// provider has.
func (c *comparer) findAccount(steps []plans.Step) {
	if c.base.account == "" {
		return
	}
	for _, s := range steps {
		if s.Type != kubernetesProvider {
			continue
		}
		if _, account := place(s.New["clusterIdentifier"]); account != "" && account != c.base.account {
			c.account = account
		}
	}
}

// withoutVersion leaves out which plugin serves a provider: another version of it changes no resource.
func withoutVersion(s plans.Step, in map[string]any) map[string]any {
	if !strings.HasPrefix(s.Type, "pulumi:providers:") {
		return in
	}
	out := maps.Clone(in)
	delete(out, "version")
	return out
}

func deleted(r BaselineResource) plans.Step {
	return plans.Step{
		URN: r.URN, Type: r.Type, Name: r.Name, Parent: r.Parent, Op: plans.OpDelete, Component: r.Component,
		ID: r.id, Old: r.Inputs, Provider: r.Provider, Dependencies: r.DependsOn, PropertyDependencies: r.PropertyDependencies,
		ReplaceReasons: []string{}, Diff: []plans.PropertyDiff{},
	}
}
