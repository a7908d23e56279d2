// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/flinkhome"
	"emrflink/internal/iostreams"
)

// FlinkOptions are the dependencies and the flags of the commands below `local flink`.
type FlinkOptions struct {
	IO *iostreams.IOStreams
	Operations

	Home   string
	Python bool
	Output cmdutil.Format
}

// NewFlinkCmd returns the command that fetches and removes the Flink of the local target.
func NewFlinkCmd(f *cmdutil.Factory, o Operations) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "flink COMMAND",
		Short: "Fetch the Flink that runs jobs on the local target",
		Long: `Fetch the Flink that runs jobs on the local target. With it, and with Java 11 or 17, each JobManager and
TaskManager is a Java process of this machine; without it, jobs are simulated. Nothing else of the local target needs
Java or Maven.

The memory that a job takes is about 400 MB for each of its processes.

Exit codes: 0 done; see the subcommands.`,
		Example: `  emrflink local flink install
  emrflink local flink status`,
	}
	return cmdutil.Group(cmd, NewFlinkInstallCmd(f, o, nil), NewFlinkStatusCmd(f, o, nil), NewFlinkRemoveCmd(f, o, nil))
}

func flinkRunner(opts *FlinkOptions, runF, run func(context.Context, *FlinkOptions) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		if runF != nil {
			return runF(cmd.Context(), opts)
		}
		return run(cmd.Context(), opts)
	}
}

// NewFlinkInstallCmd returns the command that fetches Flink.
func NewFlinkInstallCmd(f *cmdutil.Factory, o Operations, runF func(context.Context, *FlinkOptions) error) *cobra.Command {
	opts := &FlinkOptions{IO: f.IO, Operations: o}
	cmd := &cobra.Command{
		Use:   "install [flags]",
		Short: "Fetch Flink with Maven, or use a distribution",
		Long: `Fetch Flink ` + flinkhome.Version + ` with Maven from the repositories that Maven is set up for, and compare each
jar with a list of SHA-256 sums. The jars take ` + mb(flinkhome.FetchedBytes()) + ` in the state folder and as much again
in Maven's own repository. A fetch that was broken off goes on where it was. Once fetched, nothing asks the network.

--home uses an official distribution of Apache Flink ` + flinkhome.Line + ` instead, which stays where it is. The variable
` + flinkhome.EnvVar + ` does the same for single commands that start the local target.

--python makes an environment of Python 3.8 to 3.11 with ` + flinkhome.PyFlink + ` beside it, by pip: jobs in Python run,
too. It takes minutes and 0.8 GB, and Python versions of its own: other packages of a job go into an archive.

Cost: none.

Exit codes: 0 installed, also when it was before; 1 failed; 2 flags.`,
		Example: `  emrflink local flink install
  emrflink local flink install --python
  emrflink local flink install --home ~/flink-1.20.1`,
		Args: cmdutil.NoArgs,
		RunE: flinkRunner(opts, runF, flinkInstall),
	}
	cmd.Flags().StringVar(&opts.Home, "home", "", "use the Apache Flink distribution in this folder")
	cmd.Flags().BoolVar(&opts.Python, "python", false, "install PyFlink, too, for jobs in Python")
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

// flinkInstalled is the JSON document of the command.
type flinkInstalled struct {
	flinkhome.Status
	Changed bool `json:"changed"` // something was done
}

func flinkInstall(ctx context.Context, opts *FlinkOptions) error {
	homes, err := opts.Flink()
	if err != nil {
		return err
	}
	done := flinkInstalled{Changed: true}
	if opts.Home != "" {
		_, err = homes.Use(opts.Home)
	} else {
		done.Changed, err = fetch(ctx, opts, homes)
	}
	if err != nil {
		return err
	}
	if opts.Python {
		opts.IO.Say("installing " + flinkhome.PyFlink + " with pip takes minutes")
		changed, err := homes.InstallPython(ctx, flinkhome.Python(ctx))
		if err != nil {
			return err
		}
		done.Changed = done.Changed || changed
	}
	done.Status = homes.Examine(ctx, opts.IO.Getenv)
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, done)
	}
	what := "installed"
	if !done.Changed {
		what = "installed already"
	}
	_, err = fmt.Fprintf(opts.IO.Out, "Flink %s is %s\n%s\n", done.Home.Version, what, done.Status)
	return err
}

