// SPDX-License-Identifier: Apache-2.0

// Command sampletable takes each sample job through its life on the local target, in real Flink: it is validated, run until its
// first checkpoint, saved, rescaled from its state, compared with what it must have written, and deleted. It writes the table of
// what each step took, or why it failed, into docs/samples.md. With -life, one job is taken through everything that can be done
// with a job, and to a second stack, and its count verified after each step. With -new, the folders of `job init` are built,
// tested and run as they are; with -files, the job files that people wrote are mended and run. It needs Java, Maven, the jars of
// make samples and, for the sample kafka, the broker of make kafka.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"emrflink/internal/program"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	t := table{}
	var only string
	flag.StringVar(&t.bin, "bin", "bin", "folder of the programs and the samples' jars")
	flag.StringVar(&t.page, "page", "docs/samples.md", "page with the table")
	flag.StringVar(&t.brokers, "brokers", "127.0.0.1:9092", "the broker for the sample kafka")
	flag.StringVar(&t.home, "home", "", "state folder to use and to leave, such as one with PyFlink (default: a temporary one)")
	flag.BoolVar(&t.life, "life", false, "take the job that counts through a life instead")
	flag.BoolVar(&t.new, "new", false, "make new jobs, in all languages or those of -only, and run them")
	flag.BoolVar(&t.files, "files", false, "mend the job files of internal/jobfile/testdata/cases and run them")
	flag.StringVar(&only, "only", "", "samples, with commas between them; the rows of others stay")
	flag.Parse()
	t.only = strings.FieldsFunc(only, func(r rune) bool { return r == ',' })
	if err := t.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// steps are the columns, in their order.
var steps = []string{"validate", "check-jar", "run", "savepoint", "upgrade", "verify", "delete"}

// table makes the rows.
type table struct {
	bin, page, brokers string
	only               []string
	life, new, files   bool
	home               string // state folder of the commands
}

// sampleJob is what the tool knows of a sample: settings of the local target, and what of it is no part of the steps.
type sampleJob struct {
	name     string
	settings []string
	// job is the one that is saved and upgraded: a session cluster has none of its own.
	job      string
	verified bool
	// without says why no step after check-jar is made.
	without string
}

func (t *table) samples(ctx context.Context) ([]sampleJob, error) {
	var list struct{ Samples []struct{ Name string } }
	if err := t.json(ctx, &list, "sample-job", "list"); err != nil {
		return nil, err
	}
	var all []sampleJob
	for _, s := range list.Samples {
		j := sampleJob{name: s.Name, job: s.Name, verified: slices.Contains([]string{"counting", "kafka", "s3"}, s.Name)}
		switch s.Name {
		case "kafka":
			j.settings = []string{"--set", "brokers=" + t.brokers, "--set", "iam=false"}
			if c, err := net.DialTimeout("tcp", t.brokers, time.Second); err != nil {
				j.without = "no broker: make kafka"
			} else if err := c.Close(); err != nil {
				return nil, err
			}
		case "pyflink":
			if python, err := t.hasPython(ctx); err != nil {
				return nil, err
			} else if !python {
				j.without = "no PyFlink: -home with one"
			}
		case "session":
			j.job = s.Name + "-even"
		case "kinesis", "iceberg":
			j.without = "not on the local target"
		}
		all = append(all, j)
	}
	return all, nil
}

func (t *table) run(ctx context.Context) (err error) {
	bin, err := filepath.Abs(t.bin)
	if err != nil {
		return err
	}
	t.bin = bin
	temporary := t.home == ""
	if temporary {
		if t.home, err = os.MkdirTemp("", "sampletable"); err != nil {
			return err
		}
	}
	defer func() {
		_, stopped := t.command(context.WithoutCancel(ctx), "local", "stop")
		if err = errors.Join(err, stopped); temporary {
			err = errors.Join(err, os.RemoveAll(t.home))
		}
	}()
	for _, words := range [][]string{{"local", "flink", "install"}, {"deploy", "--yes"}} {
		if _, err := t.command(ctx, words...); err != nil {
			return err
		}
	}
	switch {
	case t.life:
		return t.lifeOf(ctx)
	case t.new:
		return t.newJobs(ctx)
	case t.files:
		return t.caseFiles(ctx)
	}
	return t.allSamples(ctx)
}

