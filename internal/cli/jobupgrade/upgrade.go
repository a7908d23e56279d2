// SPDX-License-Identifier: Apache-2.0

package jobupgrade

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/job"
	"emrflink/internal/cli/jobstate"
	"emrflink/internal/flinkjob"
	"emrflink/internal/jobfile"
)

// NewUpgradeCmd returns the command that changes what a job runs.
func NewUpgradeCmd(f *cmdutil.Factory, open jobstate.Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	cmd := ofOneJob(f, opts, 0, runF, upgrade, &cobra.Command{
		Use:   "upgrade JOB [flags]",
		Short: "Change the jar, release or settings of a job, with its state",
		Long: `Change what a running job is: its whole file (-f), its jar, image, release, parallelism, or single fields (--set).
The state is kept: the operator's own ways of losing it are not gone.` + safety + codes,
		Example: `  emrflink job upgrade my-job --parallelism 4 --dry-run
  emrflink job upgrade my-job -f my-job.yaml --yes --rollback
  emrflink job upgrade my-job --jar target/my-job.jar --set spec.job.entryClass=org.example.Job`,
	})
	fl := cmd.Flags()
	fl.StringVarP(&opts.File, "file", "f", "", "job file with the new spec; - is standard input (default: the spec that it has)")
	fl.StringVar(&opts.Jar, "jar", "", "jar of this machine to upload for the job")
	fl.StringVar(&opts.Image, "image", "", "container image")
	fl.StringVar(&opts.Release, "release", "", "EMR release label, such as emr-7.13.0-flink-latest")
	fl.IntVar(&opts.Parallelism, "parallelism", 0, "task slots that the job uses")
	fl.StringArrayVar(&opts.Set, "set", nil, "`PATH=VALUE` to change, such as spec.job.args=[a,b]; can be repeated")
	bindSafety(cmd, opts)
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if cmd.Flags().Changed("parallelism") && opts.Parallelism < 1 {
			return cmdutil.Usagef("--parallelism must be 1 or more")
		}
		if opts.File == "" && opts.Jar == "" && len(opts.assignments()) == 0 {
			return cmdutil.Usagef("the command needs what is to change: --file, --jar, --image, --release, --parallelism, --set")
		}
		return nil
	}
	return cmd
}

// assignments are the changes of single fields.
func (o *Options) assignments() []string {
	var out []string
	for field, value := range map[string]string{"spec.image": o.Image, "spec.emrReleaseLabel": o.Release} {
		if value != "" {
			out = append(out, field+"="+value)
		}
	}
	if o.Parallelism > 0 {
		out = append(out, fmt.Sprintf("spec.job.parallelism=%d", o.Parallelism))
	}
	return append(out, o.Set...)
}

func upgrade(ctx context.Context, opts *Options) error {
	what := fmt.Sprintf("upgrade job %q", opts.Job)
	return with(ctx, opts, what, func(s jobstate.Stack, store flinkjob.Store) error {
		u, err := opts.wanted(ctx, what, s, store)
		if err != nil {
			return err
		}
		return carryOut(ctx, opts, s, store, u)
	})
}

// wanted is the new spec: that of the file or the job's own, with the changes of the flags.
func (o *Options) wanted(ctx context.Context, what string, s jobstate.Stack, store flinkjob.Store) (flinkjob.Upgrade, error) {
	u := flinkjob.Upgrade{From: o.From, Discard: o.Discard, Rollback: o.Rollback}
	live, err := store.Running.Runner.Kube.Get(ctx, store.Running.Ref)
	if err != nil {
		return u, err
	}
	var now jobfile.File
	if now.Name, now.Text, err = asFile(live); err != nil {
		return u, err
	}
	file := now
	if o.File != "" {
		file.Name = o.File
		file.Text, err = job.Read(o.IO, o.File)
	}
	if err == nil && len(o.assignments()) > 0 {
		file, err = jobfile.Set(file, o.assignments()...)
	}
	if err != nil {
		return u, usage(err)
	}
	if o.Jar != "" {
		name := strings.TrimSuffix(filepath.Base(o.Jar), filepath.Ext(o.Jar))
		if u.Jar, err = flinkjob.NewJar(o.Jar, name, store.Team.JarsURI); err != nil {
			return u, &cmdutil.Error{What: what, Cause: err, Exit: cmdutil.ExitNotFound, ID: "job.jar"}
		}
		if file, err = jobfile.WithJar(file, u.Jar.URI); err != nil {
			return u, usage(err)
		}
	}
	filled, err := jobfile.Fill(file, job.Values(s.Info().Region, store.Team))
	if err != nil {
		return u, usage(err)
	}
	if err := broken(what, file.Name, filled.Left, jobfile.Check(now)); err != nil {
		return u, err
	}
	for _, values := range jobfile.Objects(jobfile.File{Name: file.Name, Text: filled.Text}) {
		object := &unstructured.Unstructured{Object: values}
		if object.GetKind() == store.Running.Ref.Kind.Kind && object.GetName() == store.Running.Ref.Name {
			u.Spec, err = store.Running.SpecAsApplied(ctx, object, o.File != "")
			return u, err
		}
	}
	return u, cmdutil.Usagef("%s has no %s %q", file.Name, store.Running.Ref.Kind.Kind, store.Running.Ref.Name)
}

func usage(err error) error {
	var e *cmdutil.Error
	if errors.As(err, &e) {
		return err
	}
	return &cmdutil.UsageError{Err: err}
}

// broken are the errors of the new spec, as `job validate` finds them, that the spec of the running job has not.
func broken(what, file string, r, now jobfile.Result) error {
	known := map[string]bool{}
	for _, p := range now.Problems {
		known[p.Path+": "+p.Message] = true
	}
	var texts []string
	for _, p := range r.Problems {
		if text := p.Path + ": " + p.Message; p.Severity == "error" && !known[text] {
			texts = append(texts, text)
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return &cmdutil.Error{
		What: what, Cause: fmt.Errorf("%s in the new spec, and nothing was changed: %s",
			cmdutil.Count(len(texts), "error", "errors"), strings.Join(texts, "; ")),
		Next: cmdutil.Command("job", "validate", file), Exit: cmdutil.ExitUsage, ID: "job.file",
	}
}

// asFile writes the job that runs as its file would be.
func asFile(o *unstructured.Unstructured) (name string, text []byte, err error) {
	text, err = yaml.Marshal(map[string]any{
		"apiVersion": o.GetAPIVersion(), "kind": o.GetKind(), "spec": o.Object["spec"],
		"metadata": map[string]any{"name": o.GetName(), "namespace": o.GetNamespace()},
	})
	return o.GetName() + ".yaml", text, err
}
