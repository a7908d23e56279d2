// SPDX-License-Identifier: Apache-2.0

// Package policy is the command that prints the least IAM policy with which one thing can be done with a stack.
package policy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
	"emrflink/internal/policy"
	"emrflink/internal/stack"
)

// Deriver derives the policy of a stack; account is "" where the stack is to say.
type Deriver func(ctx context.Context, purpose policy.Purpose, account string) (policy.Document, error)

// Options are the dependencies and the flags of the command.
type Options struct {
	IO      *iostreams.IOStreams
	Globals *cmdutil.Globals
	Info    func() (stack.Info, error)
	Derive  Deriver

	For     Purpose
	Account string
	Dir     string
	Output  cmdutil.Format
}

// Purpose is the value of --for.
type Purpose policy.Purpose

// String returns the word.
func (p *Purpose) String() string { return string(*p) }

// Type names the type in help texts.
func (p *Purpose) Type() string { return "string" }

// Set parses the word.
func (p *Purpose) Set(v string) error {
	if !slices.Contains(policy.Purposes(), policy.Purpose(v)) {
		return fmt.Errorf("must be %s", strings.Join(words(), ", "))
	}
	*p = Purpose(v)
	return nil
}

func words() []string {
	var out []string
	for _, p := range policy.Purposes() {
		out = append(out, string(p))
	}
	return out
}

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

// NewCmd returns the command.
func NewCmd(f *cmdutil.Factory, derive Deriver, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO, Globals: f.Globals, Info: f.Info, Derive: derive, For: Purpose(policy.Deploy)}
	cmd := &cobra.Command{
		Use:   "policy [flags]",
		Short: "Print the least IAM policy for a deploy, a preview, jobs or a cleanup",
		Long: `Print the least IAM policy with which somebody can do one thing with this stack, as its settings describe it:

  deploy   doctor, preview and deploy: create and change. It does not let a deploy delete the VPC, the cluster, the
           bucket or a key; what else a change of settings removes, it may delete
  preview  what only reads: doctor, preview, drift, status, versions, outputs
  job      run Flink jobs and look after them
  cleanup  delete the deployment and check that nothing is left

Every action is printed with its reason and with how it is known: "measured" and "source" are calls of the AWS provider
for the types of the stack, seen or read in its source code; "emrflink" are calls of this program; an address is a page
of AWS about what a service asks for beside the call. The actions are confined to the names and the tags of the
deployment in its account and region; --verbose shows on what each is allowed.

The documents are managed policies of at most 6,144 characters: attach all of them. With --dir they are written into a
folder, a file each, and the commands that create them are printed.

Steps:
  1. read and validate the settings of the stack
  2. compute the desired graph of the settings in this process: no credentials, no state, no daemon
  3. look up what each type and each command needs, and print it

The account is that of --account, or the one that the stack was deployed to.

Cost: none; nothing is contacted.

Exit codes: 0 printed; 1 failed; 2 settings or flags.`,
		Example: `  emrflink policy --for deploy
  emrflink policy --for cleanup --account 111122223333 --dir policies
  emrflink policy --for preview --output json`,
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.Account != "" && !accountID.MatchString(opts.Account) {
				return cmdutil.Usagef("--account: %q is not the twelve digits of an AWS account", opts.Account)
			}
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return run(cmd.Context(), opts)
		},
	}
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	cmd.Flags().Var(&opts.For, "for", "what the policy is for: "+strings.Join(words(), ", "))
	cmdutil.CompleteFlag(cmd, "for", words()...)
	cmd.Flags().StringVar(&opts.Account, "account", "", "AWS account, twelve digits (default that of the deployment)")
	cmd.Flags().StringVar(&opts.Dir, "dir", "", "folder to write the documents into, a file each")
	return cmd
}

func run(ctx context.Context, opts *Options) error {
	info, err := opts.Info()
	if err != nil {
		return err
	}
	d, err := opts.Derive(ctx, policy.Purpose(opts.For), opts.Account)
	if err != nil {
		return fmt.Errorf("derive the policy of stack %q: %w", info.Stack, err)
	}
	files, err := write(opts.Dir, d)
	if err != nil {
		return err
	}
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, d)
	}
	return show(opts, d, files)
}

// write writes the documents into a folder and returns their paths; nothing without one.
func write(dir string, d policy.Document) ([]string, error) {
	if dir == "" {
		return nil, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("write the policies: %w", err)
	}
	var files []string
	for _, p := range d.Policies {
		var text bytes.Buffer
		if err := json.Indent(&text, p.Document, "", "  "); err != nil {
			return nil, fmt.Errorf("write policy %q: %w", p.Name, err)
		}
		text.WriteByte('\n')
		path := filepath.Join(dir, p.Name+".json")
		if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
			return nil, fmt.Errorf("write policy %q: %w", p.Name, err)
		}
		files = append(files, path)
	}
	return files, nil
}

func show(opts *Options, d policy.Document, files []string) error {
	header := []string{"ACTION", "KNOWN", "REASON"}
	if opts.Globals.Verbose {
		header = append(header, "ON")
	}
	t := opts.IO.NewTable(header...)
	for _, a := range d.Actions {
		cells := []string{a.Action, strings.Join(a.Known, " "), strings.Join(a.Reasons, "; ")}
		if opts.Globals.Verbose {
			cells = append(cells, strings.Join(a.Resources, " "))
		}
		t.Row(cells...)
	}
	if err := t.Render(); err != nil {
		return fmt.Errorf("print the policy: %w", err)
	}
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(opts.IO.Out, format+"\n", args...) }
	say("")
	for _, p := range d.Policies {
		say("policy %s: %s, %d of 6144 characters", p.Name, cmdutil.Count(p.Statements, "statement", "statements"), p.Size)
	}
	for _, n := range d.Notes {
		say("note: %s", n)
	}
	p := opts.IO.OutPalette()
	if len(files) == 0 {
		again := cmdutil.Command("policy", "--for", d.For, "--stack", d.Stack, "--dir", "policies")
		say("write the documents with: %s", p.Cyan(again))
		return nil
	}
	for i, file := range files {
		say("create it with: %s", p.Cyan(iostreams.CommandLine("aws", "iam", "create-policy", "--policy-name", d.Policies[i].Name,
			"--policy-document", "file://"+file)))
	}
	return nil
}
