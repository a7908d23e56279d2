// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"fmt"
	"maps"
	"path"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"emrflink/internal/exitcode"
)

// countedKeys is how many keys the counting sample has: KEYS in its source.
const countedKeys = 100

// ObjectReader lists and reads the objects of a bucket.
type ObjectReader interface {
	ObjectLister
	GetObject(ctx context.Context, bucket, key string) ([]byte, error)
}

// Verified is what the output of a sample that counts or copies proves. It is the JSON of `sample-job verify`.
type Verified struct {
	SchemaVersion int    `json:"schemaVersion"`
	Job           string `json:"job"`
	Namespace     string `json:"namespace"`
	Output        string `json:"output"` // the folder of the last run that began without a state
	Files         int    `json:"files"`
	// Events are the numbers that were written, each counted once; Last is the greatest. A job that was stopped with a savepoint
	// has written all up to it: Events is Last + 1. The files of one that runs may appear one after the other.
	Events int64 `json:"events"`
	Last   int64 `json:"last"`
	// Lost are the numbers before the last one of their key that are not there, Twice those that are there again, and Wrong the
	// lines with another count than their number has. Of the sample that copies files, Lost are the lines that are not copied
	// yet.
	Lost  int64 `json:"lost"`
	Twice int64 `json:"twice"`
	Wrong int64 `json:"wrong"`
}

// Exact says that nothing was lost or counted twice.
func (v Verified) Exact() bool { return v.Lost+v.Twice+v.Wrong == 0 }

// NoOutputError says that a job has written nothing that can be verified.
type NoOutputError struct{ Job, Folder string }

// Error implements error.
func (e *NoOutputError) Error() string {
	return fmt.Sprintf("job %q has written nothing to %s: the sample counting does, with its first checkpoint", e.Job, e.Folder)
}

// Code is a stable id of the failure.
func (e *NoOutputError) Code() string { return "flinkjob.no-output" }

// ExitCode is that of what does not exist.
func (e *NoOutputError) ExitCode() int { return exitcode.NotFound }

// readsAtOnce keeps a few small objects on their way.
const readsAtOnce = 16

// verify reads the files of the last run and counts.
func verify(ctx context.Context, objects ObjectReader, s Spec) (Verified, error) {
	v := Verified{SchemaVersion: SchemaVersion, Job: s.Name, Namespace: s.Namespace}
	files, err := readFolder(ctx, objects, s.outputDir())
	if err != nil {
		return v, err
	}
	run := lastRun(files)
	if run == "" {
		return v, &NoOutputError{Job: s.Name, Folder: s.outputDir()}
	}
	v.Output = s.outputDir() + "/" + run
	maps.DeleteFunc(files, func(name, _ string) bool { return runOf(name) != run })
	v.Files = len(files)
	input, err := readFolder(ctx, objects, s.inputDir())
	if err != nil {
		return v, err
	}
	if len(input) > 0 {
		compareFiles(input, files, &v)
		return v, nil
	}
	t := tally{seen: map[int64]bool{}}
	for name, text := range files {
		for line := range strings.Lines(text) {
			var number, count int64
			if _, err := fmt.Sscanf(line, "%d %d\n", &number, &count); err != nil || number < 0 {
				return v, fmt.Errorf("read %s/%s: %q is no line of a sample that counts", s.outputDir(), name, line)
			}
			t.add(number, count)
		}
	}
	t.into(&v)
	return v, nil
}

// readFolder reads the files below a folder, by their names from there. Flink's unfinished ones begin with a dot or an
// underscore and are left out.
func readFolder(ctx context.Context, objects ObjectReader, uri string) (map[string]string, error) {
	bucket, folder, err := splitURI(uri)
	if err != nil {
		return nil, err
	}
	all, err := objects.ListObjects(ctx, bucket, folder+"/")
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", uri, err)
	}
	files := map[string]string{}
	var mu sync.Mutex
	var readers errgroup.Group
	readers.SetLimit(readsAtOnce)
	for _, o := range all {
		if strings.Trim(path.Base(o.Key)[:1], "._") == "" {
			continue
		}
		readers.Go(func() error {
			text, err := objects.GetObject(ctx, bucket, o.Key)
			mu.Lock()
			defer mu.Unlock()
			files[strings.TrimPrefix(o.Key, folder+"/")] = string(text)
			return err
		})
	}
	if err := readers.Wait(); err != nil {
		return nil, fmt.Errorf("read %s: %w", uri, err)
	}
	return files, nil
}

// lastRun is the folder of the run that began last: they are named by the time.
func lastRun(files map[string]string) (last string) {
	for name := range files {
		last = max(last, runOf(name))
	}
	return last
}

func runOf(name string) string {
	run, _, _ := strings.Cut(name, "/")
	return run
}

// compareFiles counts the lines of the sample that copies files: ID,DAY,CUSTOMER,CENTS, where the output has the day as a folder.
func compareFiles(input, output map[string]string, v *Verified) {
	want, got := map[string]string{}, map[string]bool{}
	for _, text := range input {
		for line := range strings.Lines(text) {
			if id, rest, ok := strings.Cut(strings.TrimSpace(line), ","); ok {
				day, rest, _ := strings.Cut(rest, ",")
				want[id] = "day=" + day + "/" + id + "," + rest
			}
		}
	}
	for name, text := range output {
		day := path.Base(path.Dir(name))
		for line := range strings.Lines(text) {
			line = strings.TrimSpace(line)
			id, _, _ := strings.Cut(line, ",")
			if number, err := strconv.ParseInt(id, 10, 64); err == nil {
				v.Last = max(v.Last, number)
			}
			switch {
			case want[id] != day+"/"+line:
				v.Wrong++
			case got[id]:
				v.Twice++
			default:
				got[id] = true
			}
		}
	}
	v.Events, v.Lost = int64(len(got)), int64(len(want)-len(got))
}

// tally counts lines.
type tally struct {
	seen         map[int64]bool
	last         [countedKeys]int64 // of each key, how many numbers it has up to its greatest
	most         int64
	twice, wrong int64
}

func (t *tally) add(number, count int64) {
	key, should := number%countedKeys, number/countedKeys+1
	if t.seen[number] {
		t.twice++
	}
	if count != should {
		t.wrong++
	}
	t.seen[number] = true
	t.last[key], t.most = max(t.last[key], should), max(t.most, number)
}

func (t *tally) into(v *Verified) {
	v.Events, v.Last, v.Twice, v.Wrong, v.Lost = int64(len(t.seen)), t.most, t.twice, t.wrong, -int64(len(t.seen))
	for _, n := range t.last {
		v.Lost += n
	}
}
