// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"emrflink/internal/tools/browser"
)

// shoot takes pictures of the page of `local dashboards`: on a wide screen in light, on a narrow one in dark.
func (p *prometheus) shoot(ctx context.Context, dir string) error {
	program, err := browser.Find()
	if err != nil {
		fmt.Println("without pictures of the page:", err)
		return nil
	}
	for _, picture := range []struct {
		name          string
		width, height int
		dark          bool
	}{{"dashboards.png", 1400, 1000, false}, {"dashboards-narrow.png", 420, 1000, true}} {
		b, err := browser.Open(ctx, program, picture.width, picture.height)
		if err != nil {
			return err
		}
		err = errors.Join(b.Dark(ctx, picture.dark), b.Load(ctx, p.page))
		raw, shot := b.Screenshot(ctx)
		problems := b.Problems()
		err = errors.Join(err, shot, b.Close())
		if len(problems) > 0 {
			err = errors.Join(err, fmt.Errorf("the page reports: %s", strings.Join(problems, "; ")))
		}
		if len(raw) > browser.Largest {
			err = errors.Join(err, fmt.Errorf("%s has %d bytes; it may have %d", picture.name, len(raw), browser.Largest))
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, picture.name), raw, 0o644); err != nil {
			return err
		}
	}
	return nil
}
