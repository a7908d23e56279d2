// SPDX-License-Identifier: Apache-2.0

// Package docs is the hidden command that writes the reference of all commands from the commands themselves.
package docs

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/session"
	"emrflink/internal/iostreams"
)

// Options are the dependencies and the flags of the command.
type Options struct {
	IO     *iostreams.IOStreams
	Root   *cobra.Command
	Schema func() []session.Key

	Dir string
}

// NewCmd returns the command.
func NewCmd(f *cmdutil.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO, Schema: f.Schema}
	cmd := &cobra.Command{
		Use:    "docs [flags]",
		Hidden: true,
		Short:  "Write the reference of all commands",
		Long: `Write one Markdown file per command, and one each for the settings of a stack, the environment variables and the exit
codes. Files of commands that are gone are removed.

Exit codes: 0 written; 1 failed; 2 flags.`,
		Example: `  emrflink docs --dir docs/reference`,
		Args:    cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts.Root = cmd.Root()
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return run(opts)
		},
	}
	cmd.Flags().StringVar(&opts.Dir, "dir", "docs/reference", "folder to write")
	return cmd
}

const header = "<!-- Written by `emrflink docs`; do not edit. -->\n\n"

// Pages returns the reference: file name to text.
func Pages(root *cobra.Command, schema []session.Key) map[string]string {
	pages := map[string]string{
		"environment.md": header + "# Environment variables\n\n" + environment(),
		"exit-codes.md":  header + "# Exit codes\n\n" + exitCodes(),
		"settings.md":    header + "# Settings of a stack\n\n" + settings(schema),
	}
	walk(root, func(c *cobra.Command) { pages[fileName(c)] = header + page(c) })
	pages["README.md"] = header + index(root)
	return pages
}

func run(opts *Options) error {
	pages := Pages(opts.Root, opts.Schema())
	if err := os.MkdirAll(opts.Dir, 0o750); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	old, err := filepath.Glob(filepath.Join(opts.Dir, "*.md"))
	if err != nil {
		return fmt.Errorf("list %q: %w", opts.Dir, err)
	}
	for _, path := range old {
		text, err := os.ReadFile(path) //nolint:gosec // the folder that the caller named
		if err != nil {
			return fmt.Errorf("read old page: %w", err)
		}
		if _, keep := pages[filepath.Base(path)]; !keep && bytes.HasPrefix(text, []byte(header)) {
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("remove old page: %w", err)
			}
		}
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(opts.Dir, name), []byte(text), 0o644); err != nil { //nolint:gosec // documentation
			return fmt.Errorf("write page: %w", err)
		}
	}
	_, err = fmt.Fprintf(opts.IO.Out, "%s: %s\n", opts.Dir, cmdutil.Count(len(pages), "page", "pages"))
	return err
}

// walk visits every documented command, parents first. `local serve` and this one are hidden and stay out.
func walk(c *cobra.Command, visit func(*cobra.Command)) {
	if c.Hidden || c.IsAdditionalHelpTopicCommand() || c.Name() == "help" {
		return
	}
	visit(c)
	for _, child := range c.Commands() {
		walk(child, visit)
	}
}

func fileName(c *cobra.Command) string {
	return strings.ReplaceAll(c.CommandPath(), " ", "-") + ".md"
}

func index(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString("# Reference\n\n| command | what it does |\n|---|---|\n")
	walk(root, func(c *cobra.Command) {
		fmt.Fprintf(&b, "| [`%s`](%s) | %s |\n", c.CommandPath(), fileName(c), c.Short)
	})
	b.WriteString("\nSee also: [settings of a stack](settings.md), [environment variables](environment.md), [exit codes](exit-codes.md).\n")
	return b.String()
}

func page(c *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s.\n\n```\n%s\n```\n\n", c.CommandPath(), c.Short, c.UseLine())
	fmt.Fprintf(&b, "```text\n%s\n```\n\n", strings.TrimSpace(c.Long))
	if c.Example != "" {
		fmt.Fprintf(&b, "## Examples\n\n```sh\n%s\n```\n\n", dedent(c.Example))
	}
	if f := c.NonInheritedFlags(); f.HasAvailableFlags() {
		fmt.Fprintf(&b, "## Flags\n\n```text\n%s```\n\n", f.FlagUsagesWrapped(110))
	}
	if f := c.InheritedFlags(); f.HasAvailableFlags() {
		fmt.Fprintf(&b, "## Global flags\n\n```text\n%s```\n\n", f.FlagUsagesWrapped(110))
	}
	var children []string
	for _, child := range c.Commands() {
		walk(child, func(g *cobra.Command) {
			if g.Parent() == c {
				children = append(children, fmt.Sprintf("- [%s](%s): %s", g.CommandPath(), fileName(g), g.Short))
			}
		})
	}
	if len(children) > 0 {
		fmt.Fprintf(&b, "## Commands\n\n%s\n", strings.Join(children, "\n"))
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func dedent(s string) string {
	var lines []string
	for l := range strings.Lines(s) {
		lines = append(lines, strings.TrimSpace(l))
	}
	return strings.Join(lines, "\n")
}

func environment() string {
	var b strings.Builder
	b.WriteString("| variable | flag | meaning |\n|---|---|---|\n")
	for _, v := range cmdutil.Variables() {
		flag := ""
		if v.Flag != "" {
			flag = "`--" + v.Flag + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.Name, flag, cell(v.Doc))
	}
	return b.String()
}

func exitCodes() string {
	var b strings.Builder
	b.WriteString("| code | meaning |\n|---|---|\n")
	for _, e := range cmdutil.ExitCodes() {
		fmt.Fprintf(&b, "| %d | %s |\n", e.Code, cell(e.Meaning))
	}
	return b.String()
}

func settings(schema []session.Key) string {
	var b strings.Builder
	b.WriteString("Keys of `Pulumi.STACK.yaml`, below `config:`.\n\n| key | type | default | meaning | example |\n|---|---|---|---|---|\n")
	for _, k := range schema {
		fmt.Fprintf(&b, "| `%s:%s` | %s | %s | %s | %s |\n", cmdutil.Project, k.Name, cell(k.Type), code(k.Default), cell(k.Doc), code(k.Example))
	}
	return b.String()
}

func cell(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "|", "\\|"), "\n", " ")
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + cell(s) + "`"
}
