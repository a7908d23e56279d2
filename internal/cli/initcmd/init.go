// SPDX-License-Identifier: Apache-2.0

// Package initcmd is the command that writes the settings file of a stack.
package initcmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
	"emrflink/internal/stack"
	"emrflink/stacks/setting"
)

// Options are the dependencies and the flags of the command.
type Options struct {
	IO      *iostreams.IOStreams
	Globals *cmdutil.Globals
	Keys    func() []setting.Key
	Value   func(key, text string) (any, error)
	Check   func(file string, values map[string]any) error
	Dir     string // where the file goes, "" = the current folder

	Target string
	Set    []string
}

// NewCmd returns the command.
func NewCmd(f *cmdutil.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO, Globals: f.Globals, Keys: f.Reference.Keys, Value: f.Reference.Value, Check: f.Reference.Check}
	cmd := &cobra.Command{
		Use:   "init [flags]",
		Short: "Write the settings file of a stack",
		Long: `Write Pulumi.STACK.yaml into the current folder: the settings that you pass, and every other key as a
comment with its meaning and its default. Plain "pulumi up" reads the same file. An existing file is never
overwritten.

The stack "local" needs no file: its defaults deploy the whole blueprint on this machine.

Cost: none; nothing is contacted.

Exit codes: 0 written; 1 failed; 2 flags, a wrong setting, or the file exists.`,
		Example: `  emrflink init --stack dev --target aws --set region=eu-west-1
  emrflink init --set vpcCidr=10.20.0.0/16 --set teams='[flink-team-a, flink-team-b]'`,
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return run(opts)
		},
	}
	cmd.Flags().StringVar(&opts.Target, "target", "", "target of the stack: local or aws")
	cmd.Flags().StringArrayVar(&opts.Set, "set", nil, "a setting: KEY=VALUE with a YAML value; can be repeated")
	cmdutil.CompleteFlag(cmd, "target", "local", "aws")
	return cmd
}

// schema is where a project keeps the schema of its stack files, for editors.
const schema = "docs/schema.json"

func run(opts *Options) error {
	values, err := opts.values()
	if err != nil {
		return err
	}
	path := opts.Globals.ConfigFile
	if path == "" {
		path = filepath.Join(opts.Dir, "Pulumi."+opts.Globals.Stack+".yaml")
	}
	if err := opts.Check(path, values); err != nil {
		return err
	}
	text, err := Render(opts.Globals.Stack, opts.Keys(), values)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(path), filepath.FromSlash(schema))); err == nil {
		text = "# yaml-language-server: $schema=" + schema + "\n" + text
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644) // settings are no secret
	if errors.Is(err, fs.ErrExist) {
		return &cmdutil.UsageError{
			Err:  fmt.Errorf("%q exists already and is left as it is", path),
			Next: "edit it, then: " + cmdutil.Command("preview", "--stack", opts.Globals.Stack),
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return &cmdutil.Error{
			What: fmt.Sprintf("write stack file %q", path), Cause: errors.New("there is no such folder"),
			Next: iostreams.CommandLine("mkdir", "-p", filepath.Dir(path)),
		}
	}
	if err != nil {
		return fmt.Errorf("write stack file: %w", err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write stack file %q: %w", path, err), os.Remove(path))
	}
	_, err = fmt.Fprintf(opts.IO.Out, "%s is written; next: %s\n", path,
		cmdutil.Command("preview", "--stack", opts.Globals.Stack))
	return err
}

// values collects the settings of the flags. All wrong ones are reported.
func (o *Options) values() (map[string]any, error) {
	values := map[string]any{}
	var errs []error
	for _, s := range o.Set {
		key, text, ok := strings.Cut(s, "=")
		if !ok || key == "" {
			errs = append(errs, fmt.Errorf("--set %q: want KEY=VALUE", s))
			continue
		}
		key = strings.TrimPrefix(key, stack.Project+":")
		v, err := o.Value(key, text)
		if err != nil {
			errs = append(errs, fmt.Errorf("--set %q: %w", s, err))
			continue
		}
		if _, twice := values[key]; twice {
			errs = append(errs, fmt.Errorf("--set %s: given twice", key))
		}
		values[key] = v
	}
	if o.Target != "" {
		values["target"] = o.Target
	}
	if len(errs) > 0 {
		return nil, &cmdutil.UsageError{Err: errors.Join(errs...)}
	}
	return values, nil
}

// Render returns the text of a stack file: the given settings, and every other key as a comment.
func Render(name string, keys []setting.Key, values map[string]any) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "# Settings of the stack %q. A key without a line takes its default.\nconfig:\n", name)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		raw, err := yaml.Marshal(map[string]any{stack.Project + ":" + key: values[key]})
		if err != nil {
			return "", fmt.Errorf("write setting %q: %w", key, err)
		}
		for line := range strings.Lines(string(raw)) {
			b.WriteString("  " + line)
		}
	}
	for _, k := range keys {
		if _, set := values[k.Name]; set {
			continue
		}
		fmt.Fprintf(&b, "\n  # %s (%s)\n", strings.ReplaceAll(k.Doc, "\n", "\n  # "), k.Type)
		example := cmp.Or(k.Default, k.Example)
		if k.Type == "text" {
			quoted, err := yaml.Marshal(example) // with quotes where YAML would make a number of it
			if err != nil {
				return "", fmt.Errorf("write setting %q: %w", k.Name, err)
			}
			example = strings.TrimSpace(string(quoted))
		}
		fmt.Fprintf(&b, "  # %s:%s: %s\n", stack.Project, k.Name, strings.ReplaceAll(example, "\n", "\n  #   "))
	}
	return b.String(), nil
}
