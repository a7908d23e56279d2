// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"fmt"
	"path"
	"strings"

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

// Verified is what the output of the counting sample proves. It is the JSON of `sample-job verify`.
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
	// lines with another count than their number has.
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
	bucket, folder, err := splitURI(s.outputDir())
	if err != nil {
		return v, err
	}
	all, err := objects.ListObjects(ctx, bucket, folder+"/")
	if err != nil {
		return v, fmt.Errorf("list the output of job %q: %w", s.Name, err)
	}
	// Folders are named by the time when they were begun, and Flink's unfinished files begin with a dot or an underscore.
	var keys []string
	for _, o := range all {
		if strings.Trim(path.Base(o.Key)[:1], "._") == "" {
			continue
		}
		if len(keys) > 0 && path.Dir(keys[0]) != path.Dir(o.Key) {
			keys = keys[:0]
		}
		keys = append(keys, o.Key)
	}
	if len(keys) == 0 {
		return v, &NoOutputError{Job: s.Name, Folder: s.outputDir()}
	}
	v.Output, v.Files = "s3://"+bucket+"/"+path.Dir(keys[0]), len(keys)
	texts := make([][]byte, len(keys))
	var readers errgroup.Group
	readers.SetLimit(readsAtOnce)
	for i, key := range keys {
		readers.Go(func() (err error) {
			texts[i], err = objects.GetObject(ctx, bucket, key)
			return err
		})
	}
	if err := readers.Wait(); err != nil {
		return v, fmt.Errorf("read the output of job %q: %w", s.Name, err)
	}
	t := tally{seen: map[int64]bool{}}
	for i, text := range texts {
		for line := range strings.Lines(string(text)) {
			var number, count int64
			if _, err := fmt.Sscanf(line, "%d %d\n", &number, &count); err != nil || number < 0 {
				return v, fmt.Errorf("read s3://%s/%s: %q is no line of the counting sample", bucket, keys[i], line)
			}
			t.add(number, count)
		}
	}
	t.into(&v)
	return v, nil
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