// fetch shows how far Maven is.
func fetch(ctx context.Context, opts *FlinkOptions, homes flinkhome.Homes) (changed bool, err error) {
	const phase = "flink"
	var progress *iostreams.Progress
	began := time.Now()
	_, changed, err = homes.Install(ctx, flinkhome.Maven(ctx), func(p flinkhome.Progress) {
		if progress == nil {
			opts.IO.Say(fmt.Sprintf("fetching Flink %s with Maven: %s, %s", flinkhome.Version,
				cmdutil.Count(p.Of, "jar", "jars"), mb(flinkhome.FetchedBytes())))
			progress = opts.IO.NewProgress(iostreams.Phase{Name: phase})
			progress.Start(phase)
		}
		progress.Detail(phase, howFar(p, time.Since(began)))
	})
	if progress == nil {
		return changed, err
	}
	if err == nil {
		progress.Done(phase)
	} else {
		progress.Fail(phase)
	}
	progress.Stop()
	return changed, err
}

// howFar says how much is fetched, and how long the rest takes at the same pace.
func howFar(p flinkhome.Progress, took time.Duration) string {
	all := flinkhome.FetchedBytes()
	text := fmt.Sprintf("%s, %d of %d jars, %d of %s", p.Doing, p.Jars, p.Of, p.Bytes/1e6, mb(all))
	if p.Bytes > 0 && p.Bytes < all {
		left := time.Duration(float64(took) * float64(all-p.Bytes) / float64(p.Bytes))
		text += fmt.Sprintf(", about %s left", left.Round(time.Second))
	}
	return text
}

func mb(bytes int64) string { return fmt.Sprintf("%d MB", bytes/1e6) }

// NewFlinkStatusCmd returns the command that shows the installed Flink.
func NewFlinkStatusCmd(f *cmdutil.Factory, o Operations, runF func(context.Context, *FlinkOptions) error) *cobra.Command {
	opts := &FlinkOptions{IO: f.IO, Operations: o}
	cmd := &cobra.Command{
		Use:   "status [flags]",
		Short: "Show which Flink runs jobs on the local target",
		Long: `Show which Flink runs jobs on the local target, or why jobs are simulated there, and the Java and Maven of
this machine. Nothing is started and nothing is fetched.

Cost: none.

Exit codes: 0 shown, also when there is none; 1 failed; 2 flags.`,
		Example: `  emrflink local flink status
  emrflink local flink status --output json`,
		Args: cmdutil.NoArgs,
		RunE: flinkRunner(opts, runF, flinkStatus),
	}
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

func flinkStatus(ctx context.Context, opts *FlinkOptions) error {
	homes, err := opts.Flink()
	if err != nil {
		return err
	}
	s := homes.Examine(ctx, opts.IO.Getenv)
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, s)
	}
	w := opts.IO.Out
	_, _ = fmt.Fprintln(w, s)
	if s.Bytes > 0 {
		_, _ = fmt.Fprintf(w, "fetched: %s\n", mb(s.Bytes))
	}
	_, _ = fmt.Fprintf(w, "java:    %s\nmaven:   %s\n", program(s.Java), program(s.Maven))
	if s.Next != "" {
		_, _ = fmt.Fprintf(w, "next:    %s\n", s.Next)
	}
	return nil
}

func program(p flinkhome.Program) string {
	if p.Problem != "" {
		return p.Problem
	}
	return p.Version + " (" + p.Path + ")"
}

// NewFlinkRemoveCmd returns the command that removes the fetched Flink.
func NewFlinkRemoveCmd(f *cmdutil.Factory, o Operations, runF func(context.Context, *FlinkOptions) error) *cobra.Command {
	opts := &FlinkOptions{IO: f.IO, Operations: o}
	cmd := &cobra.Command{
		Use:   "remove [flags]",
		Short: "Remove the Flink that was fetched",
		Long: `Remove the Flink that was fetched, and forget a distribution that was given with --home, whose folder stays.
Maven's own repository stays too. Processes of jobs that run go on until they end; jobs are simulated from then on.

Cost: none.

Exit codes: 0 removed, also when there was none; 1 failed; 2 flags.`,
		Example: `  emrflink local flink remove`,
		Args:    cmdutil.NoArgs,
		RunE:    flinkRunner(opts, runF, flinkRemove),
	}
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

// flinkRemoved is the JSON document of the command.
type flinkRemoved struct {
	SchemaVersion int   `json:"schemaVersion"`
	FreedBytes    int64 `json:"freedBytes"`
}

func flinkRemove(_ context.Context, opts *FlinkOptions) error {
	homes, err := opts.Flink()
	if err != nil {
		return err
	}
	freed, err := homes.Remove()
	if err != nil {
		return fmt.Errorf("remove Flink: %w", err)
	}
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, flinkRemoved{SchemaVersion: cmdutil.SchemaVersion, FreedBytes: freed})
	}
	if freed == 0 {
		_, err = fmt.Fprintln(opts.IO.Out, "no Flink was installed")
		return err
	}
	_, err = fmt.Fprintf(opts.IO.Out, "Flink is removed: %s are free now\n", mb(freed))
	return err
}
