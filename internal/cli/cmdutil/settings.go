// SPDX-License-Identifier: Apache-2.0

package cmdutil

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"emrflink/internal/iostreams"
	"emrflink/internal/stack"
	"emrflink/stacks/setting"
)

// Globals are the flags that every command has.
type Globals struct {
	Stack      string // stack to work on
	ConfigFile string // stack file, "" = Pulumi.<stack>.yaml in the current folder
	State      string // URL of the state backend, "" = that of Pulumi.yaml, else a folder below the state folder
	Color      iostreams.ColorMode
	Verbose    bool

	// StackNamed is true when --stack was typed on the command line. Deletion without a question needs that.
	StackNamed bool
}

// Bind binds the global flags to a root command.
func (g *Globals) Bind(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringVarP(&g.Stack, "stack", "s", stack.Default, "stack to work on: its settings are in Pulumi.STACK.yaml")
	f.StringVar(&g.ConfigFile, "config-file", "", "stack file to read instead of Pulumi.STACK.yaml in the current folder")
	f.StringVar(&g.State, "state", "", "where the state is kept: a Pulumi backend URL such as s3://BUCKET (default: the "+
		"state folder)")
	f.Var(&g.Color, "color", "when to colour output: auto, always or never")
	f.BoolVarP(&g.Verbose, "verbose", "v", false, "show debug messages on standard error, and details that are else folded")
	CompleteFlag(root, "color", iostreams.ColorModes()...)
	_ = root.MarkPersistentFlagFilename("config-file", "yaml", "yml")
}

// Variable is an environment variable that a run reads.
type Variable struct {
	Name string
	Flag string // the global flag it stands for, "" = none
	Doc  string
}

// Variables is the table of environment variables: it drives reading, `help environment` and the reference.
func Variables() []Variable {
	return []Variable{
		{"EMRFLINK_STACK", "stack", "stack to work on"},
		{"EMRFLINK_CONFIG_FILE", "config-file", "stack file to read"},
		{"EMRFLINK_STATE", "state", "where the state is kept, a Pulumi backend URL"},
		{"EMRFLINK_COLOR", "color", "when to colour output: auto, always or never"},
		{"EMRFLINK_HOME", "", "state folder; default $XDG_STATE_HOME/emrflink, else ~/.local/state/emrflink"},
		{"EMRFLINK_SPEED", "", "number by which the local target divides AWS's durations, read when it starts; default 200"},
		{
			"EMRFLINK_LOCAL_PORT", "", "port of the simulated AWS API, read when the local target starts; default: the last " +
				"one, else any",
		},
		{
			"EMRFLINK_LOCAL_LOG", "", "debug: the local target's log has every call of its AWS API and who made it; read when " +
				"it starts",
		},
		{
			envPolicies, "", "folder of IAM policies, as `policy --dir` writes them: on the local target, commands run as a " +
				"role that has just these",
		},
		{"EMRFLINK_LOCALKUBE", "", "binary of the local control plane; default: localkube in the folder of emrflink"},
		{
			"EMRFLINK_FLINK_HOME", "",
			"folder with an Apache Flink distribution that runs jobs on the local target, read when it " +
				"starts; it goes before the Flink of `local flink install`",
		},
		{
			"PULUMI_BACKEND_URL", "", "where the state is kept if neither --state nor EMRFLINK_STATE is set; the last that is " +
				"asked is backend: url: of Pulumi.yaml",
		},
		{
			"PULUMI_CONFIG_PASSPHRASE", "", "passphrase of the secrets in the state; default: a generated one, kept in " +
				"the state folder",
		},
		{"PULUMI_CONFIG_PASSPHRASE_FILE", "", "file with that passphrase"},
		{"AWS_PROFILE", "", "this and the other AWS variables: credentials of the aws target; the local target ignores them"},
		{"KUBECONFIG", "", "file that `kubeconfig` merges into; default ~/.kube/config"},
		{
			"GOGC", "", "garbage collection target of Go; if it is empty, the local control plane uses 25, which saves " +
				"memory; 200 halves its processor time",
		},
		{"NO_COLOR", "", "when not empty, no colour unless --color always"},
		{"CI", "", "when not empty, progress is printed line by line"},
	}
}

// ApplyEnvironment gives every global flag that was not typed the value of its variable.
func (g *Globals) ApplyEnvironment(flags *pflag.FlagSet, getenv func(string) string) error {
	g.StackNamed = flags.Changed("stack")
	for _, v := range Variables() {
		if v.Flag == "" || flags.Changed(v.Flag) {
			continue
		}
		value := getenv(v.Name)
		if value == "" {
			continue
		}
		if err := flags.Lookup(v.Flag).Value.Set(value); err != nil {
			return Usagef("%s=%q: %w", v.Name, value, err)
		}
	}
	if g.State == "" {
		g.State = getenv("PULUMI_BACKEND_URL")
	}
	return ValidStackName(g.Stack)
}

var stackName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$`)

// ValidStackName refuses what cannot be the name of a stack and its file.
func ValidStackName(name string) error {
	if stackName.MatchString(name) {
		return nil
	}
	return &UsageError{
		Err:  fmt.Errorf("stack name %q: want letters, digits, hyphens, underscores and periods, at most 100", name),
		Next: Command("status", "--stack", stack.Default),
	}
}

// Home finds the state folder: $EMRFLINK_HOME, else $XDG_STATE_HOME/emrflink, else ~/.local/state/emrflink. The
// folder need not exist.
func Home(getenv func(string) string) (string, error) {
	if h := getenv("EMRFLINK_HOME"); h != "" {
		abs, err := filepath.Abs(h)
		if err != nil {
			return "", Usagef("EMRFLINK_HOME=%q: %w", h, err)
		}
		return abs, nil
	}
	if x := getenv("XDG_STATE_HOME"); filepath.IsAbs(x) {
		return filepath.Join(x, "emrflink"), nil
	}
	if h := getenv("HOME"); filepath.IsAbs(h) {
		return filepath.Join(h, ".local", "state", "emrflink"), nil
	}
	return "", &UsageError{
		Err:  errors.New("no state folder: neither EMRFLINK_HOME nor XDG_STATE_HOME nor HOME is set"),
		Next: "export EMRFLINK_HOME=/path/to/folder",
	}
}

// EnvironmentHelp is the text of `help environment`: the variables of a run and the settings of a stack.
func EnvironmentHelp(keys []setting.Key) string {
	var b strings.Builder
	b.WriteString("What is deployed is set in the stack file (Pulumi.STACK.yaml). How a command runs is set by a flag, else " +
		"by an\nenvironment variable, else by a default:\n\n")
	for _, v := range Variables() {
		doc := v.Doc
		if v.Flag != "" {
			doc += " (--" + v.Flag + ")"
		}
		fmt.Fprintf(&b, "  %-30s %s\n", v.Name, doc)
	}
	b.WriteString("\nSettings of a stack file, below \"config:\":\n\n")
	for _, k := range keys {
		fmt.Fprintf(&b, "  %s:%s (%s)\n      %s\n      default: %s\n", stack.Project, k.Name, k.Type, k.Doc, k.Default)
	}
	return b.String()
}

// ExitCodesHelp is the text of `help exit-codes`.
func ExitCodesHelp() string {
	var b strings.Builder
	b.WriteString("Every command ends with one of these:\n\n")
	for _, e := range ExitCodes() {
		fmt.Fprintf(&b, "  %3d  %s\n", e.Code, e.Meaning)
	}
	return b.String()
}
