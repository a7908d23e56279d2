// SPDX-License-Identifier: Apache-2.0

// Package docs is the hidden command that writes the reference of all commands from their help texts and tables.
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
	"emrflink/internal/findings"
	"emrflink/internal/iostreams"
	"emrflink/internal/localtarget"
	"emrflink/stacks/setting"
)

// Options are the dependencies and the flags of the command.
type Options struct {
	IO        *iostreams.IOStreams
	Root      *cobra.Command
	Reference cmdutil.Reference

	Dir string
}

// NewCmd returns the command.
func NewCmd(f *cmdutil.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO, Reference: f.Reference}
	cmd := &cobra.Command{
		Use:    "docs [flags]",
		Hidden: true,
		Short:  "Write the reference of all commands",
		Long: `Write one Markdown file per command, and one each for the configuration of a stack, the environment
variables, the exit codes, the findings of previews and what the local target simulates. Files of commands that no
longer exist are removed.

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

// Source is what the reference is made of.
type Source struct {
	Root   *cobra.Command
	Keys   []setting.Key
	Matrix localtarget.Matrix
	Rules  []findings.Rule
}

// Pages returns the reference: file name to text.
func Pages(s Source) map[string]string {
	pages := map[string]string{
		"environment.md":   header + "# Environment variables\n\n" + environment(),
		"exit-codes.md":    header + "# Exit codes\n\n" + exitCodes(),
		"configuration.md": header + "# Configuration of a stack\n\n" + configuration(s.Keys),
		"findings.md":      header + "# Findings of a preview\n\n" + rules(s.Rules),
		"local-target.md":  header + "# What the local target simulates\n\n" + localTarget(s.Matrix),
	}
	walk(s.Root, func(c *cobra.Command) { pages[fileName(c)] = header + page(c) })
	pages["README.md"] = header + index(s.Root)
	return pages
}

func run(opts *Options) error {
	r := opts.Reference
	pages := Pages(Source{Root: opts.Root, Keys: r.Keys(), Matrix: r.Matrix(), Rules: r.Rules()})
	if err := os.MkdirAll(opts.Dir, 0o750); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	old, err := filepath.Glob(filepath.Join(opts.Dir, "*.md"))
	if err != nil {
		return fmt.Errorf("list %q: %w", opts.Dir, err)
	}
	for _, path := range old {
		text, err := os.ReadFile(path)
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
		if err := os.WriteFile(filepath.Join(opts.Dir, name), []byte(text), 0o644); err != nil {
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
	b.WriteString("\nSee also: [configuration of a stack](configuration.md), [environment variables](environment.md), " +
		"[exit codes](exit-codes.md), [findings of a preview](findings.md), [what the local target " +
		"simulates](local-target.md), " +
		"[components](components/README.md).\n")
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
