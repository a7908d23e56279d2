// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"fmt"
	"path"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
	"emrflink/internal/flinkstate"
	"emrflink/internal/kube"
)

const (
	metadataFile = "_metadata"
	// detachedAt begins the name of a copy.
	detachedAt = "20060102T150405Z"
)

// shelf is what lies in the folders of states, as far as it was listed.
type shelf struct {
	bucket Bucket

	mu      sync.Mutex
	listed  map[string]bool          // URIs of folders, with the last slash
	objects map[string]awsapi.Object // by their URI
}

func (s Store) shelf() *shelf {
	return &shelf{bucket: s.Bucket, listed: map[string]bool{}, objects: map[string]awsapi.Object{}}
}

// list lists a folder, once.
func (s *shelf) list(ctx context.Context, dir string) error {
	bucket, key, err := splitURI(dir)
	if err != nil {
		return err
	}
	uri := "s3://" + bucket + "/" + key + "/"
	s.mu.Lock()
	defer s.mu.Unlock()
	for have := range s.listed {
		if strings.HasPrefix(uri, have) {
			return nil
		}
	}
	all, err := s.bucket.ListObjects(ctx, bucket, key+"/")
	if err != nil {
		return fmt.Errorf("list the states below %s: %w", uri, err)
	}
	s.listed[uri] = true
	for _, o := range all {
		s.objects["s3://"+bucket+"/"+o.Key] = o
	}
	return nil
}

// states are the folders of checkpoints and savepoints, complete or not.
func (s *shelf) states() []State {
	seen := map[string]bool{}
	var out []State
	for uri := range s.objects {
		dir := stateDir(uri)
		if dir != "" && !seen[dir] {
			seen[dir] = true
			out = append(out, s.state(dir))
		}
	}
	return out
}

// stateDir is the folder of the state that an object is of, "" for one of several states or of none.
func stateDir(uri string) string {
	for dir := path.Dir(uri); strings.Contains(dir, "/"); dir = path.Dir(dir) {
		base := path.Base(dir)
		n, checkpoint := strings.CutPrefix(base, "chk-")
		if checkpoint && isNumber(n) || strings.HasPrefix(base, "savepoint-") {
			return strings.Replace(dir, ":/", "://", 1)
		}
	}
	if path.Base(uri) == metadataFile {
		return strings.Replace(path.Dir(uri), ":/", "://", 1)
	}
	return ""
}

func (s *shelf) state(uri string) State {
	st := State{Name: nameOf(uri), URI: uri, Kind: flinkstate.Savepoint}
	if strings.HasPrefix(st.Name, "chk-") {
		st.Kind = flinkstate.Checkpoint
	}
	return st
}

// examine reads the metadata of a state and looks for everything that it refers to. What is wrong with the state is in it; an
// error is that of S3.
func (s *shelf) examine(ctx context.Context, st *State) error {
	s.mu.Lock()
	o, there := s.objects[st.URI+"/"+metadataFile]
	s.mu.Unlock()
	if !there {
		st.Problem = "it has no _metadata, which Flink writes last: it was not completed, or is being written or deleted"
		return nil
	}
	st.At = o.LastModified.UTC()
	if stamp, _, copied := strings.Cut(st.Name, "-"); copied {
		if at, err := time.Parse(detachedAt, stamp); err == nil {
			st.At = at // when the original was written: a copy of an old state is no newer state
		}
	}
	bucket, key, err := splitURI(st.URI)
	if err != nil {
		return err
	}
	data, err := s.bucket.GetObject(ctx, bucket, key+"/"+metadataFile)
	if awsapi.IsNotFound(err) {
		st.Problem = "its _metadata was deleted while it was read"
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", st.URI, err)
	}
	if st.meta, err = flinkstate.Read(data); err != nil {
		st.Problem = err.Error()
		return nil
	}
	if st.meta.Kind != "" {
		st.Kind, st.Format = st.meta.Kind, st.meta.Format
	}
	st.Bytes = st.meta.Bytes()
	for _, o := range st.meta.Operators {
		if o.States == nil {
			o.States = []string{}
		}
		st.Operators = append(st.Operators, StateOperator{
			ID: o.ID, Parallelism: o.Parallelism, MaxParallelism: o.MaxParallelism, Keyed: o.Keyed, Bytes: o.Bytes,
			States: o.States,
		})
	}
	return s.findFiles(ctx, st)
}

// findFiles looks for the files of a state.
func (s *shelf) findFiles(ctx context.Context, st *State) error {
	at := map[string]int{}
	for _, f := range st.meta.Files {
		uri := st.uriOf(f)
		if i, known := at[uri]; known {
			st.Files[i].Bytes = max(st.Files[i].Bytes, f.Bytes)
			continue
		}
		at[uri] = len(st.Files)
		file := StateFile{URI: uri, Bytes: f.Bytes}
		if bucket, key, err := splitURI(uri); err == nil {
			if err := s.list(ctx, "s3://"+bucket+"/"+path.Dir(key)); err != nil {
				return err
			}
			s.mu.Lock()
			var o awsapi.Object
			o, file.There = s.objects[uri]
			s.mu.Unlock()
			if file.There && o.Size < f.Bytes {
				st.Problem = fmt.Sprintf("%s has %d bytes of %d", uri, o.Size, f.Bytes)
			}
		}
		if !file.There && st.Problem == "" {
			st.Problem = "it refers to " + uri + ", which is not there"
		}
		st.Files = append(st.Files, file)
	}
	st.Usable = st.Problem == ""
	return nil
}

// uriOf is the URI of a file of the state, with the scheme s3 for all file systems of S3.
func (st State) uriOf(f flinkstate.File) string {
	if f.Relative {
		return st.URI + "/" + f.Path
	}
	if bucket, key, err := splitURI(f.Path); err == nil {
		return "s3://" + bucket + "/" + key
	}
	return f.Path
}

func nestedString(o *unstructured.Unstructured, path ...string) (string, bool, error) {
	return unstructured.NestedString(o.Object, path...)
}

// referenceOf says whether a snapshot is one of a job, a checkpoint or a savepoint.
func referenceOf(o *unstructured.Unstructured, job kube.Ref) bool {
	ref, _, _ := unstructured.NestedStringMap(o.Object, "spec", "jobReference")
	return ref["kind"] == job.Kind.Kind && ref["name"] == job.Name
}
