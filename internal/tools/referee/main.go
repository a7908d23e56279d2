// SPDX-License-Identifier: Apache-2.0

// Command referee lets the real AWS provider, which pulumi-aws is made of, check the AWS resources of the blueprint:
// every resource of the offline graph, in the default configuration and with the example of every key, as Terraform
// JSON. The provider's own validation and plan must accept them. First it checks that the provider refuses planted
// faults. It uses no account, so AWS itself, which checks more than its provider, is not asked.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"emrflink/internal/tools/terraform"
)

//go:embed accepted.tsv
var acceptedTable string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	bin := flag.String("bin", "bin", "folder of the binaries")
	out := flag.String("out", "", "also write the default graph as Terraform JSON into this file")
	flag.Parse()
	err := run(ctx, *bin, *out)
	stop()
	if errors.Is(err, terraform.ErrNone) {
		err = fmt.Errorf("%w: nothing was checked; install Terraform, or let the job \"referee\" of CI run it", err)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, bin, out string) (err error) {
	dir, err := os.MkdirTemp("", "emrflink-referee-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	tf, err := terraform.Open(ctx, filepath.Join(dir, "terraform"), false)
	if err != nil {
		return err
	}
	schemas, err := tf.Schemas(ctx)
	if err != nil {
		return err
	}
	types, err := terraform.Resources(schemas)
	if err != nil {
		return err
	}
	accepted, err := parseAccepted(acceptedTable)
	if err != nil {
		return err
	}
	r := referee{tf: tf, types: types, bin: bin, dir: dir, accepted: accepted}
	if out != "" {
		r.out = out
	}
	if err := r.faults(ctx); err != nil {
		return err
	}
	return r.graphs(ctx)
}

// referee is one run.
type referee struct {
	tf       *terraform.Terraform
	types    map[string]terraform.Resource
	bin, dir string
	out      string
	accepted []exception
}

// graph is the AWS part of the graph of a configuration: keys of the stack file and their values.
func (r referee) graph(ctx context.Context, settings map[string]string) ([]terraform.Node, error) {
	nodes, err := terraform.Preview(ctx, r.bin, r.dir, settings)
	return terraform.AWS(nodes), err
}

// graphs shows the provider all graphs at once.
func (r referee) graphs(ctx context.Context) error {
	rendering := terraform.NewRendering(r.types)
	for _, v := range variants() {
		nodes, err := r.graph(ctx, v.settings)
		if err != nil {
			return err
		}
		before := len(rendering.Nodes)
		if err := rendering.Add(v.label, nodes); err != nil {
			return fmt.Errorf("configuration %s: %w", v.label, err)
		}
		fmt.Printf("%-22s %3d AWS resources, %3d of them new\n", v.label, len(nodes), len(rendering.Nodes)-before)
		if v.label == "default" && r.out != "" {
			if err := writeJSON(r.out, rendering.Config()); err != nil {
				return err
			}
		}
	}
	refused, err := r.tf.Validate(ctx, rendering.Config())
	if err != nil {
		return err
	}
	if len(refused) == 0 {
		var changes []terraform.Change
		if changes, refused, err = r.tf.Plan(ctx, rendering.Config(), nil); err != nil {
			return err
		}
		if len(refused) == 0 && len(changes) < len(rendering.Nodes) {
			return fmt.Errorf("the plan has %d resources of %d", len(changes), len(rendering.Nodes))
		}
	}
	return r.judge(refused, len(rendering.Nodes))
}

// judge reports what the provider refuses and nobody accepted, and what was accepted and is refused no more.
func (r referee) judge(refused []terraform.Diagnostic, resources int) error {
	var faults []string
	used := make([]bool, len(r.accepted))
	for _, d := range refused {
		known := false
		for i, e := range r.accepted {
			if strings.Contains(d.Address, e.address) && strings.Contains(d.String(), e.text) {
				known, used[i] = true, true
				fmt.Printf("accepted: %s\n  because %s\n", d, e.reason)
			}
		}
		if !known {
			faults = append(faults, "refused: "+d.String())
		}
	}
	for i, e := range r.accepted {
		if !used[i] {
			faults = append(faults,
				fmt.Sprintf("accepted.tsv has %q of %s, which the provider does not refuse", e.text, e.address))
		}
	}
	if len(faults) > 0 {
		return errors.New(strings.Join(faults, "\n"))
	}
	fmt.Printf("hashicorp/aws %s (terraform %s) accepts %d resources\n", terraform.ProviderVersion, r.tf.Version, resources)
	return nil
}
