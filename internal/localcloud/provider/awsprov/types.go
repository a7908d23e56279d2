// SPDX-License-Identifier: Apache-2.0

package awsprov

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"emrflink/internal/awskind"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/provider/propdiff"
	"emrflink/internal/localcloud/provider/schema"
	"emrflink/internal/replacement"
)

// api is how AWS's SDK speaks of a resource in its errors.
type api struct {
	service, noun          string // "EC2", "EC2 VPC"
	create, update, delete string // operation names
}

// entry is one row of the type table: what reflection cannot tell about a
// Pulumi type of package aws.
type entry struct {
	token       string // aws:ec2/vpc:Vpc
	args, state any    // zero values of the SDK's Args and State
	api         api

	name     string // property that is named automatically, "" when none
	max      int    // longest automatic name
	lower    bool   // automatic names are lower case
	required []string
	computed []string // patterns of package propdiff: kept by AWS when the program stops giving them
	assigned []string // outputs inside an input object, "vpcConfig.vpcId", that AWS gives once
	moving   []string // outputs that a change of any input but the tags changes
	sets     []string // lists whose order means nothing
	json     []string // texts that are JSON documents
	policies []string // texts that are IAM policies
	defaults map[string]any
}

// kind is a row with what the catalogue of AWS kinds adds, and with its schemas, which are read on first use.
type kind struct {
	entry
	kind    account.Kind
	once    sync.Once
	in, out *schema.Type
	err     error
}

func (k *kind) load() error {
	k.once.Do(func() {
		if k.in, k.err = schema.Of(k.entry.args); k.err != nil {
			return
		}
		if k.out, k.err = schema.Of(k.entry.state); k.err != nil {
			return
		}
		delete(k.in.Fields, "timeouts") // the engine's customTimeouts are what the bridge reads
		k.err = k.verify()
	})
	return k.err
}

// verify says which property of the row the SDK's type does not have.
func (k *kind) verify() error {
	var all []string
	for _, row := range replacement.Rows(k.token) {
		all = append(all, row.Property)
	}
	for _, list := range [][]string{k.required, k.assigned, k.computed, k.sets, k.json, k.policies} {
		all = append(all, list...)
	}
	for name := range k.defaults {
		all = append(all, name)
	}
	if k.name != "" {
		all = append(all, k.name)
	}
	for _, name := range k.moving {
		if !k.out.Has(name) {
			return fmt.Errorf("type table: %s has no output %q", k.token, name)
		}
	}
	for _, pattern := range all {
		if !has(k.in, strings.Split(pattern, ".")) {
			return fmt.Errorf("type table: %s has no property %q", k.token, pattern)
		}
	}
	return nil
}

func has(t *schema.Type, path []string) bool {
	for t.Kind == schema.List {
		t = t.Elem
	}
	f := t.Fields[path[0]]
	if f == nil {
		return false
	}
	return len(path) == 1 || has(f.Type, path[1:])
}

// NewProblems says what a change made wrong in the properties of a resource: those that its type does not have, and values of
// another type.
func NewProblems(token string, before, after map[string]any) ([]string, error) {
	k := table()[token]
	if k == nil {
		return nil, nil
	}
	if err := k.load(); err != nil {
		return nil, err
	}
	check := func(m map[string]any) (out []string) {
		for _, p := range k.out.Check(resource.NewPropertyMapFromMap(m)) {
			out = append(out, p.String())
		}
		return out
	}
	old := check(before)
	return slices.DeleteFunc(check(after), func(p string) bool { return slices.Contains(old, p) }), nil
}

func (k *kind) tagged() bool { return k.in.Has("tags") }

// rules are the row as package propdiff takes it.
func (k *kind) rules() propdiff.Rules {
	in := func(list []string) func(string) bool {
		return func(pattern string) bool {
			for _, p := range list {
				if pattern == p || strings.HasPrefix(pattern, p+".") {
					return true
				}
			}
			return false
		}
	}
	rows := replacement.Rows(k.token)
	return propdiff.Rules{
		Replace: func(pattern string, op propdiff.Op) bool {
			return replacement.Covers(rows, pattern, op == propdiff.Add, op == propdiff.Delete)
		},
		Keep: in(k.computed), Set: in(k.sets),
		Equal: func(pattern string, was, is value) bool {
			switch {
			case slices.Contains(k.policies, pattern):
				return propdiff.SamePolicy(was, is)
			case slices.Contains(k.json, pattern):
				return propdiff.SameJSON(was, is)
			}
			return false
		},
	}
}

// entries are all rows.
func entries() []entry {
	return slices.Concat(networkTypes(), securityTypes(), computeTypes(), iamTypes(), eksTypes(), podIdentityTypes(), keyTypes(),
		eventTypes(), bucketTypes())
}

// table returns the rows by type token.
func table() map[string]*kind {
	out := map[string]*kind{}
	for _, e := range entries() {
		row, _ := awskind.OfType(e.token) // a test compares the two
		out[e.token] = &kind{entry: e, kind: account.Kind(row.Simulated)}
	}
	return out
}

// Args are the zero values of the SDK's arguments by type token: their tags name the properties.
func Args() map[string]any {
	out := map[string]any{}
	for _, e := range entries() {
		out[e.token] = e.args
	}
	return out
}
