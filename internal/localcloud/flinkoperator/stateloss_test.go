// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
	"emrflink/internal/flinkjob"
	"emrflink/internal/flinkrest"
	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
	"emrflink/internal/localcloud/flinkconf"
	"emrflink/internal/localcloud/flinksim"
)

// lossWorld is a job that counts, under everything that can fail while a command changes it.
//
// The job counts one event a second while it runs. What a checkpoint covers is committed, as by Flink's exactly-once sinks; the
// savepoint that it is stopped with commits too, and a start from a state commits that. A start from less than what is committed
// counts events twice: it is a loss.
type lossWorld struct {
	*world
	fault string    // what fails; "" when nothing does
	until time.Time // it fails

	events    int64
	committed int64
	counts    map[string]int64 // of each state, by bucket/key of its folder
	base      map[string]int64 // what a job began with, by its id
	running   bool
	allowed   string // the state that was asked for by name: a start from less is what is wanted
	losses    []string

	calls   int // of ours that change something
	dieAt   int // the call with which our process is killed; 0: it is not
	after   bool
	dead    bool
	dieTick int // passes until it is killed
	onCall  func(n int)
	ticks   int // of our waits
	onTick  func(n int)
}

func newLossWorld(t *testing.T, mode string) *lossWorld {
	t.Helper()
	l := &lossWorld{world: newWorld(t), counts: map[string]int64{}, base: map[string]int64{}}
	l.seen, l.s3.wrote = l.watch, l.written
	job := flink(object{
		"job": object{"upgradeMode": mode}, "flinkConfiguration": object{
			"execution.checkpointing.interval": "5 s", flinkconf.Retention: "RETAIN_ON_CANCELLATION",
		},
	})
	l.Put(job)
	for range 20 {
		l.tick()
	}
	require.Equal(t, "RUNNING", l.status("jobStatus", "state"))
	require.Positive(t, l.committed)
	return l
}

// is says whether something fails now.
func (l *lossWorld) is(fault string) bool { return l.fault == fault && l.clock.t.Before(l.until) }

// fail lets something fail for a while.
func (l *lossWorld) fail(fault string, lasts time.Duration) {
	l.fault, l.until = fault, l.clock.t.Add(lasts)
	switch fault {
	case "JobManager gone":
		l.jobs = nil
	case "TaskManager gone":
		l.removeWorkers()
	}
}

func (l *lossWorld) removeWorkers() {
	pods, err := l.List(l.t.Context(), kube.KindPod, kube.ListOptions{Namespace: team, Labels: "component=" + componentWorker})
	require.NoError(l.t, err)
	for i := range pods {
		l.Remove(kube.RefOf(&pods[i]))
	}
}

// tick is a second in which everything works that does.
func (l *lossWorld) tick() {
	for _, key := range []string{"/checkpoints/", "/savepoints/", "/jobmanager/"} {
		l.s3.deny["put "+key] = nil
		if l.is("S3 denied to the job") {
			l.s3.deny["put "+key] = denied("s3:PutObject")
		}
	}
	if l.hold && !l.is("TaskManager gone") {
		l.removeWorkers() // those that found no place: others start
	}
	l.mute, l.hold = l.is("JobManager slow"), l.is("TaskManager gone")
	if !l.is("operator gone") && !l.is("API server gone") {
		_ = l.op.Reconcile(l.t.Context()) // it tries again
	}
	switch {
	case l.is("JobManager gone"):
		l.jobs = nil
	case !l.is("S3 slow"): // what is asked for takes as long as S3 does
		l.run()
	}
	l.clock.t = l.clock.t.Add(time.Second)
}

// written notes what a state has.
func (l *lossWorld) written(name string) {
	dir, is := strings.CutSuffix(name, "/_metadata")
	if !is {
		return
	}
	if _, original, copied := strings.Cut(dir, "/detached/"); copied {
		for have, n := range l.counts {
			_, there := l.s3.objects[have+"/_metadata"]
			if there && strings.HasSuffix(original, "-"+have[strings.LastIndex(have, "/")+1:]) {
				l.counts[dir] = n
			}
		}
		return
	}
	l.counts[dir] = l.events
	if strings.Contains(dir, "/checkpoints/") {
		l.committed = l.events
	}
}

