// SPDX-License-Identifier: Apache-2.0

// Command policyproof proves the policies that emrflink derives, on the simulated account: a role that has exactly the printed
// documents takes the resources of a graph through their life, by the local AWS provider, which asks for every action of
// internal/awskind/calls.tsv, and by the calls of emrflink's own AWS client. Then it takes one action away after the other: each
// time something must fail with that action named. It writes the table of what was seen to docs/policy.md.
//
// What no part of the life needs there is named too: it is documented, or read in a source, and not proved here.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"

	"emrflink/components/deployment"
	"emrflink/internal/iam"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/policy"
	"emrflink/internal/tools/terraform"
	"emrflink/stacks"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	bin := flag.String("bin", "bin", "folder of the binaries")
	out := flag.String("out", "", "write the table into this file")
	only := flag.String("for", "", "prove one purpose only")
	flag.Parse()
	purposes := policy.Purposes()
	if *only != "" {
		purposes = []policy.Purpose{policy.Purpose(*only)}
	}
	err := run(ctx, *bin, *out, purposes)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// configurations are the default, and the options that make other types.
func configurations() map[string]map[string]string {
	return map[string]map[string]string{"default": nil, "options": {
		"kmsKey": `{"enabled": true}`, "interfaceEndpoints": `["ecr.api"]`, "podIdentity": "true", "flowLogs": "all",
		"admins": `["arn:aws:iam::111122223333:role/platform-admin"]`,
	}}
}

func run(ctx context.Context, bin, out string, purposes []policy.Purpose) error {
	dir, err := os.MkdirTemp("", "emrflink-policyproof-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var all []finding
	for _, label := range []string{"default", "options"} {
		nodes, err := terraform.Preview(ctx, bin, dir, configurations()[label])
		if err != nil {
			return err
		}
		for _, p := range purposes {
			found, err := prove(ctx, terraform.AWS(nodes), p)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", label, p, err)
			}
			fmt.Printf("%s, %s: %s\n", label, p, summary(found))
			for _, f := range found {
				f.configuration = label
				all = append(all, f)
			}
		}
	}
	if out == "" {
		return nil
	}
	return os.WriteFile(out, []byte(page(all)), 0o644)
}

// finding is what taking an action away did.
type finding struct {
	configuration string
	purpose       policy.Purpose
	policy.Action
	// by is whose call failed with the action named, "" when none did.
	by string
}

// prove goes through the life of a purpose under the whole policy, and once without each action.
func prove(ctx context.Context, nodes []terraform.Node, p policy.Purpose) ([]finding, error) {
	nodes, err := ordered(nodes)
	if err != nil {
		return nil, err
	}
	d, err := derive(nodes, p)
	if err != nil {
		return nil, err
	}
	return taken(ctx, d, func(w *world) []part { return w.steps(nodes, p) })
}

// taken goes through steps under the whole policy, under which nothing may be refused, and once without each action, when just
// that one may be.
func taken(ctx context.Context, d policy.Document, steps func(*world) []part) ([]finding, error) {
	var documents []string
	for _, m := range d.Policies {
		documents = append(documents, string(m.Document))
	}
	refused, _, err := life(ctx, documents, steps)
	if err != nil {
		return nil, err
	}
	if len(refused) > 0 {
		return nil, fmt.Errorf("the whole policy is not enough: %v", refused)
	}
	var out []finding
	for _, a := range d.Actions {
		less, err := without(documents, a.Action)
		if err != nil {
			return nil, err
		}
		refused, by, err := life(ctx, less, steps)
		if err != nil {
			return nil, fmt.Errorf("without %s: %w", a.Action, err)
		}
		if len(refused) > 0 && !slices.Equal(refused, []string{a.Action}) {
			return nil, fmt.Errorf("without %s, others were refused: %v", a.Action, refused)
		}
		out = append(out, finding{purpose: policy.Purpose(d.For), Action: a, by: by})
	}
	return out, nil
}

// derive is the policy of the default settings for a graph.
func derive(nodes []terraform.Node, p policy.Purpose) (policy.Document, error) {
	c := stacks.Default()
	s := policy.Subject{
		Stack: "proof", Deployment: c.Name, Region: c.Region, Partition: "aws", Account: account.DefaultAccountID,
		PlannedIn: account.DefaultAccountID, Tag: deployment.TagDeployment,
		Tags: map[string]string{deployment.TagDeployment: c.Name, deployment.TagManagedBy: deployment.ManagedBy},
	}
	for _, n := range nodes {
		s.Resources = append(s.Resources, policy.Resource{Type: n.Type, Inputs: n.Inputs})
	}
	return policy.New(s, p)
}

// without takes an action out of documents.
func without(documents []string, action string) ([]string, error) {
	var out []string
	for _, text := range documents {
		doc, err := iam.Parse([]byte(text))
		if err != nil {
			return nil, err
		}
		var raw struct {
			Version   string
			Statement []any
		}
		raw.Version = doc.Version
		for _, s := range doc.Statements {
			s.Action = slices.DeleteFunc(slices.Clone(s.Action), func(a string) bool { return a == action })
			if len(s.Action) > 0 {
				raw.Statement = append(raw.Statement, s.Statement)
			}
		}
		if len(raw.Statement) == 0 {
			continue
		}
		b, err := json.Marshal(raw)
		if err != nil {
			return nil, err
		}
		out = append(out, string(b))
	}
	if len(out) == 0 {
		return nil, errors.New("nothing is left of the policy")
	}
	return out, nil
}
