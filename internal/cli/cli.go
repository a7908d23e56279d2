// SPDX-License-Identifier: Apache-2.0

// Package cli is the entry point of the command line: Run runs one command line.
package cli

import (
	"context"
	"strings"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/root"
	"emrflink/internal/cli/version"
	"emrflink/internal/cli/wire"
	"emrflink/internal/engine"
	"emrflink/internal/iostreams"
)

// Run runs one command line and returns the exit code of the process.
func Run(ctx context.Context, ios *iostreams.IOStreams, args []string) int {
	if len(args) > 0 && args[0] == "pulumi" && (engine.IsChild() || !engine.UseOf(args[1:]).Provider) {
		// Pulumi's commands have signal handling of their own, and this is how the engine is started many times: nothing
		// of ours comes in between but where a person's command needs the target.
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
