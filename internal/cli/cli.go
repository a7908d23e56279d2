// SPDX-License-Identifier: Apache-2.0

// Package cli is the entry point of the command line: Run runs one command line.
package cli

import (
	"context"
	"slices"
	"strings"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/root"
	"emrflink/internal/cli/version"
	"emrflink/internal/cli/wire"
	"emrflink/internal/engine"
	"emrflink/internal/iostreams"
	"emrflink/internal/stackconfig"
)

// Run runs one command line and returns the exit code of the process.
func Run(ctx context.Context, ios *iostreams.IOStreams, args []string) int {
	if len(args) > 0 && args[0] == "pulumi" && (engine.IsChild() || direct(ios, args[1:])) {
		// Pulumi's commands have signal handling of their own, and this is how the engine is started many times: nothing
		// of ours comes in between but where a person's command needs the target, or names a state as our commands do.
		return engine.Main(args[1:])
	}
	ctx, interrupt, stop := cmdutil.WithSignals(ctx, ios)
	defer stop()
	f, o := wire.New(wire.Options{IO: ios, Interrupt: interrupt, Version: version.Version, Command: words(args)})
	code := root.Execute(ctx, f, o, args)
	if l := f.Log(); l != nil {
		_ = l.Close()
	}
	return code
}

// direct says that a person's command of Pulumi needs nothing of ours.
func direct(ios *iostreams.IOStreams, args []string) bool {
	backend := ios.Getenv("PULUMI_BACKEND_URL")
	if backend == "" {
		url, err := stackconfig.Backend(".")
		if url != "" || err != nil {
			return false
		}
	}
	return !engine.UseOf(args).Provider && ios.Getenv("EMRFLINK_STATE") == "" && !strings.HasPrefix(backend, "s3://") &&
		!slices.ContainsFunc(args, func(a string) bool { return a == "--state" || strings.HasPrefix(a, "--state=") })
}

// words are the leading words of a command line that are no flags: they name the log file.
func words(args []string) string {
	var w []string
	for _, a := range args {
		if strings.HasPrefix(a, "-") || len(w) == 2 {
			break
		}
		w = append(w, a)
	}
	if len(w) == 0 {
		return "emrflink"
	}
	return strings.Join(w, " ")
}
