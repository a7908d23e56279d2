// SPDX-License-Identifier: Apache-2.0

// Package logsidecar plays the log sidecar that EMR puts into Flink's pods: what the main container prints goes to CloudWatch and
// to S3, with the credentials of the pod's role. Trouble of the sidecar is no trouble of the job.
//
// As AWS documents it: the streams <prefix>/<pod>/STDOUT and STDERR, the objects <logUri>/<pod>/stdout.gz and stderr.gz, the
// names of rotated ones (stdout_YYYYMMDD_<index>.gz) and the sizes of rotation. Not known for sure, and ours: how often it
// sends, that the object of now is written anew each time, that the size is that of the text and not of the object, and that
// the index begins at 0 with each pod. maxFilesToKeep is about files in the container, of which there are none here: S3
// keeps all.
package logsidecar

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"emrflink/internal/awsapi"
	"emrflink/internal/localcloud/kubelet"
	"emrflink/internal/localcloud/podlog"
)

// Session is the AWS API with the credentials of a pod's role.
type Session interface {
	PutObject(ctx context.Context, bucket, key string, body io.Reader, contentType string) error
	LogGroupExists(ctx context.Context, group string) (bool, error)
	PutLogEvents(ctx context.Context, group, stream string, events []awsapi.LogEvent) error
}

var _ Session = (*awsapi.Client)(nil)

// Options of a Runtime. Assume is required.
type Options struct {
	// Assume exchanges the token of a service account for its role's credentials.
	Assume func(ctx context.Context, namespace, serviceAccount, session string) (Session, error)
	Logger *slog.Logger // nil: discarded
}

// Runtime runs pods as another Runtime does, and their sidecars beside them.
type Runtime struct {
	kubelet.Runtime
	o Options

	mu   sync.Mutex
	kept map[types.UID]*objects // of pods whose main container may be started again
}

var _ kubelet.Holder = (*Runtime)(nil)

// With gives the pods of a Runtime their sidecars.
func With(r kubelet.Runtime, o Options) *Runtime {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Runtime{Runtime: r, o: o, kept: map[types.UID]*objects{}}
}

// Holds asks the other Runtime.
func (r *Runtime) Holds(p *corev1.Pod) (reason, why string) {
	if h, is := r.Runtime.(kubelet.Holder); is {
		return h.Holds(p)
	}
	return "", ""
}

const (
	sessionLife = 45 * time.Minute // sessions are asked for an hour
	// lastSend is how long the sidecar may take for the last lines.
	lastSend = 3 * time.Second
	// sendEvents and sendObjects are the times between two looks at what there is to send. An object is written as a whole, and
	// the bucket keeps all versions: the older it is, the longer it waits.
	sendEvents  = time.Second
	sendObjects = 10 * time.Second
	shareOfAge  = 10
)

// Run implements kubelet.Runtime.
func (r *Runtime) Run(ctx context.Context, s kubelet.Sandbox) kubelet.Exit {
	to, ok := destinationOf(s.Pod)
	if !ok {
		return r.Runtime.Run(ctx, s)
	}
	c := &sidecar{
		o: r.o, pod: s.Pod, to: to, ended: make(chan struct{}), events: map[string][]awsapi.LogEvent{}, began: time.Now(),
		objects: r.objects(s.Pod, to),
	}
	var sending sync.WaitGroup
	sending.Go(func() { c.follow(s.Log) })
	end := r.Runtime.Run(ctx, s)
	close(c.ended)
	sending.Wait()
	if ctx.Err() != nil || s.Pod.Spec.RestartPolicy == corev1.RestartPolicyNever {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.kept, s.Pod.UID)
	}
	return end
}

// objects are those of a pod: a main container that is started again goes on with them.
func (r *Runtime) objects(p *corev1.Pod, to destination) *objects {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept[p.UID] == nil {
		r.kept[p.UID] = to.objects(p.Name)
	}
	return r.kept[p.UID]
}

// sidecar is that of one run of a pod.
type sidecar struct {
	o     Options
	pod   *corev1.Pod
	to    destination
	ended chan struct{} // the main container

	session Session
	until   time.Time
	events  map[string][]awsapi.LogEvent // by stream, not sent yet
	objects *objects
	looked  bool // for the log group
	began   time.Time
	sent    time.Time // events
	stored  time.Time // objects
	failed  bool      // it was said
}

// follow sends what is printed until the main container has ended.
func (c *sidecar) follow(path string) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-c.ended:
			time.AfterFunc(lastSend, cancel)
		case <-stop:
		}
	}()
	running := func() bool {
		select {
		case <-c.ended:
			return false
		default:
			return true
		}
	}
	err := podlog.Follow(ctx, path, podlog.Options{Running: running}, c.take, func() { c.send(ctx, !running()) })
	c.report(err)
	c.send(ctx, true)
}

// take notes a line.
func (c *sidecar) take(e podlog.Entry) error {
	if c.to.group != "" {
		c.events[e.Stream] = append(c.events[e.Stream], awsapi.LogEvent{Time: e.Time, Message: trimEnd(e.Text)})
	}
	c.objects.add(e)
	return nil
}

// send sends what is due; all means that there will be no more.
func (c *sidecar) send(ctx context.Context, all bool) {
	events := all || time.Since(c.sent) >= sendEvents
	objects := all || time.Since(c.stored) >= max(sendObjects, time.Since(c.began)/shareOfAge)
	if ctx.Err() != nil || !events && !objects || c.nothing() {
		return
	}
	err := c.assume(ctx)
	if err == nil && events {
		c.sent = time.Now()
		err = c.sendEvents(ctx)
	}
	if err == nil && objects {
		c.stored = time.Now()
		err = c.objects.store(ctx, c.session)
	}
	c.report(err)
}

func (c *sidecar) nothing() bool {
	for _, events := range c.events {
		if len(events) > 0 {
			return false
		}
	}
	return !c.objects.changed()
}

// report says once what goes wrong: it goes wrong again each time.
func (c *sidecar) report(err error) {
	if err != nil && !c.failed {
		c.o.Logger.Warn("the log sidecar of a pod cannot send", "pod", c.pod.Namespace+"/"+c.pod.Name, "error", err)
	}
	c.failed = err != nil
}

func (c *sidecar) assume(ctx context.Context) error {
	if c.session != nil && time.Now().Before(c.until) {
		return nil
	}
	s, err := c.o.Assume(ctx, c.pod.Namespace, c.pod.Spec.ServiceAccountName, "logs-"+c.pod.Namespace)
	if err == nil {
		c.session, c.until = s, time.Now().Add(sessionLife)
	}
	return err
}

// mostEvents is how many one call takes, and keeps of what could not be sent.
const mostEvents = 10_000

func (c *sidecar) sendEvents(ctx context.Context) error {
	if !c.looked && c.to.group != "" { // as fluentd's plugin for CloudWatch does before it writes
		if _, err := c.session.LogGroupExists(ctx, c.to.group); err != nil {
			return err
		}
		c.looked = true
	}
	for stream, events := range c.events {
		for len(events) > 0 {
			n := min(len(events), mostEvents)
			if err := c.session.PutLogEvents(ctx, c.to.group, c.to.stream(c.pod.Name, stream), events[:n]); err != nil {
				c.events[stream] = events[max(0, len(events)-mostEvents):]
				return err
			}
			events = events[n:]
		}
		delete(c.events, stream)
	}
	return nil
}
