// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Where the files that people wrote are, and the page of the table.
const (
	casesFolder = "internal/jobfile/testdata/cases"
	casesPage   = "docs/job-files.md"
	casesBegin  = "<!-- files: written by make samples-files -->\n"
	casesEnd    = "<!-- end of files -->\n"
)

// decision is what only the author of a file can decide, made for the local target: values, or why the file is not run.
type decision struct {
	job, set, without string
}

// interval is for files that set none: a job without checkpoints is right, and shows less.
const interval = "spec.flinkConfiguration.execution.checkpointing.interval=5s"

const exampleJar = "spec.job.jarURI=local:///opt/flink/examples/streaming/StateMachineExample.jar"

var decisions = map[string]decision{
	"autoscaler-newer-keys":    {job: "scaled", set: interval},
	"born-suspended":           {job: "born-suspended", set: interval},
	"bounded-no-directory":     {job: "bounded"},
	"nested-config-hostpath":   {job: "structured", set: interval},
	"newer-operator-resources": {job: "new-resource-form", set: interval},
	"placeholders":             {job: "kinesis-to-s3", set: exampleJar + " spec.job.args=[] " + interval},
	"sessions":                 {without: "its jars and its volume are the author's"},
	"state-on-emptydir":        {without: "its ConfigMap, its Secret and its image are the author's"},
	"tls-passwords":            {without: "its keys and certificates are the author's"},
	"zookeeper-ha":             {job: "migrated-from-vms"},
}

// caseFiles takes each file from `job fix` to what `job run` waits for: a checkpoint, the end of a bounded job, or a stable
// session cluster.
func (t *table) caseFiles(ctx context.Context) error {
	t.page = casesPage
	files, err := filepath.Glob(filepath.Join(casesFolder, "*.yaml"))
	if err != nil || len(files) == 0 {
		return errors.Join(err, errors.New("no files in "+casesFolder))
	}
	rows := []string{"| file | decided by its author | `job fix` | `job run` | ended |", "|---|---|---|---|---|"}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if len(t.only) > 0 && !slices.Contains(t.only, name) {
			continue
		}
		row, err := t.caseFile(ctx, file, name)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		fmt.Println(row)
		rows = append(rows, row)
	}
	if len(t.only) > 0 {
		return nil
	}
	return t.replace(casesBegin, casesEnd, strings.Join(rows, "\n")+"\n")
}

func (t *table) caseFile(ctx context.Context, file, name string) (string, error) {
	d, known := decisions[name]
	if !known {
		return "", errors.New("nobody has decided what is left to its author")
	}
	fixed := filepath.Join(t.home, name+".fixed.yaml")
	if err := os.RemoveAll(fixed); err != nil {
		return "", err
	}
	path, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	words, sets := []string{"job", "fix", path, "--to", fixed}, "-"
	for _, set := range strings.Fields(d.set) {
		words = append(words, "--set", set)
		sets = "`" + strings.ReplaceAll(d.set, " ", "`, `") + "`"
	}
	_, err = t.command(ctx, words...)
	var exit *exec.ExitError
	if d.without != "" && errors.As(err, &exit) && exit.ExitCode() == 2 || d.without != "" && err == nil {
		return fmt.Sprintf("| `%s` | %s | written | not run | - |", name, d.without), nil
	}
	if err != nil {
		return "", err
	}
	began := time.Now()
	out, err := t.command(ctx, "job", "run", "--file", fixed, "--output", "json")
	if err != nil {
		return "", err
	}
	took := time.Since(began).Round(time.Second)
	var ran struct {
		State      string
		Checkpoint struct{ URI string }
	}
	if err := json.Unmarshal(out, &ran); err != nil {
		return "", err
	}
	end := ran.State
	if ran.Checkpoint.URI != "" {
		end += ", with a checkpoint"
	}
	_, err = t.command(ctx, "job", "delete", d.job)
	return fmt.Sprintf("| `%s` | %s | written | %s | %s |", name, sets, took, end), err
}
