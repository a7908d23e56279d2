// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"emrflink/internal/chaos"
)

// The two stacks of a life, and its job.
const (
	first, second = "local", "second"
	counts        = "counting"
)

// life takes the job that counts through everything that can be done with a job, on one stack and then on another. After each
// step the job has to be healthy with no event lost or counted twice; at the end it is stopped, and every number that it has
// counted must be in the output of one of the two stacks.
type life struct {
	*table
	rows []string
}

// deed is one step of a life.
type deed struct {
	name  string
	words []string // of the command
	// before does what the command waits for; it says on what.
	before func(ctx context.Context) (string, error)
	stops  bool // the job does not run afterwards
}

func (l *life) deeds(otherJar string) []deed {
	of := func(words ...string) []string { return append([]string{"job"}, words...) }
	healthy := of("wait", counts, "--for", "checkpoint", "--timeout", "10m")
	node := func(role string) func(context.Context) (string, error) {
		return func(ctx context.Context) (string, error) { return l.takeNode(ctx, role) }
	}
	return []deed{
		{name: "run", words: []string{"sample-job", "run", counts}},
		{name: "savepoint", words: of("savepoint", counts)},
		{name: "upgrade of the jar", words: of("upgrade", counts, "--jar", otherJar, "--yes")},
		{name: "upgrade of the parallelism", words: of("upgrade", counts, "--parallelism", "3", "--yes")},
		{name: "rescale", words: of("rescale", counts, "--parallelism", "2")},
		{name: "change of the release", words: of("upgrade", counts, "--release", "emr-7.12.0-flink-latest", "--yes")},
		{name: "suspend", words: of("suspend", counts), stops: true},
		{name: "resume", words: of("resume", counts)},
		{name: "loss of a TaskManager's node", before: node("taskmanager"), words: healthy},
		{name: "loss of the JobManagers' node", before: node("jobmanager"), words: healthy},
		{name: "restore", words: of("state", "restore", counts, "--start")},
		{name: "suspend, to move it", words: of("suspend", counts), stops: true},
	}
}

// run makes all steps, and the table of them in the page.
func (l *life) run(ctx context.Context) error {
	jar := filepath.Join(l.home, "counting-other.jar")
	if err := otherBytes(filepath.Join(l.bin, "samples", counts+".jar"), jar); err != nil {
		return err
	}
	for _, d := range l.deeds(jar) {
		if err := l.step(ctx, d); err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
	}
	if err := l.move(ctx); err != nil {
		return fmt.Errorf("restore on a second stack: %w", err)
	}
	end, err := l.back(ctx)
	if err != nil {
		return fmt.Errorf("back on the first: %w", err)
	}
	rows := strings.Join(append([]string{"| step | took | events | what was done |", "|---|---:|---:|---|"}, l.rows...), "\n")
	return l.replace("<!-- life: written by make samples-life -->\n", "<!-- end of life -->\n", rows+"\n\n"+end+"\n")
}

func (l *life) step(ctx context.Context, d deed) error {
	began, what := time.Now(), "`emrflink "+strings.ReplaceAll(strings.Join(d.words, " "), l.home, "...")+"`"
	if d.before != nil {
		lost, err := d.before(ctx)
		if err != nil {
			return err
		}
		what = lost
	}
	if _, err := l.command(ctx, d.words...); err != nil {
		return err
	}
	took := time.Since(began).Round(time.Second)
	v, err := l.verified(ctx, first)
	if err == nil && v.Lost > 0 && !d.stops {
		// The files of a job that runs appear one after the other.
		time.Sleep(2 * time.Second)
		v, err = l.verified(ctx, first)
	}
	if err == nil && (v.Lost+v.Twice+v.Wrong > 0 || d.stops && v.Events != v.Last+1) {
		err = fmt.Errorf("%d events up to %d: %d lost, %d twice, %d wrong", v.Events, v.Last, v.Lost, v.Twice, v.Wrong)
	}
	if err != nil {
		return err
	}
	l.row(d.name, took, v.Events, what)
	return nil
}

func (l *life) row(name string, took time.Duration, events int64, what string) {
	row := fmt.Sprintf("| %s | %s | %d exact | %s |", name, took, events, what)
	fmt.Println(row)
	l.rows = append(l.rows, row)
}

// move lets the stopped job go on on the other stack, from a copy of its state, and stops it there. Its output goes with it: what
// the sink has to commit is in the state, and is looked for where the job writes now.
func (l *life) move(ctx context.Context) error {
	before, err := l.verified(ctx, first)
	if err != nil {
		return err
	}
	began := time.Now()
	file := filepath.Join(l.home, counts+".yaml")
	text, err := l.command(ctx, "sample-job", "render", counts, "--stack", second)
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	var said struct{ Path string }
	if err == nil {
		err = l.json(ctx, &said, "job", "state", "restore", counts, "--to", second)
	}
	if err == nil {
		err = l.copyOutput(ctx, before.Output, said.Path)
	}
	if err != nil {
		return err
	}
	for _, words := range [][]string{
		{"job", "run", "--file", file, "--jar", filepath.Join(l.bin, "samples", counts+".jar"), "--set",
			"spec.job.initialSavepointPath=" + said.Path},
		{"job", "wait", counts, "--for", "checkpoint"},
		{"job", "suspend", counts},
	} {
		if _, err := l.command(ctx, append(words, "--stack", second)...); err != nil {
			return err
		}
	}
	v, err := l.stopped(ctx, second, before.Events)
	if err != nil {
		return err
	}
	l.row("restore on a second stack", time.Since(began).Round(time.Second), v.Events, "`emrflink job state restore "+counts+
		" --to "+second+"`, a copy of the output, and the command that it prints; then `emrflink job suspend`")
	return nil
}

