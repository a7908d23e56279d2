// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"emrflink/internal/awsapi"
	"emrflink/internal/exitcode"
	"emrflink/internal/flinkstate"
	"emrflink/internal/kube"
)

// Bucket is where the state of jobs is.
type Bucket interface {
	ObjectReader
	Uploader
	CopyObject(ctx context.Context, bucket, key string, size int64, toBucket, toKey string) error
	DeleteObjects(ctx context.Context, bucket string, keys ...string) error
}

var _ Bucket = (*awsapi.Client)(nil)

// State is a checkpoint or a savepoint of a job, as it lies in the bucket.
type State struct {
	Name   string    `json:"name"` // chk-7, savepoint-0a1b2c-...
	URI    string    `json:"uri"`
	Kind   string    `json:"kind"`   // checkpoint or savepoint
	Format string    `json:"format"` // of a savepoint: canonical or native
	At     time.Time `json:"at"`     // when its metadata was written, which is last
	Bytes  int64     `json:"bytes"`  // of the state; what checkpoints share counts in each of them
	// Usable says that a job can start from it: the metadata can be read, and all files that it refers to are there.
	Usable  bool   `json:"usable"`
	Problem string `json:"problem"` // why it is not usable
	Record  string `json:"record"`  // the FlinkStateSnapshot that tells of it, "" for none

	Operators []StateOperator `json:"operators"`
	Files     []StateFile     `json:"files"`

	meta flinkstate.Metadata
}

// StateOperator is the state of one operator.
type StateOperator struct {
	ID             string   `json:"id"` // the hash of its uid
	Parallelism    int      `json:"parallelism"`
	MaxParallelism int      `json:"maxParallelism"`
	Keyed          bool     `json:"keyed"`
	Bytes          int64    `json:"bytes"`
	States         []string `json:"states"`
}

// StateFile is a file that a state refers to.
type StateFile struct {
	URI   string `json:"uri"`
	Bytes int64  `json:"bytes"` // that the state uses of it
	There bool   `json:"there"`
}

// Store has the states of one job, whether or not the job and its cluster are there.
type Store struct {
	Job, Namespace string
	Bucket         Bucket
	Below          []string // folders of the bucket that are looked through
	Detached       string   // folder for copies that outlive the job
	Team           Spec     // what the stack's outputs say to a job of the team
	// Running is the job, nil when it is not in the cluster, or Absent says why that is not known.
	Running *Running
	Absent  string
}

// NoStateError says that there is no state that was asked for.
type NoStateError struct {
	Job, Name string // Name is "" when any usable one would do
	Below     []string
	Why       string
}

// Error implements error.
func (e *NoStateError) Error() string {
	what := fmt.Sprintf("job %q has no usable checkpoint or savepoint", e.Job)
	if e.Name != "" {
		what = fmt.Sprintf("job %q has no usable state %q", e.Job, e.Name)
	}
	return joinNonEmpty(": ", what+" below "+strings.Join(e.Below, ", "), e.Why)
}

// Code is a stable id of the failure.
func (e *NoStateError) Code() string { return "flinkjob.no-state" }

// ExitCode is that of what does not exist.
func (e *NoStateError) ExitCode() int { return exitcode.NotFound }

// Hint lists what there is.
func (e *NoStateError) Hint() string { return "emrflink job state list " + e.Job }

// States finds the states of a job of a team, or of any team (""): of one that is in the cluster, of one that was deleted, and
// also when the cluster is gone. below is a folder of any bucket to look through instead.
func (d Deployed) States(ctx context.Context, name, team, below string, timeout time.Duration) (Store, error) {
	bucket, err := d.Account(ctx)
	if err != nil {
		return Store{}, err
	}
	s := Store{Job: name, Bucket: bucket}
	job, err := d.Find(ctx, name, team, timeout)
	var several *ManyJobsError
	switch {
	case err == nil:
		s.Running, s.Namespace = &job, job.Ref.Namespace
	case errors.As(err, &several) || ctx.Err() != nil:
		return s, err
	case !errors.Is(err, ErrNoJob):
		s.Absent = "the cluster was not asked: " + err.Error()
	}
	if below != "" {
		_, _, err := splitURI(below)
		s.Below = []string{strings.TrimRight(below, "/")}
		s.Detached = s.Below[0] + "/detached"
		return s, err
	}
	return s, d.places(ctx, &s, team)
}

// places are the folders of a job: those of its team, and what its configuration says.
func (d Deployed) places(ctx context.Context, s *Store, team string) error {
	of, err := d.teams(team)
	if err != nil {
		return err
	}
	var found []Store
	for _, spec := range of {
		if s.Running != nil && spec.Namespace != s.Namespace {
			continue
		}
		one := *s
		one.Namespace, one.Team = spec.Namespace, spec
		one.Detached = cutLastOnly(spec.CheckpointURI, "/") + "/detached/" + s.Job
		one.Below = []string{spec.CheckpointURI + "/" + s.Job, spec.SavepointURI + "/" + s.Job, one.Detached}
		if s.Running == nil && len(of) > 1 {
			all, err := one.List(ctx)
			if err != nil {
				return err
			}
			if len(all) == 0 {
				continue
			}
		}
		found = append(found, one)
	}
	switch len(found) {
	case 0:
		return joinErr(fmt.Errorf("job %q: %w, and no team has a state of it", s.Job, ErrNoJob), s.Absent)
	case 1:
		*s = found[0]
		return s.configured(ctx)
	}
	several := &ManyJobsError{Name: s.Job}
	for _, one := range found {
		several.Where = append(several.Where, one.Below[0])
	}
	return several
}

