// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"emrflink/components/deployment"
	"emrflink/internal/engine"
	"emrflink/internal/policy"
	"emrflink/internal/preview"
	"emrflink/internal/stack"
	"emrflink/internal/target"
	"emrflink/stacks"
)

// policy derives the least policy of the settings. The providers run in this process: nothing is contacted.
func (a *app) policy(ctx context.Context, purpose policy.Purpose, account string) (policy.Document, error) {
	s, err := a.settings()
	if err != nil {
		return policy.Document{}, err
	}
	o, err := a.openOffline(ctx, s)
	if err != nil {
		return policy.Document{}, err
	}
	defer o.Close() // nothing was changed that could be lost
	opts := a.engineOptions(s, o.target.Env())
	opts.Ephemeral = true
	e, err := engine.Open(ctx, opts)
	if err != nil {
		return policy.Document{}, classify(err)
	}
	plan, err := a.compute(ctx, e)
	if err != nil {
		return policy.Document{}, err
	}
	subject := s.subject(account)
	for _, r := range preview.Resources(plan) {
		subject.Resources = append(subject.Resources, policy.Resource{Type: r.Type, Inputs: r.Inputs})
	}
	d, err := policy.New(subject, purpose)
	return d, classify(err)
}

// subject is what the settings say about the stack. The account is that of the flag, of the deployment, or of the local target.
func (s settings) subject(account string) policy.Subject {
	account = cmp.Or(account, stack.OriginsIn(s.info.Home).Recall(s.info.Stack, s.info.State).Account)
	if s.info.Needs.Daemon {
		account = cmp.Or(account, target.OfflineAccount)
	}
	c := s.config
	out := policy.Subject{
		Stack: s.info.Stack, Deployment: c.Name, Region: c.Region, Partition: target.Partition(c.Region),
		Account: account, PlannedIn: target.OfflineAccount, State: s.info.State, Secrets: s.secrets,
		Tag: deployment.TagDeployment, Tags: deploymentTags(c.Name),
		Mirrors: len(c.Mirrors.Images)+len(c.Mirrors.Charts) > 0,
		VPC:     c.ExistingVpc.ID, Subnets: slices.Concat(c.ExistingVpc.PrivateSubnetIds, c.ExistingVpc.PublicSubnetIds),
	}
	if c.PermissionsBoundary != stacks.NoBoundary {
		out.Policies = append(out.Policies, c.PermissionsBoundary)
	}
	for _, t := range c.Teams {
		for _, p := range t.Policies {
			if text := string(p); strings.HasPrefix(text, "arn:") {
				out.Policies = append(out.Policies, text)
			}
		}
	}
	return out
}