// watch follows the cluster that leads.
func (l *lossWorld) watch(pod *corev1.Pod, c *flinksim.Cluster, stepped bool) {
	conf := l.confOf(pod)
	id := conf[flinkconf.JobID]
	if !stepped {
		l.running = false
		return
	}
	state := stateOf(c, id)
	if state == "FINISHED" && l.running { // with a savepoint, which commits
		l.committed = l.events
	}
	if state == "RUNNING" && !l.running {
		l.started(id, conf[flinkconf.Restore])
	}
	if l.running = state == "RUNNING"; l.running {
		l.events++
	}
}

// started takes the count from what the job starts with: its last checkpoint, or what it was given.
func (l *lossWorld) started(id, restore string) {
	from := ""
	for dir := range l.counts {
		number := func(dir string) int { n, _ := strconv.Atoi(dir[strings.LastIndex(dir, "-")+1:]); return n }
		_, there := l.s3.objects[dir+"/_metadata"]
		if strings.Contains(dir, "/checkpoints/") && strings.Contains(dir, "/"+id+"/") && there &&
			(from == "" || number(dir) > number(from)) {
			from = dir
		}
	}
	count, known := l.base[id]
	switch bucket, key := flinkconf.SplitURI(restore); {
	case from != "":
		count = l.counts[from]
	case known: // its own start is in its high-availability data
	case restore != "":
		from = bucket + "/" + strings.TrimSuffix(key, "/")
		count = l.counts[from]
		if _, there := l.s3.objects[from+"/_metadata"]; !there {
			l.losses = append(l.losses, "started from "+from+", which is not there")
		}
	}
	l.base[id] = count
	if count < l.committed && (l.allowed == "" || !strings.HasSuffix(from, l.allowed)) {
		l.losses = append(l.losses, fmt.Sprintf("started from %q with %d of %d events", from, count, l.committed))
	}
	l.events, l.committed = count, count
}

func (l *lossWorld) confOf(pod *corev1.Pod) flinkconf.Conf {
	for _, v := range pod.Spec.Volumes {
		if v.ConfigMap == nil {
			continue
		}
		o, err := l.Get(l.t.Context(), kube.KindConfigMap.Ref(team, v.ConfigMap.Name))
		if text, found, _ := unstructured.NestedString(o.Object, "data", flinkconf.ConfFile); err == nil && found {
			return flinkconf.Parse(text)
		}
	}
	return nil
}

func stateOf(c *flinksim.Cluster, id string) string {
	rec := httptest.NewRecorder()
	c.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/jobs/overview", nil))
	var all flinkrest.Jobs
	_ = json.Unmarshal(rec.Body.Bytes(), &all)
	for _, j := range all.Jobs {
		if j.ID == id {
			return j.State
		}
	}
	return ""
}

// errDead is what a call of a process that was killed would be.
var errDead = errors.New("our process was killed")

// call is one of our calls of the API server.
func (l *lossWorld) call() error {
	switch {
	case l.dead:
		return errDead
	case l.is("API server gone"):
		return kube.NewError("call", jobRef, kube.ReasonUnreachable, "connection refused")
	}
	return nil
}

// change is a call that changes something.
func (l *lossWorld) change(do func() error) error {
	if err := l.call(); err != nil {
		return err
	}
	l.calls++
	if l.onCall != nil {
		l.onCall(l.calls)
	}
	if l.dieAt == l.calls && !l.after {
		l.dead = true
	}
	if err := l.call(); err != nil { // what happened with the call itself
		return err
	}
	err := do()
	if l.dieAt == l.calls && l.after {
		l.dead = true
		return errDead
	}
	return err
}

// ourKube is the API server as our process has it.
type ourKube struct {
	*kubetest.Store
	l *lossWorld
}

func asked[T any](l *lossWorld, do func() (T, error)) (T, error) {
	if err := l.call(); err != nil {
		var none T
		return none, err
	}
	return do()
}

func (k ourKube) Get(ctx context.Context, ref kube.Ref) (*unstructured.Unstructured, error) {
	return asked(k.l, func() (*unstructured.Unstructured, error) { return k.Store.Get(ctx, ref) })
}

func (k ourKube) List(ctx context.Context, kind kube.Kind, o kube.ListOptions) ([]unstructured.Unstructured, error) {
	return asked(k.l, func() ([]unstructured.Unstructured, error) { return k.Store.List(ctx, kind, o) })
}

