// SPDX-License-Identifier: Apache-2.0

package root_test

import (
	"context"
	"encoding/json"
	"errors"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"emrflink/internal/check"
	"emrflink/internal/cli/cleanup"
	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/deploy"
	"emrflink/internal/cli/doctor"
	"emrflink/internal/cli/ekstoken"
	"emrflink/internal/cli/graph"
	"emrflink/internal/cli/local"
	"emrflink/internal/cli/outputs"
	"emrflink/internal/cli/preview"
	"emrflink/internal/cli/root"
	"emrflink/internal/cli/samplejob"
	"emrflink/internal/cli/status"
	"emrflink/internal/flinkjob/sample"
	"emrflink/internal/runlog"
	"emrflink/stacks/setting"
)

// run is a command line under test with what its commands ask of the domain.
type run struct {
	*cmdtest.Run
	operations root.Operations
}

// newRun returns a run whose domain functions count as touching something.
func newRun(t *testing.T) (r run, touched *[]string) {
	t.Helper()
	r, touched = run{Run: cmdtest.New(t)}, &[]string{}
	touch := func(what string) error { *touched = append(*touched, what); return errors.New("touched " + what) }
	f := r.Factory
	f.Log = func() *runlog.Log {
		return runlog.New(runlog.Options{IO: f.IO, Home: t.TempDir(), Command: "test", Now: f.Now(), Quiet: true})
	}
	r.operations.Deploy.Open = func(context.Context) (deploy.Stack, error) { return nil, touch("stack") }
	r.operations.Preview = preview.Operations{
		OpenStack:    func(context.Context) (preview.Stack, error) { return nil, touch("stack") },
		OpenOffline:  func(context.Context) (preview.Planner, error) { return nil, touch("offline") },
		OpenBaseline: func(context.Context, string) (preview.Planner, error) { return nil, touch("offline") },
	}
	r.operations.Graph = func(context.Context) (graph.Planner, error) { return nil, touch("offline") }
	r.operations.Cleanup = func(context.Context) (cleanup.Stack, error) { return nil, touch("stack") }
	r.operations.Status = func(context.Context) (status.Stack, error) { return nil, touch("stack") }
	r.operations.Outputs = func(context.Context) (outputs.Stack, error) { return nil, touch("stack") }
	r.operations.SampleJob = func(context.Context) (samplejob.Stack, error) { return nil, touch("stack") }
	r.operations.Doctor.Preflight = func(context.Context) ([]check.Check, error) { return nil, touch("stack") }
	r.operations.Doctor.Local = func() (doctor.LocalTarget, error) { return nil, touch("local") }
	r.operations.Local.Open = func() (local.Target, error) { return nil, touch("local") }
	r.operations.Token = func(context.Context, ekstoken.Request) ([]byte, error) { return nil, touch("token") }
	r.operations.Pulumi = func(context.Context, []string) (int, error) {
		*touched = append(*touched, "pulumi")
		return 3, nil
	}
	f.Reference = cmdutil.Reference{
		Samples: func() sample.List {
			return sample.List{Samples: []sample.Sample{{Name: "basic", Title: "State machine"}}}
		},
		Keys: func() []setting.Key {
			return []setting.Key{{Name: "region", Type: "string", Default: "us-west-2", Doc: "AWS region"}}
		},
		Check: func(string, map[string]any) error { return nil },
	}
	return r, touched
}

func walk(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, child := range c.Commands() {
		walk(child, visit)
	}
}

func TestEveryCommandIsDocumented(t *testing.T) {
	t.Parallel()
	r, _ := newRun(t)
	tree := root.New(r.Factory, r.operations)
	tree.InitDefaultHelpCmd()
	walk(tree, func(c *cobra.Command) {
		if c.Name() == "help" || c.IsAdditionalHelpTopicCommand() {
			return
		}
		path := c.CommandPath()
		require.Truef(t, unicode.IsUpper([]rune(c.Short)[0]), "%s: Short starts with a capital", path)
		require.Falsef(t, strings.HasSuffix(c.Short, "."), "%s: Short ends without a period", path)
		require.LessOrEqualf(t, len(c.Short), 70, "%s: Short fits a line", path)
		require.Containsf(t, c.Long, "Exit codes:", "%s: Long names the exit codes", path)
		for line := range strings.Lines(c.Long) {
			require.LessOrEqualf(t, len(line), 121, "%s: %q is too long", path, line)
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			require.NotEmptyf(t, f.Usage, "%s --%s has a text", path, f.Name)
			require.Falsef(t, strings.HasSuffix(f.Usage, "."), "%s --%s: no period at the end", path, f.Name)
		})
		if c.HasFlags() && c.HasLocalFlags() && c.Runnable() && !c.HasSubCommands() && c.LocalFlags().HasAvailableFlags() &&
			!c.DisableFlagParsing {
			require.Containsf(t, c.Use, "[flags]", "%s: Use shows that there are flags", path)
		}
		examples(t, c)
	})
}

