// SPDX-License-Identifier: Apache-2.0

// Package version is the command that prints the version of emrflink.
package version

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
)

// Version is the version of the build. The linker sets it; nothing else writes it.
var Version = "dev"

// Options are the dependencies and the flags of the command.
type Options struct {
	IO      *iostreams.IOStreams
	Version string

	Output cmdutil.Format
}

// NewCmd returns the command.
func NewCmd(f *cmdutil.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO, Version: f.Version}
	cmd := &cobra.Command{
		Use:   "version [flags]",
		Short: "Print the version",
		Long: `Print the version of emrflink and of the Pulumi engine that is linked into it. Nothing is contacted,
and there is no check for updates.

Exit codes: 0 printed; 2 flags.`,
		Example: `  emrflink version
  emrflink version --output json`,
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return run(opts)
		},
	}
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

type document struct {
	SchemaVersion int    `json:"schemaVersion"`
	Version       string `json:"version"`
	Commit        string `json:"commit"`
	Go            string `json:"go"`
	Pulumi        string `json:"pulumi"`
	OS            string `json:"os"`
	Arch          string `json:"arch"`
}

func run(opts *Options) error {
	d := document{
		SchemaVersion: cmdutil.SchemaVersion, Version: opts.Version, Go: runtime.Version(), OS: runtime.GOOS,
		Arch: runtime.GOARCH,
	}
	if b, ok := debug.ReadBuildInfo(); ok {
		for _, s := range b.Settings {
			if s.Key == "vcs.revision" {
				d.Commit = s.Value
			}
		}
		for _, m := range b.Deps {
			if m.Path == "github.com/pulumi/pulumi/pkg/v3" {
				d.Pulumi = m.Version
			}
		}
	}
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, d)
	}
	line := fmt.Sprintf("emrflink %s (%s, %s/%s", d.Version, d.Go, d.OS, d.Arch)
	if d.Pulumi != "" {
		line += ", Pulumi " + d.Pulumi
	}
	if d.Commit != "" {
		line += ", commit " + d.Commit
	}
	_, err := fmt.Fprintln(opts.IO.Out, line+")")
	return err
}
