// SPDX-License-Identifier: Apache-2.0

package cmdutil

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Format is the value of --output.
type Format string

// The output formats. The zero value means Text.
const (
	Text     Format = "text"
	JSON     Format = "json"
	Markdown Format = "markdown"
	HTML     Format = "html"
	SVG      Format = "svg"
	Mermaid  Format = "mermaid"
	SARIF    Format = "sarif"
)

// choice is the flag of a format that is one of several.
type choice struct {
	value *Format
	of    []Format
}

var _ pflag.Value = choice{}

// String returns the format's name.
func (c choice) String() string {
	if c.value == nil || *c.value == "" {
		return string(Text)
	}
	return string(*c.value)
}

// Set parses a format.
func (c choice) Set(v string) error {
	if !slices.Contains(c.of, Format(v)) {
		return fmt.Errorf("must be %s", c.list())
	}
	*c.value = Format(v)
	return nil
}

// Type names the value's type in help texts: one flag means one thing, whichever formats a command has.
func (c choice) Type() string { return "format" }

func (c choice) names() []string {
	var out []string
	for _, f := range c.of {
		out = append(out, string(f))
	}
	return out
}

// list names the formats in a sentence.
func (c choice) list() string {
	names := c.names()
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// AddOutputFlag binds --output for text and JSON.
func AddOutputFlag(cmd *cobra.Command, f *Format) { AddFormatFlag(cmd, f, Text, JSON) }

// AddFormatFlag binds --output for some formats, of which the first is the default.
func AddFormatFlag(cmd *cobra.Command, f *Format, formats ...Format) {
	if formats[0] != Text {
		*f = formats[0]
	}
	c := choice{value: f, of: formats}
	cmd.Flags().VarP(c, "output", "o", "what to print on standard output: "+c.list())
	CompleteFlag(cmd, "output", c.names()...)
}

// AddYesFlag binds --yes.
func AddYesFlag(cmd *cobra.Command, yes *bool, usage string) {
	cmd.Flags().BoolVarP(yes, "yes", "y", false, usage)
}

// AddTimeoutFlag binds --timeout.
func AddTimeoutFlag(cmd *cobra.Command, d *time.Duration, value time.Duration) {
	cmd.Flags().DurationVar(d, "timeout", value, "how long to wait; 0 waits without a limit")
}

// CompleteFlag completes a flag's value from a fixed list.
func CompleteFlag(cmd *cobra.Command, flag string, values ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// NoArgs refuses arguments.
func NoArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &UsageError{Err: fmt.Errorf("%q takes no argument, got %q", cmd.CommandPath(), args[0]), Usage: cmd.UseLine()}
}

// ExactArgs wants the named arguments.
func ExactArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return &UsageError{
				Err: fmt.Errorf("%q needs %s", cmd.CommandPath(), strings.Join(names[len(args):], " and ")), Usage: cmd.UseLine(),
			}
		}
		if len(args) > len(names) {
			return &UsageError{
				Err:   fmt.Errorf("%q takes %s, got also %q", cmd.CommandPath(), strings.Join(names, " and "), args[len(names)]),
				Usage: cmd.UseLine(),
			}
		}
		return nil
	}
}

// AtMost wants the named argument, or none.
func AtMost(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= 1 {
			return nil
		}
		return ExactArgs(name)(cmd, args)
	}
}

// WantsJSON reports whether the command line asks for --output json. It also looks at the raw words, because a wrong
// flag may end parsing before --output was read.
func WantsJSON(cmd *cobra.Command, args []string) bool {
	if cmd != nil {
		if f := cmd.Flags().Lookup("output"); f != nil && f.Value.String() == string(JSON) {
			return true
		}
	}
	for i, a := range args {
		if a == "--" {
			break
		}
		if a == "--output=json" || a == "-ojson" || a == "-o=json" {
			return true
		}
		if (a == "--output" || a == "-o") && slices.Contains(args[i+1:min(i+2, len(args))], "json") {
			return true
		}
	}
	return false
}