// examples parses every example line with a fresh tree: the command exists, its flags and arguments are accepted.
func examples(t *testing.T, c *cobra.Command) {
	t.Helper()
	require.NotEmptyf(t, c.Example, "%s has an example", c.CommandPath())
	for line := range strings.Lines(c.Example) {
		require.Truef(t, strings.HasPrefix(line, "  emrflink "), "%s: example %q is indented and runnable", c.CommandPath(), line)
		words := split(strings.TrimSpace(line))[1:]
		r, _ := newRun(t)
		found, rest, err := root.New(r.Factory, r.operations).Find(words)
		require.NoErrorf(t, err, "%s: %q", c.CommandPath(), line)
		if !found.HasParent() || found.DisableFlagParsing {
			continue
		}
		require.NoErrorf(t, found.ParseFlags(rest), "%s: %q", c.CommandPath(), line)
		if found.Args != nil {
			require.NoErrorf(t, found.Args(found, found.Flags().Args()), "%s: %q", c.CommandPath(), line)
		}
	}
}

// split cuts a shell line into words; the examples use nothing but single quotes.
func split(line string) []string {
	var words []string
	var word strings.Builder
	quoted := false
	for _, r := range line + " " {
		switch {
		case r == '\'':
			quoted = !quoted
		case r == ' ' && !quoted:
			if word.Len() > 0 {
				words = append(words, word.String())
			}
			word.Reset()
		default:
			word.WriteRune(r)
		}
	}
	return words
}

func TestOneFlagNameMeansOneThing(t *testing.T) {
	t.Parallel()
	r, _ := newRun(t)
	types := map[string]string{}
	shorts := map[string]string{}
	walk(root.New(r.Factory, r.operations), func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if old, ok := types[f.Name]; ok {
				require.Equalf(t, old, f.Value.Type(), "--%s of %s", f.Name, c.CommandPath())
			}
			types[f.Name] = f.Value.Type()
			if f.Shorthand != "" {
				if old, ok := shorts[f.Shorthand]; ok {
					require.Equalf(t, old, f.Name, "-%s of %s", f.Shorthand, c.CommandPath())
				}
				shorts[f.Shorthand] = f.Name
			}
		})
	})
}

