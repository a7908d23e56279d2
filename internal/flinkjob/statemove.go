// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"emrflink/internal/awsapi"
	"emrflink/internal/exitcode"
	"emrflink/internal/flinkstate"
)

// Moved is what became of a state that was copied or deleted. It is the JSON of `job state detach` and `job state delete`.
type Moved struct {
	SchemaVersion int    `json:"schemaVersion"`
	Job           string `json:"job"`
	Namespace     string `json:"namespace"`
	From          string `json:"from"`
	To            string `json:"to"` // "" for a deletion
	Files         int    `json:"files"`
	Bytes         int64  `json:"bytes"`
	Kept          int    `json:"kept"` // of a deletion: files that other states refer to
	Record        string `json:"record"`
}

// Detach copies a state and everything that it refers to into the folder of detached states. The role of the team's jobs can read
// that folder, and not write or delete there; no job, no operator and no `cleanup --retain-data` touches it.
func (s Store) Detach(ctx context.Context, st State) (Moved, error) { return s.CopyTo(ctx, st, s) }

// CopyOf copies the state of a name, or the newest (""), into the folder of detached states of another store. The newest of a job
// that runs can go while it is copied; there is a newer one then.
func (s Store) CopyOf(ctx context.Context, name string, to Store) (State, Moved, error) {
	const tries = 3
	for n := 1; ; n++ {
		st, err := s.Get(ctx, name)
		if err != nil {
			return st, Moved{}, err
		}
		m, err := s.CopyTo(ctx, st, to)
		if err == nil || name != "" || n == tries || !errors.Is(err, errGone) && !awsapi.IsNotFound(err) {
			return st, m, err
		}
	}
}

// errGone says that a file of a state is not there any more.
var errGone = errors.New("was deleted in the meantime: choose a savepoint, which Flink does not delete")

// CopyTo copies a state into the folder of detached states of another store, whose credentials do it. What is written last is
// _metadata: a copy that was interrupted is none.
func (s Store) CopyTo(ctx context.Context, st State, to Store) (Moved, error) {
	dir := to.Detached + "/" + st.At.Format(detachedAt) + "-" + st.Name
	if strings.HasPrefix(st.Name, st.At.Format(detachedAt)+"-") { // a copy of a copy
		dir = to.Detached + "/" + st.Name
	}
	m := Moved{SchemaVersion: SchemaVersion, Job: s.Job, Namespace: to.Namespace, From: st.URI, To: dir, Record: st.Record}
	target, prefix, err := splitURI(dir)
	if err != nil {
		return m, err
	}
	if dir == st.URI {
		return m, nil
	}
	names := map[string]string{} // URI to its name in the copy
	var copies errgroup.Group
	copies.SetLimit(readsAtOnce)
	for i, f := range st.Files {
		name, own := strings.CutPrefix(f.URI, st.URI+"/")
		if !own {
			name = fmt.Sprintf("files/%d-%s", i, path.Base(f.URI))
		}
		names[f.URI] = name
		bucket, key, err := splitURI(f.URI)
		if err != nil {
			return m, err
		}
		size, err := s.sizeOf(ctx, bucket, key)
		if err != nil {
			return m, err
		}
		m.Files, m.Bytes = m.Files+1, m.Bytes+size
		copies.Go(func() error { return to.Bucket.CopyObject(ctx, bucket, key, size, target, prefix+"/"+name) })
	}
	if err := copies.Wait(); err != nil {
		return m, fmt.Errorf("copy %s: %w", st.URI, err)
	}
	meta, err := st.meta.Moved(func(f flinkstate.File) string {
		scheme, _, _ := strings.Cut(f.Path, "://") // the file system of Flink that wrote it reads it
		return scheme + "://" + target + "/" + prefix + "/" + names[st.uriOf(f)]
	})
	if err != nil {
		return m, err
	}
	if err := to.Bucket.PutObject(ctx, target, prefix+"/"+metadataFile, bytes.NewReader(meta), ""); err != nil {
		return m, fmt.Errorf("copy %s: %w", st.URI, err)
	}
	m.Files, m.Bytes = m.Files+1, m.Bytes+int64(len(meta))
	_, err = to.Get(ctx, dir) // as a job would find it
	return m, err
}

func (s Store) sizeOf(ctx context.Context, bucket, key string) (int64, error) {
	all, err := s.Bucket.ListObjects(ctx, bucket, cutLastOnly(key, "/")+"/")
	if err != nil {
		return 0, err
	}
	for _, o := range all {
		if o.Key == key {
			return o.Size, nil
		}
	}
	return 0, fmt.Errorf("s3://%s/%s %w", bucket, key, errGone)
}

