// SPDX-License-Identifier: Apache-2.0

package policy

import (
	_ "embed"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"emrflink/internal/awskind"
)

//go:embed own.tsv
var ownRows string

// ByUs is how an action is known that emrflink calls itself: the local account records and authorizes these calls.
const ByUs = "emrflink"

// Words of own.tsv and of want.on: what an action is allowed on.
const (
	fromTypes = "-"       // what the deployment has of the action's resource types
	onSpot    = "spot"    // the service-linked role of EC2 Spot
	onNamed   = "named"   // the policies that the settings name
	ifMirrors = "mirrors" // where the settings have mirrors
	ifKey     = "key"     // where the graph has a KMS key
	onRoles   = "roles"   // every role: what is not known by name is known by its tags
	onNodes   = "nodes"   // instances by the tags of the deployment, of EKS and of Karpenter
	onLeft    = "left"    // what carries a tag that controllers write
	onState   = "state"   // the bucket of the recorded state
	onSecrets = "secrets" // the key of its secrets
)

// own collects what emrflink calls itself.
func (s Subject) own(purpose Purpose, into map[string]*want) error {
	for line := range strings.Lines(ownRows) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(strings.TrimSpace(line), "\t")
		if len(cells) != 4 {
			return fmt.Errorf("read own.tsv: %q has not four cells", strings.TrimSpace(line))
		}
		action, purposes, on, why := cells[0], strings.Fields(cells[1]), cells[2], cells[3]
		switch {
		case !slices.Contains(purposes, string(purpose)),
			on == onNamed && len(s.Policies) == 0, on == ifMirrors && !s.Mirrors, on == ifKey && !s.has("aws_kms_key"):
			continue
		case on == ifMirrors:
			on = fromTypes
		}
		s.note(into, action, why, ByUs, on)
	}
	return nil
}

func (s Subject) note(into map[string]*want, action, why, known, on string) {
	w := into[action]
	if w == nil {
		w = &want{}
		into[action] = w
	}
	w.add(why, known, on)
	w.changed = true
}

func (s Subject) has(terraform string) bool {
	k := func(typ string) string { k, _ := awskind.OfType(typ); return k.Terraform }
	for _, r := range s.Resources {
		if k(r.Type) == terraform {
			return true
		}
	}
	return false
}

// remote collects what the recorded state needs that is kept in S3, and the key of its secrets.
func (s Subject) remote(purpose Purpose, into map[string]*want) {
	if s.stateBucket() != "" {
		actions := []string{"s3:GetObject", "s3:ListBucket"}
		if purpose != Preview {
			actions = append(actions, "s3:DeleteObject", "s3:PutObject") // a job's commands hold the lock
		}
		for _, a := range actions {
			s.note(into, a, "the recorded state is in "+s.State, ByUs, onState)
		}
	}
	if s.secretsKey() == "" {
		return
	}
	s.note(into, "kms:Decrypt", "secrets of the state are encrypted by "+s.secretsKey(), ByUs, onSecrets)
	if purpose == Deploy {
		s.note(into, "kms:Encrypt", "secrets of a new stack are encrypted by "+s.secretsKey(), ByUs, onSecrets)
	}
}

// stateBucket is the bucket of the recorded state, "" when that is on this machine.
func (s Subject) stateBucket() string {
	if u, err := url.Parse(s.State); err == nil && u.Scheme == "s3" {
		return u.Host
	}
	return ""
}

// secretsKey is what follows awskms:// : a key's id or ARN, or an alias.
func (s Subject) secretsKey() string {
	rest, ok := strings.CutPrefix(s.Secrets, "awskms://")
	if !ok {
		return ""
	}
	key, _, _ := strings.Cut(rest, "?")
	return strings.TrimPrefix(key, "/")
}
