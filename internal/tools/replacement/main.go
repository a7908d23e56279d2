// SPDX-License-Identifier: Apache-2.0

// Command replacement finds by experiment which properties of an AWS resource cannot be changed in place: for every
// property of every type it writes a Terraform state and a configuration with another value, and reads from the plan of
// the real AWS provider whether the change forces a replacement. It compares the result with the table of package
// replacement, or writes the table. It needs no account and, if the provider is installed, no network.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"emrflink/internal/replacement"
	"emrflink/internal/tools/terraform"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	table := flag.String("table", "internal/replacement/aws.tsv", "the table")
	write := flag.Bool("write", false, "write the table instead of comparing it")
	flag.Parse()
	err := run(ctx, *table, *write)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, table string, write bool) (err error) {
	dir, err := os.MkdirTemp("", "emrflink-replacement-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	want, version, err := deriveRows(ctx, dir)
	if err != nil {
		return err
	}
	if write {
		return os.WriteFile(table, []byte(format(want)), 0o644)
	}
	text, err := os.ReadFile(table)
	if err != nil {
		return err
	}
	have, err := replacement.Parse(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", table, err)
	}
	if d := drift(have, want); len(d) > 0 {
		for _, line := range d {
			fmt.Println(line)
		}
		return fmt.Errorf("%s is not what the provider says; run: make replacement", table)
	}
	fmt.Printf("%s: %d rows, as hashicorp/aws %s says (terraform %s)\n", table, len(want), terraform.ProviderVersion, version)
	return nil
}

func deriveRows(ctx context.Context, dir string) ([]replacement.Row, string, error) {
	tf, err := terraform.Open(ctx, dir, false)
	if err != nil {
		return nil, "", err
	}
	schemas, err := tf.Schemas(ctx)
	if err != nil {
		return nil, "", err
	}
	resources, err := terraform.Resources(schemas)
	if err != nil {
		return nil, "", err
	}
	all := experiments(resources)
	seen, refused, err := derive(ctx, tf, all)
	if err != nil {
		return nil, "", err
	}
	for _, d := range refused {
		if _, known := refusals()[d.Address]; !known {
			return nil, "", fmt.Errorf("an experiment cannot be done, and nothing says why: %s", d)
		}
	}
	return rows(resources, seen), tf.Version, nil
}
