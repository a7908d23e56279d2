// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"emrflink/internal/tools/uploads"
)

// remote counts the uploads of a large stack whose state is in the S3 of the local target.
func (b *bench) remote(ctx context.Context) (err error) {
	teams := slices.Max(b.sizes)
	own := *b
	own.root = filepath.Join(b.root, "remote")
	own.home = filepath.Join(own.root, "home")
	if err := os.MkdirAll(own.home, 0o700); err != nil {
		return err
	}
	if err := writeTeams(filepath.Join(own.root, "Pulumi.local.yaml"), teamNames(teams)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, own.stop(ctx)) }()
	if _, _, err := timed(own.cmd(ctx, "preview")); err != nil { // it starts the account
		return err
	}
	count, err := uploads.Count(ctx, own.home)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, count.Close()) }()
	for _, line := range []string{"deploy --yes", "cleanup --stack local --yes"} {
		cmd := own.cmd(ctx, strings.Fields(line)...)
		cmd.Env = append(cmd.Env, count.Env...)
		wall, _, err := timed(cmd)
		if err != nil {
			return err
		}
		sent, name := count.Take(), strings.Fields(line)[0]
		b.add(fmt.Sprintf("%s, teams: %d, state in S3", name, teams), float64(sent.Requests), "uploads",
			fmt.Sprintf("%.1f MB in all, %.0f s", float64(sent.Bytes)/1e6, wall.Seconds()))
	}
	return nil
}

// stop ends the local target, also after an interrupt.
func (b *bench) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	_, _, err := timed(b.cmd(ctx, "local", "stop"))
	return err
}
