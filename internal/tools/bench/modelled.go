// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"emrflink/internal/tools/terraform"
)

// modelled deploys and cleans up in real time: the simulated account takes as long as AWS, by the medians of package awskind.
// Beside it stand the longest chain of what AWS makes wait for each other, and the three stages of the Terraform blueprint, over
// the same graph and the same durations. It takes 25 minutes.
func (b *bench) modelled(ctx context.Context) error {
	_, document, err := timed(b.preview(ctx))
	if err != nil {
		return err
	}
	nodes, err := terraform.ReadGraph(document)
	if err != nil {
		return err
	}
	home := filepath.Join(b.root, "modelled")
	run := func(ctx context.Context, line string) (time.Duration, error) {
		cmd := b.cmd(ctx, strings.Fields(line)...)
		cmd.Env = append(slices.DeleteFunc(cmd.Env, func(v string) bool { return strings.HasPrefix(v, "EMRFLINK_HOME=") }),
			"EMRFLINK_HOME="+home, "EMRFLINK_SPEED=1")
		d, _, err := timed(cmd)
		return d, err
	}
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		_, _ = run(stop, "local stop")
	}()
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	for _, step := range []struct {
		name, line string
		waits      func(n, on terraform.Node) bool
		took       func(terraform.Node) time.Duration
	}{
		{"deploy", "deploy --yes", creates, creation}, {"cleanup", "cleanup --stack local --yes", deletes, deletion},
	} {
		d, err := run(ctx, step.line)
		if err != nil {
			return err
		}
		c := longest(nodes, everything, step.waits, step.took)
		if step.name == "cleanup" {
			slices.Reverse(c)
		}
		sum, each := staged(nodes, step.waits, step.took)
		b.add(step.name+" modelled", d.Seconds(), "s",
			"whole command, on the local target in real time, with AWS's median durations")
		b.add(step.name+" modelled, longest chain", c.length().Seconds(), "s", "what AWS makes wait for each other: "+c.String())
		b.add(step.name+" modelled : chain", d.Seconds()/c.length().Seconds(), "x",
			fmt.Sprintf("%.0f s to %.0f s", d.Seconds(), c.length().Seconds()))
		b.add(step.name+" modelled, Terraform's three stages", sum.Seconds(), "s", strings.Join(each, ", ")+
			"; the chains alone, without Terraform's own time")
	}
	return nil
}