func (k ourKube) Pods(ctx context.Context, namespace, selector string) ([]kube.Pod, error) {
	return asked(k.l, func() ([]kube.Pod, error) { return k.Store.Pods(ctx, namespace, selector) })
}

func (k ourKube) Apply(ctx context.Context, o *unstructured.Unstructured) (out *unstructured.Unstructured, err error) {
	err = k.l.change(func() error { out, err = k.Store.Apply(ctx, o); return err })
	return out, err
}

func (k ourKube) Patch(ctx context.Context, ref kube.Ref, sub string, patch map[string]any) (
	out *unstructured.Unstructured, err error) {
	err = k.l.change(func() error { out, err = k.Store.Patch(ctx, ref, sub, patch); return err })
	return out, err
}

// ourBucket is S3 as our process has it.
type ourBucket struct{ l *lossWorld }

func (b ourBucket) call() error {
	if b.l.is("S3 denied to the command") {
		return denied("s3:ListBucket")
	}
	if b.l.dead {
		return errDead
	}
	return nil
}

func (b ourBucket) ListObjects(ctx context.Context, bucket, prefix string) ([]awsapi.Object, error) {
	if err := b.call(); err != nil {
		return nil, err
	}
	return b.l.s3.ListObjects(ctx, bucket, prefix)
}

func (b ourBucket) GetObject(ctx context.Context, bucket, key string) ([]byte, error) {
	if err := b.call(); err != nil {
		return nil, err
	}
	return b.l.s3.GetObject(ctx, bucket, key)
}

func (b ourBucket) PutObject(ctx context.Context, bucket, key string, body io.Reader, _ string) error {
	return b.l.change(func() error { return errors.Join(b.call(), b.l.s3.PutObject(ctx, bucket, key, body, "")) })
}

func (b ourBucket) CopyObject(ctx context.Context, bucket, key string, size int64, toBucket, toKey string) error {
	return errors.Join(b.call(), b.l.s3.CopyObject(ctx, bucket, key, size, toBucket, toKey))
}

func (b ourBucket) DeleteObjects(context.Context, string, ...string) error {
	return errors.New("nothing deletes a state")
}

// ourClock lets the world go on while our process waits.
type ourClock struct{ l *lossWorld }

func (c ourClock) Now() time.Time { return c.l.clock.t }

func (c ourClock) Sleep(ctx context.Context, _ time.Duration) error {
	l := c.l
	if l.dead {
		return errDead
	}
	l.tick()
	l.ticks++
	if l.onTick != nil {
		l.onTick(l.ticks)
	}
	if l.dieTick == l.ticks {
		l.dead = true
		return errDead
	}
	return ctx.Err()
}

// store is the job as our commands have it.
func (l *lossWorld) store() flinkjob.Store {
	const at = "s3://b/team/"
	k := ourKube{Store: l.Store, l: l}
	return flinkjob.Store{
		Job: "basic", Namespace: team, Bucket: ourBucket{l}, Detached: at + "detached/basic",
		Below: []string{at + "checkpoints/basic", at + "savepoints/basic", at + "detached/basic"},
		Running: &flinkjob.Running{Ref: jobRef, Runner: flinkjob.Runner{
			Kube: k, Objects: ourBucket{l}, Upload: ourBucket{l}, Clock: ourClock{l}, Poll: time.Second,
			Timeout: 90 * time.Second, Grace: 20 * time.Second, Heartbeat: time.Hour,
		}},
	}
}

func (l *lossWorld) upgrade(value any, path ...string) error {
	s := l.store()
	o, err := s.Running.Runner.Kube.Get(l.t.Context(), jobRef)
	if err != nil {
		return err
	}
	spec, _, _ := unstructured.NestedMap(o.Object, "spec")
	require.NoError(l.t, unstructured.SetNestedField(spec, value, path...))
	return l.apply(flinkjob.Upgrade{Spec: spec})
}

func (l *lossWorld) apply(u flinkjob.Upgrade) error {
	s := l.store()
	p, err := s.PlanUpgrade(l.t.Context(), u)
	if err == nil {
		_, err = s.Upgrade(l.t.Context(), u, p, nil)
	}
	return err
}

func (l *lossWorld) restore(state string) error {
	s := l.store()
	st, err := s.Get(l.t.Context(), state)
	if err == nil {
		_, err = s.Restore(l.t.Context(), st, flinkjob.Restoring{Start: true, Newest: state == ""}, nil)
	}
	return err
}
