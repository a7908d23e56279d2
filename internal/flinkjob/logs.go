// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"emrflink/internal/kube"
)

// LogReader reads the logs of pods, each line behind its time.
type LogReader interface {
	PodLogs(ctx context.Context, namespace, pod string, o kube.LogOptions) (io.ReadCloser, error)
}

var _ LogReader = (*kube.Client)(nil)

// LogOptions chooses what Logs gives.
type LogOptions struct {
	From     string // a place of LogPlaces; "" is the pods
	Role     string // RoleJobManager, RoleTaskManager; "" is all
	Follow   bool   // go on with what is written
	Previous bool   // of the containers before their last restart
	Since    time.Duration
	Tail     int    // the last lines of each pod only; 0 is all
	Query    string // entries that a LogQuery asks for; "" is all
}

// Entry is one entry of a log: a line, and what belongs to it, as a stack trace does.
type Entry struct {
	At    time.Time
	Pod   string
	Lines []string
}

// Logs reads the logs of all pods of a job, in the order in which they were written, and calls each with every entry. With Follow
// it returns when ctx ends, or when all pods have ended; entries are then in the order in which they arrive.
func (j Running) Logs(ctx context.Context, o LogOptions, each func(Entry) error) error {
	d, err := j.read(ctx)
	if err != nil {
		return err
	}
	each = asked(o.Query, each)
	if o.From != "" && o.From != FromPods {
		all, err := j.sent(ctx, d, o)
		if err != nil {
			return err
		}
		return eachOf(all, each)
	}
	pods, err := j.Runner.Kube.Pods(ctx, d.Namespace, podSelector(d.cluster()))
	if err != nil {
		return fmt.Errorf("list the pods of job %q: %w", d.Name, err)
	}
	pods = slices.DeleteFunc(pods, func(p kube.Pod) bool { return o.Role != "" && roleOfPod(p) != o.Role })
	if len(pods) == 0 {
		return &NoPodsError{Job: d.Name, Role: o.Role}
	}
	var mu sync.Mutex
	var all []Entry
	take := func(e Entry) error {
		mu.Lock()
		defer mu.Unlock()
		if o.Follow {
			return each(e)
		}
		all = append(all, e)
		return nil
	}
	streams, ctx := errgroup.WithContext(ctx)
	for _, p := range pods {
		streams.Go(func() error {
			stream, err := j.Runner.Logs.PodLogs(ctx, p.Namespace, p.Name, kube.LogOptions{
				Container: mainContainer, Follow: o.Follow, Previous: o.Previous, Since: o.Since, Tail: o.Tail,
			})
			if err != nil {
				return err
			}
			defer stream.Close() // it was only read
			return entries(p.Name, stream, o.Follow, take)
		})
	}
	if err := streams.Wait(); err != nil {
		return fmt.Errorf("read the logs of job %q: %w", d.Name, err)
	}
	slices.SortStableFunc(all, func(a, b Entry) int { return a.At.Compare(b.At) })
	return eachOf(all, each)
}

func eachOf(all []Entry, each func(Entry) error) error {
	for _, e := range all {
		if err := each(e); err != nil {
			return err
		}
	}
	return nil
}

// NoPodsError says that nobody is there to ask for a log.
type NoPodsError struct{ Job, Role string }

// Error implements error.
func (e *NoPodsError) Error() string {
	return fmt.Sprintf("job %q has no %s: their logs are where its log settings send them (CloudWatch, S3)", e.Job,
		joinNonEmpty(" ", e.Role, "pods"))
}

// Code is a stable id of the failure.
func (e *NoPodsError) Code() string { return "flinkjob.no-pods" }

// Hint says how to find out why.
func (e *NoPodsError) Hint() string { return "emrflink job status " + e.Job }

// pause is how long the next line of an entry may take.
const pause = 100 * time.Millisecond

// timedLine is a line of a log and when it was written.
type timedLine struct {
	at   time.Time
	text string
}

// timedLines sends the lines of a stream until it ends, or stopped does; what ended it, if not its end, is in failed.
func timedLines(stream io.Reader, stopped <-chan struct{}) (lines <-chan timedLine, failed <-chan error) {
	out, errs := make(chan timedLine), make(chan error, 1)
	go func() {
		defer close(out)
		r := bufio.NewReaderSize(stream, 64<<10)
		for {
			raw, err := r.ReadString('\n')
			if raw != "" {
				whole := strings.TrimRight(raw, "\r\n")
				stamp, text, _ := strings.Cut(whole, " ")
				at, untimed := time.Parse(time.RFC3339Nano, stamp)
				if untimed != nil { // of a server that gives no times
					text = whole
				}
				select {
				case out <- timedLine{at, text}:
				case <-stopped:
					return
				}
			}
			if err != nil {
				if !errors.Is(err, io.EOF) {
					errs <- err
				}
				return
			}
		}
	}()
	return out, errs
}

// entries reads lines with their times, and gives each with those that continue it. When they are followed, an entry whose next
// line does not come is over.
func entries(pod string, stream io.Reader, follow bool, take func(Entry) error) error {
	stopped := make(chan struct{})
	defer close(stopped)
	lines, failed := timedLines(stream, stopped)
	var now *Entry
	flush := func() error {
		e := now
		now = nil
		if e == nil {
			return nil
		}
		return take(*e)
	}
	for {
		var over <-chan time.Time
		if follow && now != nil {
			over = time.After(pause)
		}
		var err error
		select {
		case l, more := <-lines:
			switch {
			case !more:
				select {
				case err = <-failed:
				default:
				}
				return errors.Join(flush(), err)
			case now != nil && continues(l.text):
				now.Lines = append(now.Lines, l.text)
			default:
				err = flush()
				now = &Entry{At: l.at, Pod: pod, Lines: []string{l.text}}
			}
		case <-over:
			err = flush()
		}
		if err != nil {
			return err
		}
	}
}

// continues tells whether a line belongs to the one before, as those of a Java stack trace do: log4j's begin with their time.
func continues(line string) bool {
	return line == "" || line[0] == '\t' || line[0] == ' ' || strings.HasPrefix(line, "Caused by: ") ||
		!strings.ContainsAny(line[:1], "0123456789[{") && strings.Contains(line, "Exception")
}