func joinErr(err error, why string) error {
	if why == "" {
		return err
	}
	return fmt.Errorf("%w (%s)", err, why)
}

func cutLastOnly(s, sep string) string { before, _ := cutLast(s, sep); return before }

// teams are the values of a team, or of all.
func (d Deployed) teams(team string) ([]Spec, error) {
	names := []string{team}
	if all, ok := d.Outputs["teams"].(map[string]any); ok && team == "" {
		names = names[:0]
		for name := range all {
			names = append(names, name)
		}
		slices.Sort(names)
	}
	var out []Spec
	for _, name := range names {
		spec, err := SpecFrom(d.Outputs, Options{Team: name})
		if err != nil {
			return nil, err
		}
		out = append(out, spec)
	}
	return out, nil
}

// configured adds the folders that the job's own configuration names. Of a folder that is not the job's alone, as its name
// says, only what the running job wrote is taken: another job's state must never be offered.
func (s *Store) configured(ctx context.Context) error {
	if s.Running == nil {
		return nil
	}
	ob, err := s.Running.Runner.look(ctx, s.Running.Ref, s.Running.Runner.Clock.Now())
	if err != nil {
		return fmt.Errorf("read job %q: %w", s.Job, err)
	}
	for _, dir := range []string{ob.job.CheckpointDir, ob.job.SavepointDir} {
		bucket, key, err := splitURI(dir)
		if err != nil {
			continue // none, or none in S3
		}
		dir = "s3://" + bucket + "/" + key
		if path.Base(dir) != s.Job {
			if ob.job.JobID == "" {
				continue
			}
			dir += "/" + ob.job.JobID
		}
		if !slices.ContainsFunc(s.Below, func(have string) bool { return strings.HasPrefix(dir+"/", have+"/") }) {
			s.Below = append(s.Below, dir)
		}
	}
	return nil
}

// List are all states, newest first: what can be used, and what cannot and why.
func (s Store) List(ctx context.Context) ([]State, error) {
	seen := s.shelf()
	for _, dir := range s.Below {
		if err := seen.list(ctx, dir); err != nil {
			return nil, err
		}
	}
	records, err := s.records(ctx)
	if err != nil {
		return nil, err
	}
	found := seen.states()
	for uri, record := range records {
		i := slices.IndexFunc(found, func(st State) bool { return st.URI == uri })
		if i < 0 {
			if err := seen.list(ctx, uri); err != nil {
				return nil, err
			}
			found, i = append(found, seen.state(uri)), len(found)
		}
		found[i].Record = record
	}
	var reads errgroup.Group
	reads.SetLimit(readsAtOnce)
	for i := range found {
		reads.Go(func() error { return seen.examine(ctx, &found[i]) })
	}
	if err := reads.Wait(); err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b State) int { // S3 knows seconds only; a job numbers what it writes
		return cmp.Or(b.At.Truncate(time.Second).Compare(a.At.Truncate(time.Second)), cmp.Compare(b.meta.ID, a.meta.ID),
			strings.Compare(a.URI, b.URI))
	})
	return found, nil
}

// records are the FlinkStateSnapshots of the job that were completed, by the URI of their state.
func (s Store) records(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	if s.Running == nil {
		return out, nil
	}
	list, err := s.Running.Runner.Kube.List(ctx, kube.KindFlinkStateSnapshot, kube.ListOptions{Namespace: s.Namespace})
	if unreadable(err) || kube.IsNotFound(err) {
		return out, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the snapshots of job %q: %w", s.Job, err)
	}
	for i := range list {
		uri, _, _ := nestedString(&list[i], "status", "path")
		state, _, _ := nestedString(&list[i], "status", "state")
		bucket, key, err := splitURI(uri)
		if err == nil && state == "COMPLETED" && referenceOf(&list[i], s.Running.Ref) {
			out["s3://"+bucket+"/"+key] = kube.RefOf(&list[i]).String()
		}
	}
	return out, nil
}

// Get is the state of a name or URI, or the newest usable one ("").
func (s Store) Get(ctx context.Context, name string) (State, error) {
	all, err := s.List(ctx)
	if err != nil {
		return State{}, err
	}
	why := ""
	for _, st := range all {
		switch {
		case name == "" && st.Usable:
			return st, nil
		case name != "" && (name == st.Name || sameURI(name, st.URI)):
			if st.Usable {
				return st, nil
			}
			why = st.Problem
		}
	}
	if strings.Contains(name, "://") && why == "" { // somewhere else
		seen := s.shelf()
		bucket, key, err := splitURI(name)
		if err != nil {
			return State{}, err
		}
		if err := seen.list(ctx, name); err != nil {
			return State{}, err
		}
		st := seen.state("s3://" + bucket + "/" + key)
		if err := seen.examine(ctx, &st); err != nil || st.Usable {
			return st, err
		}
		why = st.Problem
	}
	return State{}, &NoStateError{Job: s.Job, Name: name, Below: s.Below, Why: why}
}

func sameURI(a, b string) bool {
	bucketA, keyA, errA := splitURI(a)
	bucketB, keyB, errB := splitURI(b)
	return errA == nil && errB == nil && bucketA == bucketB && keyA == keyB
}

// nameOf is that of a state at a URI.
func nameOf(uri string) string { return path.Base(uri) }
