// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"emrflink/internal/tools/terraform"
)

// The rows that need Terraform.
const (
	rowBuiltIn      = "terraform plan, built-in resources"
	rowBuiltInRatio = "offline preview : terraform plan, built-in"
	rowAWS          = "terraform plan, the AWS provider"
	rowAWSRatio     = "offline preview : terraform plan, AWS provider"
)

// rounds is how often each command of a comparison runs, alternating with the other one, after one round that warms the
// page cache.
const rounds = 7

// contestant is one command of a comparison.
type contestant struct {
	run   func() (time.Duration, error)
	times []time.Duration
}

func (c *contestant) median() time.Duration {
	slices.Sort(c.times)
	return c.times[len(c.times)/2]
}

// byTurns runs the contestants one after the other, round by round, so that what else the machine does meets all alike.
func byTurns(all ...*contestant) error {
	for round := range rounds + 1 {
		for _, c := range all {
			d, err := c.run()
			if err != nil {
				return err
			}
			if round > 0 {
				c.times = append(c.times, d)
			}
		}
	}
	return nil
}

// terraform compares the offline preview of the default blueprint with two plans of Terraform on the same graph: of
// resources that are built into it, and of the same AWS resources by the AWS provider.
func (b *bench) terraform(ctx context.Context) error {
	_, document, err := timed(b.preview(ctx))
	if err != nil {
		return err
	}
	nodes, err := terraform.ReadGraph(document)
	if err != nil {
		return err
	}
	builtIn, err := terraform.Open(ctx, filepath.Join(b.root, "terraform-built-in"), true)
	if errors.Is(err, terraform.ErrNone) {
		for _, row := range []string{rowBuiltIn, rowBuiltInRatio, rowAWS, rowAWSRatio} {
			b.absent(row, err.Error())
		}
		return nil
	}
	if err == nil {
		err = builtIn.Write("main.tf.json", terraform.BuiltIn(nodes))
	}
	if err != nil {
		return err
	}
	preview, plain := b.contestant(ctx), planOf(ctx, builtIn)
	all := []*contestant{preview, plain}
	aws, why := b.awsPlan(ctx, terraform.AWS(nodes))
	if aws != nil {
		all = append(all, aws)
	}
	if err := byTurns(all...); err != nil {
		return err
	}
	note := fmt.Sprintf("terraform %s, %d terraform_data with the same inputs and edges; median of %d, alternating",
		builtIn.Version, len(nodes), rounds)
	b.compare(rowBuiltIn, rowBuiltInRatio, note, plain, preview)
	if aws == nil {
		b.absent(rowAWS, why)
		b.absent(rowAWSRatio, why)
		return nil
	}
	note = fmt.Sprintf("terraform %s, hashicorp/aws %s, the %d AWS resources of them; median of %d, alternating",
		builtIn.Version, terraform.ProviderVersion, len(terraform.AWS(nodes)), rounds)
	b.compare(rowAWS, rowAWSRatio, note, aws, preview)
	return nil
}

func (b *bench) compare(row, ratio, note string, plan, preview *contestant) {
	p, t := preview.median(), plan.median()
	b.add(row, t.Seconds(), "s", note)
	b.add(ratio, p.Seconds()/t.Seconds(), "x", fmt.Sprintf("%.2f s to %.2f s", p.Seconds(), t.Seconds()))
}

func (b *bench) contestant(ctx context.Context) *contestant {
	return &contestant{run: func() (time.Duration, error) {
		d, _, err := timed(b.preview(ctx))
		return d, err
	}}
}

func planOf(ctx context.Context, tf *terraform.Terraform) *contestant {
	return &contestant{run: func() (time.Duration, error) {
		d, _, err := timed(tf.Cmd(ctx, "plan", "-input=false", "-lock=false", "-no-color"))
		return d, err
	}}
}

// awsPlan is the plan of the AWS provider, or why there is none: without it in a mirror or a cache, and without a network.
func (b *bench) awsPlan(ctx context.Context, nodes []terraform.Node) (*contestant, string) {
	tf, err := terraform.Open(ctx, filepath.Join(b.root, "terraform-aws"), false)
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, "the AWS provider cannot be installed: " + first
	}
	config, err := terraform.ConfigOf(ctx, tf, nodes)
	if err == nil {
		err = tf.Write("main.tf.json", config)
	}
	if err != nil {
		return nil, err.Error()
	}
	return planOf(ctx, tf), ""
}

// teams measures how time and memory of an offline preview grow with the number of teams.
func (b *bench) teams(ctx context.Context) error {
	for _, n := range []int{1, 10, 100} {
		file := filepath.Join(b.root, "Pulumi.teams.yaml")
		if err := writeTeams(file, teamNames(n)); err != nil {
			return err
		}
		d, err := b.median(ctx, 5, "preview", "--offline", "--output", "json", "--config-file", file)
		if err != nil {
			return err
		}
		watch := watchMemory(ctx, b.home, 10*time.Millisecond, func(string) bool { return true })
		_, document, err := timed(b.preview(ctx, "--config-file", file))
		peak := watch()
		if err != nil {
			return err
		}
		nodes, err := terraform.ReadGraph(document)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("offline preview, teams: %d", n)
		b.add(name, d.Seconds(), "s", fmt.Sprintf("median of 5, %d resources of AWS and Kubernetes", len(nodes)))
		b.add(name+", peak memory", peak/(1<<20), "MiB", "resident, all its processes together, sampled every 10 ms")
	}
	return nil
}
