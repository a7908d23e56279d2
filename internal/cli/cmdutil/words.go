// SPDX-License-Identifier: Apache-2.0

package cmdutil

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"emrflink/stacks/nearest"
)

// Group makes a command that only holds others: without arguments it prints its help, an unknown word is an error
// with the nearest command.
func Group(cmd *cobra.Command, children ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(children...)
	cmd.DisableFlagsInUseLine = true
	cmd.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return NoCommand(c, args[0])
	}
	cmd.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	return cmd
}

// NoCommand is the error of a word that names no command below another one. It suggests what was probably meant.
func NoCommand(c *cobra.Command, word string) *UsageError {
	use := c.UseLine()
	if c.HasSubCommands() {
		use = c.CommandPath() + " COMMAND"
	}
	return &UsageError{
		Err: fmt.Errorf("%q has no command %q", c.CommandPath(), word), Usage: use, Next: suggestion(c, word),
	}
}

// suggestion is the command that a word was probably meant to be, "" when none is near. A command says with SuggestFor
// what other tools call it; a command of a group that is called so is found from further up.
func suggestion(c *cobra.Command, word string) string {
	if found := named(c, word); found != nil {
		return found.CommandPath()
	}
	var names []string
	for _, child := range c.Commands() {
		if child.IsAvailableCommand() {
			names = append(names, child.Name())
		}
	}
	near, ok := nearest.Of(word, names)
	if !ok { // the beginning of a name
		i := slices.IndexFunc(names, func(n string) bool { return strings.HasPrefix(n, strings.ToLower(word)) })
		if i < 0 {
			return ""
		}
		near = names[i]
	}
	return c.CommandPath() + " " + near
}

// named finds the command below c that has a name, or that other tools call so; the nearest one to c.
func named(c *cobra.Command, word string) *cobra.Command {
	for level := c.Commands(); len(level) > 0; {
		var next []*cobra.Command
		for _, child := range level {
			if !child.IsAvailableCommand() {
				continue
			}
			same := func(name string) bool { return strings.EqualFold(name, word) }
			if same(child.Name()) || slices.ContainsFunc(child.SuggestFor, same) {
				return child
			}
			next = append(next, child.Commands()...)
		}
		level = next
	}
	return nil
}

// Misnamed is the error of a command line that names a command that does not exist, nil when there is none. cobra looks at
// the flags first: --help, or a flag of the command that was meant, would hide what is wrong.
func Misnamed(root *cobra.Command, args []string) error {
	if len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd) {
		return nil
	}
	c, rest, err := root.Find(args)
	if err != nil || !c.HasSubCommands() {
		return err
	}
	if word := firstWord(c, rest); word != "" {
		return NoCommand(c, word)
	}
	return nil
}

// firstWord is the first argument of a group that names no command of it. A word behind a flag that the group does not have
// may be the flag's value: it counts when it is near a command.
func firstWord(c *cobra.Command, args []string) string {
	_ = c.InheritedFlags() // gives Flags those of the parents
	for i := 0; i < len(args) && args[i] != "--"; i++ {
		a := args[i]
		if !strings.HasPrefix(a, "-") || a == "-" {
			return a
		}
		f := flagOf(c.Flags(), a)
		switch next := i + 1; {
		case strings.Contains(a, "=") || next == len(args) || strings.HasPrefix(args[next], "-"):
		case f == nil && (named(c, args[next]) != nil || suggestion(c, args[next]) == ""), f != nil && f.NoOptDefVal == "":
			i = next
		}
	}
	return ""
}

// flagOf is the flag that a word on the command line is, nil when there is none.
func flagOf(flags *pflag.FlagSet, word string) *pflag.Flag {
	if name, long := strings.CutPrefix(word, "--"); long {
		name, _, _ = strings.Cut(name, "=")
		return flags.Lookup(name)
	}
	if len(word) != 2 {
		return nil // several, or one with its value
	}
	return flags.ShorthandLookup(word[1:])
}

// FlagError turns a wrong flag into a usage error, with the flag that was probably meant. A root command sets it with
// SetFlagErrorFunc.
func FlagError(cmd *cobra.Command, err error) error {
	out := &UsageError{Err: inWords(err), Usage: cmd.UseLine()}
	var missing *pflag.NotExistError
	if !errors.As(err, &missing) || missing.GetSpecifiedShortnames() != "" {
		return out
	}
	name := missing.GetSpecifiedName()
	var known, owners []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, f.Name)
		}
	})
	for _, child := range cmd.Commands() {
		if child.IsAvailableCommand() && child.LocalFlags().Lookup(name) != nil {
			owners = append(owners, child.Name())
		}
	}
	switch near, ok := nearest.Of(name, known); {
	case ok:
		out.Err = fmt.Errorf("%w (did you mean --%s?)", err, near)
	case len(owners) > 0:
		out.Err = fmt.Errorf("%w (it belongs behind a command: %s)", err, strings.Join(owners, ", "))
	}
	return out
}

// inWords says what a flag wants where the error has the words of the library that parsed it.
func inWords(err error) error {
	var num *strconv.NumError
	if !errors.As(err, &num) {
		return err
	}
	want := map[string]string{"ParseBool": "true or false", "ParseFloat": "a number"}[num.Func]
	if want == "" {
		want = "a whole number"
	}
	if errors.Is(num, strconv.ErrRange) {
		want = "a smaller number"
	}
	text, _, _ := strings.Cut(err.Error(), num.Error())
	return errors.New(text + "want " + want)
}