func TestExitCodesAndStreams(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args    string
		code    int
		out     string
		err     string
		touched bool
	}{
		"help is asked for":               {"--help", 0, "Usage:", "", false},
		"nothing is asked for":            {"", 0, "Usage:", "", false},
		"an unknown command":              {"deplyo", 2, "", "next:  emrflink deploy", false},
		"an unknown subcommand":           {"local statsu", 2, "", "next:  emrflink local status", false},
		"another tool's word":             {"destroy", 2, "", "next:  emrflink cleanup", false},
		"and with its flags":              {"destroy --yes --target=x", 2, "", "next:  emrflink cleanup", false},
		"a value is no command":           {"--stack apply plan", 2, "", "next:  emrflink preview", false},
		"up":                              {"up -y", 2, "", "next:  emrflink deploy", false},
		"logs":                            {"logs basic -f", 2, "", "next:  emrflink job logs", false},
		"a command of a group":            {"inventory", 2, "", "next:  emrflink local inventory", false},
		"help does not hide a wrong word": {"deplyo --help", 2, "", "next:  emrflink deploy", false},
		"nor does a flag before it":       {"--yes deplyo", 2, "", "next:  emrflink deploy", false},
		"a topic that is none":            {"help deplyo", 2, "", "next:  emrflink deploy", false},
		"a topic below a command":         {"help deploy now", 2, "", `"emrflink deploy" has no command "now"`, false},
		"help for a command":              {"help local fault", 0, "emrflink local fault COMMAND", "", false},
		"a mistyped flag":                 {"deploy --stak x", 2, "", "did you mean --stack?", false},
		"a mistyped flag and a wrong word": {
			"local fault drfit --stak x", 2, "", "next:  emrflink local fault drift", false,
		},
		"a flag before its command":       {"--yes deploy", 2, "", "it belongs behind a command: cleanup, deploy", false},
		"a flag before everything":        {"--verbos", 2, "", "did you mean --verbose?", false},
		"an unknown flag":                 {"deploy --sure", 2, "", "unknown flag: --sure", false},
		"a colour mode that is none":      {"version --color maybe", 2, "", "must be one of auto, always, never", false},
		"a stack name that is none":       {"status --stack a/b", 2, "", `stack name "a/b"`, false},
		"an argument too many":            {"status now", 2, "", `takes no argument, got "now"`, false},
		"an argument too few":             {"sample-job run", 2, "", "needs the name of a sample", false},
		"a sample that is none":           {"sample-job run basik", 2, "", "next:  emrflink sample-job list", false},
		"a shell that is none":            {"completion tcsh", 2, "", "want one of bash", false},
		"cleanup --yes without its stack": {"cleanup --yes", 2, "", "explicit --stack NAME", false},
		"deploy without a terminal":       {"deploy", 2, "", "pass --yes", false},
		"cleanup without a terminal":      {"cleanup", 2, "", "pass --stack local --yes", false},
		"kubeconfig printed into a file":  {"kubeconfig --print --file x", 2, "", "leave out --file", false},
		"a token without a cluster":       {"eks-token", 2, "", "needs --cluster", false},
		"exit codes are a topic":          {"help exit-codes", 0, "  130  interrupted", "", false},
		"the environment is a topic":      {"help environment", 0, "EMRFLINK_HOME", "", false},
		"the version as a flag":           {"--version", 0, "emrflink v1.2.3 (", "", false},
		"the version":                     {"version", 0, "emrflink v1.2.3 (", "", false},
		"a failed operation":              {"preview", 1, "", "cause: touched stack", true},
		"pulumi keeps its own exit code":  {"pulumi up --bogus", 3, "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, touched := newRun(t)
			code := root.Execute(t.Context(), r.Factory, r.operations, strings.Fields(c.args))
			require.Equal(t, c.code, code, r.Err.String())
			require.Contains(t, r.Out.String(), c.out)
			require.Contains(t, r.Err.String(), c.err)
			if c.out == "" {
				require.Empty(t, r.Out.String())
			}
			if c.err == "" {
				require.Empty(t, r.Err.String())
			}
			require.Equal(t, c.touched, len(*touched) > 0)
		})
	}
}

func TestCompletionOffersWhatThereIs(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"status --stack |":         "dev\nlocal\n:4\n",
		"outputs |":                "clusterName\n:4\n",
		"outputs clusterName |":    ":4\n",
		"sample-job status |":      "orders\n:4\n",
		"sample-job delete |":      "orders\n:4\n",
		"sample-job run |":         "basic\tState machine\n:4\n",
		"deploy --skip-checks |":   "quota-vpc\n:4\n",
		"outputs --stack a/b |":    ":4\n",
		"config validate |":        "yaml\nyml\n:8\n",
		"help local |":             "",
		"local fault list -o |":    "text\njson\n:4\n",
		"--color |":                "auto\nalways\nnever\n:4\n",
		"completion |":             "bash\nzsh\nfish\npowershell\n:4\n",
		"init --target |":          "local\naws\n:4\n",
		"preview --output |":       "text\njson\nmarkdown\nhtml\n:4\n",
		"sample-job run basic |":   ":4\n",
		"sample-job delete mine |": ":4\n",
	} {
		r, touched := newRun(t)
		names := func(list ...string) func() []string { return func() []string { return list } }
		asked := func(name string) func(context.Context) []string {
			return func(context.Context) []string { return []string{name} }
		}
		r.Factory.Complete = cmdutil.Complete{
			Stacks: names("dev", "local"), Checks: names("quota-vpc"), Outputs: asked("clusterName"), Jobs: asked("orders"),
		}
		args := append([]string{"__complete"}, strings.Fields(strings.TrimSuffix(line, "|"))...)
		require.Zero(t, root.Execute(t.Context(), r.Factory, r.operations, append(args, "")), line)
		if want != "" {
			require.Equal(t, want, r.Out.String(), line)
		}
		require.Empty(t, *touched, line)
	}
}

