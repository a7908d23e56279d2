// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"emrflink/internal/jobinit"
)

// newSteps are the columns of the table of new jobs: what a user does in the folder, unchanged.
var newSteps = []string{"job init", "test", "make check", "make run", "make delete"}

// The markers of the table of new jobs.
const (
	newBegin = "<!-- new: written by make samples-new -->\n"
	newEnd   = "<!-- end of new -->\n"
)

// newJobs makes a job in each language, and takes it from its folder to its first checkpoint. The first failure ends it.
func (t *table) newJobs(ctx context.Context) error {
	python, err := t.hasPython(ctx)
	if err != nil {
		return err
	}
	old, err := t.between(newBegin, newEnd)
	if err != nil {
		return err
	}
	rows := []string{"| language | " + strings.Join(newSteps, " | ") + " |", "|---|" + strings.Repeat("---|", len(newSteps))}
	for _, language := range jobinit.Languages() {
		if len(t.only) > 0 && !slices.Contains(t.only, language) || language == jobinit.Python && !python {
			for line := range strings.Lines(old) { // what was seen before stays
				if strings.HasPrefix(line, "| `"+language+"` ") {
					rows = append(rows, strings.TrimSpace(line))
				}
			}
			continue
		}
		row, err := t.newJob(ctx, language)
		if err != nil {
			return fmt.Errorf("a new job in %s: %w", language, err)
		}
		fmt.Println(row)
		rows = append(rows, row)
	}
	return t.replace(newBegin, newEnd, strings.Join(rows, "\n")+"\n")
}

// hasPython says whether the Flink of the state folder has PyFlink.
func (t *table) hasPython(ctx context.Context) (bool, error) {
	var have struct{ Home struct{ Python string } }
	err := t.json(ctx, &have, "local", "flink", "status")
	return have.Home.Python != "", err
}

// newJob makes all steps with one.
func (t *table) newJob(ctx context.Context, language string) (string, error) {
	dir := filepath.Join(t.home, "new-"+language)
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	cells := []string{"`" + language + "`"}
	for _, step := range newSteps {
		began := time.Now()
		var err error
		switch target, isMake := strings.CutPrefix(step, "make "); {
		case isMake:
			err = t.make(ctx, dir, target)
		case step == "test":
			err = t.test(ctx, dir, language)
		default:
			_, err = t.command(ctx, "job", "init", dir, "--lang", language)
		}
		if err != nil {
			return "", err
		}
		cells = append(cells, time.Since(began).Round(time.Second).String())
	}
	return "| " + strings.Join(cells, " | ") + " |", nil
}

// test runs the test of a new job. Its virtual environment is the PyFlink of the state folder: another one would be the same
// 700 MB.
func (t *table) test(ctx context.Context, dir, language string) error {
	if language != jobinit.Python {
		return t.make(ctx, dir, "build") // Maven tests what it packs
	}
	const venv = ".venv"
	if err := os.Symlink(filepath.Join(t.home, "flink", "python"), filepath.Join(dir, venv)); err != nil {
		return err
	}
	return t.make(ctx, dir, "test", "--assume-old="+venv+"/installed")
}

// make is make in the folder of a job.
func (t *table) make(ctx context.Context, dir, target string, more ...string) error {
	words := append([]string{"-C", dir, target, "EMRFLINK=" + filepath.Join(t.bin, "emrflink")}, more...)
	cmd := exec.CommandContext(ctx, "make", words...) // #nosec G204 -- our own program
	cmd.Env = t.emrflink().Env()
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make %s: %w\n%s", target, err, said)
	}
	return nil
}
