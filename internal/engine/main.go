// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"io"
	"log"
	"os"
	"strings"
	"time"

	"github.com/pulumi/pulumi/pkg/v3/backend"
	cmdbackend "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi/backend"
	"github.com/pulumi/pulumi/pkg/v3/cmd/pulumi/cancel"
	pulumicmd "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi/cmd"
	"github.com/pulumi/pulumi/pkg/v3/cmd/pulumi/config"
	"github.com/pulumi/pulumi/pkg/v3/cmd/pulumi/operations"
	"github.com/pulumi/pulumi/pkg/v3/cmd/pulumi/plugin"
	"github.com/pulumi/pulumi/pkg/v3/cmd/pulumi/stack"
	"github.com/pulumi/pulumi/pkg/v3/cmd/pulumi/state"
	pulumiversion "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi/version"
	"github.com/pulumi/pulumi/pkg/v3/workspace"
	"github.com/pulumi/pulumi/sdk/v3"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/cmdutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/logging"
	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
	"github.com/spf13/cobra"

	"emrflink/internal/engine/save"
)

// childEnv marks a process that an Engine started: everything else is in its environment already.
const childEnv = "EMRFLINK_ENGINE_CHILD"

// IsChild tells whether an Engine started this process.
func IsChild() bool { return os.Getenv(childEnv) != "" }

// Main runs one of Pulumi's own subcommands with args (everything after `emrflink pulumi`) and returns its exit code.
//
// It serves two callers: the Engine, which re-executes this binary for each operation, and a person who needs the
// escape hatch (`stack export`, `state`, `import`, `cancel`). For the latter the state directory, the passphrase and
// the working directory are filled in as the Engine would, unless the environment names others.
func Main(args []string) int {
	if IsChild() {
		stopWhenAsked()
	} else if err := prepareDirectUse(args); err != nil {
		_, _ = io.WriteString(os.Stderr, "error: "+err.Error()+"\n")
		return 2
	}
	if version.Version == "" {
		version.Version = "v" + sdk.Version.String()
	}
	cmdbackend.DefaultLoginManager = save.Logins(cmdbackend.DefaultLoginManager, openPlace, os.Stdout)
	root := newRoot()
	root.SetArgs(args)
	if err := root.ExecuteContext(context.Background()); err != nil {
		pulumicmd.DisplayErrorMessage(root.Context(), err, root.ErrOrStderr())
		return pulumicmd.ExitCodeFor(err)
	}
	return 0
}

// rootFlags are Pulumi's persistent flags that are not bound to one of its globals.
type rootFlags struct {
	cwd, color           string
	verbose              int
	logToStderr, logFlow bool
}

// newRoot builds the counterpart of Pulumi's own root command, which lives in its package main.
func newRoot() *cobra.Command {
	var f rootFlags
	started := time.Now()
	root := &cobra.Command{
		Use:               "pulumi",
		Short:             "Pulumi's own commands on the state of this tool",
		Version:           version.Version,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return f.apply(cmd, started) },
	}
	p := root.PersistentFlags()
	p.StringVarP(&f.cwd, "cwd", "C", "", "Run as if started in another directory")
	p.StringVar(&f.color, "color", "auto", "Colorize output: always, never, raw, auto")
	p.IntVarP(&f.verbose, "verbose", "v", 0, "Verbose logging (e.g. 3); above 3 is very verbose")
	p.BoolVar(&f.logToStderr, "logtostderr", false, "Log to stderr instead of to files")
	p.BoolVar(&f.logFlow, "logflow", false, "Flow log settings to child processes (like plugins)")
	p.BoolVarP(&cmdutil.Emoji, "emoji", "e", false, "Enable emojis in the output")
	p.BoolVarP(&cmdutil.FullyQualifyStackNames, "fully-qualify-stack-names", "Q", false, "Show fully-qualified stack names")
	p.BoolVar(&backend.DisableIntegrityChecking, "disable-integrity-checking", false,
		"Disable integrity checking of checkpoint files")
	p.BoolVar(&cmdutil.DisableInteractive, "non-interactive", false, "Disable interactive mode for all commands")
	root.AddCommand(
		operations.NewPreviewCmd(), operations.NewUpCmd(), operations.NewDestroyCmd(), operations.NewRefreshCmd(),
		operations.NewImportCmd(), stack.NewStackCmd(), state.NewStateCmd(), config.NewConfigCmd(workspace.Instance),
		cancel.NewCancelCmd(workspace.Instance), plugin.NewPluginCmd(), pulumiversion.NewVersionCmd(), newCopiesCmd(),
		newLocksCmd(), newFetchCmd(),
	)
	return root
}

// apply does what Pulumi's root does before any subcommand, without its update check, tracing and telemetry.
func (f rootFlags) apply(cmd *cobra.Command, started time.Time) error {
	if c := cmd.Flag("color"); c != nil {
		if err := cmdutil.SetGlobalColorization(c.Value.String()); err != nil {
			return err
		}
	}
	if f.cwd != "" {
		if err := os.Chdir(f.cwd); err != nil {
			return err
		}
	}
	logging.InitLogging(f.logToStderr, f.verbose, f.logFlow)
	// The blob drivers of the state backends log through package log, which would end up on stderr.
	log.SetOutput(io.Discard)
	cmd.SetContext(cmdutil.ContextWithProcessStartTime(cmd.Context(), started))
	return nil
}

// stackFlag returns the value of --stack or -s in args, "" when there is none.
func stackFlag(args []string) string {
	for i, a := range args {
		switch {
		case (a == "--stack" || a == "-s") && i+1 < len(args):
			return args[i+1]
		case strings.HasPrefix(a, "--stack="):
			return strings.TrimPrefix(a, "--stack=")
		}
	}
	return ""
}