// allSamples makes the rows of all samples, or of those that were chosen.
func (t *table) allSamples(ctx context.Context) error {
	all, err := t.samples(ctx)
	if err != nil {
		return err
	}
	for _, s := range all {
		if len(t.only) > 0 && !slices.Contains(t.only, s.name) {
			continue
		}
		row := t.row(ctx, s)
		fmt.Println(row)
		if err := t.write(s.name, row); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// lifeOf makes a second stack beside the first, and takes the job through its life.
func (t *table) lifeOf(ctx context.Context) error {
	settings := "config:\n  emrflink:target: local\n  emrflink:name: " + second + "\n"
	if err := os.WriteFile(filepath.Join(t.home, "Pulumi."+second+".yaml"), []byte(settings), 0o600); err != nil {
		return err
	}
	if _, err := t.command(ctx, "deploy", "--yes", "--stack", second); err != nil {
		return err
	}
	return (&life{table: t}).run(ctx)
}

// row makes all steps of a sample. After one that failed, only the deletion is made.
func (t *table) row(ctx context.Context, s sampleJob) string {
	cells := []string{fmt.Sprintf("[`%s`](../examples/jobs/%s/README.md)", s.name, s.name)}
	ended := ""
	for _, step := range steps {
		if s.without != "" && step == "run" {
			ended = s.without
		}
		words := t.words(s, step)
		if words == nil || ended != "" && step != "delete" || s.without != "" && step == "delete" {
			cells = append(cells, "-")
			if s.without != "" && step == "run" {
				cells[len(cells)-1] = ended
			}
			continue
		}
		cell, err := t.cell(ctx, s, step, words)
		if err != nil {
			fmt.Fprintln(os.Stderr, s.name, step, err)
			cell, ended = "failed", "failed"
		}
		cells = append(cells, cell)
	}
	return "| " + strings.Join(cells, " | ") + " |"
}

// cell makes one step and says what it took or found.
func (t *table) cell(ctx context.Context, s sampleJob, step string, words []string) (string, error) {
	began := time.Now()
	out, err := t.command(ctx, words...)
	switch step {
	case "validate", "check-jar":
		return "yes", err
	case "verify":
		for s.name == "s3" && err != nil && time.Since(began) < settles { // it has read the last file
			time.Sleep(time.Second)
			out, err = t.command(ctx, words...)
		}
		var v struct{ Events int64 }
		err = errors.Join(err, json.Unmarshal(out, &v))
		return fmt.Sprintf("%d exact", v.Events), err
	default:
		return time.Since(began).Round(time.Second).String(), err
	}
}

// settles is how long the last file of an input may take.
const settles = 2 * time.Minute

// words is the command of a step; nil for one that a sample does not have.
func (t *table) words(s sampleJob, step string) []string {
	switch step {
	case "validate":
		return []string{"job", "validate", t.rendered(s)}
	case "check-jar":
		jar := filepath.Join(t.bin, "samples", s.name+".jar")
		if _, err := os.Stat(jar); err == nil {
			return []string{"job", "check-jar", jar}
		}
	case "run":
		return append([]string{"sample-job", "run", s.name, "--output", "json"}, s.settings...)
	case "savepoint":
		return []string{"job", "savepoint", s.job, "--output", "json"}
	case "upgrade":
		return []string{"job", "rescale", s.job, "--parallelism", "3", "--output", "json"}
	case "verify":
		if s.verified {
			return []string{"sample-job", "verify", s.name, "--output", "json"}
		}
	case "delete":
		return []string{"sample-job", "delete", s.name}
	}
	return nil
}

// rendered is a file with the manifests of a sample; that it cannot be made shows when it is read.
func (t *table) rendered(s sampleJob) string {
	file := filepath.Join(t.home, s.name+".yaml")
	out, err := t.command(context.Background(), append([]string{"sample-job", "render", s.name}, s.settings...)...)
	if err == nil {
		err = os.WriteFile(file, out, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return file
}

// json reads the document of a command.
func (t *table) json(ctx context.Context, into any, words ...string) error {
	out, err := t.command(ctx, append(words, "--output", "json")...)
	if err != nil {
		return err
	}
	return json.Unmarshal(out, into)
}

// command runs emrflink, and returns what it prints.
func (t *table) command(ctx context.Context, words ...string) ([]byte, error) {
	return t.emrflink().Output(ctx, words...)
}

func (t *table) emrflink() program.Program { return program.Program{Bin: t.bin, Home: t.home} }

// The markers of the table in the page.
const (
	begin = "<!-- table: written by make samples-table -->\n"
	end   = "<!-- end of table -->\n"
)

// write puts a row into the page, in the place of the sample's last one.
func (t *table) write(name, row string) error {
	old, err := t.between(begin, end)
	if err != nil {
		return err
	}
	rows := []string{row}
	for line := range strings.Lines(old) {
		if strings.HasPrefix(line, "| [`") && !strings.HasPrefix(line, "| [`"+name+"`]") {
			rows = append(rows, strings.TrimSpace(line))
		}
	}
	slices.Sort(rows)
	head := "| sample | " + strings.Join(steps, " | ") + " |\n|---|" + strings.Repeat("---|", len(steps)) + "\n"
	return t.replace(begin, end, head+strings.Join(rows, "\n")+"\n")
}

// between is what stands between two lines of the page.
func (t *table) between(begin, end string) (string, error) {
	text, err := os.ReadFile(t.page)
	if err != nil {
		return "", err
	}
	_, rest, found := strings.Cut(string(text), begin)
	old, _, ended := strings.Cut(rest, end)
	if !found || !ended {
		return "", fmt.Errorf("%s has nothing between %q and %q", t.page, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return old, nil
}

// replace puts another text between two lines of the page.
func (t *table) replace(begin, end, with string) error {
	old, err := t.between(begin, end)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(t.page)
	if err != nil {
		return err
	}
	text = bytes.Replace(text, []byte(begin+old+end), []byte(begin+with+end), 1)
	return os.WriteFile(t.page, text, 0o600) // it is there
}