func TestUnderJSONAnErrorIsOneObjectOnStderr(t *testing.T) {
	t.Parallel()
	for name, args := range map[string]string{
		"the operation failed":                "preview --output json",
		"the flags are wrong after --output":  "preview --output json --bogus",
		"the flags are wrong before --output": "preview --bogus -o json",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := newRun(t)
			code := root.Execute(t.Context(), r.Factory, r.operations, strings.Fields(args))
			var doc struct {
				SchemaVersion int
				Error         string
				Cause         string
				Next          []string
				Code          string
				ExitCode      int
				Problems      []string
				Log           string
			}
			dec := json.NewDecoder(r.Err)
			dec.DisallowUnknownFields()
			require.NoError(t, dec.Decode(&doc))
			require.False(t, dec.More(), "one object only")
			require.Equal(t, 1, doc.SchemaVersion)
			require.Equal(t, code, doc.ExitCode)
			require.NotEmpty(t, doc.Error)
			require.NotNil(t, doc.Next)
			require.NotNil(t, doc.Problems)
			require.Empty(t, r.Out.String())
		})
	}
}

func TestAPanicIsABugReport(t *testing.T) {
	t.Parallel()
	r, _ := newRun(t)
	r.Factory.Reference.Samples = func() sample.List { panic("boom") }
	code := root.Execute(t.Context(), r.Factory, r.operations, []string{"sample-job", "list", "--output=text"})
	require.Equal(t, 70, code)
	for _, s := range []string{"bug: ", "panic:    boom", "command:  emrflink sample-job list --output\n",
		"version:  v1.2.3 (go", "root_test.go"} {
		require.Contains(t, r.Err.String(), s)
	}
}

func TestAFlagGoesBeforeItsVariable(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ args, env, want string }{
		"the default":               {"cleanup --dry-run", "", "local"},
		"the variable":              {"cleanup --dry-run", "prod", "prod"},
		"the flag wins":             {"cleanup --dry-run --stack dev", "prod", "dev"},
		"the variable is no --yes!": {"cleanup --yes", "prod", "prod"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := newRun(t)
			r.Factory.IO.SetEnv(func(k string) string { return map[string]string{"EMRFLINK_STACK": c.env}[k] })
			code := root.Execute(t.Context(), r.Factory, r.operations, strings.Fields(c.args))
			require.Equal(t, c.want, r.Factory.Globals.Stack)
			if strings.Contains(c.args, "--yes") {
				require.Equal(t, 2, code)
			}
		})
	}
}

// TestASignalDecidesTheExitCode is not parallel: signals are the process's.
func TestASignalDecidesTheExitCode(t *testing.T) {
	for name, c := range map[string]struct {
		signal syscall.Signal
		code   int
		says   string
	}{
		"Ctrl-C":  {syscall.SIGINT, 130, "cause: interrupted"},
		"SIGTERM": {syscall.SIGTERM, 143, "cause: terminated"},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := newRun(t)
			ctx, interrupt, stop := cmdutil.WithSignals(t.Context(), r.Factory.IO)
			defer stop()
			defer signal.Reset(c.signal)
			r.Factory.Interrupt = interrupt
			r.operations.Preview.OpenStack = func(ctx context.Context) (preview.Stack, error) {
				interrupt.Say("stopping the preview; go on with: emrflink preview")
				if err := syscall.Kill(syscall.Getpid(), c.signal); err != nil {
					return nil, err
				}
				select {
				case <-ctx.Done():
					return nil, ctx.Err()
				case <-time.After(10 * time.Second):
					return nil, errors.New("no signal came")
				}
			}
			require.Equal(t, c.code, root.Execute(ctx, r.Factory, r.operations, []string{"preview"}))
			require.Contains(t, r.Err.String(), "stopping the preview; go on with: emrflink preview\n")
			require.Contains(t, r.Err.String(), c.says)
		})
	}
}
