// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"context"
	"fmt"
)

// cleanupArgs is the cleanup of the stack that the experiments deploy.
func cleanupArgs(more ...string) []string {
	return append([]string{"cleanup", "--stack", "local", "--yes"}, more...)
}

// Rounds deploys and cleans up, times in a row and under one name. Each command has to succeed at once, and nothing may be left.
// tell is told how far it is. The error is the first that went wrong.
func (b Bench) Rounds(ctx context.Context, times int, tell func(string)) error {
	u, clean, err := b.user()
	if err != nil {
		return err
	}
	defer clean()
	for round := range times {
		for _, args := range [][]string{{"deploy", "--yes"}, cleanupArgs()} {
			if out, err := u.run(ctx, args...); err != nil {
				return fmt.Errorf("round %d of %d: %s: %w: %s", round+1, times, args[0], err, tail(out))
			}
		}
		if left := u.left(ctx); left != "" {
			return fmt.Errorf("round %d of %d: %s", round+1, times, left)
		}
		tell(fmt.Sprintf("round %d of %d: clean", round+1, times))
	}
	return nil
}
