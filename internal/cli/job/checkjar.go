// SPDX-License-Identifier: Apache-2.0

package job

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
	"emrflink/internal/jarcheck"
)

// Fetch reads the jar at a URI that a job file can have: s3:// with the stack's credentials, local:// of the Flink that is
// installed for the local target.
type Fetch func(ctx context.Context, uri string) ([]byte, error)

// JarOptions are the dependencies and the flags of `job check-jar`.
type JarOptions struct {
	IO    *iostreams.IOStreams
	Fetch Fetch

	Jar, SQL, EntryClass, Release string
	Strict                        bool
	Output                        cmdutil.Format
}

// NewCheckJarCmd returns the command that checks the jar of a job.
func NewCheckJarCmd(f *cmdutil.Factory, fetch Fetch, runF func(context.Context, *JarOptions) error) *cobra.Command {
	opts := &JarOptions{IO: f.IO, Fetch: fetch}
	cmd := &cobra.Command{
		Use:   "check-jar JAR|URI [flags]",
		Short: "Say what will not work with the jar of a job",
		Long: `Say what will not work with the jar of a Flink job on EMR, before it is uploaded. Nothing of it is run: the entries
of the jar and its class files are read.

Checked are: the Java, Flink and Scala that it was built for; classes of Flink that the image has already, and those
that are missing; the lists in META-INF/services by which SQL finds connectors and formats, which are often lost when
jars are merged; with --sql whether the connectors, formats and catalogs of a SQL file are there; Kafka's login at MSK,
Iceberg and Parquet without Hadoop, two bindings of SLF4J; the main class; and how long each start fetches the jar.

JAR is a file; s3://BUCKET/KEY is read with the credentials of the stack, local:///opt/flink/... from the Flink of
"local flink install". What the image of an EMR release has is known from its documentation and from one class path;
what is not known is named.

Cost: none for a file; a request of S3 for an object.

Exit codes: 0 no error (with --strict: and no warning); 1 failed; 2 errors found, no jar, or flags; 3 credentials; 4 no
such file.`,
		Example: `  emrflink job check-jar target/my-job.jar
  emrflink job check-jar target/sql-runner.jar --sql queries.sql
  emrflink job check-jar s3://my-bucket/flink-team-a/my-job.jar --stack dev --output json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cmdutil.ExactArgs("a jar")(cmd, args); err != nil {
				return err
			}
			opts.Jar = args[0]
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return checkJar(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.SQL, "sql", "", "`file` with the SQL that the jar is to run")
	cmd.Flags().StringVar(&opts.EntryClass, "entry-class", "", "class that the job starts (default: that of the jar's manifest)")
	bindRelease(cmd, &opts.Release)
	bindStrict(cmd, &opts.Strict)
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

func checkJar(ctx context.Context, opts *JarOptions) error {
	release, err := jarcheck.Release(opts.Release)
	if err != nil {
		return &cmdutil.UsageError{Err: err}
	}
	o := jarcheck.Options{Release: release, EntryClass: opts.EntryClass, SQLName: opts.SQL}
	if opts.SQL != "" {
		text, err := Read(opts.IO, opts.SQL)
		if err != nil {
			return err
		}
		o.SQL = string(text)
	}
	at, size, done, err := opts.open(ctx)
	if err != nil {
		return err
	}
	defer done() // it was only read
	result, err := jarcheck.Check(opts.Jar, at, size, o)
	if err != nil {
		return &cmdutil.Error{What: "check the jar", Cause: err, Exit: cmdutil.ExitUsage, ID: "job.jar"}
	}
	if opts.Output == cmdutil.JSON {
		err = cmdutil.WriteJSON(opts.IO.Out, result)
	} else {
		err = opts.tell(result)
	}
	if err == nil && (result.Errors > 0 || opts.Strict && result.Warnings > 0) {
		return cmdutil.ExitStatus(cmdutil.ExitUsage)
	}
	return err
}

// open gives the bytes of the jar, wherever it is.
func (o *JarOptions) open(ctx context.Context) (at io.ReaderAt, size int64, done func(), err error) {
	if strings.Contains(o.Jar, "://") {
		raw, err := o.Fetch(ctx, o.Jar)
		if err != nil {
			return nil, 0, nil, fmt.Errorf("check %s: %w", o.Jar, err)
		}
		return bytes.NewReader(raw), int64(len(raw)), func() {}, nil
	}
	file, err := os.Open(o.Jar)
	if err != nil {
		return nil, 0, nil, fileError(o.Jar, err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no file")
	}
	if err != nil {
		return nil, 0, nil, errors.Join(fileError(o.Jar, err), file.Close())
	}
	return file, info.Size(), func() { _ = file.Close() }, nil
}

func (o *JarOptions) tell(r jarcheck.Result) error {
	var b strings.Builder
	p := o.IO.OutPalette()
	for _, problem := range r.Problems {
		where := r.Jar
		switch {
		case problem.Code == "connector": // of the SQL
			where = problem.Entry
		case problem.Entry != "":
			where += "!" + problem.Entry
		}
		tellProblem(&b, p, where, string(problem.Severity), problem.Message, problem.Code, "", problem.Effect, problem.Mend)
	}
	if len(r.Problems) > 0 {
		fmt.Fprintln(&b)
	}
	fmt.Fprintf(&b, "%s: %d classes", r.Jar, r.Classes)
	for _, of := range []struct{ name, value string }{
		{"Java", fmt.Sprint(r.Java)}, {"Flink", r.Flink}, {"main class", r.MainClass},
		{"brings", strings.Join(r.Factories, ", ")},
	} {
		if of.value != "" && of.value != "0" {
			fmt.Fprintf(&b, ", %s %s", of.name, of.value)
		}
	}
	fmt.Fprintf(&b, "; for EMR %s: %s, %s, %s.\n", r.Image.Release, cmdutil.Count(r.Errors, "error", "errors"),
		cmdutil.Count(r.Warnings, "warning", "warnings"), cmdutil.Count(r.Notes, "note", "notes"))
	if len(r.NotChecked) > 0 {
		fmt.Fprintf(&b, "Not known: %s.\n", strings.Join(r.NotChecked, "; "))
	}
	if _, err := io.WriteString(o.IO.Out, b.String()); err != nil {
		return fmt.Errorf("write the problems: %w", err)
	}
	return nil
}
