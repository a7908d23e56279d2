// SPDX-License-Identifier: Apache-2.0

// Command screens writes the screens of a Markdown page: it runs the commands that the page names, in the page's order,
// on the local target in a state folder of its own, and puts their output into the block below each name.
//
//	<!-- screen head=10 tail=2: emrflink deploy --yes -->
//	```text
//	...
//	```
//
// Options: head and tail are how many lines of a longer screen are shown; only=stdout or only=stderr shows one stream;
// exit=N is the expected exit code (default 0); again shows the last run of the same command once more. Besides
// emrflink, the only command is cat FILE. Values that differ between two runs (ids, times, ports, folders) are replaced
// by a word in angle brackets.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	bin := flag.String("bin", "bin", "folder of the binaries")
	flag.Parse()
	err := run(ctx, *bin, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run rewrites every page, or none of those after the first that fails.
func run(ctx context.Context, bin string, pages []string) error {
	if len(pages) == 0 {
		return errors.New("name the pages: screens [-bin bin] PAGE...")
	}
	for _, page := range pages {
		if err := rewrite(ctx, bin, page); err != nil {
			return fmt.Errorf("%s: %w", page, err)
		}
	}
	return nil
}

func rewrite(ctx context.Context, bin, page string) (err error) {
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	s, err := openShell(bin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	text, err := fill(string(old), func(r request) ([]string, error) {
		fmt.Printf("%s: %s\n", page, r.command)
		return s.screen(ctx, r)
	})
	if err != nil {
		return err
	}
	return os.WriteFile(page, []byte(text), 0o644)
}