// back lets the job of the first stack go on from the state of the second one's, and stops it.
func (l *life) back(ctx context.Context) (string, error) {
	here, err := l.verified(ctx, first)
	if err != nil {
		return "", err
	}
	there, err := l.verified(ctx, second)
	if err == nil {
		err = l.copyOutput(ctx, there.Output, here.Output)
	}
	if err != nil {
		return "", err
	}
	began := time.Now()
	for _, words := range [][]string{
		{"job", "state", "restore", counts, "--stack", second, "--to", first, "--start"},
		{"job", "wait", counts, "--for", "checkpoint"},
		{"job", "suspend", counts},
	} {
		if _, err := l.command(ctx, words...); err != nil {
			return "", err
		}
	}
	v, err := l.stopped(ctx, first, there.Events)
	if err != nil {
		return "", err
	}
	l.row("and back on the first", time.Since(began).Round(time.Second), v.Events, "`emrflink job state restore "+counts+
		" --stack "+second+" --to "+first+" --start`, after a copy of the output; then `emrflink job suspend`")
	return fmt.Sprintf("At the end the job has counted %d events, from 0 to %d, each once: %d on the first stack, then %d on "+
		"the second, and %d on the first again.", v.Events, v.Last, here.Events, there.Events-here.Events,
		v.Events-there.Events), nil
}

// stopped counts what a job that is stopped has written on a stack: every number up to the last, and more than before.
func (l *life) stopped(ctx context.Context, stack string, before int64) (tally, error) {
	v, err := l.verified(ctx, stack)
	if err == nil && (v.Lost+v.Twice+v.Wrong > 0 || v.Events != v.Last+1 || v.Events <= before) {
		err = fmt.Errorf("%d events up to %d, after %d: %d lost, %d twice, %d wrong", v.Events, v.Last, before, v.Lost, v.Twice,
			v.Wrong)
	}
	return v, err
}

// copyOutput copies the files of a run into the bucket of another stack, under their names.
func (l *life) copyOutput(ctx context.Context, output, to string) error {
	from, folder, _ := strings.Cut(strings.TrimPrefix(output, "s3://"), "/")
	bucket, _, _ := strings.Cut(strings.TrimPrefix(to, "s3://"), "/")
	aws, err := chaos.LocalAWS(ctx, l.home)
	if err != nil {
		return err
	}
	all, err := aws.ListObjects(ctx, from, folder+"/")
	for _, o := range all {
		err = errors.Join(err, aws.CopyObject(ctx, from, o.Key, o.Size, bucket, o.Key))
	}
	return err
}

// tally is a part of the document of `sample-job verify`.
type tally struct {
	Output                           string
	Events, Last, Lost, Twice, Wrong int64
}

// verified counts what is written; verify fails when that is not exact, and says it all the same.
func (l *life) verified(ctx context.Context, stack string) (v tally, err error) {
	out, failed := l.command(ctx, "sample-job", "verify", counts, "--stack", stack, "--output", "json")
	if err := json.Unmarshal(out, &v); err != nil {
		return v, errors.Join(failed, err)
	}
	return v, nil
}

// takeNode terminates a node on which a role of the job runs, and waits until it is gone.
func (l *life) takeNode(ctx context.Context, role string) (string, error) {
	var now struct{ Pods []struct{ Role, Node string } }
	if err := l.json(ctx, &now, "job", "status", counts); err != nil {
		return "", err
	}
	i := slices.IndexFunc(now.Pods, func(p struct{ Role, Node string }) bool { return p.Role == role && p.Node != "" })
	if i < 0 {
		return "", fmt.Errorf("no %s runs", role)
	}
	node := now.Pods[i].Node
	_, err := l.command(ctx, "local", "fault", "set", "instance:Termination", "--match", node)
	for err == nil && slices.ContainsFunc(now.Pods, func(p struct{ Role, Node string }) bool { return p.Node == node }) {
		time.Sleep(time.Second)
		err = l.json(ctx, &now, "job", "status", counts)
	}
	return "its instance is terminated: `emrflink local fault set instance:Termination`", errors.Join(err, ctx.Err())
}

// otherBytes makes a jar that does the same and is another one.
func otherBytes(from, to string) (err error) {
	in, err := zip.OpenReader(from)
	if err != nil {
		return err
	}
	defer in.Close() // it is only read
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	w := zip.NewWriter(out)
	for _, f := range in.File {
		if err := w.Copy(f); err != nil {
			return err
		}
	}
	note, err := w.Create("META-INF/another")
	if err == nil {
		_, err = io.WriteString(note, "the same job in a jar with other bytes\n")
	}
	return errors.Join(err, w.Close())
}