// HeldError says why a state is not deleted.
type HeldError struct{ State, Why, Next string }

// Error implements error.
func (e *HeldError) Error() string {
	return "delete " + e.State + ": " + e.Why + "; nothing was deleted"
}

// Code is a stable id of the failure.
func (e *HeldError) Code() string { return "flinkjob.state-held" }

// ExitCode is 2: nothing was touched.
func (e *HeldError) ExitCode() int { return exitcode.Usage }

// Hint is what to do first.
func (e *HeldError) Hint() string { return e.Next }

// Delete deletes a state: its metadata first, so that what is left of an interrupted deletion is offered to nobody, then the
// files that no other state of the job refers to. A state that Flink or the operator still needs is held.
func (s Store) Delete(ctx context.Context, uri string) (Moved, error) {
	m := Moved{SchemaVersion: SchemaVersion, Job: s.Job, Namespace: s.Namespace, From: uri}
	all, err := s.List(ctx)
	if err != nil {
		return m, err
	}
	i := slices.IndexFunc(all, func(st State) bool { return uri == st.Name || sameURI(uri, st.URI) })
	if i < 0 {
		return m, &NoStateError{Job: s.Job, Name: uri, Below: s.Below}
	}
	st := all[i]
	m.From, m.Record = st.URI, st.Record
	if err := s.held(ctx, st, all); err != nil {
		return m, err
	}
	gone, kept, err := s.exclusive(ctx, st, slices.Delete(slices.Clone(all), i, i+1))
	if err != nil {
		return m, err
	}
	m.Files, m.Kept = len(gone), kept
	bucket, key, err := splitURI(st.URI)
	if err != nil {
		return m, err
	}
	if err := s.Bucket.DeleteObjects(ctx, bucket, key+"/"+metadataFile); err != nil {
		return m, fmt.Errorf("delete %s: %w", st.URI, err)
	}
	of := map[string][]string{}
	for _, uri := range gone {
		bucket, key, err := splitURI(uri)
		if err != nil {
			return m, err
		}
		of[bucket] = append(of[bucket], key)
	}
	for bucket, keys := range of {
		if err := s.Bucket.DeleteObjects(ctx, bucket, keys...); err != nil {
			return m, fmt.Errorf("delete %s: %w", st.URI, err)
		}
	}
	return m, nil
}

// exclusive are the objects that only this state needs: those below it, and those that it refers to and no other does. When
// another state cannot be read, nothing that could be shared with it is taken.
func (s Store) exclusive(ctx context.Context, st State, others []State) (gone []string, kept int, err error) {
	needed, unknown := map[string]bool{}, false
	for _, o := range others {
		unknown = unknown || o.Problem != "" && len(o.Operators) == 0
		for _, f := range o.Files {
			needed[f.URI] = true
		}
	}
	seen := s.shelf()
	if err := seen.list(ctx, st.URI); err != nil {
		return nil, 0, err
	}
	mine := map[string]bool{}
	for uri := range seen.objects {
		mine[uri] = true
	}
	for _, f := range st.Files {
		if f.There {
			mine[f.URI] = mine[f.URI] || !unknown
		}
	}
	for uri, take := range mine {
		if needed[uri] || !take {
			kept++
			continue
		}
		gone = append(gone, uri)
	}
	slices.Sort(gone)
	return gone, kept, nil
}

// held refuses to delete what a job would start from.
func (s Store) held(ctx context.Context, st State, all []State) error {
	if s.Absent != "" {
		return &HeldError{st.URI, "whether a job needs it is not known: " + s.Absent, "emrflink status"}
	}
	if s.Running == nil {
		return nil
	}
	d, err := s.Running.read(ctx)
	if err != nil {
		return err
	}
	switch {
	case d.drops(st):
		return &HeldError{st.URI, "it is a checkpoint of the job that runs: Flink deletes it when it has a newer one",
			"emrflink job savepoint " + s.Job}
	case sameURI(d.Savepoint, st.URI):
		return &HeldError{st.URI, "the operator starts the job from it", "emrflink job status " + s.Job}
	case d.State != "RUNNING" && st.Usable && slices.IndexFunc(all, func(o State) bool { return o.Usable }) ==
		slices.IndexFunc(all, func(o State) bool { return o.URI == st.URI }):
		return &HeldError{st.URI, "it is the newest usable state of a job that does not run", "emrflink job state detach " +
			s.Job + " " + st.Name}
	}
	return nil
}
